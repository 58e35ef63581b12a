import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { createMemoryJournal } from '../../core/memory-journal.ts';
import { createRecorder } from '../../core/record/recorder.ts';
import { createKeyring } from '../../core/access/keyring.ts';
import type { Scope } from '../../core/access/key.ts';
import { allowsScope, scopes } from '../../core/access/key.ts';
import { createProject, nextProject } from '../../core/access/project.ts';
import type { Clock } from '../../core/clock.ts';
import { TachographError } from '../../core/error.ts';
import { createMemoryStore } from '../../stores/memory/index.ts';
import { recordScenario } from '../../../test/server/scenario.ts';
import type { Stage } from '../../../test/server/stage.ts';
import { createStage } from '../../../test/server/stage.ts';
import { routes } from '../routes/index.ts';
import type { Problem, WireAccess, WireKey, WireNewKey } from '../wire.ts';

// One store, two projects, a key of each for every scope; every route asked with every key.

const pepper = Buffer.alloc(32, 9);
const words = ['Rayleigh', 'secret plan of the shop'];

/** A clock that stands until it is told otherwise. */
function createClock(): Clock & { pass(ms: number): void } {
  let nowMs = Date.UTC(2026, 10, 21);
  return { nowMs: () => nowMs, monotonicMs: () => nowMs, pass: (ms) => void (nowMs += ms) };
}

interface World {
  readonly stage: Stage;
  readonly clock: ReturnType<typeof createClock>;
  /** Key text by project and scope. */
  readonly keyOf: (projectId: string, scope: Scope) => string;
  readonly runOf: Readonly<Record<string, string>>;
  ask(
    method: string,
    path: string,
    key: string | null,
    more?: { body?: string; headers?: Record<string, string> },
  ): Promise<Response>;
}

async function createWorld(): Promise<World> {
  const clock = createClock();
  const store = createMemoryStore();
  const stage = await createStage({ store, clock, access: { pepper }, inbox: () => ({ entries: 0, generation: 0 }) });
  await store.directory.putProject(createProject({ id: 'shop', nowMs: 1 }));
  const keyring = createKeyring({ directory: store.directory, pepper, nowMs: clock.nowMs, randomBytes });
  const textByKey = new Map<string, string>();
  for (const projectId of ['default', 'shop'])
    for (const scope of scopes)
      textByKey.set(`${projectId} ${scope}`, (await keyring.create({ projectId, name: scope, scopes: [scope] })).text);
  const { runId } = await recordScenario(stage);
  const shop = await recordShop(stage);
  return {
    stage,
    clock,
    keyOf: (projectId, scope) => textByKey.get(`${projectId} ${scope}`)!,
    runOf: { default: runId, shop },
    ask: (method, path, key, { body, headers = {} } = {}) =>
      stage.handler(
        new Request(`http://localhost${path}`, {
          method,
          headers: { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...headers },
          ...(body === undefined ? {} : { body }),
        }),
        { port: null, remote: '10.0.0.1', drop: () => undefined },
      ),
  };
}

async function recordShop({ store }: Stage): Promise<string> {
  const journal = createMemoryJournal();
  const recorder = createRecorder({ journal });
  const run = recorder.startRun({ agentId: 'clerk', name: 'secret plan of the shop', callerId: 'ada' });
  run.step({ kind: 'phase', name: 'plan' }).finish({ status: 'completed' });
  run.close({ endReason: 'ok' });
  await recorder.close();
  await store.importBatch({ projectId: 'shop', entries: journal.take(), position: null });
  return run.id;
}

/** A path with everything filled in by what is of one project. */
function fill(path: string, runId: string, projectId: string): string {
  return path
    .replaceAll(/\{(id|runId|other)\}/g, runId)
    .replaceAll(/\{(n|k)\}/g, '1')
    .replace('{contentId}', 'a'.repeat(64))
    .replace('{annotationId}', '01990000-0000-7000-8000-000000000000')
    .replace('{keyId}', `${projectId}.000000000000`)
    .replace('{projectId}', projectId);
}

