import { TachographError } from '../../error.ts';
import type { BudgetAlert, ReserveOrder } from '../budget-ledger.ts';
import type { Refusal, Standing } from './admission.ts';
import { toPassed, toRefusal } from './admission.ts';
import type { BudgetEntry } from './entry.ts';
import { nextSettle } from './entry.ts';
import type { Amount, BudgetLimit } from './limit.ts';
import { budgetLayers, timeToDay, windowStartMs } from './limit.ts';

/** The ledger as a store sees it under its lock, at one moment. */
export interface LedgerView {
  readonly projectId: string;
  readonly nowMs: number;
  /** The emergency stop of the project or of the platform is on. */
  readonly isStopped: boolean;
  /** Limits that bind the spender, the platform's first. */
  readonly standings: readonly Standing[];
}

/** What a store writes of one order. */
export interface LedgerPlan {
  readonly refusal: Refusal | null;
  /** `null`: nothing is written. */
  readonly entry: BudgetEntry | null;
  readonly expiresAtMs: number;
  /** Thresholds that are passed; those that were told today are told no more. */
  readonly alerts: readonly BudgetAlert[];
}

function toAlerts(
  view: LedgerView,
  standings: readonly Standing[],
  refusal: Refusal | null = null,
): readonly BudgetAlert[] {
  const day = timeToDay(view.nowMs);
  return toPassed(standings, refusal).map(({ standing, threshold }): BudgetAlert => {
    const { limit, scope, used } = standing;
    const projectId = limit.layer === 'platform' ? null : view.projectId;
    const { layer, nanoUsdMax, tokensMax } = limit;
    const id = JSON.stringify([projectId, layer, scope, day, threshold]);
    return { id, projectId, layer, scope, threshold, day, atMs: view.nowMs, used, nanoUsdMax, tokensMax };
  });
}

/** A reservation by all layers. What asks for nothing is only asked about: it is written nowhere. */
export function planReserve(view: LedgerView, order: ReserveOrder): LedgerPlan {
  const { nowMs } = view;
  const { amount, runId, rootRunId, agentId, caller, reservationId, stepId } = order;
  const refusal = toRefusal(view.isStopped, view.standings, amount);
  const expiresAtMs = nowMs + order.holdMs;
  if (refusal !== null) return { refusal, entry: null, expiresAtMs, alerts: toAlerts(view, view.standings, refusal) };
  const isFree = amount.nanoUsd === 0 && amount.tokens === 0;
  const entry: BudgetEntry = {
    ...{ runId, rootRunId, agentId, caller, reservationId, stepId },
    ...{ kind: 'reserve', atMs: nowMs, countsAtMs: nowMs, amount },
  };
  return { refusal, entry: isFree ? null : entry, expiresAtMs, alerts: [] };
}

/** Standings as they are after one more entry. */
function withEntry(standings: readonly Standing[], entry: BudgetEntry, nowMs: number): readonly Standing[] {
  const { nanoUsd, tokens } = entry.amount;
  return standings.map((standing) =>
    entry.countsAtMs < windowStartMs(standing.limit.layer, nowMs)
      ? standing
      : {
          ...standing,
          used: { nanoUsd: standing.used.nanoUsd + (nanoUsd ?? 0), tokens: standing.used.tokens + tokens },
        },
  );
}

/** The settlement of a reservation, by its entries so far; `null` when it has ended before. */
export function planSettle(
  view: LedgerView,
  entries: readonly BudgetEntry[],
  spent: Amount,
): Pick<LedgerPlan, 'entry' | 'alerts'> | null {
  const entry = nextSettle(entries, spent, view.nowMs);
  return entry === null ? null : { entry, alerts: toAlerts(view, withEntry(view.standings, entry, view.nowMs)) };
}

const isAmount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

function refuse(what: string): never {
  throw new TachographError('bad-argument', what);
}

/** Refuses an amount that is none, `bad-argument`: it would make the ledger's sums worth nothing. */
export function checkAmount({ nanoUsd, tokens }: Amount): void {
  if ((nanoUsd === null || isAmount(nanoUsd)) && isAmount(tokens)) return;
  refuse(`The amount ${nanoUsd} nano-USD and ${tokens} tokens cannot be spent: give whole numbers of at least 0.`);
}

/** Refuses an order that names nobody or no time. */
export function checkOrder(order: ReserveOrder): void {
  checkAmount(order.amount);
  if (order.holdMs > 0 && order.reservationId !== '') return;
  refuse('A reservation needs an id and a time to be held for.');
}

/** Refuses a limit that no layer can have: of another's scope, or not a whole number. */
export function checkLimit(projectId: string | null, limit: BudgetLimit): void {
  const { layer, scope, nanoUsdMax, tokensMax } = limit;
  if (!budgetLayers.includes(layer)) refuse(`There is no budget layer "${String(layer)}".`);
  if ((layer === 'platform') !== (projectId === null))
    refuse(`A limit of the layer "${layer}" ${layer === 'platform' ? 'is of no project' : 'needs a project'}.`);
  const isWide = layer === 'platform' || layer === 'project';
  if (isWide !== (scope === ''))
    refuse(`A limit of the layer "${layer}" ${isWide ? 'has no scope' : 'says whose it is, or "*" for each'}.`);
  for (const max of [nanoUsdMax, tokensMax])
    if (max !== null && !isAmount(max)) refuse(`A limit is ${max}; give a whole number of at least 0, or null.`);
}
