import { isTachographError, TachographError } from '../error.ts';
import type { Cost } from '../model/cost.ts';
import type { Usage } from '../model/usage.ts';
import type { Recorder, RunRecorder, StepRecorder } from '../record/recording.ts';

/*
 * Asked before a model or tool call of a governed run leaves: a run under a lease, or one inside it.
 *
 *   start recorded ► enter ─┬─► refused: the call gets the error and does not leave
 *                           └─► pass ► note … note ─┬─► end
 *                                                   ├─► false: the call is cut off ► end
 *                                                   └─► signal: it is cut off between two notes ► end
 */

/** A call that is about to leave. */
export interface GovernedCall {
  readonly kind: 'model' | 'tool';
  readonly runId: string;
  readonly rootRunId: string;
  readonly agentId: string;
  readonly stepId: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  /** Tokens of what goes in, estimated on the large side; `null` when its size is not known. */
  readonly inputTokens: number | null;
  /** What the caller lets come out at most; `null` when it does not say. */
  readonly outputTokensMax: number | null;
}

/** What a call has used so far. */
export interface CallProgress {
  /** As the provider tells it; `null` while it tells nothing. */
  readonly usage: Usage | null;
  /** Bytes of words that came out, reasoning and tool inputs counted in. */
  readonly outputBytes: number;
}

/** How a call ended. */
export interface CallOutcome extends CallProgress {
  /** False: it never reached the provider, or was refused there, and so cost nothing. */
  readonly isUsed: boolean;
  /** The usage is the provider's last word; else what was counted of the words counts where it is more. */
  readonly isWhole?: boolean;
  /** Nothing of the answer could be seen: it counts as what was reserved for it. */
  readonly isUnseen?: boolean;
  readonly usageRaw?: unknown;
  /** What the provider said that it cost. */
  readonly cost?: Cost | null;
}

/** Lets one call out. */
export interface CallPass {
  /** May the call go on? After `false` it is to be cut off with `refusal`. Takes no time to speak of, never throws. */
  note(progress: CallProgress): boolean;
  /** Why the call is cut off; `null` while it is not. */
  readonly refusal: Error | null;
  /** Aborted with `refusal` once the call is cut off; `null` for a call that nothing cuts off. */
  readonly signal: AbortSignal | null;
  /** Settles what the call has used; the first end stands. Never rejects. */
  end(outcome: CallOutcome): Promise<void>;
}

/** Decides about the calls of governed runs. */
export interface CallGate {
  /** Rejects with the error that the call is to fail with (`E-BUDGET-…`, `E-RUN-007`): it then does not leave. */
  enter(call: GovernedCall): Promise<CallPass>;
}

/** The pass of a call that nothing is counted of. */
export const freePass: CallPass = { note: () => true, refusal: null, signal: null, end: async () => undefined };

/** The gate of governed runs without a budget: it lets every call out whose start was recorded (I3). */
export const openGate: CallGate = { enter: async () => freePass };

/** A signal that is aborted with the caller's own, if there is one, or with that of a pass. */
export function signalWithPass(own: unknown, cut: AbortSignal): AbortSignal {
  return own instanceof AbortSignal ? AbortSignal.any([own, cut]) : cut;
}

/** A governed call before its start is recorded: whom to ask, and what its run has lost until now. */
export interface GovernedStart {
  readonly gate: CallGate;
  readonly run: RunRecorder;
  readonly losses: number;
}

/** The run that a call would leave in, if it is governed; `null` for a call that is only recorded. */
export function governedStart(recorder: Recorder, run: RunRecorder | null = recorder.current()): GovernedStart | null {
  const gate = run?.gate ?? null;
  return run === null || gate === null ? null : { gate, run, losses: run.losses };
}

/** The error of a governed call whose start could not be recorded: it does not leave (I3). */
export function unrecordedError(cause?: unknown): TachographError {
  return new TachographError(
    'E-RUN-007',
    'The call was not made: its start could not be recorded, and calls of a run under a lease leave only when it is. Check the journal.',
    { cause },
  );
}

/** Asks the gate about a call whose start has been recorded, or should have been. Rejects with why it may not leave. */
export async function enterGate(
  start: GovernedStart,
  step: StepRecorder | null,
  call: Omit<GovernedCall, 'runId' | 'rootRunId' | 'agentId' | 'stepId'>,
): Promise<CallPass> {
  const isKept = step !== null && step.isStartKept && start.run.losses === start.losses;
  if (!isKept) throw unrecordedError();
  const { id: runId, rootRunId, agentId } = step.run;
  return start.gate.enter({ ...call, runId, rootRunId, agentId, stepId: step.id });
}

const refusals = /^E-(?:BUDGET|RUN)-/;
const causesMax = 8;

/** The error of a gate in what a client threw: the error itself, or behind it, as clients wrap what their fetch throws. */
export function findRefusal(thrown: unknown): TachographError | null {
  let error = thrown;
  for (let depth = 0; depth < causesMax && typeof error === 'object' && error !== null; depth += 1) {
    if (isTachographError(error) && refusals.test(error.code)) return error;
    error = (error as { cause?: unknown }).cause;
  }
  return null;
}

const key = Symbol.for('tachograph.held-passes');

/** Shared by every copy of this module in a process, so that no call is counted in two layers. */
function heldPasses(): WeakMap<StepRecorder, CallPass> {
  const globals = globalThis as unknown as Record<symbol, WeakMap<StepRecorder, CallPass> | undefined>;
  return (globals[key] ??= new WeakMap());
}

/** A layer holds the pass for all that its step sends; gives back what lets go of it. */
export function holdPass(step: StepRecorder, pass: CallPass): () => void {
  heldPasses().set(step, pass);
  return () => {
    if (heldPasses().get(step) === pass) heldPasses().delete(step);
  };
}

/** The pass that a layer above holds for a step; `null` when whoever sends something must ask. */
export function heldPass(step: StepRecorder): CallPass | null {
  return heldPasses().get(step) ?? null;
}
