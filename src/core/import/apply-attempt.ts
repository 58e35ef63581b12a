import type { AttemptView, BodyRef } from '../model/attempt.ts';
import type { RecordedError } from '../model/step.ts';
import type { AttemptEndFacts } from '../record/facts.ts';
import type { StoredEvent } from '../store.ts';
import type { FoldState } from './fold-state.ts';
import { addCounts, attemptKey, attemptOf, changeAttempt, changeRun, changeStep } from './fold-state.ts';
import type { Fields } from './reading.ts';
import { factsOf, objectField, payloadOf, textField } from './reading.ts';

type HeaderMap = Readonly<Record<string, string>>;

function requestFields(payload: Fields, known: AttemptView): Partial<AttemptView> {
  return {
    method: textField(payload, 'method') ?? known.method,
    url: textField(payload, 'url') ?? known.url,
    path: textField(payload, 'path') ?? known.path,
    requestHeaders: objectField<HeaderMap>(payload, 'headers') ?? known.requestHeaders,
    requestBody: objectField<BodyRef>(payload, 'body') ?? known.requestBody,
  };
}

function countRedactions(state: FoldState, event: StoredEvent, payload: Fields): void {
  const step = state.stepById.get(event.header.stepId!);
  if (step === undefined || payload['redactions'] === undefined) return;
  changeStep(state, step, { redactions: addCounts(step.redactions, payload['redactions']) });
}

/** Applies an `attempt-start`. */
export function applyAttemptStart(state: FoldState, event: StoredEvent): void {
  const attempt = attemptOf(state, event);
  const payload = payloadOf(event);
  changeAttempt(state, attempt, {
    ...requestFields(payload, attempt),
    startedAtMs: event.header.timeMs,
    erased: attempt.erased || event.payload === null,
  });
  countRedactions(state, event, payload);
  noteWait(state, event);
}

/** The wait before a retry, where the answer had named none: from the end of the failed attempt to this start. */
function noteWait(state: FoldState, event: StoredEvent): void {
  const { stepId, attempt, timeMs } = event.header;
  const before = state.attemptByKey.get(attemptKey(stepId!, (attempt ?? 1) - 1));
  if (before === undefined || before.status !== 'failed' || before.retryDelayMs !== null || before.durationMs === null)
    return;
  changeAttempt(state, before, {
    retryDelayMs: Math.max(0, Math.round(timeMs - before.startedAtMs - before.durationMs)),
  });
}

/** Applies an `attempt-end`; the first end of an attempt stands. */
export function applyAttemptEnd(state: FoldState, event: StoredEvent): void {
  const attempt = attemptOf(state, event);
  const facts = factsOf<AttemptEndFacts>(event);
  if (facts === null || attempt.status !== null) return;
  const payload = payloadOf(event);
  const next = changeAttempt(state, attempt, {
    ...requestFields(objectField<Fields>(payload, 'request') ?? {}, attempt),
    status: facts.status,
    responseStatus: facts.responseStatus ?? null,
    durationMs: facts.durationMs ?? null,
    retryClass: facts.retryClass ?? null,
    retryDelayMs: facts.retryDelayMs ?? null,
    responseHeaders: objectField<HeaderMap>(payload, 'headers'),
    responseBody: objectField<BodyRef>(payload, 'body'),
    error: objectField<RecordedError>(payload, 'error'),
    providerRequestId: textField(payload, 'providerRequestId'),
    erased: attempt.erased || event.payload === null,
  });
  countRedactions(state, event, payload);
  noteEndpoint(state, next);
}

function noteEndpoint(state: FoldState, attempt: AttemptView): void {
  const run = state.runById.get(attempt.runId)!;
  if (attempt.status !== 'completed' || run.summary.endpoint !== null || attempt.path === null) return;
  const endpoint = `${attempt.method ?? 'POST'} ${attempt.path}`;
  changeRun(state, run.id, { summary: { ...run.summary, endpoint } });
}
