import type { JsonChange } from '../core/difference/json-changes.ts';
import { jsonChanges } from '../core/difference/json-changes.ts';
import { TachographError } from '../core/error.ts';
import type { AttemptView } from '../core/model/attempt.ts';
import type { StepView } from '../core/model/step.ts';
import type { RedactOptions } from '../core/redact/options.ts';
import { createComparer } from './comparison.ts';
import { divergenceToError, findGap, gapToError } from './divergence.ts';
import { readAnswer } from './recorded-answer.ts';
import type { RecordedRun } from './recorded-run.ts';
import { remakeStream } from './remade-stream.ts';

/*
 * Recorded round trips, answered again. A request takes the first recorded attempt, in the order in which they began, that
 * was the same and is not taken; a retry sends the same again and so takes the next. The host is not compared: where the
 * provider is reached is of the machine, what it is asked is of the program.
 */

/** A request as it was about to leave. */
export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly contentType: string | null;
  readonly body: string | null;
}

/** What the recording answers with. */
export type HttpAnswer =
  | {
      readonly kind: 'answer';
      readonly stepNumber: number;
      readonly runId: string;
      readonly status: number;
      /** Without those that speak of the transfer, and those that were redacted. */
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      /** The body was cut in the recording, as its reader left: what followed is not known. */
      readonly isCut: boolean;
    }
  /** The recorded round trip failed without an answer. */
  | { readonly kind: 'broken'; readonly runId: string; readonly stepNumber: number }
  /** Past the step from which on the program runs live. */
  | { readonly kind: 'live' };

/** How requests are replayed. */
export interface HttpReplayOptions {
  readonly redact?: RedactOptions;
  /** Steps of the first run from this number on are not answered: the program runs live. */
  readonly liveFrom?: number | null;
  /** Bodies that take the place of answers not recorded word for word, by step number of the first run. */
  readonly bodyByStep?: ReadonlyMap<number, string>;
}

/** Recorded round trips, and which of them have been made again. */
export interface HttpReplay {
  /** Hosts, with ports, that the recording spoke to. */
  readonly hosts: readonly string[];
  /** Throws `replay-diverged` and `replay-not-recorded`, the same from then on. */
  answer(request: HttpRequest): Promise<HttpAnswer>;
  /** What went wrong first; else `replay-diverged` while recorded requests have not been made; else `null`. */
  verdict(): TachographError | null;
  readonly answered: number;
  readonly total: number;
  /** Answers that were cut at the recorder's limit and made anew from what they amounted to. */
  readonly remade: number;
}

interface Entry {
  readonly recorded: RecordedRun;
  readonly step: StepView;
  readonly attempt: AttemptView;
  readonly path: string;
  readonly isLive: boolean;
  body: unknown;
  isLoaded: boolean;
  isTaken: boolean;
}

/** Path and query of a URL, without its host. */
function toPath(url: string): string {
  const at = /^[a-z]+:\/\/[^/?#]*/i.exec(url);
  return at === null ? url : url.slice(at[0].length) || '/';
}

function toHost(url: string | null): string | null {
  return url !== null && URL.canParse(url) ? new URL(url).host : null;
}

const transferHeaders = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'trailer',
]);

function toHeaders(recorded: Readonly<Record<string, string>> | null): Record<string, string> {
  const kept = Object.entries(recorded ?? {}).filter(
    ([name, value]) => !transferHeaders.has(name) && findGap(value, name) === null,
  );
  return Object.fromEntries(kept);
}

const isNotCaptured = (body: AttemptView['requestBody']): boolean =>
  body === null || (body.contentId === null && body.nodeId === null);

/** A recorded step that began when live running had begun is not answered from the recording. */
function findLiveStart(runs: readonly RecordedRun[], liveFrom: number | null): number {
  const first = liveFrom === null ? undefined : runs[0]?.steps.find(({ number }) => number >= liveFrom);
  return first?.startedAtMs ?? Infinity;
}

function toEntries(runs: readonly RecordedRun[], liveFrom: number | null): Entry[] {
  const liveStart = findLiveStart(runs, liveFrom);
  const entries = runs.flatMap((recorded) => {
    const stepById = new Map(recorded.steps.map((step) => [step.id, step]));
    return recorded.attempts.flatMap((attempt): Entry[] => {
      const step = stepById.get(attempt.stepId);
      if (step === undefined || attempt.url === null) return [];
      const isLive =
        recorded === runs[0] && liveFrom !== null ? step.number >= liveFrom : step.startedAtMs >= liveStart;
      const path = toPath(attempt.url);
      return [{ recorded, step, attempt, path, isLive, body: null, isLoaded: false, isTaken: false }];
    });
  });
  return entries.sort((a, b) => a.attempt.startedAtMs - b.attempt.startedAtMs || a.step.number - b.step.number);
}

