import { z } from 'zod';
import { isTachographError } from '../../core/error.ts';
import type { RunView } from '../../core/model/run.ts';
import { isTerminal } from '../../core/model/run.ts';
import { createBell } from '../stream/bell.ts';
import { runToStamp } from '../stream/feed.ts';
import { positive, runPath } from '../field.ts';
import { findRun } from '../reading/run-reference.ts';
import { eventToJson } from '../reading/wire-event.ts';
import type { Route } from '../route.ts';
import { defineRoute, toJson } from '../route.ts';
import { wireEvent } from '../schema/event.ts';
import type { SseSink } from '../stream/sse.ts';
import type { Surroundings } from '../surroundings.ts';
import type { RunChange, StreamEnd } from '../wire.ts';

const limitDefault = 500;
const limitMax = 5000;
const streamedPage = 200;

/** Sends what is there from `fromSeq` on; the seq that comes next, or `null` when the client has gone. */
async function sendPage(
  sink: SseSink,
  around: Surroundings,
  place: { runId: string; fromSeq: number },
): Promise<{ nextSeq: number; isFull: boolean } | null> {
  const { runId, fromSeq } = place;
  const events = await around.store.listEvents(around.projectId, runId, { fromSeq, limit: streamedPage });
  for (const event of events) {
    if (!(await sink.send({ id: String(event.seq), data: eventToJson(event) }))) return null;
  }
  return { nextSeq: (events.at(-1)?.seq ?? fromSeq - 1) + 1, isFull: events.length === streamedPage };
}

/**
 * Sends a run's events and goes on as they come. Only the store is read, from the last seq sent on, and news do no more
 * than wake: so nothing is left out and nothing comes twice, whatever the news miss or repeat.
 */
async function sendEvents(sink: SseSink, around: Surroundings, run: RunView, fromSeq: number): Promise<void> {
  const bell = createBell();
  const unwatch = around.feed.watchRun(run.id, bell.ring);
  let nextSeq = fromSeq;
  let stamp = '';
  let endedAtSeq = -1;
  try {
    while (!sink.signal.aborted) {
      const sent = await sendPage(sink, around, { runId: run.id, fromSeq: nextSeq });
      if (sent === null) return;
      nextSeq = sent.nextSeq;
      if (sent.isFull) continue;
      const now = await around.store.getRun(around.projectId, run.id);
      if (now.lastSeq >= nextSeq) continue;
      if (runToStamp(now) !== stamp) {
        stamp = runToStamp(now);
        const change: RunChange = { run: now };
        if (!(await sink.send({ event: 'run', data: JSON.stringify(change) }))) return;
      }
      if (isTerminal(now.status) && endedAtSeq !== now.lastSeq) {
        endedAtSeq = now.lastSeq;
        const end: StreamEnd = { runId: run.id, lastSeq: now.lastSeq };
        if (!(await sink.send({ event: 'end', data: JSON.stringify(end) }))) return;
      }
      await bell.wait(sink.signal);
    }
  } catch (error) {
    // Purged while it was watched.
    if (!isTachographError(error) || error.code !== 'run-not-found') throw error;
    await sink.send({ event: 'gone', data: '{}' });
  } finally {
    unwatch();
  }
}

/** Where a stream begins: after the last event the client has, else where it asks. */
function streamStart(request: Request, run: RunView, asked: number): number {
  const lastId = request.headers.get('last-event-id') ?? '';
  return /^\d{1,15}$/.test(lastId) ? Math.min(Number(lastId), run.lastSeq) + 1 : asked;
}

/** Routes of a run's events. */
export const eventRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/api/v1/runs/{id}/events',
    scope: 'read',
    summary:
      'Lists events in seq order. With `Accept: text/event-stream` it streams them (id = seq), resumes after `Last-Event-ID` ' +
      'without a gap, sends `event: run` when the run changes and `event: end` when it has ended and all was sent, and stays open for late ones.',
    params: runPath,
    query: z.strictObject({
      from: positive('First seq wanted.').optional(),
      fromSeq: positive('The same as `from`.').optional(),
      limit: positive(`Events at most; ${limitDefault} unless said, never more than ${limitMax}.`).optional(),
    }),
    answer: z.array(wireEvent),
    streams: true,
    async handle({ params, query, request }, around) {
      const run = await findRun(around, params.id);
      const fromSeq = query.from ?? query.fromSeq ?? 1;
      if ((request.headers.get('accept') ?? '').includes('text/event-stream')) {
        return around.openStream(request, 'events', (sink) =>
          sendEvents(sink, around, run, streamStart(request, run, fromSeq)),
        );
      }
      const limit = Math.min(query.limit ?? limitDefault, limitMax);
      const events = await around.store.listEvents(around.projectId, run.id, { fromSeq, limit });
      return toJson(`[${events.map(eventToJson).join(',')}]`);
    },
  }),
];
