import type { Prices } from '../../core/cost/prices.ts';
import type { Refusal } from '../../core/work/budget/admission.ts';
import { refusalToError, toRefusal } from '../../core/work/budget/admission.ts';
import type { Spender } from '../../core/work/budget/limit.ts';
import { toEnd } from '../../core/work/transition.ts';
import type { CreationAnswer, WorkCreation, WorkRow } from '../../core/work/work.ts';
import { answerToResult } from '../../core/work/creation.ts';
import type { RunRequest } from '../../core/work/request.ts';
import type { RuntimeParts } from '../parts.ts';
import type { CreatedRun } from '../runs/creation.ts';
import { toCreation, writeCreation } from '../runs/creation.ts';
import type { BudgetGate, BudgetGateParts } from './gate.ts';
import { createBudgetGate } from './gate.ts';
import { createStopWatch } from './stop-watch.ts';

/** How budgets are bound to the runs of a process. */
export interface BudgetsOptions extends Pick<
  BudgetGateParts,
  'outputTokensDefault' | 'inputTokensDefault' | 'holdMs' | 'retryMs'
> {
  /** What calls cost; without prices every limit in money refuses. */
  readonly prices: Prices | null;
}

/** Budgets of the runs of a process. */
export interface Budgets {
  /** The gate of a run's calls, to be given to `joinRun` and to be closed before the run's end is written. `callerId` is the caller's name. */
  gateFor(row: WorkRow, callerId: string | null): BudgetGate;
  /** Why a run of this spender could make no call now; `null` when it could. Writes nothing; remembered for half a second, as a hint. */
  refusalOf(projectId: string, spender: Spender): Promise<Refusal | null>;
  /** Takes back reservations that were held too long, of all projects. Gives how many. */
  expire(): Promise<number>;
}

/** The keyed digest that a caller is known by in the ledger. */
export function callerToDigest(parts: Pick<RuntimeParts, 'secretsOf'>, projectId: string, callerId: string): string {
  return parts.secretsOf(projectId).digest(['caller', callerId]);
}

function toSpender(parts: RuntimeParts, row: WorkRow, callerId: string | null): Spender {
  const { projectId, runId, agentId } = row;
  return { runId, agentId, caller: callerId === null ? null : callerToDigest(parts, projectId, callerId) };
}

const expirePageSize = 100;

/** An answer is asked for again after so long; a run that slips through meanwhile is refused at its first call. */
const hintMs = 500;
const hintsMax = 10_000;

/** Remembers that there was room, for as long as that may be believed. */
function createHints(nowMs: () => number): {
  of(key: string, ask: () => Promise<Refusal | null>): Promise<Refusal | null>;
} {
  const hintByKey = new Map<string, { readonly untilMs: number; readonly answer: Promise<Refusal | null> }>();
  return {
    of(key, ask) {
      const known = hintByKey.get(key);
      if (known !== undefined && known.untilMs > nowMs()) return known.answer;
      if (hintByKey.size >= hintsMax) hintByKey.clear();
      const answer = ask();
      hintByKey.set(key, { untilMs: nowMs() + hintMs, answer });
      // A refusal is never remembered: it would outlive its cause, and fail a run that has room.
      answer.then(
        (refusal) => refusal !== null && hintByKey.delete(key),
        () => hintByKey.delete(key),
      );
      return answer;
    },
  };
}

/** Budgets over the parts of a runtime. */
export function createBudgets(parts: RuntimeParts, options: BudgetsOptions): Budgets {
  const ledger = parts.work.budgets;
  const { clock, ids, onError } = parts;
  const hints = createHints(() => clock.monotonicMs());
  const stops = createStopWatch(ledger);
  const askLedger = async (projectId: string, spender: Spender): Promise<Refusal | null> => {
    const [stops, platform, own] = await Promise.all([
      ledger.stops(projectId),
      ledger.platformBalance(),
      ledger.balance(projectId, spender),
    ]);
    const standings = platform === null ? own : [platform, ...own];
    // The least that a call can ask for: whoever has no room for it can make none.
    return toRefusal(stops.platform || stops.project, standings, { nanoUsd: 1, tokens: 1 });
  };
  return {
    gateFor(row, callerId) {
      const { projectId, rootRunId } = row;
      return createBudgetGate({
        ...options,
        ...{ ledger, clock, ids, onError, stops },
        run: { ...toSpender(parts, row, callerId), projectId, rootRunId },
        scribe: parts.scribeOf(projectId),
        settleRecord: () => parts.recorderOf(projectId).settle(),
      });
    },
    refusalOf: (projectId, spender) =>
      hints.of(JSON.stringify([projectId, spender.agentId, spender.caller]), () => askLedger(projectId, spender)),
    async expire() {
      let count = 0;
      for (;;) {
        const expired = await ledger.expire(
          expirePageSize,
          ({ runId, rootRunId, stepId, reservationId }, projectId) => {
            const facts = { kind: 'expire', reservationId, nanoUsd: 0, tokens: 0 } as const;
            return [parts.scribeOf(projectId).budget({ runId, rootRunId, stepId }, facts)];
          },
        );
        count += expired;
        if (expired < expirePageSize) return count;
      }
    },
  };
}

/**
 * Creates a run that the budget refuses: no worker ever sees it, and it ends at once as failed, `budget_exceeded`, without
 * a call. A key that has a run already keeps it.
 */
export async function refuseForBudget(
  parts: RuntimeParts,
  of: { readonly projectId: string; readonly creation: WorkCreation; readonly refusal: Refusal },
): Promise<CreationAnswer> {
  const { projectId, refusal } = of;
  // Without a time from which on it may be taken, no worker can be quicker than its end.
  const row: WorkRow = { ...of.creation.row, queueAtMs: null };
  const [answer] = await parts.work.create(projectId, [{ ...of.creation, row }]);
  if (answer!.duplicate) return answer!;
  const { code, message } = refusalToError(refusal);
  const nowMs = await parts.work.nowMs();
  const end = toEnd(row, { endReason: 'budget_exceeded', nowMs, failure: { code, message } });
  if (end.type === 'run-start') return answer!;
  const entries = [parts.scribeOf(projectId).change(row, end, nowMs)];
  const expected = { state: row.state, leaseEpoch: row.leaseEpoch, isHeld: false };
  await parts.work.change(projectId, [{ runId: row.runId, expected, next: end.next, entries }]);
  return answer!;
}

/** Creates a run as `createRun` does; one that could make no call now is created as failed, and no worker sees it. */
export async function createRunWithinBudget(
  parts: RuntimeParts,
  budgets: Budgets,
  of: { readonly projectId: string; readonly request: RunRequest },
): Promise<CreatedRun> {
  const { projectId, request } = of;
  const creation = await toCreation(parts, projectId, request);
  const refusal = await budgets.refusalOf(projectId, toSpender(parts, creation.row, request.callerId ?? null));
  if (refusal === null) return writeCreation(parts, projectId, creation);
  return answerToResult(creation, await refuseForBudget(parts, { projectId, creation, refusal }));
}
