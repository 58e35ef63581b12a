import { toRequestId, toRetryDelayMs } from '../../../core/model/retry.ts';
import type { AttemptFinish, AttemptRequest, BodyInput } from '../../../core/record/recording.ts';
import { createBodyTexts } from './body-text.ts';
import { toFailure, toHeaders, toRetryClass } from './failure.ts';
import type { Fields } from '../sdk-events.ts';
import { toFields, toText } from '../sdk-events.ts';
import type { StreamEnd, StreamOutcome } from '../stream/fold.ts';

const json = 'application/json';
const withheldBody: BodyInput = { data: null, contentType: null, withheld: 'not-recorded' };

/** One for the process: what it remembers is bounded, and no answer of it depends on what it remembers. */
const bodyTexts = createBodyTexts();

/** A body as the SDK hands it over: text as it is, a value as the JSON that was made of it. */
function toBody(value: unknown, contentType: string | null): BodyInput | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return { data: value, contentType };
  if (value instanceof Uint8Array) return { data: value, contentType };
  try {
    const parts = bodyTexts.of(value);
    return { ...(parts.length === 1 ? { data: parts[0]! } : { data: null, parts }), contentType: contentType ?? json };
  } catch {
    // A value that JSON refuses was not sent as JSON either; what was sent is only known on the wire.
    return { data: null, contentType, withheld: 'not-json' };
  }
}

function toRequest(url: unknown, body: unknown, isWithheld: boolean): AttemptRequest | undefined {
  const input = isWithheld ? withheldBody : toBody(body, json);
  const address = toText(url);
  if (address === undefined && input === undefined) return undefined;
  return { ...(address === undefined ? {} : { url: address }), ...(input === undefined ? {} : { body: input }) };
}

/** The end of an attempt that brought a whole answer. The SDK tells no status code; it stays unknown. */
export function resultToAttempt(result: unknown, isWithheld: boolean): AttemptFinish {
  const fields = toFields(result) ?? {};
  const response = toFields(fields['response']) ?? {};
  const headers = toHeaders(response['headers']);
  const asked = toFields(fields['request']) ?? {};
  const request = toRequest(asked['url'], asked['body'], isWithheld);
  const body = isWithheld ? withheldBody : toBody(response['body'], headers?.['content-type'] ?? null);
  return {
    status: 'completed',
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body }),
    ...(request === undefined ? {} : { request }),
    providerRequestId: toRequestId(headers ?? {}),
  };
}

/** The end of an attempt whose answer was a stream. The bytes of a stream are only seen on the wire, not here. */
export function streamToAttempt(
  result: Fields,
  outcome: StreamOutcome,
  how: { end: StreamEnd; isWithheld: boolean },
): AttemptFinish {
  const { end, isWithheld } = how;
  const whole = resultToAttempt(result, isWithheld);
  const body: BodyInput = { data: null, contentType: whole.headers?.['content-type'] ?? null, withheld: 'stream' };
  const isCompleted = outcome.status === 'completed' || (end.kind === 'eof' && outcome.status === 'interrupted');
  if (isCompleted) return { ...whole, body };
  return {
    ...whole,
    status: 'failed',
    body,
    error: toFailure(outcome.error ?? new Error('the stream was left before its end'), isWithheld),
    retryClass: outcome.status === 'error' ? toRetryClass(outcome.error) : null,
  };
}

/** The end of an attempt that failed, with what the provider answered where it did. */
export function errorToAttempt(error: unknown, isWithheld: boolean, nowMs: number): AttemptFinish {
  const fields = toFields(error) ?? {};
  const headers = toHeaders(fields['responseHeaders']);
  const status = fields['statusCode'];
  const request = toRequest(fields['url'], fields['requestBodyValues'], isWithheld);
  const answer = toText(fields['responseBody']);
  const body =
    answer === undefined ? undefined : isWithheld ? withheldBody : toBody(answer, headers?.['content-type'] ?? null);
  return {
    status: 'failed',
    responseStatus: typeof status === 'number' ? status : null,
    error: toFailure(error, isWithheld),
    retryClass: toRetryClass(error),
    retryDelayMs: toRetryDelayMs(headers ?? {}, nowMs),
    providerRequestId: toRequestId(headers ?? {}),
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body }),
    ...(request === undefined ? {} : { request }),
  };
}
