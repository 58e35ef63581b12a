import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createIdSource } from '../../core/id.ts';
import { createRecorder } from '../../core/record/recorder.ts';
import { signReceipt } from '../../core/record/receipt.ts';
import { createSigningKey } from '../../core/signing.ts';
import { openHome, readGeneration } from '../home.ts';
import { listJournals, readAck } from '../shelf.ts';
import { createInbox } from '../sink/inbox.ts';
import { createSink } from '../sink/sink.ts';
import { openOutbox } from './outbox.ts';
import { createOutboxJournal } from './outbox-journal.ts';
import type { ShipperOptions } from './shipper.ts';
import { createShipper } from './shipper.ts';

// Servers that are none, keys that do not fit, disks that are full: nothing of it may cost a record or tell a key.

const secret = 'a'.repeat(48);
const keyOf = (projectId: string): string => `tk_${projectId}.${'0'.repeat(12)}_${secret}`;

let folder: string;
let home: string;
const servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tachograph-hostile-'));
  home = openHome(join(folder, 'home'));
});
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true, force: true });
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse, body: Buffer) => void) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(request, response, Buffer.concat(chunks)));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Takes batches of one project as the real server does, and says so with a receipt of some key. */
function taking(projectId: string, of: { generation?: () => number; seed?: () => number; taken?: string[] } = {}) {
  const inbox = createInbox({ home: openHome(join(folder, `server-${projectId}`)), projectId });
  return (_request: IncomingMessage, response: ServerResponse, body: Buffer): void => {
    try {
      const { entries, facts } = inbox.take(body);
      if (entries > 0) of.taken?.push(projectId);
      const key = createSigningKey(Buffer.alloc(32, of.seed?.() ?? 5));
      const receipt = facts === null ? null : signReceipt({ ...facts, takenAtMs: 1 }, key);
      response.end(JSON.stringify({ entries, generation: of.generation?.() ?? 1, receipt }));
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      response.writeHead(code === 'batch-foreign' ? 403 : 400).end(JSON.stringify({ detail: message }));
    }
  };
}

/** Records a run and goes away without sending. */
async function leaveRun(url: string, projectId = 'default'): Promise<void> {
  const writerId = randomBytes(8).toString('hex');
  const fetch = () => Promise.reject(new Error('cut off'));
  const { journal, shipper } = createOutboxJournal({ home, projectId, writerId, url, fetch });
  await shipper.close();
  const recorder = createRecorder({ journal, ids: createIdSource(), writerId });
  await recorder.run({ agentId: 'a' }, (run) => run.log('said', 'x'));
  await recorder.flush();
}

function shipperOf(url: string, options: Partial<ShipperOptions> = {}) {
  const errors: unknown[] = [];
  const outbox = openOutbox(home, url);
  const onError = (error: unknown): void => void errors.push(error);
  return { errors, outbox, shipper: createShipper({ outbox, url, isAlive: () => 'gone', onError, ...options }) };
}

describe('an answer that is none of a Tachograph server', () => {
  it.each([
    ['an empty object', '{}'],
    ['words of another service', '{"ok":true,"status":"accepted"}'],
    ['another number of entries', '{"entries":1,"generation":0}'],
    ['a bare null', 'null'],
    ['a page', '<!doctype html><title>Sign in to the network</title>'],
    ['nothing', ''],
  ])('(%s) keeps the records where they are', async (_what, text) => {
    const url = await serve((_request, response) => response.end(text));
    await leaveRun(url);
    const { shipper, outbox, errors } = shipperOf(url);
    expect(await shipper.drain(300)).toBe(false);
    await shipper.close();
    const [file] = listJournals(outbox);
    expect([file !== undefined, shipper.report().entries, errors.length > 0]).toEqual([true, 0, true]);
    expect(readAck(file!.file) ?? 0).toBe(0);
  });

  it('(one without an end) is left, whatever its status', async () => {
    for (const status of [200, 401]) {
      let sent = 0;
      const url = await serve((_request, response) => {
        response.writeHead(status);
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536, 0x20))) sent += 65_536;
          if (!response.destroyed) response.once('drain', more);
        };
        more();
      });
      await leaveRun(url);
      const { shipper } = shipperOf(url);
      expect(await shipper.drain(400)).toBe(false);
      await shipper.close();
      expect(sent).toBeLessThan(64 * 1024 * 1024);
    }
  });

  it('(a redirect) is not followed: the key goes nowhere else', async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end('{}');
    });
    for (const status of [301, 302, 307, 308]) {
      const url = await serve((_request, response) => response.writeHead(status, { location: elsewhere }).end());
      await leaveRun(url);
      const { shipper } = shipperOf(url, { key: keyOf('default') });
      expect(await shipper.drain(250)).toBe(false);
      await shipper.close();
    }
    expect(seen).toEqual([]);
  });

  it('(a receipt that is none) costs nothing but the receipt', async () => {
    for (const receipt of [5, [], {}, { batchDigest: 1 }, { heads: 'x' }, 'signed']) {
      const url = await serve((_request, response) =>
        response.end(JSON.stringify({ entries: 3, generation: 1, receipt })),
      );
      await leaveRun(url);
      const { shipper, errors } = shipperOf(url);
      expect(await shipper.drain(2000)).toBe(true);
      await shipper.close();
      expect(String(errors[0])).toContain('receipt');
    }
  });
});

