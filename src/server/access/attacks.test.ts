import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Stage, StageOptions } from '../../../test/server/stage.ts';
import { createStage, readUntil } from '../../../test/server/stage.ts';
import type { Scope } from '../../core/access/key.ts';
import type { NewKey } from '../../core/access/keyring.ts';
import { createKeyring } from '../../core/access/keyring.ts';
import { createProject, nextProject } from '../../core/access/project.ts';
import type { Clock } from '../../core/clock.ts';
import type { UpkeepState } from '../../core/life/upkeep.ts';
import type { Problem, WireAccess } from '../wire.ts';

// What a stranger, a former holder of a key and a neighbour try, each against a handler with keys of two projects.

const pepper = Buffer.alloc(32, 9);
const json = { 'content-type': 'application/json' };
const batchType = 'application/vnd.tachograph.journal';

/** A clock that stands until it is told otherwise. */
function createClock(): Clock & { pass(ms: number): void } {
  let nowMs = Date.UTC(2026, 10, 21);
  return { nowMs: () => nowMs, monotonicMs: () => nowMs, pass: (ms) => void (nowMs += ms) };
}

async function createWorld(options: StageOptions = {}) {
  const clock = createClock();
  const streamLimits = { recheckMs: 20 };
  const stage: Stage = await createStage({ clock, access: { pepper }, streamLimits, ...options });
  const { directory } = stage.store;
  await directory.putProject(createProject({ id: 'shop', nowMs: 1 }));
  const keyring = createKeyring({ directory, pepper, nowMs: clock.nowMs, randomBytes });
  const makeKey = (projectId: string, scope: Scope, expiresAtMs: number | null = null): Promise<NewKey> =>
    keyring.create({ projectId, name: scope, scopes: [scope], expiresAtMs });
  const ask = (
    path: string,
    of: { key?: string; method?: string; body?: BodyInit; remote?: string; headers?: Record<string, string> } = {},
  ): Promise<Response> => {
    const { key, method = 'GET', body, remote = '10.0.0.1', headers = {} } = of;
    const request = new Request(`http://localhost${path}`, {
      method,
      headers: { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...headers },
      ...(body === undefined ? {} : { body, duplex: 'half' }),
    });
    return stage.handler(request, { port: null, remote, drop: () => undefined });
  };
  return { stage, clock, directory, keyring, makeKey, ask };
}

const codeOf = async (response: Response): Promise<string> => ((await response.json()) as Problem).code;

/** True when the stream ends by itself. */
async function isEnded(response: Response): Promise<boolean> {
  const end = readUntil(response, () => false).then(() => true);
  return Promise.race([end, new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 1500))]);
}

describe('an event stream that is open', () => {
  const openBy = async (world: Awaited<ReturnType<typeof createWorld>>, headers: Record<string, string>) => {
    const response = await world.ask('/api/v1/runs/stream', { headers });
    expect(response.status).toBe(200);
    return response;
  };

  it('goes on while its key lives', async () => {
    const world = await createWorld();
    const { text } = await world.makeKey('shop', 'read');
    const stream = await openBy(world, { authorization: `Bearer ${text}` });
    world.clock.pass(600);
    expect(await isEnded(stream)).toBe(false);
    world.stage.handler.close();
  });

  it('ends with its key: revoked, expired, narrowed, of a project that is suspended', async () => {
    const ends: ((world: Awaited<ReturnType<typeof createWorld>>, made: NewKey) => Promise<unknown>)[] = [
      ({ keyring }, { key }) => keyring.revoke('shop', key.id),
      async ({ clock }) => clock.pass(60_000),
      async ({ directory }, { key }) =>
        directory.putKey({ ...(await directory.findKey('shop', key.id))!, scopes: ['ingest'] }),
      async ({ directory }) =>
        directory.putProject(nextProject((await directory.getProject('shop'))!, { status: 'suspended' })),
    ];
    for (const end of ends) {
      const world = await createWorld();
      const made = await world.makeKey('shop', 'read', world.clock.nowMs() + 60_000);
      const stream = await openBy(world, { authorization: `Bearer ${made.text}` });
      await end(world, made);
      world.clock.pass(600);
      expect(await isEnded(stream)).toBe(true);
    }
  });

  it('ends with the session of its page: time up, signed out', async () => {
    for (const how of ['time', 'out']) {
      const world = await createWorld();
      const { text } = await world.makeKey('shop', 'read');
      const signed = await world.ask('/api/v1/sign-in', {
        method: 'POST',
        body: JSON.stringify({ key: text }),
        headers: json,
      });
      const cookie = signed.headers.get('set-cookie')!.split(';')[0]!;
      const stream = await openBy(world, { cookie });
      if (how === 'time') world.clock.pass(12 * 3_600_000);
      else await world.ask('/api/v1/sign-out', { method: 'POST', headers: { cookie } });
      world.clock.pass(600);
      expect(await isEnded(stream)).toBe(true);
      expect((await world.ask('/api/v1/runs', { headers: { cookie } })).status).toBe(401);
    }
  });

  it('without a key ends when the first one is made', async () => {
    const world = await createWorld();
    const stream = await openBy(world, {});
    await world.makeKey('default', 'read');
    world.clock.pass(600);
    expect(await isEnded(stream)).toBe(true);
  });
});

