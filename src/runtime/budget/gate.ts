import type { Clock } from '../../core/clock.ts';
import type { Prices } from '../../core/cost/prices.ts';
import { TachographError } from '../../core/error.ts';
import type { IdSource } from '../../core/id.ts';
import type { BudgetLedger } from '../../core/work/budget-ledger.ts';
import { budgetStopToError, refusalToError } from '../../core/work/budget/admission.ts';
import { answerToTokens, tokensToAmount, usageToTokens } from '../../core/work/budget/estimate.ts';
import type { Amount, Spender } from '../../core/work/budget/limit.ts';
import type { CallGate, CallOutcome, CallPass, CallProgress, GovernedCall } from '../../core/work/gate.ts';
import { freePass } from '../../core/work/gate.ts';
import type { Scribe } from '../../core/work/scribe.ts';
import type { StopWatch } from './stop-watch.ts';

/** The run that a gate is for. */
export interface GatedRun extends Spender {
  readonly projectId: string;
  readonly rootRunId: string;
}

/** What a gate works with. Times in milliseconds. */
export interface BudgetGateParts {
  readonly run: GatedRun;
  readonly ledger: BudgetLedger;
  readonly prices: Prices | null;
  readonly scribe: Scribe;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Cuts off calls that are out when the emergency stop is put on; left out, they end by themselves. */
  readonly stops?: StopWatch;
  /** Resolves when what was recorded is where it must be before a call leaves (I3); rejects with `E-RUN-007`. */
  readonly settleRecord?: () => Promise<void>;
  /** Told of spending that could not be settled. */
  readonly onError?: (error: unknown) => void;
  /** Reserved for an answer whose size nobody limits; 8,192 tokens unless said. */
  readonly outputTokensDefault?: number;
  /** Reserved for a request whose size is not known; 8,192 tokens unless said. */
  readonly inputTokensDefault?: number;
  /** A reservation without an end expires after so long; 15 minutes unless said. */
  readonly holdMs?: number;
  /** Pause before the settlement of a ledger that is away is tried again, doubled each time; 250 unless said. */
  readonly retryMs?: number;
}

/** The gate of one run's calls. */
export interface BudgetGate extends CallGate {
  /** Ends the passes that are still out at what was counted last, and resolves when all that was spent is settled. */
  close(): Promise<void>;
}

const tokensDefault = 8192;
const holdMsDefault = 15 * 60 * 1000;
const settleTries = 12;
const pauseMsMax = 10_000;

/** Words are counted by their bytes, which is up to half off: within that, the provider's own limit is believed. */
const limitSlack = 1.5;

/** A call that is out: what was reserved for it, and what it has used by all that is known. */
interface OpenCall {
  readonly call: GovernedCall;
  readonly reservationId: string;
  readonly reserved: Amount;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly timeMs: number;
}

/** Tokens that have come out by the bytes of their words. */
function countOutput({ call }: OpenCall, bytes: number): number {
  const counted = answerToTokens(bytes);
  const max = call.outputTokensMax;
  return max !== null && counted <= max * limitSlack + 16 ? Math.min(counted, max) : counted;
}

/** What a call has used while it is under way. A provider's count of a beginning may be less than what has come since. */
function progressToTokens(open: OpenCall, { usage, outputBytes }: CallProgress): { input: number; output: number } {
  const counted = countOutput(open, outputBytes);
  const told = usage?.output.total ?? 0;
  const input = usage === null ? open.inputTokens : usageToTokens(usage, { input: open.inputTokens, output: 0 });
  return { input: usage === null ? input : input - told, output: Math.max(counted, told) };
}

function toAmount(open: OpenCall, tokens: { input: number; output: number }, prices: Prices | null): Amount {
  const { provider, model } = open.call;
  return tokensToAmount({ provider, model, timeMs: open.timeMs }, tokens, prices);
}

/** What a call that ended has spent; a cost that nobody tells is that of its tokens, and without a price what was reserved. */
function outcomeToAmount(open: OpenCall, outcome: CallOutcome, prices: Prices | null): Amount {
  if (outcome.isUnseen === true) return open.reserved;
  const { usage, usageRaw, cost } = outcome;
  const estimate = progressToTokens(open, outcome);
  if (outcome.isWhole !== true || usage === null) return toAmount(open, estimate, prices);
  const tokens = usageToTokens(usage, estimate);
  const { provider, model } = open.call;
  const told = cost?.nanoUsd ?? prices?.estimate({ provider, model, timeMs: open.timeMs, usage, usageRaw }).nanoUsd;
  return { nanoUsd: told ?? toAmount(open, estimate, prices).nanoUsd, tokens };
}

/**
 * Whether a call has passed its reservation. What went in is spent when it becomes known, and cutting off the answer brings
 * nothing of it back: where it was more than estimated, the answer keeps what was reserved for it.
 */
function isOver(open: OpenCall, progress: CallProgress, prices: Prices | null): boolean {
  const { input, output } = progressToTokens(open, progress);
  if (output > open.outputTokens) return true;
  const counted = toAmount(open, { input: Math.min(input, open.inputTokens), output }, prices);
  const { nanoUsd } = open.reserved;
  return counted.nanoUsd !== null && nanoUsd !== null && counted.nanoUsd > nanoUsd;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms).unref());