const bodyByPath: Readonly<Record<string, unknown>> = {
  '/api/v1/runs/{id}/annotations': { kind: 'note', value: 'x' },
  '/api/v1/runs/{id}/annotations/{annotationId}': { kind: 'note', value: 'x' },
  '/api/v1/erasures': { callerId: 'nobody' },
  '/api/v1/runs': { agentId: 'a' },
  '/api/v1/runs/{id}/signals': { name: 'n' },
  '/api/v1/runs/{id}/redrive': {},
  '/api/v1/agents/{agentId}/registration': {},
  '/api/v1/schedules/{scheduleId}': { agentId: 'a', cron: '@daily' },
  '/api/v1/budgets': { layer: 'agent', scope: 'a', nanoUsdMax: 1, tokensMax: null },
  '/api/v1/budgets/stop': { isStopped: false },
  '/api/v1/keys': { name: 'n', scopes: ['read'] },
  '/api/v1/keys/{keyId}/rotate': {},
  '/api/v1/projects/{projectId}': { name: 'n' },
  '/api/v1/sign-in': { key: 'tk_' },
};

const queryByPath: Readonly<Record<string, string>> = {
  '/api/v1/search': '?q=Rayleigh',
  '/api/v1/runs/{id}/diff/{other}/steps': '?a=1&b=1',
};

const guarded = routes.filter(({ scope }) => scope !== null);
const open = ['/healthz', '/readyz', '/api/openapi.json', '/api/v1/access', '/api/v1/sign-in', '/api/v1/sign-out'];

describe('every route', () => {
  let world: World;
  beforeAll(async () => void (world = await createWorld()));

  function askRoute(
    route: (typeof routes)[number],
    key: string | null,
    of: { runId: string; projectId: string },
  ): Promise<Response> {
    const path = fill(route.path, of.runId, of.projectId) + (queryByPath[route.path] ?? '');
    const body = bodyByPath[route.path];
    if (route.bytes !== undefined)
      return world.ask(route.method, path, key, { body: '', headers: { 'content-type': route.bytes.mediaType } });
    return body === undefined || route.method === 'GET' || route.method === 'DELETE'
      ? world.ask(route.method, path, key)
      : world.ask(route.method, path, key, {
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        });
  }

  const codeOf = async (response: Response): Promise<string | null> =>
    response.headers.get('content-type') === 'application/problem+json'
      ? ((await response.json()) as Problem).code
      : null;

  it('needs a scope, but for the few that tell nothing of a record', () => {
    expect(routes.filter(({ scope }) => scope === null).map(({ path }) => path)).toEqual(open);
    for (const { method, path, scope } of guarded)
      if (method !== 'GET') expect([path, scope]).not.toEqual([path, 'read']);
  });

  test.each(guarded.map((route) => [route.method, route.path, route] as const))(
    '%s %s asks for a key and for its scope',
    async (_method, _path, route) => {
      const of = { runId: world.runOf['default']!, projectId: 'default' };
      const without = await askRoute(route, null, of);
      expect([without.status, await codeOf(without)]).toEqual([401, 'key-missing']);
      for (const scope of scopes) {
        if (route.method !== 'GET' && allowsScope([scope], route.scope!)) continue;
        const response = await askRoute(route, world.keyOf('default', scope), of);
        const isRefused = !allowsScope([scope], route.scope!);
        const code =
          response.headers.get('content-type') === 'application/problem+json' ? await codeOf(response) : null;
        await response.body?.cancel().catch(() => undefined);
        expect([scope, code === 'scope-missing']).toEqual([scope, isRefused]);
      }
    },
  );

  const named = guarded.filter(({ path }) => /\{(id|runId|keyId|projectId)\}/.test(path));
  test.each(named.map((route) => [route.method, route.path, route] as const))(
    '%s %s answers for another project’s as for one that is not there',
    async (_method, _path, route) => {
      const key = world.keyOf('default', 'admin');
      const theirs = await askRoute(route, key, { runId: world.runOf['shop']!, projectId: 'shop' });
      const missing = await askRoute(route, key, {
        runId: world.runOf['shop']!.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
        projectId: 'none',
      });
      expect(theirs.status).toBe(404);
      const same = (text: string): string =>
        text.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<id>').replaceAll(/(shop|none)\.0{12}/g, '<key>');
      expect(same(await theirs.text())).toBe(same(await missing.text()));
    },
  );

  const lists = guarded.filter(
    ({ method, path }) => method === 'GET' && !path.includes('{') && !path.endsWith('/stream'),
  );
  test.each(lists.map((route) => [route.path, route] as const))(
    '%s shows nothing of the other project',
    async (_path, route) => {
      for (const [projectId, foreign] of [
        ['default', 'shop'],
        ['shop', 'default'],
      ] as const) {
        const response = await askRoute(route, world.keyOf(projectId, 'admin'), { runId: '', projectId });
        const text = await response.text();
        expect(response.status).toBe(200);
        expect(text).not.toContain(world.runOf[foreign]);
        expect(text).not.toContain(projectId === 'default' ? words[1] : words[0]);
      }
    },
  );

  it('sets what holds for all projects only for the server’s own', async () => {
    const headers = { 'content-type': 'application/json' };
    const ask = async (projectId: string, path: string, body: object) => {
      const key = world.keyOf(projectId, 'admin');
      const response = await world.ask('PUT', `/api/v1/budgets${path}`, key, { body: JSON.stringify(body), headers });
      return [response.status, await response.text()] as const;
    };
    const limit = { layer: 'platform', nanoUsdMax: 12_345_000, tokensMax: null };
    expect((await ask('shop', '', limit))[0]).toBe(403);
    expect((await ask('shop', '/stop', { isStopped: true, isPlatform: true }))[0]).toBe(403);
    expect((await ask('default', '', limit))[0]).toBe(200);
    const [status, shown] = await ask('shop', '', { layer: 'project', nanoUsdMax: 1, tokensMax: null });
    expect([status, shown.includes('12345000')]).toEqual([200, false]);
  });

  it('streams changes of its own project only', async () => {
    const response = await world.ask('GET', '/api/v1/runs/stream', world.keyOf('shop', 'read'));
    expect(response.status).toBe(200);
    const reader = response.body!.getReader();
    await recordScenario(world.stage);
    const shopRun = await recordShop(world.stage);
    let text = '';
    while (!text.includes(shopRun)) text += new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    expect(text).not.toContain(world.runOf['default']);
    expect(text).not.toContain('Rayleigh');
  });
});

