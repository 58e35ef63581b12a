import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createIdSource } from '../../core/id.ts';
import { createRecorder } from '../../core/record/recorder.ts';
import { isReceiptSigned, signReceipt } from '../../core/record/receipt.ts';
import type { Receipt } from '../../core/record/receipt.ts';
import { createSigningKey } from '../../core/signing.ts';
import { openHome } from '../home.ts';
import type { Inbox } from '../sink/inbox.ts';
import { createInbox } from '../sink/inbox.ts';
import { readJournal } from '../reader.ts';
import { listJournals } from '../shelf.ts';
import { openOutbox } from './outbox.ts';
import { createOutboxJournal } from './outbox-journal.ts';
import type { ShipperOptions } from './shipper.ts';
import { createShipper } from './shipper.ts';

// A server of one route over real HTTP, on a real inbox, that can be told to misbehave.

const signingKey = createSigningKey(Buffer.alloc(32, 5));
type Mood = (taken: ReturnType<Inbox['take']> | null, response: ServerResponse) => boolean;

interface Stage {
  readonly home: string;
  readonly theirs: string;
  readonly url: string;
  readonly batches: Buffer[];
  mood: Mood | null;
  close(): Promise<void>;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function createStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'tachograph-ship-'));
  const [home, theirs] = [openHome(join(folder, 'home')), openHome(join(folder, 'theirs'))];
  const inbox = createInbox({ home: theirs, projectId: 'default' });
  const batches: Buffer[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then((batch) => {
      batches.push(batch);
      if (stage.mood?.(null, response) === true) return;
      try {
        const { entries, facts } = inbox.take(batch);
        if (stage.mood?.({ entries, facts }, response) === true) return;
        const receipt = facts === null ? null : signReceipt({ ...facts, takenAtMs: 1 }, signingKey);
        response.end(JSON.stringify({ entries, generation: 1, receipt }));
      } catch (error) {
        response.writeHead(400).end(JSON.stringify({ detail: (error as Error).message }));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stage: Stage = {
    home,
    theirs,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    batches,
    mood: null,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await inbox.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return stage;
}

let stage: Stage;
beforeEach(async () => void (stage = await createStage()));
afterEach(() => stage.close());

/** Entries of all journals of a data folder, as `run n`. */
function entriesOf(home: string): string[] {
  return listJournals(home).flatMap(({ file }) => {
    const names: string[] = [];
    for (let at = 0; ;) {
      const part = readJournal(file, at);
      names.push(...part.entries.map(({ event }) => `${event.header.runId} ${event.header.n}`));
      if (part.end !== 'more') return names;
      at = part.nextBytes;
    }
  });
}

function openShipping(options: Partial<ShipperOptions> = {}) {
  const writerId = randomBytes(8).toString('hex');
  const parts = createOutboxJournal({ home: stage.home, projectId: 'default', writerId, url: stage.url, ...options });
  const recorder = createRecorder({ journal: parts.journal, ids: createIdSource(), writerId });
  return { ...parts, recorder };
}

/** Records runs and goes away without sending, as a killed process does. */
async function leaveRuns(count: number, words = 'x'): Promise<string[]> {
  const { recorder, shipper } = openShipping({ fetch: () => Promise.reject(new Error('cut off')) });
  await shipper.close();
  for (let at = 0; at < count; at += 1) await recorder.run({ agentId: 'a' }, (run) => run.log('said', words));
  await recorder.flush();
  return entriesOf(openOutbox(stage.home, stage.url));
}

const gone = (): 'gone' => 'gone';

function shipperOf(options: Partial<ShipperOptions> = {}) {
  return createShipper({ outbox: openOutbox(stage.home, stage.url), url: stage.url, isAlive: gone, ...options });
}

describe('records for a server', () => {
  it('are there when flush says so, each once, and the file goes with its writer', async () => {
    const { recorder } = openShipping();
    await recorder.run({ agentId: 'a' }, (run) => run.log('said', 'hello'));
    expect(await recorder.flush({ to: 'server' })).toMatchObject({ state: 'server', lost: 0 });
    expect(entriesOf(stage.theirs)).toHaveLength(3);
    await recorder.run({ agentId: 'a' }, () => undefined);
    await recorder.flush({ to: 'server' });
    expect(new Set(entriesOf(stage.theirs)).size).toBe(5);
    expect(entriesOf(stage.theirs)).toHaveLength(5);
    await recorder.close();
    const shipper = shipperOf();
    expect(await shipper.drain(2000)).toBe(true);
    await shipper.close();
    expect(listJournals(openOutbox(stage.home, stage.url))).toEqual([]);
  });

  it('wait on the disk while there is no server, and go when there is one', async () => {
    const left = await leaveRuns(5);
    const { recorder } = openShipping({ url: 'http://127.0.0.1:9' });
    await recorder.run({ agentId: 'a' }, () => undefined);
    const receipt = await recorder.flush({ to: 'server', timeoutMs: 300 });
    expect(receipt).toMatchObject({ state: 'timeout', lost: 0 });
    await recorder.close();
    const shipper = shipperOf();
    expect(await shipper.drain(5000)).toBe(true);
    expect(shipper.report()).toMatchObject({ entries: left.length, setAside: 0, waitingBytes: 0 });
    expect(entriesOf(stage.theirs)).toEqual(left);
    await shipper.close();
  });

  it('come again when the answer was lost, and the same bytes again', async () => {
    const left = await leaveRuns(3);
    stage.mood = (taken, response) => {
      if (taken === null) return false;
      stage.mood = null;
      response.destroy();
      return true;
    };
    const shipper = shipperOf();
    expect(await shipper.drain(5000)).toBe(true);
    await shipper.close();
    expect(stage.batches).toHaveLength(2);
    expect(stage.batches[1]!.equals(stage.batches[0]!)).toBe(true);
    expect([...new Set(entriesOf(stage.theirs))]).toEqual(left);
  });

  it('come again after the server had to refuse them for a while', async () => {
    const left = await leaveRuns(1);
    stage.mood = (_taken, response) => {
      stage.mood = null;
      response.writeHead(503, { 'retry-after': '1' }).end('{}');
      return true;
    };
    const shipper = shipperOf();
    expect(await shipper.drain(10_000)).toBe(true);
    await shipper.close();
    expect(stage.batches).toHaveLength(2);
    expect(entriesOf(stage.theirs)).toEqual(left);
  });

  it('stay while the key is wrong, and go once it is put right', async () => {
    const left = await leaveRuns(2);
    const errors: unknown[] = [];
    stage.mood = (_taken, response) => {
      response.writeHead(401).end('{"detail":"The key is not valid"}');
      return true;
    };
    const first = shipperOf({ onError: (error) => errors.push(error) });
    expect(await first.drain(300)).toBe(false);
    expect(first.report()).toMatchObject({ entries: 0, setAside: 0 });
    await first.close();
    expect(String(errors[0])).toContain('The key is not valid');
    stage.mood = null;
    const second = shipperOf();
    expect(await second.drain(5000)).toBe(true);
    await second.close();
    expect(entriesOf(stage.theirs)).toEqual(left);
  });

  it('that no server will ever take are set aside with the cause, and the rest goes', async () => {
    const left = await leaveRuns(1);
    stage.mood = (_taken, response) => {
      stage.mood = null;
      response.writeHead(400).end('{"detail":"these are no records"}');
      return true;
    };
    await leaveRuns(1);
    const shipper = shipperOf();
    expect(await shipper.drain(5000)).toBe(true);
    expect(shipper.report().setAside).toBe(left.length);
    await shipper.close();
    const quarantine = join(openOutbox(stage.home, stage.url), 'quarantine', 'default');
    const cause = readdirSync(quarantine).find((name) => name.endsWith('.txt'))!;
    expect(readFileSync(join(quarantine, cause), 'utf8')).toContain('these are no records');
    expect(entriesOf(stage.theirs)).toHaveLength(left.length);
  });

  it('too many for one request go in smaller ones', async () => {
    const left = await leaveRuns(40, 'w'.repeat(20_000));
    stage.mood = (taken, response) => {
      if (taken !== null || stage.batches.at(-1)!.length < 200_000) return false;
      response.writeHead(413).end('{}');
      return true;
    };
    const shipper = shipperOf();
    expect(await shipper.drain(10_000)).toBe(true);
    await shipper.close();
    expect(entriesOf(stage.theirs)).toEqual(left);
  });

  it('go from where they stood when the shipper died, at every place', async () => {
    const left = await leaveRuns(30, 'w'.repeat(60_000));
    let rounds = 0;
    for (let isAll = false; !isAll && rounds < 100; rounds += 1) {
      let taken = 0;
      // This process "dies" with its first batch on the way: no answer of it is ever read.
      const shipper = shipperOf({
        fetch: async (...args) => {
          const response = await fetch(...args);
          taken += 1;
          if (rounds % 2 === 0 && taken === 2) {
            void shipper.close();
            throw new Error('killed');
          }
          return response;
        },
      });
      isAll = await shipper.drain(1000);
      await shipper.close();
    }
    expect(rounds).toBeGreaterThan(1);
    expect([...new Set(entriesOf(stage.theirs))]).toEqual(left);
  });

  it('of several processes go side by side', async () => {
    await Promise.all([leaveRuns(5), leaveRuns(5)]);
    const left = entriesOf(openOutbox(stage.home, stage.url));
    const shippers = [shipperOf(), shipperOf(), shipperOf()];
    expect(await Promise.all(shippers.map((shipper) => shipper.drain(5000)))).toEqual([true, true, true]);
    await Promise.all(shippers.map((shipper) => shipper.close()));
    expect([...new Set(entriesOf(stage.theirs))].sort()).toEqual(left.sort());
  });

  it('with a torn end or a damaged middle go but for what is broken', async () => {
    const left = await leaveRuns(4);
    const { file } = listJournals(openOutbox(stage.home, stage.url))[0]!;
    const bytes = readFileSync(file);
    const places = readJournal(file, 0).places;
    bytes[places[2]!.offset + 20] = bytes[places[2]!.offset + 20]! ^ 1;
    writeFileSync(file, bytes);
    truncateSync(file, statSync(file).size - 3);
    const errors: unknown[] = [];
    const shipper = shipperOf({ onError: (error) => errors.push(error) });
    expect(await shipper.drain(5000)).toBe(true);
    await shipper.close();
    expect(entriesOf(stage.theirs)).toEqual(left.filter((_name, at) => at !== 2 && at !== left.length - 1));
    expect(errors.map(String).join()).toMatch(/damaged/);
    expect(existsSync(file)).toBe(false);
  });
});

describe('receipts', () => {
  const receiptsOf = (): Receipt[] =>
    readFileSync(join(openOutbox(stage.home, stage.url), 'receipts.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Receipt);

  it('are kept, signed, and name the head of every run', async () => {
    const left = await leaveRuns(2);
    const shipper = shipperOf();
    await shipper.drain(5000);
    await shipper.close();
    const [receipt] = receiptsOf();
    expect(isReceiptSigned(receipt!)).toBe(true);
    expect(receipt).toMatchObject({ projectId: 'default', entries: left.length, publicKey: signingKey.publicKey });
    expect(receipt!.heads.map(({ n }) => n)).toEqual([3, 3]);
    expect(receipt!.batchDigest).toBe(createHash('sha256').update(stage.batches[0]!).digest('hex'));
    for (const change of [{ entries: 1 }, { takenAtMs: 2 }, { projectId: 'other' }, { heads: [] }])
      expect(isReceiptSigned({ ...receipt!, ...change })).toBe(false);
  });

  it('that are not for what was sent are refused and told', async () => {
    await leaveRuns(1);
    const errors: unknown[] = [];
    stage.mood = (taken, response) => {
      if (taken === null) return false;
      const receipt = signReceipt({ ...taken.facts!, batchDigest: '0'.repeat(64), takenAtMs: 1 }, signingKey);
      response.end(JSON.stringify({ entries: taken.entries, generation: 1, receipt }));
      return true;
    };
    const shipper = shipperOf({ onError: (error) => errors.push(error) });
    expect(await shipper.drain(5000)).toBe(true);
    await shipper.close();
    expect(String(errors[0])).toContain('is not for what it was sent');
    expect(existsSync(join(openOutbox(stage.home, stage.url), 'receipts.jsonl'))).toBe(false);
  });
});
