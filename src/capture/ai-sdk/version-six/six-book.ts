import { isAbort } from '../../../core/record/failure.ts';
import type { StepFinish, ToolRecorder } from '../../../core/record/recording.ts';
import type { CallSurroundings } from '../call.ts';
import { createCall } from '../call.ts';
import { toFailure } from '../map/failure.ts';
import { joinPrompt, partMarks } from '../map/request.ts';
import { stepResultToFinish } from '../map/response.ts';
import type { Surrounding } from '../place.ts';
import { enterStep } from '../place.ts';
import { createRecall } from '../recall.ts';
import type { Fields } from '../sdk-events.ts';
import { toFields, toText } from '../sdk-events.ts';
import type { StepPlan } from '../step-plan.ts';
import type { SixResult, SixStart, SixStepStart, SixToolCall } from './events.ts';
import type { SixCall } from './six-call.ts';
import { isRecorded, sixScope } from './six-call.ts';
import { createSixJoin } from './six-join.ts';
import { toolSetToTools } from './tool-set.ts';

/** The calls of version 6, told by its six moments. */
export interface SixBook {
  onStart(event: SixStart): void;
  onStepStart(event: SixStepStart): void;
  onToolCallStart(event: SixToolCall): void;
  onToolCallFinish(event: SixToolCall): void;
  onStepFinish(event: SixResult): void;
  onFinish(event: SixResult): void;
}

/** Names of the SDK's outputs that ask for more than text. */
const structured = new Set<unknown>(['object', 'array', 'choice', 'json']);

/** Calls that the SDK has let go of without telling an end: they failed, or nobody read their stream. */
const letGo = new FinalizationRegistry<{ abandon(): void }>((call) => call.abandon());

function toStart(event: SixStart, callId: string) {
  const { functionId, metadata, providerOptions, model } = event;
  return {
    callId,
    operationId: 'ai.text',
    ...model,
    ...(functionId === undefined ? {} : { functionId }),
    providerOptions,
    // The SDK keeps its own switches to itself; these words in its metadata reach us.
    ...(metadata?.['recordInputs'] === false ? { recordInputs: false } : {}),
    ...(metadata?.['recordOutputs'] === false ? { recordOutputs: false } : {}),
  };
}

function toPlan(
  event: SixStepStart,
  six: SixCall,
  settings: SixStart,
  recall: ReturnType<typeof createRecall>,
): StepPlan {
  const parted = partMarks(joinPrompt(event.system, event.messages));
  return {
    number: event.stepNumber ?? 0,
    ...event.model,
    messages: recall.of(six.call, parted.messages),
    marks: parted.marks,
    tools: toolSetToTools(event.tools, event.activeTools),
    asked: {
      settings,
      toolChoice: event.toolChoice,
      providerOptions: event.providerOptions,
      // The format itself comes later than the step may begin; that there is one is known at once.
      isStructured: structured.has(toFields(event.output)?.['name']),
    },
  };
}

/** Only what a step may be asked with; the event itself would keep the SDK's objects alive. */
function toSettings(event: SixStart): SixStart {
  const { maxOutputTokens, temperature, topP, topK, presencePenalty, frequencyPenalty, stopSequences, seed } = event;
  const settings = { maxOutputTokens, temperature, topP, topK, presencePenalty, frequencyPenalty, stopSequences, seed };
  return { model: {}, ...settings };
}

function finishTool(tool: ToolRecorder, event: SixToolCall, six: SixCall): void {
  const { inputs, outputs } = six.call.withheld;
  const duration = typeof event.durationMs === 'number' ? { durationMs: event.durationMs } : {};
  const words = outputs ? { outputsWithheld: true } : {};
  if (event.success === false) {
    const status = isAbort(event.error) ? 'interrupted' : 'error';
    tool.finish({
      status,
      resultStatus: 'error',
      error: toFailure(event.error, inputs || outputs),
      ...duration,
      ...words,
    });
  } else {
    const result = outputs ? words : { result: event.output ?? null };
    tool.finish({ status: 'completed', resultStatus: 'success', ...result, ...duration });
  }
}

/** The end of a step, with a word on how it was joined where that is not sure. */
function toStepFinish(event: SixResult, six: SixCall): StepFinish {
  const finish = stepResultToFinish(event as Fields, six.call.withheld);
  return six.isGuess ? { ...finish, metadata: { ...finish.metadata, answerMatchedByOrder: true } } : finish;
}

