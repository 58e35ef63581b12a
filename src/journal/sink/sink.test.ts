import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { entriesOf, names, plain, readAll, runA, runB, withHome, writerId } from '../../../test/journal/entries.ts';
import type { Journal, JournalLoss } from '../../core/journal.ts';
import { createInbox, createSink, listJournals } from '../index.ts';
import type { SinkOptions } from '../index.ts';

type Answer = (batch: Buffer, response: ServerResponse, request: IncomingMessage) => void;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server on a real socket that answers batches as told. */
async function serve(answer: Answer): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(Buffer.concat(chunks), response, request));
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const say = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};

const sinkTo = (url: string, options: Partial<SinkOptions> = {}): Journal =>
  createSink({ url, writerId, gatherMs: 5, ...options });

/** Answers as the real server does, with an inbox on `home`. */
function keeping(home: string, generation = 0): Answer {
  const inbox = createInbox({ home, projectId: 'default' });
  return (batch, response) => {
    try {
      say(response, 200, { ...inbox.take(batch), generation });
    } catch (error) {
      say(response, 400, { detail: (error as Error).message });
    }
  };
}

function lossesOf(journal: Journal): JournalLoss[] {
  const all: JournalLoss[] = [];
  for (let loss = journal.takeLoss(); loss !== null; loss = journal.takeLoss()) all.push(loss);
  return all;
}

describe('a sink', () => {
  it('brings every entry, in order, and says when they are durable at the server', () =>
    withHome(async (home) => {
      const requests: (string | undefined)[] = [];
      const keep = keeping(home);
      const url = await serve((batch, response, request) => {
        requests.push(`${request.method} ${request.url} ${request.headers.authorization}`);
        keep(batch, response, request);
      });
      const sink = sinkTo(`${url}/behind/a/path`, { token: 'tk_1' });
      const entries = [...entriesOf(300, runA, 2000), ...entriesOf(20, runB)];
      for (const entry of entries) expect(sink.append(entry)).toBe('kept');
      expect(await sink.flush()).toEqual({ state: 'durable', written: 320, lost: 0 });
      expect(readAll(home).map(plain)).toEqual(entries.map(plain));
      expect(new Set(requests)).toEqual(new Set(['POST /behind/a/path/api/v1/ingest Bearer tk_1']));
      expect(listJournals(home)).toHaveLength(1);
      await sink.close();
    }));

  it('tries again when the server is away, busy or breaks off, and loses nothing', () =>
    withHome(async (home) => {
      const keep = keeping(home);
      let count = 0;
      const url = await serve((batch, response, request) => {
        count += 1;
        if (count === 1) return void request.socket.destroy();
        if (count === 2) return say(response, 503, { detail: 'later' }, { 'retry-after': '0' });
        if (count === 3) return say(response, 429, { detail: 'slower' });
        // Taken, but the answer never arrives: it will come twice.
        if (count === 4)
          keep(batch, { writeHead: () => undefined, end: () => request.socket.destroy() } as never, request);
        else keep(batch, response, request);
      });
      const told: unknown[] = [];
      const sink = sinkTo(url, { onError: (error) => told.push(error) });
      const entries = entriesOf(30);
      for (const entry of entries) sink.append(entry);
      expect(await sink.flush()).toEqual({ state: 'durable', written: 30, lost: 0 });
      expect(new Set(names(readAll(home)))).toEqual(new Set(names(entries)));
      expect(readAll(home)).toHaveLength(60);
      expect(told.length).toBeGreaterThan(0);
      expect(sink.takeLoss()).toBe(null);
      await sink.close();
    }));

  it('sends smaller batches when one is too large, and gives up only what is too large alone', () =>
    withHome(async (home) => {
      const keep = keeping(home);
      const url = await serve((batch, response, request) =>
        batch.length > 5000 ? say(response, 413, { detail: 'too large' }) : keep(batch, response, request),
      );
      const sink = sinkTo(url);
      const [first, ...rest] = [...entriesOf(1, runB, 6000), ...entriesOf(30, runA, 500)];
      for (const entry of [first!, ...rest]) sink.append(entry);
      expect(await sink.flush()).toEqual({ state: 'durable', written: 30, lost: 1 });
      expect(names(readAll(home))).toEqual(names(rest));
      expect(lossesOf(sink).map(({ reason, eventsByRun }) => [reason, [...eventsByRun]])).toEqual([
        ['sink-refused', [[runB, 1]]],
      ]);
      await sink.close();
    }));

  it('counts what the server refuses for good, and asks for its contents anew', async () => {
    const url = await serve((_batch, response) => say(response, 401, { detail: 'no key' }));
    const told: string[] = [];
    const sink = sinkTo(url, { onError: (error) => told.push((error as Error).message) });
    const before = sink.generation();
    for (const entry of entriesOf(3)) sink.append(entry);
    expect(await sink.flush()).toEqual({ state: 'durable', written: 0, lost: 3 });
    expect(lossesOf(sink)).toMatchObject([{ reason: 'sink-refused', contents: 3 }]);
    expect(sink.generation()).not.toBe(before);
    expect(told).toEqual([`${url} answered 401 to a batch of records: no key`]);
    await sink.close();
  });

  it('holds no more than its bound while nobody answers, and counts the rest at the end', async () => {
    const url = await serve(() => undefined);
    servers.pop()!.close();
    const sink = sinkTo(url, { limits: { backlogBytesMax: 5000 } });
    const outcomes = entriesOf(20, runA, 500).map((entry) => sink.append(entry));
    expect(outcomes.filter((outcome) => outcome === 'kept').length).toBeGreaterThan(2);
    expect(outcomes.at(-1)).toBe('lost');
    expect((await sink.flush({ timeoutMs: 50 })).state).toBe('timeout');
    expect(sink.takeLoss()).toBe(null);
  });

  it('hands its work to waitUntil and never throws for it', () =>
    withHome(async (home) => {
      const url = await serve(keeping(home));
      const works: Promise<unknown>[] = [];
      const sink = sinkTo(url, {
        waitUntil(work) {
          works.push(work);
          throw new Error('called outside a request');
        },
      });
      const entries = entriesOf(5);
      for (const entry of entries) sink.append(entry);
      expect(works).toHaveLength(1);
      await works[0];
      expect(names(readAll(home))).toEqual(names(entries));
    }));

  it('tells the recorder to bring contents again after an erasure at the server', () =>
    withHome(async (home) => {
      let generation = 4;
      const inbox = createInbox({ home, projectId: 'default' });
      const url = await serve((batch, response) => say(response, 200, { ...inbox.take(batch), generation }));
      const sink = sinkTo(url);
      const [a, b, c] = entriesOf(3);
      sink.append(a!);
      await sink.flush();
      const before = sink.generation();
      sink.append(b!);
      await sink.flush();
      expect(sink.generation()).toBe(before);
      generation = 5;
      sink.append(c!);
      await sink.flush();
      expect(sink.generation()).not.toBe(before);
    }));

  it('refuses an address that is none when it is made', () => {
    expect(() => sinkTo('not an address')).toThrow(TypeError);
  });
});

