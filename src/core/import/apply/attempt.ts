import type { AttemptView } from '../../model/attempt.ts';
import type { StoredEvent } from '../../store.ts';
import { readAttemptEnd } from '../fact-reading.ts';
import type { FoldState } from '../fold-state.ts';
import { addCounts, attemptKey, attemptOf, changeAttempt, changeRun, changeStep, stepKey } from '../fold-state.ts';
import { bodyField, errorField, wordsField } from '../payload-reading.ts';
import type { Fields } from '../reading.ts';
import { objectField, payloadOf, textField } from '../reading.ts';

function requestFields(payload: Fields, known: AttemptView): Partial<AttemptView> {
  return {
    method: textField(payload, 'method') ?? known.method,
    url: textField(payload, 'url') ?? known.url,
    path: textField(payload, 'path') ?? known.path,
    requestHeaders: wordsField(payload, 'headers') ?? known.requestHeaders,
    requestBody: bodyField(payload, 'body') ?? known.requestBody,
  };
}

function countRedactions(state: FoldState, event: StoredEvent, payload: Fields): void {
  const step = state.stepByKey.get(stepKey(event.header.runId, event.header.stepId!));
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
  const { runId, stepId, attempt, timeMs } = event.header;
  const before = state.attemptByKey.get(attemptKey({ runId, stepId: stepId!, number: (attempt ?? 1) - 1 }));
  if (before === undefined || before.status !== 'failed' || before.retryDelayMs !== null || before.durationMs === null)
    return;
  changeAttempt(state, before, {
    retryDelayMs: Math.max(0, Math.round(timeMs - before.startedAtMs - before.durationMs)),
  });
}

/** Applies an `attempt-end`; the first end of an attempt stands. */
export function applyAttemptEnd(state: FoldState, event: StoredEvent): void {
  const attempt = attemptOf(state, event);
  const facts = readAttemptEnd(event);
  if (facts === null || attempt.status !== null) return;
  const payload = payloadOf(event);
  const next = changeAttempt(state, attempt, {
    ...requestFields(objectField(payload, 'request') ?? {}, attempt),
    status: facts.status,
    responseStatus: facts.responseStatus,
    durationMs: facts.durationMs,
    retryClass: facts.retryClass,
    retryDelayMs: facts.retryDelayMs,
    responseHeaders: wordsField(payload, 'headers'),
    responseBody: bodyField(payload, 'body'),
    error: errorField(payload, 'error'),
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
