import type { Clock } from '../../core/clock.ts';
import { elapsedMs } from '../../core/clock.ts';
import type { RetryClass } from '../../core/model/attempt.ts';
import { toUsage } from '../../core/model/usage.ts';
import type { AttemptRecorder, RunRecorder, StepRecorder } from '../../core/record/recording.ts';
import { anthropicMessages } from '../fetch/formats/anthropic-messages.ts';
import type { Totals } from './totals.ts';
import type { Fields } from './vendor.ts';
import { toCount, toFields, toFieldsList, toText } from './vendor.ts';

/** What a model call begins with. */
export interface CallStart {
  readonly run: RunRecorder;
  readonly provider: string;
  readonly model: string | null;
  readonly messages: readonly unknown[];
  readonly totals: Totals;
  /** The run that counts the tokens of calls that are told only in sum. */
  readonly countedIn: string;
  readonly clock: Clock;
}

const retryClassByWord: Readonly<Record<string, RetryClass>> = {
  rate_limit: 'rate-limit',
  overloaded: 'overloaded',
  server_error: 'server',
};

function toRetryClass(error: string, status: number | null): RetryClass {
  return retryClassByWord[error] ?? (status === null ? 'network' : status >= 500 ? 'server' : 'other');
}

const named = (message: string, name: string): Error => Object.assign(new Error(message), { name });

/**
 * One model call as the SDK tells of it: parts of its stream when those are switched on, else its finished blocks. Only the
 * stream says at its end how many tokens came out; a call without is counted with the SDK's sums.
 */
export class ModelCall {
  readonly step: StepRecorder;
  /** The answer's blocks as the conversation goes on with them. */
  readonly blocks: Fields[] = [];
  readonly #of: CallStart;
  readonly #fold = anthropicMessages.foldStream();
  #attempt: AttemptRecorder;
  #messageId: string | null = null;
  #isStreamed = false;
  #isFinal = false;
  #isEnded = false;
  #isCounted = false;
  #firstTokenMs: number | null = null;
  #requestId: string | null = null;
  #uuid: string | null = null;
  readonly #sinceMs: number;

  constructor(of: CallStart) {
    this.#of = of;
    this.#sinceMs = of.clock.monotonicMs();
    this.step = of.run.step({
      kind: 'model',
      operation: 'stream',
      provider: of.provider,
      ...(of.model === null ? {} : { model: of.model }),
      messages: of.messages,
      observedAfter: true,
    });
    this.#attempt = this.step.attempt();
  }

  /** The call has had no answer yet, or its answer has this id. */
  isOf(messageId: string | null): boolean {
    return this.#messageId === null ? !this.#isEnded : this.#messageId === messageId;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** One event of the answer's stream. */
  event(event: Fields): void {
    this.#isStreamed = true;
    this.#fold.push(event);
    if (this.#fold.hasOutput) this.#firstTokenMs ??= elapsedMs(this.#of.clock, this.#sinceMs);
    if (event['type'] === 'message_start') this.#messageId = toText(toFields(event['message'])?.['id']);
    if (event['type'] === 'message_delta' && toText(toFields(event['delta'])?.['stop_reason']) !== null)
      this.#isFinal = true;
    if (event['type'] === 'message_stop') this.end(this.#isFinal ? 'completed' : 'interrupted');
  }

  /** One message of the answer: as a rule one finished block of it. */
  message(given: Fields): void {
    const message = toFields(given['message']) ?? {};
    const blocks = toFieldsList(message['content']);
    this.#requestId = toText(given['request_id']) ?? this.#requestId;
    this.#uuid = toText(given['uuid']) ?? this.#uuid;
    if (!this.#isStreamed) {
      const isFirst = this.#messageId === null;
      this.#messageId = toText(message['id']);
      if (isFirst) this.#fold.push({ type: 'message_start', message: { ...message, content: [] } });
      for (const [at, block] of blocks.entries()) {
        this.#fold.push({ type: 'content_block_start', index: this.blocks.length + at, content_block: block });
      }
      const stop = toText(message['stop_reason']);
      if (stop !== null) {
        this.#isFinal = true;
        this.#fold.push({ type: 'message_delta', delta: { stop_reason: stop }, usage: message['usage'] });
      }
    }
    this.blocks.push(...blocks);
    // A block that comes after the end was taken for reached belongs to the answer all the same.
    if (this.#isEnded) this.end('completed');
  }

  /** A try failed, and another one follows. */
  retry(notice: Fields): void {
    const status = toCount(notice['error_status']);
    const error = toText(notice['error']) ?? 'unknown';
    this.#attempt.finish({
      status: 'failed',
      responseStatus: status,
      error: named(error, error),
      retryClass: toRetryClass(error, status),
      retryDelayMs: toCount(notice['retry_delay_ms']),
    });
    this.#attempt = this.step.attempt();
  }

  /** Ends the call, or tells an ended one anew. */
  end(status: 'completed' | 'interrupted' | 'error', error?: unknown): void {
    const answer = this.#fold.answer();
    this.#isEnded = true;
    this.#attempt.finish({
      status: status === 'completed' ? 'completed' : 'failed',
      ...(error === undefined ? {} : { error }),
      providerRequestId: this.#requestId,
      ...(this.#isStreamed ? {} : { durationMs: null }),
    });
    const isTold = this.#isFinal || status === 'error';
    this.#count(isTold);
    const usage = this.#isFinal ? answer.usage : this.#known();
    this.step.finish({
      status,
      ...(answer.parts.length === 0 ? {} : { response: answer.parts }),
      ...(answer.model === null ? {} : { model: answer.model }),
      ...(answer.responseId === null ? {} : { providerResponseId: answer.responseId }),
      ...(answer.finishReason === null ? {} : { finishReason: answer.finishReason }),
      ...(usage === null ? {} : { usage }),
      ...(this.#isFinal ? { usageRaw: answer.usageRaw } : {}),
      ...(error === undefined ? {} : { error }),
      ...(this.#isStreamed ? { timeToFirstTokenMs: this.#firstTokenMs } : { durationMs: null }),
      ...(this.#uuid === null ? {} : { assistantMessageId: this.#uuid }),
      ...(isTold ? {} : { metadata: { providerMetadata: { tachograph: { countedIn: this.#of.countedIn } } } }),
    });
  }

  /** What a call that was not told to its end is known to have read; what it wrote is not. */
  #known(): ReturnType<typeof toUsage> | null {
    const { usage } = this.#fold.answer();
    return usage === null ? null : toUsage(usage.input, {});
  }

  #count(isTold: boolean): void {
    if (this.#isCounted) return;
    this.#isCounted = true;
    const { totals } = this.#of;
    const answer = this.#fold.answer();
    const model = answer.model ?? this.#of.model;
    if (model === null) return;
    if (!isTold) totals.owe(model, this.#known() ?? toUsage({}, {}));
    else if (answer.usage !== null) totals.count(model, answer.usage);
  }
}