describe('a key', () => {
  it('that cannot be sent is told without its words, and the records stay', async () => {
    const url = await serve(taking('default'));
    await leaveRun(url);
    for (const key of [`${keyOf('default')}\nx: y`, `${keyOf('default')}\u2019`, `${secret} ${secret}`]) {
      const { shipper, errors } = shipperOf(url, { key });
      expect(await shipper.drain(250)).toBe(false);
      await shipper.close();
      expect(String(errors[0])).toContain('TACHOGRAPH_KEY');
      expect(errors.map((error) => `${String(error)} ${String((error as Error).cause)}`).join()).not.toContain('aaaa');
    }
  });

  it('in an address is refused without telling it', () => {
    for (const url of [`http://user:${secret}@127.0.0.1:9`, `http://${secret}@127.0.0.1:9/`, `file:///${secret}`]) {
      let words = '';
      try {
        createSink({ url, writerId: '0'.repeat(16) });
      } catch (error) {
        words = `${(error as Error).name} ${(error as Error).message}`;
      }
      expect(words).toMatch(/^TypeError .*server/);
      expect(words).not.toContain('aaaa');
    }
  });

  it('of one project never touches what another left in the same outbox', async () => {
    const taken: string[] = [];
    const takers = { shop: taking('shop', { taken }), default: taking('default', { taken }) };
    const url = await serve((request, response, body) => {
      const isShop = request.headers.authorization!.includes('tk_shop.');
      takers[isShop ? 'shop' : 'default'](request, response, body);
    });
    await leaveRun(url, 'default');
    await leaveRun(url, 'shop');
    const first = shipperOf(url, { key: keyOf('shop') });
    expect(await first.shipper.drain(2000)).toBe(true);
    expect(first.shipper.report()).toMatchObject({ entries: 3, setAside: 0, foreign: [{ projectId: 'default' }] });
    await first.shipper.close();
    expect([taken, readdirSync(join(first.outbox, 'quarantine'))]).toEqual([['shop'], []]);
    const second = shipperOf(url, { key: keyOf('default') });
    expect(await second.shipper.drain(2000)).toBe(true);
    await second.shipper.close();
    expect([taken, listJournals(first.outbox)]).toEqual([['shop', 'default'], []]);
  });

  it('that the server takes for another project keeps the records, and the others go', async () => {
    const url = await serve(taking('shop'));
    await leaveRun(url, 'default');
    await leaveRun(url, 'shop');
    const { shipper, outbox, errors } = shipperOf(url, { key: 'some-other-form-of-key' });
    expect(await shipper.drain(500)).toBe(false);
    await shipper.close();
    expect(listJournals(outbox).map(({ header }) => header?.projectId)).toEqual(['default']);
    expect(shipper.report()).toMatchObject({ entries: 3, setAside: 0 });
    expect(String(errors[0])).toContain('belongs to the project "default"');
  });

  it('of another project than the recorder’s is told at once', () => {
    const errors: unknown[] = [];
    const onError = (error: unknown): void => void errors.push(error);
    const of = { home, projectId: 'default', writerId: '0'.repeat(16), url: 'http://127.0.0.1:9' };
    const { journal } = createOutboxJournal({ ...of, key: keyOf('shop'), onError });
    expect(String(errors[0])).toMatch(/project "default".*"shop"/);
    void journal.close();
  });
});

describe('an outbox', () => {
  it('whose disk is full is not sent over and over in a hurry', async () => {
    let requests = 0;
    const take = taking('default');
    const url = await serve((request, response, body) => {
      requests += 1;
      take(request, response, body);
    });
    await leaveRun(url);
    const { shipper, outbox, errors } = shipperOf(url);
    symlinkSync('/nowhere/at/all', `${listJournals(outbox)[0]!.file}.ack`);
    expect(await shipper.drain(900)).toBe(false);
    await shipper.close();
    expect(String(errors[0])).toContain('ENOENT');
    expect(requests).toBeLessThan(6);
  });

  it('knows after a restart what the server had erased, and who signed before', async () => {
    let [generation, seed] = [1, 5];
    const url = await serve(taking('default', { generation: () => generation, seed: () => seed }));
    const ship = async (): Promise<readonly unknown[]> => {
      await leaveRun(url);
      const { shipper, errors } = shipperOf(url);
      expect(await shipper.drain(2000)).toBe(true);
      await shipper.close();
      return errors;
    };
    const outbox = openOutbox(home, url);
    await ship();
    expect(readGeneration(outbox)).toBe(0);
    generation = 2;
    await ship();
    expect(readGeneration(outbox)).toBe(1);
    await ship();
    expect(readGeneration(outbox)).toBe(1);
    seed = 6;
    expect(String((await ship())[0])).toContain('another key');
    expect(readGeneration(outbox)).toBe(2);
  });

  it('can be read by its owner alone, and says where it goes', async () => {
    const url = await serve(taking('default'));
    await leaveRun(url);
    const { shipper, outbox } = shipperOf(url);
    await shipper.drain(2000);
    await shipper.close();
    await leaveRun(url);
    for (const name of ['', ...readdirSync(join(home, 'outbox'), { recursive: true, encoding: 'utf8' })]) {
      const { mode } = statSync(join(home, 'outbox', name));
      expect([name, (mode & 0o077).toString(8)]).toEqual([name, '0']);
    }
    expect(JSON.parse(readFileSync(join(outbox, 'server.json'), 'utf8'))).toMatchObject({ url: `${url}/` });
  });
});

it('a recorder without a disk records under the project of its key', async () => {
  const taken: string[] = [];
  const url = await serve(taking('shop', { taken }));
  const { openSinkRecorder } = await import('../sink/open-sink-recorder.ts');
  const recorder = openSinkRecorder({ url, token: keyOf('shop') });
  await recorder.run({ agentId: 'a' }, () => undefined);
  expect(await recorder.flush()).toMatchObject({ lost: 0 });
  await recorder.close();
  await sleep(1);
  expect(taken).toContain('shop');
});
