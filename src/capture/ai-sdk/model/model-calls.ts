import { errorToEndReason } from '../../../core/record/failure.ts';
import type { Recorder, RunClose, StepFinish } from '../../../core/record/recording.ts';
import type { Begun } from '../follow.ts';
import { toFailure } from '../map/failure.ts';
import { toOperation } from '../map/operation.ts';
import { partMarks, partToolMarks } from '../map/request.ts';
import { errorToFinish } from '../map/response.ts';
import type { ModelName } from '../model-step.ts';
import { createModelStep } from '../model-step.ts';
import { findPlace, withholdOnWire } from '../place.ts';
import { createRecall } from '../recall.ts';
import type { CallSettings, Fields } from '../sdk-events.ts';
import { toFields } from '../sdk-events.ts';
import type { StepPlan } from '../step-plan.ts';
import { planToStart } from '../step-plan.ts';
import { sixCallInScope } from '../version-six/six-call.ts';
import { announcedStep, sixStep } from './announced-step.ts';
import { recordAnsweredTools } from './answered-tools.ts';
import type { Conversation, ConversationBook } from './conversation.ts';
import { answeredTools, createConversationBook, firstWords, noteTools } from './conversation.ts';
import type { RecordModelOptions } from './options.ts';
import { toOperationStart, toTiming, toWithheld } from './options.ts';

/** One call of a language model about to be made. */
export interface LanguageCall {
  readonly operation: 'generate' | 'stream';
  readonly model: ModelName;
  readonly params: Fields;
}

/** The calls of recorded language models: each finds its conversation, its step and its attempt. */
export interface ModelCalls {
  readonly recorder: Recorder;
  readonly conversations: ConversationBook;
  guard(fn: () => void): void;
  /** Who is told of what went wrong in here, from now on. */
  listen(onError: ((error: unknown) => void) | undefined): void;
  /** Begins the record of a call; `null` when another layer records it. */
  begin(call: LanguageCall, options: RecordModelOptions): Begun | null;
}

const noop = (): void => undefined;

