import { isTachographError } from '../../core/error.ts';
import type { RunView } from '../../core/model/run.ts';
import type { Bell } from '../stream/bell.ts';
import { createBell } from '../stream/bell.ts';
import type { Feed, FeedEntry } from '../stream/feed.ts';
import { runToStamp } from '../stream/feed.ts';
import type { Route } from '../route.ts';
import { defineRoute } from '../route.ts';
import type { SseSink } from '../stream/sse.ts';
import type { Surroundings } from '../surroundings.ts';
import type { RunChange } from '../wire.ts';

/** A place in a feed as the id of a message. */
const positionToId = (feed: Feed, position: number): string => `${feed.id}-${position}`;

/** The position an id names, or `null` when it names none of this feed. */
function idToPosition(feed: Feed, id: string): number | null {
  const match = /^([0-9a-f]+)-(\d{1,15})$/.exec(id);
  return match === null || match[1] !== feed.id ? null : Number(match[2]);
}

/** Of several changes of one run only the newest: it is read when it is sent. */
function newestOfEach(entries: readonly FeedEntry[]): readonly FeedEntry[] {
  const numberByRun = new Map(entries.map(({ runId, number }) => [runId, number]));
  return entries.filter(({ runId, number }) => numberByRun.get(runId) === number);
}

async function readRun(around: Surroundings, runId: string): Promise<RunView | null> {
  try {
    return await around.store.getRun(around.projectId, runId);
  } catch (error) {
    if (isTachographError(error) && error.code === 'run-not-found') return null;
    throw error;
  }
}

const sentMax = 1000;

/** A reader's place in the feed, and the bell that news ring for it. */
interface Listener {
  readonly bell: Bell;
  readonly unwatch: () => void;
  /** `null` when what came after the client's last message is no longer known. */
  readonly position: number | null;
}

/** Listens from now on, or from where the client was. Once this has resolved no change is missed. */
async function listen(feed: Feed, lastId: string | null): Promise<Listener> {
  const bell = createBell();
  const position = lastId === null ? feed.position() : idToPosition(feed, lastId);
  return { bell, unwatch: await feed.watchAll(bell.ring), position };
}

async function sendChanges(sink: SseSink, around: Surroundings, listener: Listener): Promise<void> {
  const { feed } = around;
  const stampByRun = new Map<string, string>();
  let position = listener.position ?? -1;
  while (!sink.signal.aborted) {
    const entries = feed.after(position);
    if (entries === null) {
      position = feed.position();
      await sink.send({ event: 'reset', id: positionToId(feed, position), data: '{}' });
      continue;
    }
    for (const { runId, number } of newestOfEach(entries)) {
      const run = await readRun(around, runId);
      position = number;
      if (run === null || stampByRun.get(runId) === runToStamp(run)) continue;
      if (stampByRun.size > sentMax) stampByRun.clear();
      stampByRun.set(runId, runToStamp(run));
      const data: RunChange = { run };
      if (!(await sink.send({ event: 'run', id: positionToId(feed, number), data: JSON.stringify(data) }))) return;
    }
    if (entries.length === 0) await listener.bell.wait(sink.signal);
  }
}

/** The stream of runs that change. */
export const runChangeRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/api/v1/runs/stream',
    scope: 'read',
    summary:
      'Streams runs as they change. Resumes after `Last-Event-ID`; `event: reset` when changes may have been missed.',
    answer: 'text/event-stream',
    async handle({ request }, around) {
      if (request.method === 'HEAD') return around.openStream(request, 'runs', async () => undefined);
      // Before the answer goes out: whoever lists the runs once the stream is open misses nothing.
      const listener = await listen(around.feed, request.headers.get('last-event-id'));
      return around.openStream(request, 'runs', (sink) =>
        sendChanges(sink, around, listener).finally(listener.unwatch),
      );
    },
  }),
];
