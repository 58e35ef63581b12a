import type { ToolRecorder } from '../../core/record/recording.ts';
import type { Call, CallSurroundings } from './call.ts';
import { createCall } from './call.ts';
import type { Begun } from './follow.ts';
import { follow } from './follow.ts';
import type { ModelStep } from './model-step.ts';
import { enterStep } from './place.ts';
import { createPlainSteps } from './plain-steps.ts';
import type {
  EndEvent,
  Fields,
  ModelCallExecution,
  ModelCallStart,
  OperationStart,
  StepStartEvent,
  ToolEvent,
  ToolExecution,
} from './sdk-events.ts';
import { toFields } from './sdk-events.ts';
import { createPlanner, toPlainPlan } from './step-plan.ts';
import { createToolBook } from './tool-step.ts';

/** Calls that the SDK never ends (an abandoned object stream) are forgotten past this many; their runs stay open. */
const callsMax = 10_000;

/** The calls under way, by the SDK's own id: an event finds its call by id first, by async scope second. */
export interface CallBook {
  /** Runs what must not reach the host when it fails (I1). */
  guard(fn: () => void): void;
  /** The call with this id, if the integration itself saw it begin. */
  direct(callId: string | undefined): Call | null;
  /** The call with this id, however it became known. */
  find(callId: string | undefined): Call | null;
  /** Begins the record of an operation; one that is known is left as it is. */
  open(event: OperationStart, isDirect: boolean): Call | null;
  planStep(event: StepStartEvent): void | Promise<void>;
  /** Begins the planned step, or gives the step under way when there is nothing to begin. */
  beginModelStep(call: Call | null, event: ModelCallStart): ModelStep | null;
  /** Plans a step from the model call alone, for calls whose steps nobody announces. */
  planFrom(call: Call, event: ModelCallStart, number: number): void;
  /** Begins the one step of an operation that tells nothing of its model calls. */
  beginWhole(call: Call): void;
  beginObjectStep(event: StepStartEvent): void;
  beginPlain(event: EndEvent): void;
  endPlain(event: EndEvent): void;
  executeModelCall<T>(options: ModelCallExecution<T>): PromiseLike<T>;
  beginTool(call: Call | null, event: ToolEvent): ToolRecorder | null;
  executeTool<T>(options: ToolExecution<T>): PromiseLike<T>;
  endTool(event: ToolEvent): void;
}

/** The same step announced again, as when the same capture is registered twice. */
function isAnnounced({ plan, step }: Call, number: number | undefined): boolean {
  return number !== undefined && (plan?.number === number || step?.number === number);
}

/** An empty book. */
export function createCallBook(around: Omit<CallSurroundings, 'onClosed'>): CallBook {
  const { guard, recorder } = around;
  /** As `guard`, and what is recorded inside goes down in one write: nothing of the host's runs in between. */
  const guardTogether = (fn: () => void): void => guard(() => recorder.together(fn));
  const callById = new Map<string, Call>();
  const planner = createPlanner();
  const tools = createToolBook();
  const plain = createPlainSteps();
  const surroundings: CallSurroundings = { ...around, onClosed: (call) => void callById.delete(call.id) };

  const find = (callId: string | undefined): Call | null =>
    callId === undefined ? null : (callById.get(callId) ?? null);
  const direct = (callId: string | undefined): Call | null => {
    const call = find(callId);
    return call?.isDirect === true ? call : null;
  };

  const beginModelStep = (call: Call | null, event: ModelCallStart): ModelStep | null => {
    if (call === null || call.plan === null) return call?.step ?? null;
    return call.beginStep({ ...call.plan, asked: { ...call.plan.asked, settings: event } });
  };

  const beginWhole = (call: Call): void =>
    enterStep(call.beginStep(toPlainPlan(call.start as Fields, call.start)).recorder);

  const open = (event: OperationStart, isDirect: boolean): Call | null => {
    const { callId } = event;
    if (callId === undefined) return null;
    const known = callById.get(callId);
    if (known !== undefined) return known;
    const call = createCall(surroundings, { ...event, callId }, isDirect);
    if (callById.size >= callsMax) callById.delete(callById.keys().next().value!);
    callById.set(callId, call);
    if (call.operation.isOneCall) beginWhole(call);
    return call;
  };

  const plan = (call: Call, event: StepStartEvent, responseFormat: unknown): void => {
    // Should the words defy reading, the step is still begun, and says which model was asked.
    const { stepNumber, provider, modelId } = event;
    call.plan = { number: stepNumber ?? 0, provider, modelId };
    guard(() => void (call.plan = planner.of(event, {}, responseFormat)));
  };

  const beginTool = (call: Call | null, event: ToolEvent): ToolRecorder | null =>
    call === null ? null : tools.begin(call, event);

  return {
    guard,
    direct,
    find,
    open,
    beginModelStep,
    beginTool,
    beginWhole,
    planFrom(call, event, number) {
      const { tools: stepTools, ...rest } = event;
      const found = planner.of({ ...rest, stepNumber: number, stepTools }, event, undefined);
      call.plan = { ...found, asked: { ...found.asked!, providerOptions: call.start.providerOptions } };
    },
    planStep(event) {
      const call = direct(event.callId);
      if (call === null || isAnnounced(call, event.stepNumber)) return;
      const format = toFields(event.output)?.['responseFormat'];
      if (format === undefined) return plan(call, event, undefined);
      // The SDK computes the format lazily and awaits the same promise for the call itself.
      return Promise.resolve(format).then(
        (responseFormat) => plan(call, event, responseFormat),
        () => plan(call, event, undefined),
      );
    },
    beginObjectStep(event) {
      const call = direct(event.callId);
      if (call === null || call.step !== null) return;
      const { start } = call;
      const { schema, schemaName: name, schemaDescription: description } = start;
      const found = planner.of(event, start, { type: 'json', schema, name, description });
      enterStep(call.beginStep({ ...found, asked: { ...found.asked!, isStructured: true } }).recorder);
    },
    beginPlain(event) {
      const call = direct(event.callId);
      if (call !== null) plain.begin(call, event);
    },
    endPlain(event) {
      const call = direct(event.callId);
      if (call !== null) plain.end(call, event);
    },
    executeModelCall(options) {
      const begun: Begun[] = [];
      guardTogether(() => {
        const step = beginModelStep(direct(options.callId), options);
        const attempt = step?.beginAttempt() ?? null;
        if (step !== null && attempt !== null) begun.push({ step, attempt });
      });
      return begun[0] === undefined ? options.execute() : follow(begun[0], options.execute, guardTogether);
    },
    executeTool(options) {
      const begun: ToolRecorder[] = [];
      guard(() => {
        const tool = tools.find(options.callId, options.toolCallId) ?? beginTool(direct(options.callId), options);
        if (tool !== null) begun.push(tool);
      });
      return begun[0] === undefined ? options.execute() : begun[0].within(options.execute);
    },
    endTool: (event) => tools.end(event),
  };
}