describe('an inbox', () => {
  /** A batch as a sink sends it. */
  async function batchOf(count: number): Promise<Buffer> {
    const batches: Buffer[] = [];
    const url = await serve((batch, response) => {
      batches.push(batch);
      say(response, 200, { entries: 0, generation: 0 });
    });
    const sink = sinkTo(url);
    for (const entry of entriesOf(count)) sink.append(entry);
    await sink.close();
    return batches[0]!;
  }

  it('takes nothing of a batch with any byte changed or cut', () =>
    withHome(async (home) => {
      const inbox = createInbox({ home, projectId: 'default' });
      const batch = await batchOf(2);
      for (let at = 0; at < batch.length; at += 1) {
        const changed = Buffer.from(batch);
        changed[at]! ^= 0x41;
        expect(() => inbox.take(changed), `byte ${at}`).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^(batch-broken)$/) }),
        );
      }
      const isTaken = (end: number): boolean => {
        try {
          createInbox({ home: `${home}/cut`, projectId: 'default' }).take(batch.subarray(0, end));
          return true;
        } catch (error) {
          expect((error as { code?: string }).code).toBe('batch-broken');
          return false;
        }
      };
      // Cut behind the header or behind the first of two entries it is a smaller, whole batch.
      expect(Array.from(batch.keys()).filter(isTaken)).toHaveLength(2);
      expect(listJournals(home)).toEqual([]);
    }));

  it('takes only batches of its own project', () =>
    withHome(async (home) => {
      const inbox = createInbox({ home, projectId: 'other' });
      const batch = await batchOf(1);
      expect(() => inbox.take(batch)).toThrow('it belongs to the project "default"');
      expect(listJournals(home)).toEqual([]);
    }));

  it('goes on in a new file after a write that failed', () =>
    withHome(async (home) => {
      const first = createInbox({ home, projectId: 'default' });
      const batch = await batchOf(3);
      first.take(batch);
      await first.close();
      const second = createInbox({ home, projectId: 'default' });
      second.take(batch);
      await second.close();
      expect(listJournals(home)).toHaveLength(2);
      expect(readAll(home)).toHaveLength(6);
    }));
});