describe('a key', () => {
  it('is made, shown once, rotated with overlap and revoked within a second', async () => {
    const world = await createWorld();
    const admin = world.keyOf('shop', 'admin');
    const json = { 'content-type': 'application/json' };
    const made = await world.ask('POST', '/api/v1/keys', admin, {
      body: '{"name":"ci","scopes":["read"]}',
      headers: json,
    });
    const { key, text } = (await made.json()) as WireNewKey;
    expect(made.status).toBe(201);
    expect(key).toMatchObject({ projectId: 'shop', scopes: ['read'] });
    const list = async (): Promise<string> => (await world.ask('GET', '/api/v1/keys', admin)).text();
    expect(await list()).not.toContain(text.split('_').at(-1));
    const status = async (of: string): Promise<number> => (await world.ask('GET', '/api/v1/runs', of)).status;
    expect(await status(text)).toBe(200);

    const rotated = await world.ask('POST', `/api/v1/keys/${key.id}/rotate`, admin, {
      body: '{"overlapSeconds":60}',
      headers: json,
    });
    const next = (await rotated.json()) as WireNewKey;
    expect([await status(text), await status(next.text)]).toEqual([200, 200]);
    world.clock.pass(61_000);
    expect([await status(text), await status(next.text)]).toEqual([401, 200]);

    const revoked = await world.ask('DELETE', `/api/v1/keys/${next.key.id}`, admin);
    expect(((await revoked.json()) as WireKey).revokedAtMs).toBe(world.clock.nowMs());
    world.clock.pass(999);
    expect(await status(next.text)).toBe(401);
    expect(
      (await world.ask('POST', `/api/v1/keys/${next.key.id}/rotate`, admin, { body: '{}', headers: json })).status,
    ).toBe(400);
  });

  it('cannot be told from one that never was, and is slow to guess', async () => {
    const world = await createWorld();
    const good = world.keyOf('default', 'read');
    const guess = `${good.slice(0, -1)}${good.endsWith('0') ? '1' : '0'}`;
    const never = good.replace(/\.[0-9a-f]{12}/, '.ffffffffffff');
    const bodies = await Promise.all(
      [guess, never].map(async (key) => (await world.ask('GET', '/api/v1/runs', key)).text()),
    );
    expect(bodies[0]).toBe(bodies[1]);
    let refused = 0;
    for (let tries = 0; tries < 20; tries += 1)
      if ((await world.ask('GET', '/api/v1/runs', never)).status === 429) refused += 1;
    expect(refused).toBeGreaterThan(8);
    const slowed = await world.ask('GET', '/api/v1/runs', 'tk_nonsense');
    expect([slowed.status, Number(slowed.headers.get('retry-after')) > 0]).toEqual([429, true]);
    world.clock.pass(61_000);
    expect((await world.ask('GET', '/api/v1/runs', good)).status).toBe(200);
  });

  it('that is in use goes on while others guess from the same address', async () => {
    const world = await createWorld();
    const good = world.keyOf('default', 'read');
    expect((await world.ask('GET', '/api/v1/runs', good)).status).toBe(200);
    for (let tries = 0; tries < 30; tries += 1) await world.ask('GET', '/api/v1/runs', 'tk_nonsense');
    expect((await world.ask('GET', '/api/v1/runs', good)).status).toBe(200);
  });

  it('of a suspended project reads and manages, and adds nothing', async () => {
    const world = await createWorld();
    const { directory } = world.stage.store;
    await directory.putProject(nextProject((await directory.getProject('shop'))!, { status: 'suspended' }));
    const send = (scope: Scope) =>
      world.ask('POST', '/api/v1/ingest', world.keyOf('shop', scope), {
        body: '',
        headers: { 'content-type': 'application/vnd.tachograph.journal' },
      });
    const refused = await send('ingest');
    expect([refused.status, ((await refused.json()) as Problem).code]).toEqual([403, 'project-suspended']);
    expect((await world.ask('GET', '/api/v1/runs', world.keyOf('shop', 'read'))).status).toBe(200);
    const lift = await world.ask('PUT', '/api/v1/projects/shop', world.keyOf('shop', 'admin'), {
      body: '{"status":"active"}',
      headers: { 'content-type': 'application/json' },
    });
    expect(lift.status).toBe(400);
    await directory.putProject(nextProject((await directory.getProject('shop'))!, { status: 'active' }));
    world.clock.pass(600);
    expect((await send('ingest')).status).toBe(200);
  });
});

