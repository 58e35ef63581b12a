import type { RetryClass } from '../model/attempt.ts';
import type { Cost } from '../model/cost.ts';
import type { EndReason, RunSource, RunStatus } from '../model/run.ts';
import type { BlockReason, PrefixBreak, StepKind, StepStatus, ToolResultStatus } from '../model/step.ts';
import type { Usage } from '../model/usage.ts';
import type { EntryKind } from '../work/budget/entry.ts';
import type { StateCause } from '../work/state.ts';

/** Facts of `run-create`. */
export interface RunCreateFacts {
  readonly parentRunId: string | null;
  readonly parentStepId: string | null;
  readonly rootRunId: string;
  readonly source: RunSource;
  readonly dryRun: boolean;
  readonly shadow: boolean;
  /** The run started in the moment it was created, as every recorded run does. */
  readonly started: boolean;
  readonly observedAfter: boolean;
  readonly durability: 'process' | 'power' | 'sink';
  /** Only of a run that was created as work: it waits for a worker. */
  readonly work?: RunWorkFacts;
}

/** What a run that was created as work was created with, in numbers. */
export interface RunWorkFacts {
  readonly priority: number;
  readonly attemptsMax: number;
  readonly availableAtMs: number;
  readonly timeoutAtMs: number | null;
  /** HMAC-SHA-256 of the input's canonical form, 64 hex digits. */
  readonly inputDigest: string;
}

/** Facts of `run-start`: a worker took the run. */
export interface RunStartFacts {
  /** The number of the lease; it begins the ids of the writers under it. */
  readonly leaseEpoch: number;
  /** From 1. */
  readonly attempt: number;
}

/** Facts of `run-state`: a change that ends nothing. */
export interface RunStateFacts {
  readonly from: RunStatus;
  readonly to: RunStatus;
  readonly cause: StateCause;
  /** Under which lease it was, or 0. */
  readonly leaseEpoch: number;
  readonly attempt: number;
  /** From when on a worker may take it; `null` while none may. */
  readonly availableAtMs: number | null;
}

/** Facts of `run-end`. */
export interface RunEndFacts {
  readonly endReason: EndReason;
  readonly durationMs: number | null;
  /** Set by the stale sweep on behalf of a recorder that died. */
  readonly swept: boolean;
}

/** Facts of `step-start`. */
export interface StepStartFacts {
  readonly kind: StepKind;
  readonly operation: string | null;
  readonly parentStepId: string | null;
  readonly observedAfter: boolean;
  /** Where the context stopped extending the previous one of this run and writer. */
  readonly prefixBreak: PrefixBreak | null;
}

/** Facts of `step-end`: everything that must still add up when the words are gone. */
export interface StepEndFacts {
  readonly status: Exclude<StepStatus, 'in_progress'>;
  readonly durationMs: number | null;
  readonly timeToFirstTokenMs: number | null;
  readonly usage: Usage | null;
  readonly cost: Cost | null;
  readonly resultStatus: ToolResultStatus | null;
  /** Only of a tool that a guard kept from running. */
  readonly wasBlocked?: true;
  /** A reason that is not in the list is payload. */
  readonly blockReason?: BlockReason;
  readonly swept: boolean;
}

/** The end of a step that nobody who saw it end told of: a guess, which gives way to an end that was given. */
export function sweptStepEnd(resultStatus: ToolResultStatus | null = null): StepEndFacts {
  return {
    status: 'interrupted',
    durationMs: null,
    timeToFirstTokenMs: null,
    usage: null,
    cost: null,
    resultStatus,
    swept: true,
  };
}

/** Facts of `attempt-end`. */
export interface AttemptEndFacts {
  readonly status: 'completed' | 'failed';
  readonly responseStatus: number | null;
  readonly durationMs: number | null;
  readonly retryClass: RetryClass | null;
  readonly retryDelayMs: number | null;
}

/** Facts of `gap`: how many records of which kind were lost, and why. */
export interface GapFacts {
  readonly reason:
    | 'disk-error'
    | 'disk-full'
    | 'backlog-full'
    | 'sink-refused'
    | 'sink-unreached'
    | 'redaction-failed'
    | 'serialise-failed';
  readonly events: number;
  readonly contents: number;
  readonly bytes: number;
  /** Unix milliseconds of the first and last loss. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** Facts of `cost-actual`: what a step cost, as it became known afterwards. Its status is `actual`. */
export interface CostActualFacts {
  readonly cost: Cost;
}

/** Facts of `budget-entry`: what a reservation of the run counts from now on. */
export interface BudgetEntryFacts {
  readonly kind: EntryKind;
  readonly reservationId: string;
  /** Whole nano-USD; `null` without a price (I12). */
  readonly nanoUsd: number | null;
  readonly tokens: number;
}

/** Facts of `content-erase`: what was erased, in numbers, so that they outlive a second erasure. */
export interface ContentEraseFacts {
  readonly scope: 'run' | 'caller' | 'session' | 'message' | 'sampling';
  /** Events that lost their words. */
  readonly events: number;
  readonly contents: number;
  /** Contents that other runs share and that therefore stay. */
  readonly shared: number;
}