/** Runs `close` when the signal fires; returns what stops listening. */
function onAbort(signal: unknown, close: (reason: unknown) => void): () => void {
  if (!(signal instanceof AbortSignal)) return () => undefined;
  const listener = (): void => close(signal.reason);
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

/** An empty book. */
export function createSixBook(around: Omit<CallSurroundings, 'onClosed'>): SixBook {
  const { recorder, guard } = around;
  const join = createSixJoin();
  const recall = createRecall();
  const settingsByCall = new WeakMap<SixCall, SixStart>();
  const toolByCall = new WeakMap<object, { tool: ToolRecorder; six: SixCall }>();
  let count = 0;

  const place = (): string | null => recorder.currentStep()?.id ?? recorder.current()?.id ?? null;

  /** Where nothing else says so, what a call's own code asks (its `prepareStep`, say) is a child of that call's run. */
  const surrounding = (): Surrounding | null => {
    const six = sixScope.getStore();
    const own =
      six === undefined || six.isClosed || six.recorder !== recorder ? null : { run: six.call.run, step: null };
    return around.surrounding() ?? own;
  };

  /** One event object reaches an integration as often as it is registered; it is taken once. */
  const once = <E extends object>(take: (event: E) => void): ((event: E) => void) => {
    const taken = new WeakSet<E>();
    return (event) => {
      if (taken.has(event)) return;
      taken.add(event);
      guard(() => take(event));
    };
  };

  const beginStep = (six: SixCall): void => {
    if (six.call.plan === null) return;
    enterStep(six.call.beginStep(six.call.plan).recorder);
  };

  return {
    onStart: once<SixStart>((event) => {
      const where = place();
      const own: { six?: SixCall; stop?: () => void } = {};
      const onClosed = (): void => {
        own.stop?.();
        if (own.six === undefined) return;
        own.six.isClosed = true;
        join.drop(own.six);
      };
      const call = createCall({ ...around, surrounding, onClosed }, toStart(event, `six-${(count += 1)}`), false);
      const { tools, headers, stopWhen, output, abortSignal, metadata, messages } = event;
      const six: SixCall = {
        call,
        recorder,
        asked: { tools, headers, stopWhen, output, abortSignal, metadata, messages },
        prompt: event.prompt,
        maxRetries: event.maxRetries ?? 0,
        around: where,
        stepNumber: -1,
        failures: 0,
        isClosed: false,
        isGuess: false,
      };
      own.six = six;
      own.stop = onAbort(abortSignal, (reason) => guard(() => call.fail(reason)));
      settingsByCall.set(six, toSettings(event));
      join.add(six, event.model);
      letGo.register(event.model, { abandon: () => guard(() => call.abandon()) });
      sixScope.enterWith(six);
    }),

    onStepStart: once<SixStepStart>((event) => {
      const six = join.ofStepStart(event, place());
      if (six === null || six.isClosed) return;
      six.stepNumber = event.stepNumber ?? 0;
      six.failures = 0;
      join.note(six, event.model);
      six.call.plan = { number: six.stepNumber, ...event.model };
      guard(() => void (six.call.plan = toPlan(event, six, settingsByCall.get(six)!, recall)));
      sixScope.enterWith(six);
      // A model that records its own calls knows the exact prompt, and begins the step itself.
      if (!isRecorded(event.model)) beginStep(six);
    }),

    onToolCallStart: once<SixToolCall>((event) => {
      const six = join.byObject(event.model, event.toolCall);
      if (six === null || six.isClosed) return;
      beginStep(six);
      join.note(six, event.toolCall);
      const tool = six.call.beginTool({
        name: toText(event.toolCall['toolName']) ?? '',
        callId: String(event.toolCall['toolCallId']),
        args: event.toolCall['input'] ?? null,
      });
      toolByCall.set(event.toolCall, { tool, six });
      enterStep(tool);
    }),

    onToolCallFinish: once<SixToolCall>((event) => {
      const open = toolByCall.get(event.toolCall);
      if (open !== undefined) finishTool(open.tool, event, open.six);
    }),

    onStepFinish: once<SixResult>((event) => {
      const six = join.ofResult(event, place());
      if (six === null) return;
      join.note(six, event);
      beginStep(six);
      const { step } = six.call;
      if (step !== null && !step.isEnded) step.finish(toStepFinish(event, six));
    }),

    onFinish: once<SixResult>((event) => {
      const six = join.byObject(event.steps?.at(-1));
      if (six === null) return;
      const failure = six.call.step?.recorder.status === 'error' ? six.call.step.error : undefined;
      if (failure !== undefined) six.call.fail(failure);
      else if (event.finishReason === 'error') six.call.fail(new Error('the model ended with an error'));
      else six.call.close(toText(event.text));
    }),
  };
}
