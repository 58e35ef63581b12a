import type { JsonChange } from '../core/difference/json-changes.ts';
import { jsonChanges } from '../core/difference/json-changes.ts';
import { TachographError } from '../core/error.ts';
import type { AttemptView } from '../core/model/attempt.ts';
import type { RedactOptions } from '../core/redact/options.ts';
import { createComparer } from './comparison.ts';
import { divergenceToError, findGap, gapToError } from './divergence.ts';
import type { Entry } from './http-entry.ts';
import { nextEntries, toEntries, toHeldMs, toPath } from './http-entry.ts';
import { isLateReference, readAnswer } from './recorded-answer.ts';
import type { RecordedRun } from './recorded-run.ts';
import { remakeMessages } from './remade-messages.ts';
import { remakeResponses } from './remade-responses.ts';
import type { Fields } from './remade-stream.ts';
import { listObjects, remakeChat, remakeGoogle } from './remade-stream.ts';

/*
 * Recorded round trips, answered again. A request takes the first recorded attempt, in the order in which they began, that
 * was the same and is not taken; a retry sends the same again and so takes the next, and requests that leave side by side
 * find theirs in whatever order they leave. The host is not compared: where the provider is reached is of the machine,
 * what it is asked is of the program.
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
  /**
   * The recorded round trip failed without an answer. `heldMs`: its sender waited so long and left; `null`: the connection
   * broke, or nobody needs to wait again.
   */
  | { readonly kind: 'broken'; readonly runId: string; readonly stepNumber: number; readonly heldMs: number | null }
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

function headOf({ responseHeaders }: AttemptView): { readonly headers: Readonly<Record<string, string>> } {
  const kept = Object.entries(responseHeaders ?? {}).filter(
    ([name, value]) => !transferHeaders.has(name) && findGap(value, name) === null,
  );
  return { headers: Object.fromEntries(kept) };
}

const isNotCaptured = (body: AttemptView['requestBody']): boolean =>
  body === null || (body.contentId === null && body.nodeId === null);

function parseJson(text: string | null): unknown {
  try {
    return text === null ? null : (JSON.parse(text) as unknown);
  } catch {
    // A body of another kind: nothing of an answer is in it.
    return null;
  }
}

/** Requests after an answer in which its ids are looked for: a program sends it back at once, or not at all. */
const sentBackMax = 4;

const remakers = [remakeChat, remakeMessages, remakeResponses, remakeGoogle];

/** A replay of the requests of several runs of one program; the first is the one that was asked for. */
export function createHttpReplay(runs: readonly RecordedRun[], options: HttpReplayOptions = {}): HttpReplay {
  const comparer = createComparer(options.redact);
  const entries = toEntries(runs, options.liveFrom ?? null);
  let failure: TachographError | null = null;
  let isLive = false;
  let remade = 0;

  /** What is in the requests that followed in the same run, as far as it is JSON. */
  const readSentBack = async ({ recorded, attempt }: Entry): Promise<readonly Fields[]> => {
    const after = entries.filter((one) => one.recorded === recorded && one.attempt.startedAtMs > attempt.startedAtMs);
    const bodies = await Promise.all(
      after.slice(0, sentBackMax).map((one) => recorded.readBody(one.attempt.requestBody)),
    );
    return bodies.flatMap((text) => listObjects(parseJson(text)));
  };

  /** The whole of an answer that was cut at the recorder's limit; `null` where it cannot be made anew. */
  const remakeBody = async (entry: Entry, cut: string): Promise<string | null> => {
    const { recorded, step } = entry;
    const read = await readAnswer(recorded, step);
    if (!('content' in read)) return null;
    const of = { cut, step, content: read.content, sentBack: await readSentBack(entry) };
    const whole = remakers.map((remake) => remake(of)).find((text) => text !== null) ?? null;
    return whole === null || findGap(whole, '') !== null ? null : whole;
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

  /** Of those that may come next, the one that the request is least different from. */
  const nearest = async (
    left: readonly Entry[],
    request: HttpRequest,
    body: unknown,
  ): Promise<{ entry: Entry; changes: JsonChange[] }> => {
    let best: { entry: Entry; changes: JsonChange[] } | null = null;
    for (const entry of nextEntries(left)) {
      const changes = await compare(entry, request, body);
      if (best === null || changes.length < best.changes.length) best = { entry, changes };
    }
    return best!;
  };

  const give = async (entry: Entry): Promise<HttpAnswer> => {
    const { recorded, step, attempt } = entry;
    const place = { runId: recorded.run.id, stepNumber: step.number };
    const { responseBody, responseStatus } = attempt;
    const standIn = recorded === runs[0] ? options.bodyByStep?.get(step.number) : undefined;
    if (standIn !== undefined && responseStatus !== null && responseStatus < 400)
      return { kind: 'answer', ...place, status: responseStatus, ...headOf(attempt), body: standIn, isCut: false };
    const isLate = attempt.status === 'failed' && isLateReference(step, attempt.error);
    if (responseStatus === null || isLate)
      return { kind: 'broken', ...place, heldMs: isLate ? null : toHeldMs(attempt) };
    const head = { ...place, status: responseStatus, ...headOf(attempt) };
    const text = await recorded.readBody(responseBody);
    const whole = responseBody?.truncated === true && text !== null ? await remakeBody(entry, text) : null;
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
      isCut: attempt.status === 'failed' && responseStatus < 400,
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
