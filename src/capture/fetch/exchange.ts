import type { Clock } from '../../core/clock.ts';
import { elapsedMs } from '../../core/clock.ts';
import type { Limits } from '../../core/limits.ts';
import type { RetryClass } from '../../core/model/attempt.ts';
import type { HeaderValues } from '../../core/model/retry.ts';
import { isAbort } from '../../core/record/failure.ts';
import type { AttemptFinish, AttemptRequest, BodyInput } from '../../core/record/recording.ts';
import type { AnswerReader } from './body/answer-reader.ts';
import { createAnswerReader } from './body/answer-reader.ts';
import type { BodyEvent, BodyState } from './body/body-end.ts';
import { beginBody, nextBody } from './body/body-end.ts';
import { createBodyBuffer } from './body/body-buffer.ts';
import { createUsageTail } from './body/usage-tail.ts';
import type { ExchangeRequest } from './exchange-request.ts';
import { toProviderRequestId } from './retry/request-id.ts';
import { answerToRetryClass, errorToRetryClass } from './retry/retry-class.ts';
import { toRetryWaitMs } from './retry/retry-wait.ts';
import { isPastDeadline } from './retry/try-count.ts';
import type { Place } from './place.ts';
import type { Spending } from './spending/spending.ts';
import { outcomeToFinish, statusToError } from './step-end.ts';

/** One HTTP round trip being recorded. Told what happens, in any layer; every end but the first is ignored. */
export interface Exchange {
  /** The answer's head has come. `isLengthCountable`: the bytes told later are those of the wire. */
  head(status: number, headers: HeaderValues, isLengthCountable: boolean): void;
  /** Bytes of the body, decoded; `wireBytes` of them are counted as read from the wire, all when left out. */
  chunk(bytes: Uint8Array, wireBytes?: number): void;
  /** Bytes read from the wire that are told, decoded, on their own. */
  wire(bytes: number): void;
  end(): void;
  /** The caller gave up the body. */
  leave(): void;
  fail(error: unknown): void;
  /** The answer's body cannot be seen from here, as far as it has one. */
  blind(): void;
  /** The caller is waiting for more of the body, or not. */
  wait(isWaiting: boolean): void;
  readonly isEnded: boolean;
  /** The provider's last event was seen: what may follow is of no length. */
  readonly isTold: boolean;
  readonly isEventStream: boolean;
  /** The answer's status says that the request failed: its body holds the provider's words. */
  readonly isRefusal: boolean;
  /** Since when the caller has let the body lie, in monotonic time; `null` while it waits for the answer. */
  readonly unreadSinceMs: number | null;
  readonly place: Place;
  /** It spends: told of from now on. Before the request leaves. */
  spend(spending: Spending): void;
  /** What it spends, where that is counted. */
  readonly spending: Spending | null;
}

/** What an exchange needs from its surroundings. */
export interface ExchangeParts {
  readonly request: ExchangeRequest;
  readonly place: Place;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly onEnd: (exchange: Exchange) => void;
}

interface Head {
  readonly status: number;
  readonly headers: HeaderValues;
}

function kindOf(contentType: string): 'event-stream' | 'json' | 'other' {
  if (/\btext\/event-stream\b/i.test(contentType)) return 'event-stream';
  return /\bjson\b/i.test(contentType) && !/ndjson|jsonl|json-seq/i.test(contentType) ? 'json' : 'other';
}

/** The request side of an attempt; bodies that a step withholds are named, not shown. */
export function toAttemptRequest(request: ExchangeRequest, isWithheld: boolean): AttemptRequest {
  const { body } = request;
  const shown: BodyInput | null =
    body !== null && isWithheld ? { data: null, contentType: body.contentType, withheld: 'not-recorded' } : body;
  return {
    method: request.method,
    url: request.url.href,
    headers: request.headers,
    ...(shown === null ? {} : { body: shown }),
  };
}

