import type { Usage } from './usage.ts';

/** The eight statuses of a run; the last four are terminal. */
export const runStatuses = [
  'pending',
  'running',
  'waiting_tool',
  'waiting_approval',
  'completed',
  'failed',
  'cancelled',
  'timeout',
] as const;

/** One of the eight statuses. */
export type RunStatus = (typeof runStatuses)[number];

/** Why a run ended; the reason decides the terminal status. */
export const endReasons = [
  'ok',
  'error',
  'schema_invalid',
  'budget_exceeded',
  'lease_lost',
  'interrupted',
  'lane_busy',
  'cancelled',
  'killed',
  'rejected',
  'preempted',
  'timeout',
] as const;

/** One of the closed list of reasons. */
export type EndReason = (typeof endReasons)[number];

const statusByReason: Record<EndReason, RunStatus> = {
  ok: 'completed',
  error: 'failed',
  schema_invalid: 'failed',
  budget_exceeded: 'failed',
  lease_lost: 'failed',
  interrupted: 'failed',
  lane_busy: 'failed',
  cancelled: 'cancelled',
  killed: 'cancelled',
  rejected: 'cancelled',
  preempted: 'cancelled',
  timeout: 'timeout',
};

/** The terminal status that an end reason leads to. */
export function endReasonToStatus(reason: EndReason): RunStatus {
  return statusByReason[reason];
}

/** True for completed, failed, cancelled and timeout. */
export function isTerminal(status: RunStatus): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled' || status === 'timeout';
}

/** What a run is. Users may add their own kinds; these are the built-in ones. */
export const runKinds = ['agent', 'chat_turn', 'title_generation', 'quickgen', 'compaction', 'moa_turn'] as const;

/** How a run can get into the record. */
export const runSources = ['live', 'import', 'otlp'] as const;

/** How a run got into the record. */
export type RunSource = (typeof runSources)[number];

/** Counts kept on a run, from its steps; interrupted steps are counted apart from errors. */
export interface RunCounts {
  readonly steps: number;
  readonly modelSteps: number;
  readonly toolSteps: number;
  readonly attempts: number;
  readonly retries: number;
  readonly errors: number;
  readonly interrupted: number;
  readonly openSteps: number;
  /** Gap events: losses that the recorder itself told of. */
  readonly gaps: number;
  /** Holes in the numbering of the writers: events that never arrived. */
  readonly missing: number;
  readonly late: number;
  readonly events: number;
  /** Ended model steps whose cost is unknown. */
  readonly unpriced: number;
}

/** The short form of a run for lists. Recomputed at its end and on rebuild. */
export interface RunSummary {
  /** First user message: at most 200 code points, white space collapsed, ellipsis included. */
  readonly firstMessage: string | null;
  /** Last output text, cut like the first message. */
  readonly lastOutput: string | null;
  /** True when a step ended in error; never from interrupted steps or an error that was cleared. */
  readonly hasError: boolean;
  /** Method and path of the first completed attempt, as `POST /v1/messages`. */
  readonly endpoint: string | null;
}

/** What a run that was created as work says of its way through the workers. */
export interface RunWork {
  readonly priority: number;
  /** Attempts so far that count, and how many there may be. */
  readonly attempts: number;
  readonly attemptsMax: number;
  /** The number of the newest lease; 0 before the first. */
  readonly leaseEpoch: number;
  /** From when on a worker may take it; `null` while none may. */
  readonly availableAtMs: number | null;
  readonly timeoutAtMs: number | null;
  readonly workerId: string | null;
  readonly handlerVersion: string | null;
  readonly waitingFor: string | null;
  readonly triggerType: string | null;
  readonly triggerRef: string | null;
  readonly inputDigest: string;
}

/**
 * One execution of an agent, as computed from its events. Times are Unix milliseconds, durations come from
 * the monotonic clock, content fields are content ids, `null` is absent.
 */
export interface RunView {
  readonly id: string;
  readonly projectId: string;
  readonly agentId: string;
  readonly kind: string;
  readonly source: RunSource;
  readonly callerId: string | null;
  readonly channelId: string | null;
  readonly sessionId: string | null;
  readonly endUserId: string | null;
  readonly parentRunId: string | null;
  readonly parentStepId: string | null;
  readonly rootRunId: string;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly inputsId: string | null;
  readonly outputId: string | null;
  readonly environmentId: string | null;
  readonly status: RunStatus;
  readonly endReason: EndReason | null;
  readonly errorCode: string | null;
  readonly errorDetail: string | null;
  /** The end was set by the stale sweep and may still be corrected by a live writer (I7). */
  readonly swept: boolean;
  readonly shadow: boolean;
  readonly dryRun: boolean;
  /** The record learned of the run's calls after they happened (I3). */
  readonly observedAfter: boolean;
  readonly erased: boolean;
  /** What captured it: `ai-sdk`, `http`, `recorder` or another capture's name. */
  readonly capture: string | null;
  readonly traceId: string | null;
  readonly spanId: string | null;
  /** The message of a chat that started the run, and the newest one it saw; ids are the caller's. */
  readonly triggerMessageId: string | null;
  readonly historyTipMessageId: string | null;
  /** Provider and model that served the latest model step. */
  readonly provider: string | null;
  readonly model: string | null;
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number | null;
  readonly updatedAtMs: number;
  readonly durationMs: number | null;
  readonly counts: RunCounts;
  readonly usage: Usage;
  /** Sum of the steps' costs in nano-USD; `null` when any model step's cost is unknown (I12). */
  readonly costNanoUsd: number | null;
  /** Sum of the costs that are known, in nano-USD. */
  readonly costKnownNanoUsd: number;
  readonly summary: RunSummary;
  /** What redaction removed, by kind. */
  readonly redactions: Readonly<Record<string, number>>;
  /** `degraded` when a write went on in the background; otherwise `process` or `power`. */
  readonly durability: 'process' | 'power' | 'degraded' | 'sink';
  /** `null` for a run that was only recorded. */
  readonly work: RunWork | null;
  /** Last `seq` and step number given out; the next ones follow without a gap. */
  readonly lastSeq: number;
  readonly lastStepNumber: number;
}