describe('who guesses keys', () => {
  const wrong = (text: string): string => `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`;

  it('is slowed at the id of a key that is in use, too', async () => {
    const { ask, makeKey } = await createWorld();
    const { text } = await makeKey('shop', 'read');
    const statuses: number[] = [];
    for (let tries = 0; tries < 20; tries += 1) statuses.push((await ask('/api/v1/runs', { key: wrong(text) })).status);
    expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 401));
    expect(statuses.slice(12)).toEqual(Array.from({ length: 8 }, () => 429));
  });

  it('keeps nobody else out at the same address, not even one who comes for the first time', async () => {
    const { ask, makeKey } = await createWorld();
    for (let tries = 0; tries < 30; tries += 1) await ask('/api/v1/runs', { key: 'tk_nonsense' });
    const { text } = await makeKey('shop', 'read');
    expect((await ask('/api/v1/runs', { key: text })).status).toBe(200);
    expect((await ask('/api/v1/runs', { key: wrong(text) })).status).toBe(429);
  });

  it('is one and the same behind all addresses of an IPv6 network, whatever the headers say', async () => {
    const { ask, makeKey } = await createWorld();
    await makeKey('shop', 'read');
    const from = async (remote: string): Promise<number> =>
      (await ask('/api/v1/runs', { key: 'tk_nonsense', remote, headers: { 'x-forwarded-for': remote } })).status;
    for (let tries = 0; tries < 12; tries += 1) await from(`2001:db8:1:2::${tries + 1}`);
    expect(await from('2001:db8:1:2:ffff::9')).toBe(429);
    expect(await from('2001:db8:1:3::1')).toBe(401);
    for (let tries = 0; tries < 12; tries += 1) await from('::ffff:192.0.2.7');
    expect([await from('192.0.2.7'), await from('192.0.2.8')]).toEqual([429, 401]);
  });
});

describe('numbers of the whole server', () => {
  const state: UpkeepState = {
    lastPassAtMs: 1,
    error: 'secret words of a neighbour',
    purgedRuns: 7,
    sampledRuns: 8,
    quota: null,
  };

  it('are told to its own project alone once there are keys', async () => {
    const { ask, clock, makeKey } = await createWorld({ upkeep: () => state });
    expect(await (await ask('/healthz')).text()).toContain('secret words');
    const [own, foreign] = [await makeKey('default', 'read'), await makeKey('shop', 'read')];
    clock.pass(600);
    expect(await (await ask('/healthz')).text()).not.toContain('upkeep');
    expect(await (await ask('/healthz', { key: foreign.text })).text()).not.toContain('upkeep');
    expect(await (await ask('/healthz', { key: own.text })).text()).toContain('secret words');
    const metrics = async (key: string): Promise<string> => (await ask('/metrics', { key })).text();
    const theirs = await metrics(foreign.text);
    expect(theirs).toContain('tachograph_runs{');
    expect(theirs).not.toMatch(/tachograph_(?:http|store_changes|upkeep|sse|streams|quota)/);
    expect(await metrics(own.text)).toMatch(/tachograph_http_requests_total/);
  });
});

describe('a session cookie', () => {
  it('is found among others of its name, which a neighbouring page may have set', async () => {
    const { ask, makeKey } = await createWorld();
    const { text } = await makeKey('shop', 'read');
    const signed = await ask('/api/v1/sign-in', { method: 'POST', body: JSON.stringify({ key: text }), headers: json });
    const cookie = signed.headers.get('set-cookie')!.split(';')[0]!;
    const many = `${'a=b; '.repeat(200)}tachograph_session=planted; tachograph_session; ${cookie}; z=1`;
    const access = (await (await ask('/api/v1/access', { headers: { cookie: many } })).json()) as WireAccess;
    expect(access).toMatchObject({ isSignedIn: true, projectId: 'shop' });
  });
});

