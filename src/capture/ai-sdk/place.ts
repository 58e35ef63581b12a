import type { Recorder, RunRecorder, StepRecorder } from '../../core/record/recording.ts';
import type { Operation } from './map/operation.ts';
import type { OperationStart } from './sdk-events.ts';
import { toText } from './sdk-events.ts';

/** Tells the wire that no words of this step are to be recorded: where one side is withheld, either may show in both. */
export function withholdOnWire(step: StepRecorder): void {
  step.withhold({ inputs: true, outputs: true });
}

/**
 * Puts what follows in this async flow into the step's scope. The SDK awaits its callbacks before it calls the model,
 * so entering from within one reaches the call itself; it ends with the SDK's own flow and never reaches the caller's.
 */
export function enterStep(step: StepRecorder): void {
  step.enter();
}

/** What of this capture's own a piece of code runs inside of, where the recorder's scope does not reach. */
export interface Surrounding {
  readonly run: RunRecorder;
  readonly step: StepRecorder | null;
}

/** Where a call is recorded. */
export interface Place {
  readonly run: RunRecorder;
  /** The run is the call's own, begun and closed by it. */
  readonly isOwn: boolean;
  readonly parentStepId: string | undefined;
}

/**
 * Finds a call's place. Inside a tool or another model's call it is a child run of that step; inside the user's own
 * run its steps are that run's; inside another call of the SDK (its `prepareStep`, say) it is a child of that call's
 * run; otherwise it is a run of its own.
 */
export function findPlace(
  of: { readonly recorder: Recorder; readonly around: Surrounding | null },
  start: OperationStart,
  operation: Operation,
): Place {
  const { recorder, around } = of;
  const step = recorder.currentStep() ?? (recorder.current() === null ? (around?.step ?? null) : null);
  const current = step?.run ?? recorder.current();
  const isInside = step !== null && step.kind !== 'phase';
  if (current !== null && !isInside) return { run: current, isOwn: false, parentStepId: step?.id };
  const parent = isInside ? step.run.ref(step.id) : around?.run.ref();
  const run = recorder.startRun({
    agentId: toText(start.functionId) ?? 'ai-sdk',
    name: operation.name,
    capture: 'ai-sdk',
    ...(start.modelId === undefined ? {} : { model: start.modelId }),
    ...(start.timestamp === undefined ? {} : { observedAfter: true }),
    ...(parent === undefined ? {} : { parent }),
  });
  return { run, isOwn: true, parentStepId: undefined };
}
