import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import type { Call } from './call.ts';
import type { CallBook } from './call-book.ts';
import type { ModelAttempt } from './model-step.ts';
import type { StepRecorder } from '../../core/record/recording.ts';
import type { Surrounding } from './place.ts';
import { enterStep } from './place.ts';
import { plainToFinish } from './map/operation.ts';
import type { Fields, ModelCallStart, OperationStart, ToolEvent } from './sdk-events.ts';
import { toFields, toText } from './sdk-events.ts';

/*
 * The backstop. A call that names integrations of its own never reaches ours; the SDK still publishes it here.
 *
 *   start ── (our integration's onStart, if it is to come) ── end ── … ── asyncEnd | error
 *
 * The SDK calls onStart inside the traced function, before `end`; only streamText publishes `end` first. So an
 * operation is remembered at `start` and taken up at `end` or at its first model call, if the integration has not
 * seen it by then.
 */

const channelName = 'ai:telemetry';

interface Message {
  readonly type?: unknown;
  readonly event?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

const operationTypes = new Set([
  'generateText',
  'streamText',
  'embed',
  'embedMany',
  'rerank',
  'generateSpeech',
  'transcribe',
  'streamTranscribe',
  'experimental_decide',
]);

/** A call of the SDK, or a step of it, that a piece of code runs inside of. */
interface Inside {
  readonly callId: string;
  readonly step: StepRecorder | null;
  readonly outer: Inside | null;
}

interface Backstop {
  /** Begins what a message announces; the step that the traced function runs inside of, or `null`. */
  enter(message: Message): StepRecorder | null;
  /** The traced function has returned its promise. */
  begun(message: Message): void;
  /** The promise is settled. */
  settled(message: Message): void;
}

/** Calls known by their start only, at most; one that never gets further is forgotten. */
const waitingMax = 1000;

function createBackstop(book: CallBook): Backstop {
  const waiting = new Map<string, OperationStart>();
  const attemptByMessage = new WeakMap<Message, ModelAttempt>();
  const numberByCall = new WeakMap<Call, number>();

  /** The call of an event, taken up now if it was waiting; `null` when the integration has it or nobody knows it. */
  const take = (callId: string | undefined): Call | null => {
    if (callId === undefined) return null;
    const start = waiting.get(callId);
    if (start === undefined) {
      const known = book.find(callId);
      return known === null || known.isDirect ? null : known;
    }
    waiting.delete(callId);
    return book.find(callId) === null ? book.open(start, false) : null;
  };

  const enterModelCall = (message: Message, event: ModelCallStart): StepRecorder | null => {
    const call = take(event.callId);
    if (call === null) return null;
    if (call.plan === null && (call.step === null || numberByCall.get(call) !== call.step.number)) {
      book.planFrom(call, event, numberByCall.get(call) ?? 0);
    }
    const step = book.beginModelStep(call, event);
    const attempt = step?.beginAttempt() ?? null;
    if (attempt !== null) attemptByMessage.set(message, attempt);
    if (step !== null) enterStep(step.recorder);
    return step?.recorder ?? null;
  };

  /** Ends a step of which no answer was told; those that brought one have ended already. */
  const settleStep = (message: Message, call: Call | null): void => {
    const step = call?.step ?? null;
    if (step === null || step.isEnded || message.error !== undefined || !step.isAnswered) return;
    step.finish({ status: 'completed', outputsWithheld: true });
  };

  const settleOperation = (message: Message, event: Fields): void => {
    const call = take(toText(event['callId']));
    if (call === null) return;
    if ('error' in message && message.error !== undefined) return call.fail(message.error);
    const result = toFields(message.result) ?? {};
    if (call.step !== null && !call.step.isEnded)
      call.step.finish(plainToFinish({ ...result, operationId: event['operationId'] }, call.withheld));
    call.close(toText(result['text']));
  };

  return {
    enter(message) {
      const event = toFields(message.event);
      const callId = toText(event?.['callId']);
      if (event === null || callId === undefined) return null;
      if (operationTypes.has(String(message.type))) {
        if (waiting.size >= waitingMax) waiting.delete(waiting.keys().next().value!);
        waiting.set(callId, event as OperationStart);
      } else if (message.type === 'step') {
        const call = take(callId);
        if (call !== null && typeof event['stepNumber'] === 'number') numberByCall.set(call, event['stepNumber']);
      } else if (message.type === 'languageModelCall') {
        return enterModelCall(message, event as ModelCallStart);
      } else if (message.type === 'executeTool') {
        return book.beginTool(take(callId), event as ToolEvent);
      }
      return null;
    },
    begun(message) {
      const callId = toText(toFields(message.event)?.['callId']);
      if (!operationTypes.has(String(message.type)) || message.type === 'streamText') return;
      const call = take(callId);
      if (call !== null && call.step === null && message.type !== 'generateText') book.beginWhole(call);
    },
    settled(message) {
      const event = toFields(message.event) ?? {};
      if (message.type === 'languageModelCall') {
        const attempt = attemptByMessage.get(message);
        attemptByMessage.delete(message);
        if (attempt === undefined) return;
        if (message.error !== undefined) attempt.fail(message.error);
        else attempt.succeed(message.result);
      } else if (message.type === 'executeTool') {
        const result = toFields(message.result);
        const call = book.find(toText(event['callId']));
        if (call?.isDirect === false) {
          book.endTool({
            ...event,
            toolOutput: result?.['output'] ?? failedOutput(message),
            toolExecutionMs: result?.['toolExecutionMs'] as number,
          });
        }
      } else if (message.type === 'step') {
        settleStep(message, take(toText(event['callId'])));
      } else if (operationTypes.has(String(message.type))) {
        settleOperation(message, event);
      }
    },
  };
}

/** A tool that threw outside its own execution has no output; what was thrown stands for it. */
function failedOutput(message: Message): Fields {
  return message.error === undefined ? {} : { type: 'tool-error', error: message.error };
}

/** The SDK's channel, listened to. */
export interface ChannelListener {
  /** What of the SDK's calls this moment is inside of, or `null`: where the recorder's own scope does not reach. */
  surrounding(): Surrounding | null;
  stop(): void;
}

/** Listens to the SDK's channel. */
export function subscribeChannel(book: CallBook): ChannelListener {
  const scope = new AsyncLocalStorage<Inside | null>();
  const backstop = createBackstop(book);
  const channel = tracingChannel(channelName);
  const handlers = {
    start: () => undefined,
    end: (message: unknown) => book.guard(() => backstop.begun(message as Message)),
    asyncStart: () => undefined,
    asyncEnd: (message: unknown) => book.guard(() => backstop.settled(message as Message)),
    error: () => undefined,
  };
  channel.start.bindStore(scope, (message: unknown) => {
    const outer = scope.getStore() ?? null;
    let step: StepRecorder | null = null;
    book.guard(() => void (step = backstop.enter(message as Message)));
    const callId = toText(toFields((message as Message).event)?.['callId']);
    return callId === undefined ? outer : { callId, step, outer };
  });
  channel.subscribe(handlers);
  return {
    surrounding() {
      // A call that has not begun yet, or has ended, is looked through to what is around it.
      for (let inside = scope.getStore() ?? null; inside !== null; inside = inside.outer) {
        const call = book.find(inside.callId);
        if (call !== null) return { run: call.run, step: inside.step };
      }
      return null;
    },
    stop() {
      channel.unsubscribe(handlers);
      channel.start.unbindStore(scope);
    },
  };
}