describe('what comes in', () => {
  it('into a suspended project is refused where no key is needed, too', async () => {
    const { ask, directory, clock } = await createWorld({ inbox: () => ({ entries: 0, generation: 0 }) });
    await directory.putProject(nextProject((await directory.getProject('default'))!, { status: 'suspended' }));
    clock.pass(600);
    const sent = await ask('/api/v1/ingest', { method: 'POST', body: '', headers: { 'content-type': batchType } });
    expect([sent.status, await codeOf(sent)]).toEqual([403, 'project-suspended']);
    expect((await ask('/api/v1/runs')).status).toBe(200);
  });

  it('is not taken when its key was revoked while it came', async () => {
    let taken = 0;
    const inbox = () => ({ entries: (taken += 1), generation: 0 });
    const { ask, makeKey, keyring, clock } = await createWorld({ inbox });
    const { key, text } = await makeKey('shop', 'ingest');
    const body = new ReadableStream({
      async pull(controller) {
        await keyring.revoke('shop', key.id);
        clock.pass(600);
        controller.enqueue(Buffer.from('x'));
        controller.close();
      },
    });
    const sent = await ask('/api/v1/ingest', {
      method: 'POST',
      body,
      key: text,
      headers: { 'content-type': batchType },
    });
    expect([sent.status, taken]).toEqual([401, 0]);
  });

  it('from many at once takes a bounded memory: the rest is asked to come again', async () => {
    const inbox = () => ({ entries: 0, generation: 0 });
    const { ask, makeKey } = await createWorld({ inbox, bodiesBytesMax: 6000 });
    const { text } = await makeKey('shop', 'ingest');
    const other = await makeKey('default', 'ingest');
    const gate = Promise.withResolvers<void>();
    const send = (bytes: number, held: boolean, key = text): Promise<Response> => {
      const body = new ReadableStream({
        async start(controller) {
          controller.enqueue(new Uint8Array(bytes));
          if (held) await gate.promise;
          controller.close();
        },
      });
      return ask('/api/v1/ingest', { method: 'POST', body, key, headers: { 'content-type': batchType } });
    };
    const first = send(2000, true);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const second = await send(2000, false);
    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '1']);
    expect((await send(2000, false, other.text)).status).toBe(200);
    gate.resolve();
    expect((await first).status).toBe(200);
    expect((await send(2000, false)).status).toBe(200);
  });

  it('and says that it is too large is refused before it is read', async () => {
    let isRead = false;
    const { ask, makeKey } = await createWorld({ inbox: () => ({ entries: 0, generation: 0 }) });
    const { text } = await makeKey('shop', 'ingest');
    const body = new ReadableStream(
      {
        pull(controller) {
          isRead = true;
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const headers = { 'content-type': batchType, 'content-length': String(1e12) };
    const sent = await ask('/api/v1/ingest', { method: 'POST', body, key: text, headers });
    expect([sent.status, isRead]).toEqual([413, false]);
  });
});

describe('a key that is rotated', () => {
  it('has a successor that lives as long as it was to live, and none once it has expired', async () => {
    const { keyring, makeKey, clock } = await createWorld();
    const { key } = await makeKey('shop', 'read', clock.nowMs() + 90_000);
    clock.pass(30_000);
    const next = await keyring.rotate('shop', key.id, 1000);
    expect(next.key.expiresAtMs).toBe(clock.nowMs() + 90_000);
    clock.pass(2000);
    await expect(keyring.rotate('shop', key.id, 1000)).rejects.toThrow('has expired');
  });

  it('stays revoked when both happen at once', async () => {
    const { directory, makeKey, clock } = await createWorld();
    const { key } = await makeKey('shop', 'read');
    const slow = {
      ...directory,
      async putKey(stored: Parameters<typeof directory.putKey>[0]) {
        if (stored.id !== key.id)
          await directory.putKey({ ...(await directory.findKey('shop', key.id))!, revokedAtMs: 5 });
        await directory.putKey(stored);
      },
    };
    const keyring = createKeyring({ directory: slow, pepper, nowMs: clock.nowMs, randomBytes });
    await keyring.rotate('shop', key.id, 1000);
    expect((await directory.findKey('shop', key.id))!.revokedAtMs).toBe(5);
  });
});

describe('a key given whole in the place of its id', () => {
  it('is known by its id, and is repeated in no answer', async () => {
    const { ask, makeKey } = await createWorld();
    const admin = await makeKey('shop', 'admin');
    const { key, text } = await makeKey('shop', 'read');
    const secret = text.split('_').at(-1)!;
    const foreign = await makeKey('default', 'read');
    for (const path of [foreign.text, `${foreign.text}x`, `tk_nobody_${foreign.text.split('_').at(-1)!}`]) {
      const answer = await ask(`/api/v1/keys/${path}`, { method: 'DELETE', key: admin.text });
      expect(answer.status).toBe(404);
      expect(await answer.text()).not.toContain(foreign.text.split('_').at(-1)!);
    }
    const revoked = await ask(`/api/v1/keys/${text}`, { method: 'DELETE', key: admin.text });
    const words = await revoked.text();
    expect([revoked.status, words.includes(key.id), words.includes(secret)]).toEqual([200, true, false]);
  });
});