/**
 * The gate of a run with budgets: what a call may use is reserved before it leaves, and what it used is settled when it
 * ends. When the ledger cannot be reached no call leaves (`E-RUN-007`).
 */
export function createBudgetGate(parts: BudgetGateParts): BudgetGate {
  const { run, ledger, prices, scribe, clock, ids } = parts;
  const { outputTokensDefault = tokensDefault, inputTokensDefault = tokensDefault, holdMs = holdMsDefault } = parts;
  const out = new Set<{ leave(): void }>();
  const settling = new Set<Promise<void>>();

  const write = (open: OpenCall, kind: 'reserve' | 'settle' | 'release', amount: Amount) => {
    const { runId, stepId } = open.call;
    // A step of a run inside this one is none of this run's record.
    const at = { runId: run.runId, rootRunId: run.rootRunId, stepId: runId === run.runId ? stepId : null };
    return [scribe.budget(at, { kind, reservationId: open.reservationId, ...amount })];
  };

  const toOpen = (call: GovernedCall): OpenCall => {
    const isTool = call.kind === 'tool';
    const inputTokens = isTool ? 0 : (call.inputTokens ?? inputTokensDefault);
    const outputTokens = isTool ? 0 : (call.outputTokensMax ?? outputTokensDefault);
    const timeMs = clock.nowMs();
    const { provider, model } = call;
    const tokens = { input: inputTokens, output: outputTokens };
    const reserved = isTool ? { nanoUsd: 0, tokens: 0 } : tokensToAmount({ provider, model, timeMs }, tokens, prices);
    return { call, reservationId: ids.uuid(), reserved, inputTokens, outputTokens, timeMs };
  };

  const reserve = async (open: OpenCall): Promise<void> => {
    const { reservationId, reserved: amount, call } = open;
    const { runId, rootRunId, agentId, caller } = run;
    const entries = call.kind === 'tool' ? [] : write(open, 'reserve', amount);
    const spender = { runId, rootRunId, agentId, caller };
    let refusal;
    try {
      const order = { ...spender, reservationId, stepId: call.stepId, amount, holdMs, entries };
      ({ refusal } = await ledger.reserve(run.projectId, order));
    } catch (cause) {
      throw new TachographError(
        'E-RUN-007',
        'The call was not made: the ledger of budgets cannot be reached, and without it nothing is spent. Check the store.',
        { cause },
      );
    }
    if (refusal !== null) throw refusalToError(refusal);
  };

  /** Tried again while the ledger is away: what was spent must not be forgotten when the reservation expires. */
  const settle = async (open: OpenCall, spent: Amount | null): Promise<void> => {
    const { reservationId } = open;
    const entries = spent === null ? write(open, 'release', { nanoUsd: 0, tokens: 0 }) : write(open, 'settle', spent);
    let pauseMs = parts.retryMs ?? 250;
    for (let tries = 1; ; tries += 1) {
      try {
        if (spent === null) await ledger.release(run.projectId, { reservationId, entries });
        else await ledger.settle(run.projectId, { reservationId, spent, entries });
        return;
      } catch (error) {
        if (tries >= settleTries) return parts.onError?.(error);
        await wait(pauseMs);
        pauseMs = Math.min(pauseMsMax, pauseMs * 2);
      }
    }
  };

  const createPass = (open: OpenCall): CallPass => {
    const cut = new AbortController();
    let refusal: Error | null = null;
    let ended: Promise<void> | null = null;
    let last: CallProgress = { usage: null, outputBytes: 0 };
    const end = (outcome: CallOutcome): Promise<void> => {
      if (ended !== null) return ended;
      out.delete(held);
      unwatch?.();
      // Until it has answered, nothing says that the provider was at work.
      ended = settle(open, outcome.isUsed ? outcomeToAmount(open, outcome, prices) : null);
      const settled = ended.finally(() => void settling.delete(settled));
      settling.add(settled);
      return ended;
    };
    const held = { leave: () => void end({ ...last, isUsed: true }) };
    out.add(held);
    const refuse = (error: Error): void => {
      if (ended !== null || refusal !== null) return;
      refusal = error;
      cut.abort(error);
    };
    const unwatch = parts.stops?.watch(run.projectId, () => refuse(budgetStopToError()));
    return {
      note(progress) {
        last = progress;
        if (ended !== null || refusal !== null) return refusal === null;
        if (!isOver(open, progress, prices)) return true;
        refuse(
          new TachographError(
            'E-BUDGET-004',
            `The call was cut off: it used more than the ${open.outputTokens} tokens that were reserved for its answer. Say how much may come out (max tokens), or raise the default of the gate.`,
          ),
        );
        return false;
      },
      get refusal() {
        return refusal;
      },
      signal: cut.signal,
      end,
    };
  };

  return {
    async enter(call) {
      await parts.settleRecord?.();
      const open = toOpen(call);
      await reserve(open);
      return call.kind === 'tool' ? freePass : createPass(open);
    },
    async close() {
      for (const held of [...out]) held.leave();
      await Promise.all(settling);
    },
  };
}
