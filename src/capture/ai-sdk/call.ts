import type { EndReason } from '../../core/model/run.ts';
import type { Recorder, RunRecorder, ToolRecorder } from '../../core/record/recording.ts';
import { errorToEndReason } from '../../core/record/failure.ts';
import { toFailure } from './map/failure.ts';
import type { Operation } from './map/operation.ts';
import { toOperation } from './map/operation.ts';
import type { Withheld } from './map/response.ts';
import type { ModelStep } from './model-step.ts';
import { createModelStep } from './model-step.ts';
import type { Surrounding } from './place.ts';
import { findPlace, withholdOnWire } from './place.ts';
import type { OperationStart } from './sdk-events.ts';
import { toFields } from './sdk-events.ts';
import type { StepPlan } from './step-plan.ts';
import { planToStart } from './step-plan.ts';
import type { StreamEnd } from './stream/fold.ts';
import type { TapTiming } from './stream/tap.ts';

/** What a call lives in. */
export interface CallSurroundings {
  readonly recorder: Recorder;
  readonly timing: TapTiming;
  readonly guard: (fn: () => void) => void;
  /** What the SDK's channel says this moment is inside of, or `null`. */
  readonly surrounding: () => Surrounding | null;
  readonly onClosed: (call: Call) => void;
}

/** One operation of the SDK: the run it is recorded in and what of it is under way. */
export interface Call {
  readonly id: string;
  readonly operation: Operation;
  readonly withheld: Withheld;
  readonly run: RunRecorder;
  readonly start: OperationStart;
  /** Seen by the integration itself; the channel has nothing to add. */
  readonly isDirect: boolean;
  /** The latest model step, or `null` before the first. */
  readonly step: ModelStep | null;
  /** A step that was announced and begins with its model call. */
  plan: StepPlan | null;
  beginStep(plan: StepPlan): ModelStep;
  beginTool(tool: { name: string; callId: string; args: unknown }): ToolRecorder;
  /** Ends what is open for an error and closes the run, when it is the call's own. */
  fail(error: unknown): void;
  close(output: unknown): void;
  /** Ends what is open as interrupted: nobody will tell how it ended. */
  abandon(): void;
}

/** An answer that does not fit the schema asked for has a reason of its own. */
function failureToEndReason(error: unknown): EndReason {
  return toFields(error)?.['name'] === 'AI_NoObjectGeneratedError' ? 'schema_invalid' : errorToEndReason(error);
}

/** Begins the record of an operation. */
export function createCall(
  around: CallSurroundings,
  start: OperationStart & { readonly callId: string },
  isDirect: boolean,
): Call {
  const operation = toOperation(start.operationId);
  const withheld: Withheld = { inputs: start.recordInputs === false, outputs: start.recordOutputs === false };
  const { run, isOwn, parentStepId } = findPlace(
    { recorder: around.recorder, around: around.surrounding() },
    start,
    operation,
  );
  const tools: ToolRecorder[] = [];
  const steps: ModelStep[] = [];
  let isClosed = false;
  let stopWatch: () => void = () => undefined;

  const closeRun = (end: Parameters<RunRecorder['close']>[0]): void => {
    if (isClosed) return;
    isClosed = true;
    stopWatch();
    if (isOwn) run.close(end);
    around.onClosed(call);
  };

  const settle = (isDone: boolean): void => closeRun({ endReason: isDone ? 'ok' : 'interrupted' });

  /** A stream read to its end by the SDK, whose caller may never take the answer: then nothing more is ever told. */
  const watch = (of: ModelStep | null, isDone: boolean): void => {
    const { schedule, unreadMs } = around.timing;
    stopWatch = schedule(() => {
      const isBusy = call.step !== of || tools.some((tool) => tool.status === 'in_progress');
      if (!isClosed) around.guard(() => (isBusy ? watch(call.step, isDone) : settle(isDone)));
    }, unreadMs);
  };

  /** A stream that was left takes the whole call with it: the SDK tells nobody. */
  const onStreamEnd = (end: StreamEnd, isDone: boolean): void => {
    stopWatch();
    if (end.kind === 'eof') return watch(call.step, isDone);
    if (end.kind !== 'left' && end.kind !== 'unread') return;
    const reason = end.kind === 'left' && end.reason !== undefined ? errorToEndReason(end.reason) : 'error';
    if (reason !== 'error') closeRun({ endReason: reason });
    else settle(isDone);
  };

  const call: { -readonly [K in keyof Call]: Call[K] } = {
    id: start.callId,
    operation,
    withheld,
    run,
    start,
    isDirect,
    plan: null,
    step: null,
    beginStep(plan) {
      const recorder = run.step(planToStart(plan, { operation, withheld, parentStepId }));
      if (withheld.inputs || withheld.outputs) withholdOnWire(recorder);
      const step = (call.step = createModelStep({
        recorder,
        number: plan.number,
        model: { provider: plan.provider, modelId: plan.modelId },
        withheld,
        timing: around.timing,
        guard: around.guard,
        onStreamEnd,
      }));
      steps.push(step);
      call.plan = null;
      return step;
    },
    beginTool({ name, callId, args }) {
      const { step } = call;
      const tool = run.tool({
        name,
        callId,
        ...(step === null ? (parentStepId === undefined ? {} : { parentStepId }) : { parentStepId: step.recorder.id }),
        ...(withheld.inputs ? { inputsWithheld: true } : { args }),
      });
      tools.push(tool);
      return tool;
    },
    fail(error) {
      for (const tool of tools) if (tool.status === 'in_progress' && !isOwn) tool.finish({ status: 'interrupted' });
      for (const begun of steps) begun.fail(error);
      closeRun({ endReason: failureToEndReason(error), error: toFailure(error, withheld.inputs || withheld.outputs) });
    },
    abandon() {
      if (isClosed) return;
      const { step } = call;
      if (step !== null && step.recorder.status === 'error') return call.fail(step.error);
      for (const begun of steps) if (!begun.isEnded) begun.finish({ status: 'interrupted' });
      closeRun({ endReason: 'interrupted' });
    },
    close(output) {
      closeRun({ endReason: 'ok', ...(output === undefined || withheld.outputs ? {} : { output }) });
    },
  };
  return call;
}
