import { elapsedMs } from '../clock.ts';
import type { BodyRef } from '../model/attempt.ts';
import { recordBody, recordRequestBody } from '../content/body.ts';
import type { EntryDraft } from '../content/interner.ts';
import { countRedactions } from '../content/interner.ts';
import type { Chain, Desk } from './desk.ts';
import { readFields } from './given.ts';
import { attemptFinishShape, attemptRequestShape } from './given-shapes.ts';
import { toRecordedError } from '../record/failure.ts';
import type { AttemptEndPayload, AttemptStartPayload } from '../record/payload.ts';
import type { AttemptFinish, AttemptRecorder, AttemptRequest } from '../record/recording.ts';

/** Where an attempt hangs. */
export interface AttemptPlace {
  readonly desk: Desk;
  readonly chain: Chain;
  readonly stepId: string;
  readonly number: number;
  readonly onFinished: () => void;
}

function pathOf(url: string): string {
  const start = url.indexOf('://');
  const slash = start === -1 ? url.indexOf('/') : url.indexOf('/', start + 3);
  if (slash === -1) return '/';
  const cut = url.slice(slash).search(/[?#]/);
  return cut === -1 ? url.slice(slash) : url.slice(slash, slash + cut);
}

function requestPayload(place: AttemptPlace, request: AttemptRequest, draft: EntryDraft): AttemptStartPayload {
  const { desk } = place;
  const url = request.url === undefined ? undefined : desk.redactor.url(request.url);
  const headers = request.headers === undefined ? undefined : desk.redactor.headers(request.headers);
  countRedactions(draft, url?.counts ?? null);
  countRedactions(draft, headers?.counts ?? null);
  let body: BodyRef | undefined;
  if (request.body !== undefined) {
    const tools = { redactor: desk.redactor, interner: desk.interner, draft, bytesMax: desk.limits.bodyBytesMax };
    body = recordRequestBody(request.body, { url: request.url ?? '', memory: desk.bodies }, tools);
  }
  return {
    ...(request.method === undefined ? {} : { method: request.method }),
    ...(url === undefined ? {} : { url: url.value, path: pathOf(url.value) }),
    ...(headers === undefined ? {} : { headers: headers.value }),
    ...(body === undefined ? {} : { body }),
  };
}

function finishPayload(place: AttemptPlace, finish: Partial<AttemptFinish>, draft: EntryDraft): AttemptEndPayload {
  const { desk } = place;
  const headers = finish.headers === undefined ? undefined : desk.redactor.headers(finish.headers);
  countRedactions(draft, headers?.counts ?? null);
  const tools = { redactor: desk.redactor, interner: desk.interner, draft, bytesMax: desk.limits.bodyBytesMax };
  return {
    ...(finish.request === undefined ? {} : { request: requestPayload(place, finish.request, draft) }),
    ...(headers === undefined ? {} : { headers: headers.value }),
    ...(finish.body === undefined ? {} : { body: recordBody(finish.body, tools) }),
    ...(finish.error === undefined ? {} : { error: toRecordedError(finish.error, { redactor: desk.redactor, draft }) }),
    ...(finish.providerRequestId == null ? {} : { providerRequestId: finish.providerRequestId }),
  };
}

/** Begins an attempt: its start is in the journal when this returns (I3). */
export function beginAttempt(place: AttemptPlace, given: unknown): AttemptRecorder {
  const { desk, chain, stepId, number } = place;
  const request: AttemptRequest = readFields<AttemptRequest>(given, attemptRequestShape, desk.onError);
  const attempt = new OpenAttempt(place, desk.clock.monotonicMs());
  desk.emit(chain, {
    type: 'attempt-start',
    stepId,
    attempt: number,
    facts: null,
    payload: (draft) => requestPayload(place, request, draft),
  });
  return attempt;
}

/** An attempt under way. */
class OpenAttempt implements AttemptRecorder {
  readonly number: number;
  readonly #place: AttemptPlace;
  readonly #sinceMs: number;
  #isFinished = false;
  #isClaimed = false;

  constructor(place: AttemptPlace, sinceMs: number) {
    this.number = place.number;
    this.#place = place;
    this.#sinceMs = sinceMs;
  }

  get claimed(): boolean {
    return this.#isClaimed;
  }

  get finished(): boolean {
    return this.#isFinished;
  }

  readonly claim = (): void => {
    this.#isClaimed = true;
  };

  readonly finish = (ending: unknown): void => this.#place.desk.safely(() => this.#end(ending), undefined);

  #end(ending: unknown): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    const { desk, onFinished } = this.#place;
    end(this.#place, this.#sinceMs, readFields<AttemptFinish>(ending, attemptFinishShape, desk.onError));
    onFinished();
  }
}

/** An end without a status the record knows is a failure: nobody said that it went well. */
function end(place: AttemptPlace, sinceMs: number, finish: Partial<AttemptFinish>): void {
  const { desk, chain, stepId, number } = place;
  desk.emit(chain, {
    type: 'attempt-end',
    stepId,
    attempt: number,
    facts: {
      status: finish.status ?? 'failed',
      responseStatus: finish.responseStatus ?? null,
      durationMs: finish.durationMs ?? elapsedMs(desk.clock, sinceMs),
      retryClass: finish.retryClass ?? null,
      retryDelayMs: finish.retryDelayMs ?? null,
    },
    payload: (draft) => finishPayload(place, finish, draft),
  });
}