/** A replay of the requests of several runs of one program; the first is the one that was asked for. */
export function createHttpReplay(runs: readonly RecordedRun[], options: HttpReplayOptions = {}): HttpReplay {
  const comparer = createComparer(options.redact);
  const entries = toEntries(runs, options.liveFrom ?? null);
  let failure: TachographError | null = null;
  let isLive = false;
  let remade = 0;

  /** The whole of an answer that was cut at the recorder's limit; `null` where it cannot be made anew. */
  const remake = async ({ recorded, step }: Entry, cut: string): Promise<string | null> => {
    const read = await readAnswer(recorded, step);
    return 'content' in read ? remakeStream(cut, step, read.content) : null;
  };

  const load = async (entry: Entry): Promise<void> => {
    if (entry.isLoaded) return;
    const text = await entry.recorded.readBody(entry.attempt.requestBody);
    entry.body = text === null ? null : comparer.recorded(text);
    entry.isLoaded = true;
  };

  const compare = async (entry: Entry, request: HttpRequest, body: unknown): Promise<JsonChange[]> => {
    const path = comparer.liveUrl(request.url);
    const changes = [
      ...jsonChanges(entry.attempt.method ?? request.method, request.method).map((one) => ({ ...one, path: 'method' })),
      ...jsonChanges(comparer.liveUrl(entry.path), toPath(path)).map((one) => ({ ...one, path: 'path' })),
    ];
    if (changes.length > 0 || isNotCaptured(entry.attempt.requestBody)) return changes;
    await load(entry);
    return jsonChanges(entry.body, body);
  };

  const diverge = async (left: readonly Entry[], request: HttpRequest, body: unknown): Promise<TachographError> => {
    const first = left[0];
    if (first === undefined) {
      const { runId } = { runId: runs[0]!.run.id };
      const changes = [{ path: `${request.method} ${toPath(request.url)}`, before: null, after: request.body }];
      return divergenceToError({ runId, stepNumber: null, summary: 'there is no recorded request left', changes });
    }
    const { entry, changes } = await nearest(left, request, body);
    const summary = `the request ${request.method} ${toPath(comparer.liveUrl(request.url))} differs`;
    return divergenceToError({ runId: entry.recorded.run.id, stepNumber: entry.step.number, summary, changes });
  };

  /** Of the next attempt of each run, the one that the request is least different from. */
  const nearest = async (
    left: readonly Entry[],
    request: HttpRequest,
    body: unknown,
  ): Promise<{ entry: Entry; changes: JsonChange[] }> => {
    const nextByRun = new Map<RecordedRun, Entry>();
    for (const entry of left) if (!nextByRun.has(entry.recorded)) nextByRun.set(entry.recorded, entry);
    let best: { entry: Entry; changes: JsonChange[] } | null = null;
    for (const entry of nextByRun.values()) {
      const changes = await compare(entry, request, body);
      if (best === null || changes.length < best.changes.length) best = { entry, changes };
    }
    return best!;
  };

  const give = async (entry: Entry): Promise<HttpAnswer> => {
    const { recorded, step, attempt } = entry;
    const place = { runId: recorded.run.id, stepNumber: step.number };
    if (attempt.responseStatus === null) return { kind: 'broken', ...place };
    const { responseBody } = attempt;
    const text = await recorded.readBody(responseBody);
    const head = { ...place, status: attempt.responseStatus, headers: toHeaders(attempt.responseHeaders) };
    const standIn = recorded === runs[0] ? options.bodyByStep?.get(step.number) : undefined;
    if (standIn !== undefined && attempt.responseStatus < 400)
      return { kind: 'answer', ...head, body: standIn, isCut: false };
    const whole = responseBody?.truncated === true && text !== null ? await remake(entry, text) : null;
    if (whole !== null) {
      remade += 1;
      return { kind: 'answer', ...head, body: whole, isCut: false };
    }
    const why =
      responseBody === null || responseBody.bytes === 0
        ? null
        : text === null
          ? `was not recorded (${responseBody.withheld ?? 'erased'})`
          : responseBody.truncated
            ? `was cut at the recorder’s limit: ${Buffer.byteLength(text)} of ${responseBody.bytes ?? 'unknown'} bytes were kept`
            : (findGap(text, 'response body')?.why ?? null);
    if (why !== null) throw gapToError({ ...place, field: 'response body', why });
    return {
      kind: 'answer',
      ...head,
      body: text ?? '',
      isCut: attempt.status === 'failed' && attempt.responseStatus < 400,
    };
  };

  return {
    hosts: [...new Set(entries.flatMap(({ attempt }) => toHost(attempt.url) ?? []))],
    total: entries.filter((entry) => !entry.isLive).length,
    get remade() {
      return remade;
    },
    get answered() {
      return entries.filter(({ isTaken }) => isTaken).length;
    },
    async answer(request) {
      if (failure !== null) throw failure;
      if (isLive) return { kind: 'live' };
      try {
        const body = request.body === null ? null : comparer.liveBody(request.body, request.contentType);
        const left = entries.filter((entry) => !entry.isTaken && !entry.isLive);
        if (left.length === 0 && options.liveFrom !== undefined && options.liveFrom !== null) {
          isLive = true;
          return { kind: 'live' };
        }
        for (const entry of left) {
          if ((await compare(entry, request, body)).length > 0 || entry.isTaken) continue;
          entry.isTaken = true;
          return await give(entry);
        }
        throw await diverge(left, request, body);
      } catch (error) {
        failure ??= error as TachographError;
        throw error;
      }
    },
    verdict() {
      if (failure !== null) return failure;
      const left = entries.filter((entry) => !entry.isTaken && !entry.isLive);
      const next = left[0];
      if (next === undefined) return null;
      return new TachographError(
        'replay-diverged',
        `The program ended before step ${next.step.number} of run ${next.recorded.run.id}: ${left.length} of ${entries.length} recorded requests were not made.`,
      );
    },
  };
}
