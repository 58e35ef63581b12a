import type { Clock } from '../../core/clock.ts';
import type { RunClose, RunRecorder } from '../../core/record/recording.ts';
import { ModelCall } from './model-call.ts';
import type { ToolBook } from './tool-book.ts';
import type { Totals } from './totals.ts';
import type { Fields } from './vendor.ts';
import { toFields, toFieldsList, toText } from './vendor.ts';

/** What the agents of one query share. */
export interface ThreadSurroundings {
  readonly provider: string;
  readonly totals: Totals;
  readonly tools: ToolBook;
  readonly clock: Clock;
}

/** The SDK's mark on words of its own that stand where an answer would. */
const synthetic = '<synthetic>';

const named = (message: string, name: string): Error => Object.assign(new Error(message), { name });

function textOf(message: Fields): string {
  return toFieldsList(message['content'])
    .map((block) => toText(block['text']) ?? '')
    .join('');
}

/**
 * One agent of a query, the main one or a subagent: its run, its conversation as the SDK tells it, and the model call under
 * way. Messages of one agent come in their order; those of several agents come mixed.
 */
export class AgentThread {
  readonly run: RunRecorder;
  /** The model that the next call is expected to go to. */
  model: string | null = null;
  /** What the agent said last, as its end tells it. */
  lastWords: string | null = null;
  readonly #of: ThreadSurroundings;
  readonly #countedIn: string;
  #conversation: unknown[] = [];
  #call: ModelCall | null = null;
  /** Where the answer of the call under way stands in the conversation; -1 when it has no place yet. */
  #answerAt = -1;
  readonly #stepIdByCallId = new Map<string, string>();
  readonly #blockByCallId = new Map<string, Fields>();

  constructor(of: ThreadSurroundings, run: RunRecorder, countedIn: string) {
    this.#of = of;
    this.run = run;
    this.#countedIn = countedIn;
  }

  /** The model step that asked for a tool call, when it was seen. */
  stepOf(callId: string): string | undefined {
    return this.#stepIdByCallId.get(callId);
  }

  /** Words that go into the conversation. */
  hear(message: unknown): void {
    this.#conversation.push(message);
  }

  /** The conversation begins anew: its beginning is what a summary says of it. */
  compact(): void {
    this.#conversation = [];
    this.#answerAt = -1;
  }

  /** A model call is about to leave. */
  expect(): void {
    if (this.#call === null || this.#call.isEnded) this.#begin();
  }

  /** A try of the call under way failed and is made again. */
  retry(notice: Fields): void {
    this.expect();
    this.#call!.retry(notice);
  }

  /** One event of an answer's stream. */
  event(event: Fields): void {
    const id = event['type'] === 'message_start' ? toText(toFields(event['message'])?.['id']) : null;
    const call = id !== null || this.#call === null ? this.#callOf(id) : this.#call;
    call.event(event);
  }

  /** One message of an answer. */
  answer(given: Fields): void {
    const message = toFields(given['message']) ?? {};
    if (message['model'] === synthetic) return this.#wordsOfSdk(given, message);
    const call = this.#callOf(toText(message['id']));
    call.message(given);
    for (const block of toFieldsList(message['content'])) {
      const callId = block['type'] === 'tool_use' ? toText(block['id']) : null;
      if (callId === null) continue;
      this.#stepIdByCallId.set(callId, call.step.id);
      this.#blockByCallId.set(callId, block);
    }
    if (given['aborted'] === true) call.end('interrupted');
    this.#placeAnswer(call);
  }

  /** A message that the model will see: results of tools, or a prompt. */
  user(given: Fields): void {
    const message = toFields(given['message']) ?? {};
    for (const block of toFieldsList(message['content'])) {
      if (block['type'] === 'tool_result') this.#result(given, block);
    }
    if (textOf(message).startsWith('[Request interrupted by user')) this.endCall('interrupted');
    this.hear(message);
  }

  /** Ends the call under way, if there is one. */
  endCall(status: 'completed' | 'interrupted' | 'error', error?: unknown): void {
    if (this.#call !== null && !this.#call.isEnded) this.#call.end(status, error);
  }

  close(close: RunClose): void {
    this.endCall(close.endReason === 'ok' ? 'completed' : 'interrupted');
    this.run.close(close);
  }

  #result(given: Fields, block: Fields): void {
    const { tools } = this.#of;
    const callId = toText(block['tool_use_id']);
    if (callId === null) return;
    const asked = this.#blockByCallId.get(callId);
    if (!tools.has(callId) && asked !== undefined) {
      const parentStepId = this.stepOf(callId);
      tools.begin(this.run, {
        name: toText(asked['name']) ?? 'unknown',
        args: asked['input'],
        callId,
        observedAfter: true,
        ...(parentStepId === undefined ? {} : { parentStepId }),
      });
    }
    tools.result(given, block);
  }

  /** An error of the provider, or a notice, in the SDK's words: no answer, and nothing of the conversation. */
  #wordsOfSdk(given: Fields, message: Fields): void {
    const kind = toText(given['error']);
    if (kind === null) return;
    this.expect();
    this.#call!.end('error', named(textOf(message), kind));
  }

  #callOf(messageId: string | null): ModelCall {
    if (this.#call !== null && this.#call.isOf(messageId)) return this.#call;
    this.endCall('completed');
    return this.#begin();
  }

  #begin(): ModelCall {
    const { provider, totals, clock } = this.#of;
    const { run, model } = this;
    const messages = [...this.#conversation];
    this.#call = new ModelCall({ run, provider, model, messages, totals, clock, countedIn: this.#countedIn });
    this.#answerAt = -1;
    return this.#call;
  }

  #placeAnswer(call: ModelCall): void {
    const message = { role: 'assistant', content: [...call.blocks] };
    if (this.#answerAt === -1) this.#answerAt = this.#conversation.push(message) - 1;
    else this.#conversation[this.#answerAt] = message;
  }
}