/** A stream whose provider is deaf to the signal, or that nobody reads, is told of by the signal alone. */
function onAbort(signal: unknown, tell: (reason: unknown) => void): () => void {
  if (!(signal instanceof AbortSignal) || signal.aborted) return noop;
  const listener = (): void => tell(signal.reason);
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

function textOf(parts: unknown): string | undefined {
  const list = Array.isArray(parts) ? (parts as unknown[]).map(toFields) : [];
  const texts = list.filter((part) => part?.['type'] === 'text').map((part) => String(part!['text']));
  return texts.length === 0 ? undefined : texts.join('');
}

/** Conversations whose messages are remembered by what they began with, the latest ones. */
const keysMax = 32;

/**
 * Keys for the memory of messages. The SDK makes every message anew for every call, and a model sees no more of its
 * caller's objects: conversations are known again by their first words. One that is mistaken for another costs time only.
 */
function createKeys(): { of(words: string | undefined): object } {
  const keyByWords = new Map<string, object>();
  return {
    of(words = '') {
      const key = keyByWords.get(words) ?? {};
      keyByWords.delete(words);
      keyByWords.set(words, key);
      if (keyByWords.size > keysMax) keyByWords.delete(keyByWords.keys().next().value!);
      return key;
    },
  };
}

/** The calls of one recorder's models. */
export function createModelCalls(recorder: Recorder): ModelCalls {
  const conversations = createConversationBook();
  const recall = createRecall();
  const keys = createKeys();
  let report: (error: unknown) => void = () => undefined;

  const guard = (fn: () => void): void => {
    try {
      fn();
    } catch (error) {
      // I1: a fault in here is told to whoever asked to hear of it, and never becomes the host's.
      try {
        report(error);
      } catch {
        // A listener that throws has told its own fault away; there is nobody left to tell.
        return;
      }
    }
  };

  const conversationOf = (call: LanguageCall, options: RecordModelOptions): Conversation => {
    const prompt = Array.isArray(call.params['prompt']) ? (call.params['prompt'] as unknown[]) : [];
    const around = recorder.currentStep()?.id ?? recorder.current()?.id ?? null;
    const known = conversations.find(prompt, around);
    if (known !== null) return known;
    const start = toOperationStart(call.model, options);
    const operation = toOperation(call.operation);
    const { run, isOwn, parentStepId } = findPlace({ recorder, around: null }, start, operation);
    const fresh: Conversation = {
      ...{ run, isOwn, parentStepId, around, prompt, step: null },
      ...{ hasFailed: false, toolById: new Map(), openTools: 0 },
    };
    conversations.add(fresh);
    return fresh;
  };

  const end = (conversation: Conversation, close: RunClose): void => {
    conversations.drop(conversation);
    if (conversation.isOwn) conversation.run.close(close);
  };

  /** What becomes of a conversation when a step of it has ended. */
  const settle = (conversation: Conversation, finish: StepFinish, options: RecordModelOptions): void => {
    const { unreadMs, schedule } = toTiming(options);
    const withheld = toWithheld(options);
    const { step } = conversation;
    conversation.hasFailed = finish.status === 'error';
    const later = (close: RunClose): void => {
      schedule(() => {
        const isUnchanged = conversation.step === step && conversation.hasFailed === (finish.status === 'error');
        if (isUnchanged) guard(() => (conversation.openTools > 0 ? later(close) : end(conversation, close)));
      }, unreadMs);
    };
    if (finish.status === 'completed') {
      const output = withheld.outputs ? undefined : textOf(finish.response);
      const close: RunClose = { endReason: 'ok', ...(output === undefined ? {} : { output }) };
      // Asked for tools, the caller goes on when they have run, or never: nobody tells.
      return conversation.toolById.size > 0 ? later(close) : end(conversation, close);
    }
    const error = finish.error === undefined ? undefined : toFailure(finish.error, withheld.inputs || withheld.outputs);
    if (finish.status === 'interrupted') {
      const reason = error === undefined ? 'error' : errorToEndReason(finish.error);
      return end(conversation, { endReason: reason === 'error' ? 'interrupted' : reason, error });
    }
    const close: RunClose = { endReason: 'error', error };
    // A failure worth another try is followed by one, or by nothing: nobody tells.
    return toFields(finish.error)?.['isRetryable'] === true ? later(close) : end(conversation, close);
  };

  const toPlan = ({ params, model }: LanguageCall, number: number): StepPlan => {
    const parted = partMarks(Array.isArray(params['prompt']) ? (params['prompt'] as unknown[]) : []);
    const key = keys.of(firstWords(params['prompt']));
    const partedTools = partToolMarks(Array.isArray(params['tools']) ? (params['tools'] as unknown[]) : []);
    return {
      number,
      ...model,
      messages: recall.of(key, parted.messages),
      marks: parted.marks,
      tools: partedTools.tools,
      toolMarks: partedTools.marks,
      asked: {
        settings: params as CallSettings,
        toolChoice: params['toolChoice'],
        responseFormat: params['responseFormat'],
        providerOptions: params['providerOptions'],
      },
    };
  };

  const beginStep = (conversation: Conversation, call: LanguageCall, options: RecordModelOptions): Begun | null => {
    const { params, model } = call;
    const withheld = toWithheld(options);
    const prompt = params['prompt'] as readonly unknown[];
    if (conversation.step !== null) recordAnsweredTools(conversation, answeredTools(prompt), withheld);
    const plan = toPlan(call, (conversation.step?.number ?? -1) + 1);
    const { run, parentStepId } = conversation;
    const recorded = run.step(planToStart(plan, { operation: toOperation(call.operation), withheld, parentStepId }));
    if (withheld.inputs || withheld.outputs) withholdOnWire(recorded);
    conversation.prompt = prompt;
    conversation.toolById.clear();
    const step = createModelStep({
      recorder: recorded,
      number: plan.number,
      model,
      withheld,
      timing: toTiming(options),
      guard,
      onPart: (part) => noteTools(conversation, [part]),
      onFinish(finish) {
        stopListening();
        settle(conversation, finish, options);
      },
    });
    conversation.step = step;
    const stopListening =
      call.operation === 'stream' ? onAbort(params['abortSignal'], (why) => guard(() => step.fail(why))) : noop;
    const attempt = step.beginAttempt();
    return attempt === null ? null : { step, attempt };
  };

  /** A failed attempt ends its step at once: nobody tells whether another one comes. A later one replaces the end. */
  const withEnd = (conversation: Conversation, { step, attempt }: Begun, options: RecordModelOptions): Begun => ({
    step,
    attempt: {
      succeed(result) {
        noteTools(conversation, toFields(result)?.['content']);
        attempt.succeed(result);
      },
      fail(error) {
        attempt.fail(error);
        step.finish(errorToFinish(error, toWithheld(options)));
      },
    },
  });

  return {
    recorder,
    conversations,
    guard,
    listen(onError) {
      if (onError !== undefined) report = onError;
    },
    begin(call, options) {
      const six = sixCallInScope(recorder, call.model);
      const announced =
        six === null
          ? announcedStep(recorder, call.model)
          : sixStep(six, (number) => toPlan(call, number), call.operation);
      if (announced !== null) return announced === 'done' ? null : announced;
      const conversation = conversationOf(call, options);
      const { step } = conversation;
      if (conversation.hasFailed && step !== null) {
        conversation.hasFailed = false;
        const attempt = step.beginAttempt();
        return attempt === null ? null : withEnd(conversation, { step, attempt }, options);
      }
      const begun = beginStep(conversation, call, options);
      return begun === null ? null : withEnd(conversation, begun, options);
    },
  };
}

const callsByRecorder = new WeakMap<Recorder, ModelCalls>();

/** The calls of a recorder's models; always the same object for one recorder. */
export function modelCallsOf(recorder: Recorder): ModelCalls {
  let calls = callsByRecorder.get(recorder);
  if (calls === undefined) {
    calls = createModelCalls(recorder);
    callsByRecorder.set(recorder, calls);
  }
  return calls;
}