describe('signing in', () => {
  const json = { 'content-type': 'application/json' };

  it('gives a cookie that stands for the key, until it is revoked or time is up', async () => {
    const world = await createWorld();
    const key = world.keyOf('shop', 'read');
    const signed = await world.ask('POST', '/api/v1/sign-in', null, { body: JSON.stringify({ key }), headers: json });
    const cookie = signed.headers.get('set-cookie')!;
    expect(cookie).toMatch(/^tachograph_session=\S+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(key.split('_').at(-1));
    const withCookie = (value: string) =>
      world.ask('GET', '/api/v1/access', null, { headers: { cookie: `a=b; ${value.split(';')[0]!}` } });
    expect(await (await withCookie(cookie)).json()).toMatchObject({
      isSignedIn: true,
      projectId: 'shop',
      scopes: ['read'],
    });
    const forged = cookie.replace(/shop\./, 'default.');
    expect(((await (await withCookie(forged)).json()) as WireAccess).isSignedIn).toBe(false);
    world.clock.pass(12 * 3_600_000);
    expect(((await (await withCookie(cookie)).json()) as WireAccess).isSignedIn).toBe(false);
  });

  it('says on the same terms what is missing, and marks the cookie secure behind TLS', async () => {
    const world = await createWorld();
    const signIn = (key: string, headers: Record<string, string> = {}) =>
      world.ask('POST', '/api/v1/sign-in', null, { body: JSON.stringify({ key }), headers: { ...json, ...headers } });
    expect((await signIn('tk_nonsense')).status).toBe(401);
    expect((await signIn(world.keyOf('shop', 'ingest'))).status).toBe(403);
    const secure = await signIn(world.keyOf('shop', 'read'), { 'x-forwarded-proto': 'https' });
    expect(secure.headers.get('set-cookie')).toContain('; Secure');
    const out = await world.ask('POST', '/api/v1/sign-out', null);
    expect(out.headers.get('set-cookie')).toContain('Max-Age=0');
  });
});

describe('a session that is ended on one server', () => {
  const json = { 'content-type': 'application/json' };
  it('is refused there at once, and within half a second by the others on the same store', async () => {
    const world = await createWorld();
    const other = await createStage({ store: world.stage.store, clock: world.clock, access: { pepper } });
    const key = world.keyOf('shop', 'read');
    const signIn = async (): Promise<string> => {
      const body = JSON.stringify({ key });
      const signed = await world.ask('POST', '/api/v1/sign-in', null, { body, headers: json });
      return signed.headers.get('set-cookie')!.split(';')[0]!;
    };
    const first = await signIn();
    world.clock.pass(1);
    const second = await signIn();
    const statuses = async (cookie: string): Promise<number[]> => [
      (await world.ask('GET', '/api/v1/runs', null, { headers: { cookie } })).status,
      (await other.get('/api/v1/runs', { cookie })).status,
    ];
    expect([await statuses(first), await statuses(second)]).toEqual([
      [200, 200],
      [200, 200],
    ]);
    await world.ask('POST', '/api/v1/sign-out', null, { headers: { cookie: first } });
    // What the other was told a moment ago it believes for half a second.
    expect(await statuses(first)).toEqual([401, 200]);
    world.clock.pass(500);
    expect([await statuses(first), await statuses(second)]).toEqual([
      [401, 401],
      [200, 200],
    ]);
  });

  it('is refused there while the store cannot be told, which is said', async () => {
    const store = createMemoryStore();
    const clock = createClock();
    const keyring = createKeyring({ directory: store.directory, pepper, nowMs: clock.nowMs, randomBytes });
    const { text } = await keyring.create({ projectId: 'default', name: 'n', scopes: ['read'] });
    const endSession = async (): Promise<void> => {
      throw new TachographError('store-busy', 'away');
    };
    const away = { ...store, directory: { ...store.directory, endSession } };
    const stage = await createStage({ store: away, clock, access: { pepper } });
    const post = (path: string, init: RequestInit): Promise<Response> =>
      stage.handler(new Request(`http://localhost${path}`, { method: 'POST', ...init }));
    const signed = await post('/api/v1/sign-in', { body: JSON.stringify({ key: text }), headers: json });
    const headers = { cookie: signed.headers.get('set-cookie')!.split(';')[0]! };
    expect((await stage.get('/api/v1/runs', headers)).status).toBe(200);
    expect((await post('/api/v1/sign-out', { headers })).status).toBe(503);
    expect((await stage.get('/api/v1/runs', headers)).status).toBe(401);
  });
});

describe('a server without keys', () => {
  it('lets everybody do everything in its own project, until the first key is made', async () => {
    const store = createMemoryStore();
    const clock = createClock();
    const stage = await createStage({ store, clock, access: { pepper } });
    expect(await stage.json('/api/v1/access')).toMatchObject({
      isSignedIn: true,
      isKeyRequired: false,
      projectId: 'default',
    });
    const keyring = createKeyring({ directory: store.directory, pepper, nowMs: clock.nowMs, randomBytes });
    const { key } = await keyring.create({ projectId: 'default', name: 'first', scopes: ['read'] });
    clock.pass(600);
    expect((await stage.get('/api/v1/runs')).status).toBe(401);
    await keyring.revoke('default', key.id);
    clock.pass(600);
    expect((await stage.get('/api/v1/runs')).status).toBe(401);
  });

  it('asks for one from the start where others reach it', async () => {
    const stage = await createStage({ access: { pepper, isKeyRequired: true } });
    expect((await stage.get('/api/v1/runs')).status).toBe(401);
    expect((await stage.get('/healthz')).status).toBe(200);
  });
});