/** Begins to record an exchange whose place has been found. */
export function createExchange(parts: ExchangeParts): Exchange {
  const { place, clock, limits } = parts;
  const sinceMs = clock.monotonicMs();
  const buffer = createBodyBuffer(limits.bodyBytesMax + limits.bodyOverlapBytes);
  const usageTail = place.onCost === null ? null : createUsageTail();
  let head: Head | null = null;
  let body: BodyState | null = null;
  let reader: AnswerReader | null = null;
  let isEnded = false;
  let isBlind = false;
  let isLeft = false;
  let isWaiting = false;
  let lastMs = sinceMs;
  let spending: Spending | null = null;

  const step = (event: BodyEvent): void => {
    lastMs = clock.monotonicMs();
    if (body !== null) body = nextBody(body, event);
  };

  const toBody = (): BodyInput | undefined => {
    if (head === null) return undefined;
    const contentType = head.headers['content-type'] ?? null;
    if (isBlind) return { data: null, contentType, withheld: 'not-observable' };
    if (place.withheld.outputs) return { data: null, contentType, bytes: buffer.bytes, withheld: 'not-recorded' };
    if (buffer.bytes === 0) return undefined;
    return { data: buffer.take(), contentType, bytes: buffer.bytes, truncated: buffer.isCut };
  };

  /** Beginning of a refusal's body: the provider's words. */
  const bodyStart = (): string =>
    head !== null && head.status >= 400 ? Buffer.from(buffer.take()).toString('utf8') : '';

  const toErrorClass = (thrown: unknown): RetryClass | null => {
    const isLate = isAbort(thrown) && isPastDeadline(parts.request.headers, elapsedMs(clock, sinceMs));
    return isLate ? 'timeout' : errorToRetryClass(thrown);
  };

  const finishAttempt = (thrown: unknown, retryClass: RetryClass | null): void => {
    const isWhole = body?.phase === 'completed' && head !== null && head.status < 400;
    const error =
      thrown ?? (head !== null && head.status >= 400 ? statusToError(outcomeOf(thrown, retryClass)) : bodyError(body));
    const shown = toBody();
    const finish: AttemptFinish = {
      status: isWhole ? 'completed' : 'failed',
      responseStatus: head?.status ?? null,
      ...(head === null ? {} : { headers: head.headers }),
      ...(shown === undefined ? {} : { body: shown }),
      ...(isWhole || error === null ? {} : { error }),
      retryClass: isWhole ? null : retryClass,
      retryDelayMs:
        isWhole || head === null || retryClass === null
          ? null
          : toRetryWaitMs(head, { bodyStart: bodyStart(), nowMs: clock.nowMs() }),
      providerRequestId: head === null ? null : toProviderRequestId(head.headers, bodyStart()),
      durationMs: elapsedMs(clock, sinceMs),
      ...(place.isRequestTold ? {} : { request: toAttemptRequest(parts.request, place.withheld.inputs) }),
    };
    place.attempt.finish(finish);
  };

  const outcomeOf = (thrown: unknown, retryClass: RetryClass | null) => ({
    status: head?.status ?? null,
    thrown,
    isLeft,
    isWhole: body?.phase === 'completed',
    isEventStream: body?.expected.kind === 'event-stream',
    isRetryable: retryClass !== null,
    answer: head !== null && head.status < 400 && !isBlind ? (reader?.answer() ?? null) : null,
    bodyStart: bodyStart(),
    timing: reader?.timing() ?? null,
    firstOutputMs: reader?.firstOutputMs == null ? null : Math.max(0, reader.firstOutputMs - sinceMs),
  });

  const finish = (thrown: unknown): void => {
    if (isEnded) return;
    isEnded = true;
    reader?.end();
    if (reader?.isTold === true && body?.phase === 'reading') step({ type: 'told-end' });
    const retryClass =
      thrown !== null ? toErrorClass(thrown) : head === null ? null : answerToRetryClass(head.status, head.headers);
    finishAttempt(thrown, retryClass);
    const costNanoUsd = usageTail?.costNanoUsd() ?? null;
    if (costNanoUsd !== null) place.onCost?.(costNanoUsd);
    if (place.ownStep !== null) {
      const outcome = outcomeOf(thrown, retryClass);
      place.ownStep.finish(outcomeToFinish(outcome, place.withheld.outputs));
      place.onAnswer({
        responseId: outcome.answer?.responseId ?? null,
        text: firstText(outcome.answer?.parts ?? []),
        retryClass,
      });
    }
    spending?.end({ status: head?.status ?? null, thrown, isBlind });
    parts.onEnd(exchange);
  };

  const exchange: Exchange = {
    head(status, headers, isLengthCountable) {
      if (isEnded || head !== null) return;
      head = { status, headers };
      const length =
        isLengthCountable && /^\d+$/.test(headers['content-length'] ?? '') ? Number(headers['content-length']) : null;
      const kind = kindOf(headers['content-type'] ?? '');
      body = beginBody({ method: parts.request.method, status, length, kind });
      reader = createAnswerReader({
        kind,
        format: place.format,
        isRead: place.ownStep !== null,
        nowMs: () => clock.monotonicMs(),
      });
      spending?.head(kind);
      lastMs = clock.monotonicMs();
      const retryClass = answerToRetryClass(status, headers);
      if (retryClass !== null) place.onFailed(retryClass);
    },
    chunk(bytes, wireBytes = bytes.byteLength) {
      if (isEnded) return;
      buffer.push(bytes);
      usageTail?.push(bytes);
      reader?.chunk(bytes);
      spending?.chunk(bytes);
      step({ type: 'chunk', bytes: wireBytes, text: bytes });
      if (reader?.isTold === true) step({ type: 'told-end' });
    },
    wire(bytes) {
      if (!isEnded) step({ type: 'chunk', bytes });
    },
    end() {
      if (isEnded) return;
      step({ type: 'eof' });
      finish(null);
    },
    leave() {
      if (isEnded) return;
      isLeft = true;
      step({ type: 'left' });
      finish(null);
    },
    fail(error) {
      if (isEnded) return;
      // A client stops reading what is whole by aborting it.
      step({ type: isAbort(error) ? 'left' : 'error' });
      isLeft = isAbort(error);
      if (isLeft && body?.phase === 'completed') return finish(null);
      place.onFailed(toErrorClass(error));
      finish(error ?? new Error('the exchange failed without an error'));
    },
    blind() {
      if (isEnded || body === null || body.phase === 'completed') return;
      isBlind = true;
      // What is not seen cannot fall short.
      body = beginBody({ ...body.expected, length: null });
    },
    wait(waiting) {
      isWaiting = waiting;
      lastMs = clock.monotonicMs();
    },
    get isEnded() {
      return isEnded;
    },
    get isTold() {
      return reader?.isTold === true;
    },
    get isEventStream() {
      return body?.expected.kind === 'event-stream';
    },
    get isRefusal() {
      return head !== null && head.status >= 400;
    },
    get unreadSinceMs() {
      return head === null || isWaiting ? null : lastMs;
    },
    place,
    spend(given) {
      spending = given;
    },
    get spending() {
      return spending;
    },
  };
  return exchange;
}

const words: Readonly<Record<string, string>> = {
  'left-early': 'the body was left before its end',
  short: 'the body ended before its announced length',
  'two-documents': 'the body holds two JSON documents',
  error: 'the body could not be read to its end',
};

function firstText(parts: readonly unknown[]): string {
  for (const part of parts) {
    const { type, text } = part as { type?: unknown; text?: unknown };
    if (type === 'text' && typeof text === 'string') return text;
  }
  return '';
}

function bodyError(body: BodyState | null): Error | null {
  return body?.reason == null ? null : new Error(words[body.reason]);
}
