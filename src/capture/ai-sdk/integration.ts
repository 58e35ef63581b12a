import type { Call } from './call.ts';
import type { CallBook } from './call-book.ts';
import { plainToFinish } from './map/operation.ts';
import { stepResultToFinish } from './map/response.ts';
import type {
  EndEvent,
  Fields,
  ModelCallExecution,
  OperationStart,
  StepStartEvent,
  ToolEvent,
  ToolExecution,
} from './sdk-events.ts';
import { toFields, toText } from './sdk-events.ts';
import type { SixResult, SixStart, SixStepStart, SixToolCall } from './version-six/events.ts';
import { isOfSix } from './version-six/events.ts';
import type { SixBook } from './version-six/six-book.ts';

/**
 * The object that the SDK's telemetry interface asks for: version 7's `Telemetry` and version 6's
 * `TelemetryIntegration` in one, since one list serves both.
 * None of its methods throws anything of its own.
 *
 * What is not needed is left out, for the SDK copies and searches every event for every method: 5 µs each. A model call
 * begins with `executeLanguageModelCall`, which all of version 7 calls; a step's end comes by the name that version 6
 * and 7 share.
 */
export interface AiSdkIntegration {
  onStart(event: OperationStart): void;
  onStepStart(event: StepStartEvent): void | Promise<void>;
  executeLanguageModelCall<T>(options: ModelCallExecution<T>): PromiseLike<T>;
  onToolExecutionStart(event: ToolEvent): void;
  executeTool<T>(options: ToolExecution<T>): PromiseLike<T>;
  onToolExecutionEnd(event: ToolEvent): void;
  onStepFinish(event: EndEvent): void;
  onStepError(event: EndEvent): void;
  onObjectStepStart(event: StepStartEvent): void;
  onObjectStepEnd(event: EndEvent): void;
  onEmbedStart(event: EndEvent): void;
  onEmbedEnd(event: EndEvent): void;
  onRerankStart(event: EndEvent): void;
  onRerankEnd(event: EndEvent): void;
  experimental_onDecideStart(event: OperationStart): void;
  experimental_onDecideEnd(event: EndEvent): void;
  experimental_onDecisionModelCallStart(event: EndEvent): void;
  experimental_onDecisionModelCallEnd(event: EndEvent): void;
  experimental_onStreamTranscriptionStart(event: OperationStart): void;
  experimental_onStreamTranscriptionEnd(event: EndEvent): void;
  onEnd(event: EndEvent): void;
  onAbort(event: EndEvent): void;
  onError(event: unknown): void;
  /** Of version 6 only. */
  onToolCallStart(event: object): void;
  onToolCallFinish(event: object): void;
  onFinish(event: object): void;
}

/** What an operation as a whole gave back: the object, else the text. */
function toOutput(event: Fields): unknown {
  return event['object'] ?? toText(event['text']);
}

/**
 * What only the operation's end tells of an embedding or a reranking, whose steps have ended before it: warnings,
 * provider metadata, and the response's own fields but its headers and body, which are an attempt's.
 */
function logRest(call: Call, event: Fields): void {
  if (!['embed', 'rerank'].includes(call.operation.operation ?? '')) return;
  const isWithheld = call.withheld.inputs || call.withheld.outputs;
  const { warnings, providerMetadata } = event;
  const responses = (Array.isArray(event['response']) ? (event['response'] as unknown[]) : [event['response']])
    .map(toFields)
    .filter((one) => one !== null)
    .map(({ body: _body, headers: _headers, ...own }) => own)
    .filter((own) => Object.keys(own).length > 0);
  const rest = {
    ...(Array.isArray(warnings) && warnings.length > 0 ? { warnings } : {}),
    ...(providerMetadata === undefined || isWithheld ? {} : { providerMetadata }),
    ...(responses.length === 0 ? {} : { responses }),
  };
  if (Object.keys(rest).length > 0) call.run.log('model-result', rest);
}

/** The integration over the books of version 7 and version 6. */
export function createIntegration(book: CallBook, six: SixBook): AiSdkIntegration {
  const { guard } = book;

  const endStep = (event: EndEvent, finish: (call: Call) => Parameters<NonNullable<Call['step']>['finish']>[0]): void =>
    guard(() => {
      const call = book.direct(event.callId);
      const step = call === null ? null : (call.step ?? (call.plan === null ? null : call.beginStep(call.plan)));
      if (call !== null && step !== null && !step.isEnded) step.finish(finish(call));
    });

  const onStepEnd = (event: EndEvent): void =>
    endStep(event, (call) => stepResultToFinish(event as Fields, call.withheld));
  const onPlainEnd = (event: EndEvent): void => guard(() => book.endPlain(event));
  const onPlainStart = (event: EndEvent): void => guard(() => book.beginPlain(event));

  const onEnd = (event: EndEvent): void =>
    guard(() => {
      const call = book.direct(event.callId);
      if (call === null) return;
      if (call.operation.isOneCall && call.step !== null && !call.step.isEnded)
        call.step.finish(plainToFinish(event as Fields, call.withheld));
      const fields = event as Fields;
      logRest(call, fields);
      // Of a turn the worst outcome counts: the SDK goes on past an error part when a finish part follows it.
      const failure = call.step?.recorder.status === 'error' ? call.step.error : undefined;
      const { error } = event;
      if (failure !== undefined) call.fail(failure);
      else if (error !== undefined && error !== null) call.fail(error);
      else if (fields['finishReason'] === 'error') call.fail(new Error('the model ended with an error'));
      else call.close(toOutput(fields));
    });

  const onFailed = (event: unknown, error: unknown): void =>
    guard(() => book.direct(toText(toFields(event)?.['callId']))?.fail(error));

  const onStart = (event: OperationStart): void =>
    isOfSix(event) ? six.onStart(event as SixStart) : guard(() => void book.open(event, true));

  return {
    onStart,
    onStepStart: (event) => (isOfSix(event) ? six.onStepStart(event as unknown as SixStepStart) : book.planStep(event)),
    executeLanguageModelCall: (options) => book.executeModelCall(options),
    onToolExecutionStart: (event) => guard(() => void book.beginTool(book.direct(event.callId), event)),
    executeTool: (options) => book.executeTool(options),
    onToolExecutionEnd: (event) => guard(() => book.endTool(event)),
    onStepFinish: (event) => (isOfSix(event) ? six.onStepFinish(event as unknown as SixResult) : onStepEnd(event)),
    onStepError: (event) => onFailed(event, event.error),
    onObjectStepStart: (event) => guard(() => book.beginObjectStep(event)),
    onObjectStepEnd: onStepEnd,
    onEmbedStart: onPlainStart,
    onEmbedEnd: onPlainEnd,
    onRerankStart: onPlainStart,
    onRerankEnd: onPlainEnd,
    experimental_onDecideStart: onStart,
    experimental_onDecideEnd: onEnd,
    experimental_onDecisionModelCallStart: onPlainStart,
    experimental_onDecisionModelCallEnd: onPlainEnd,
    experimental_onStreamTranscriptionStart: onStart,
    experimental_onStreamTranscriptionEnd: onEnd,
    onEnd,
    onAbort: (event) => onFailed(event, event.reason ?? new DOMException('the call was aborted', 'AbortError')),
    onError: (event) => onFailed(event, toFields(event)?.['error'] ?? event),
    onToolCallStart: (event) => six.onToolCallStart(event as SixToolCall),
    onToolCallFinish: (event) => six.onToolCallFinish(event as SixToolCall),
    onFinish: (event) => six.onFinish(event as SixResult),
  };
}
