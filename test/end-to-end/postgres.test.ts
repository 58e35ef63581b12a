import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { Recorder } from '../../src/core/record/recording.ts';
import { openRecorder } from '../../src/journal/index.ts';
import type { Problem, RunDetail, RunPage, SearchPage, WireVerdict } from '../../src/server/wire.ts';
import type { TestDatabase } from '../postgres/cluster.ts';
import { onPostgres } from '../postgres/cluster.ts';

// Two servers with homes of their own on one database, as their owner sets them up, and a program that records to one.

const mainFile = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const secret = 'ab'.repeat(32);

interface Server {
  readonly child: ChildProcess;
  readonly url: string;
}

describe('servers on PostgreSQL', () => {
  const { cluster, it } = onPostgres();
  let folder: string;
  let database: TestDatabase;
  const servers: Server[] = [];
  let key: string;

  const homeOf = (name: string): string => join(folder, name);

  function start(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
    return spawn(process.execPath, [mainFile, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TACHOGRAPH_SECRET: secret, ...env },
    });
  }

  async function run(
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<{ status: number; out: string; err: string }> {
    const child = start(args, env);
    let [out, err] = ['', ''];
    child.stdout!.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr!.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const [status] = (await once(child, 'close')) as [number];
    return { status, out, err };
  }

  async function serve(name: string): Promise<Server> {
    const args = ['serve', '--home', homeOf(name), '--database', database.url, '--port', '0', '--no-sample', '--json'];
    const child = start(args);
    child.stderr!.resume();
    const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
    const server = { child, url: (JSON.parse(line) as { url: string }).url };
    servers.push(server);
    return server;
  }

  const ask = (server: Server, path: string): Promise<Response> =>
    fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${key}` } });
  const read = async <T>(server: Server, path: string): Promise<T> => (await (await ask(server, path)).json()) as T;

  async function until<T>(look: () => Promise<T>, isGood: (found: T) => boolean): Promise<T> {
    const endMs = Date.now() + 20_000;
    for (;;) {
      const found = await look();
      if (isGood(found) || Date.now() > endMs) return found;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  const recordTo = (server: Server): Recorder => openRecorder({ home: homeOf('agent'), url: server.url, key });

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tachograph-team-'));
  });
  afterAll(async () => {
    for (const { child } of servers) {
      if (child.exitCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  });

  it('say what to do while the database has no schema, and work once it has', async () => {
    database = await cluster().createDatabase({ isEmpty: true });
    const early = await run(['ls', '--home', homeOf('a'), '--database', database.ownerUrl]);
    expect([early.status, early.err]).toEqual([1, expect.stringContaining('is not set up for this role')]);
    expect(early.err).toContain('tachograph migrate');
    const password = 'not/shown: anywhere@all';
    const migrated = await run(['migrate', '--database', database.ownerUrl, '--role', 'clerk'], {
      TACHOGRAPH_ROLE_PASSWORD: password,
    });
    expect([migrated.status, migrated.out]).toEqual([0, expect.stringContaining('has the present schema')]);
    expect(migrated.out + migrated.err).not.toContain('shown');
    const url = new URL(database.url);
    [url.username, url.password] = ['clerk', encodeURIComponent(password)];
    database = { ...database, url: url.href };
    const made = await run([
      'keys',
      'create',
      '--home',
      homeOf('a'),
      '--database',
      database.url,
      '--name',
      'all',
      '--scope',
      'admin',
    ]);
    key = made.out.trim();
    expect(key).toMatch(/^tk_default\./);
  });

  it('share records, keys and seals, and leave each other’s open runs alone', async () => {
    const [a, b] = [await serve('a'), await serve('b')];
    const recorder = recordTo(a);
    const open = recorder.startRun({ agentId: 'long' });
    open.log('said', 'still at it');
    await recorder.run({ agentId: 'clerk' }, (done) =>
      done.tool({ name: 'sell', args: { what: 'a lamp' } }).succeed('sold'),
    );
    expect(await recorder.flush({ to: 'server' })).toMatchObject({ state: 'server', lost: 0 });

    const page = await until(
      () => read<RunPage>(b, '/api/v1/runs?agent=clerk'),
      ({ items }) => items[0]?.status === 'completed',
    );
    const [done] = page.items;
    const sealed = await until(
      () => read<WireVerdict>(b, `/api/v1/runs/${done!.id}/verify`),
      ({ intact }) => intact.verdict !== 'unsealed',
    );
    expect(sealed.intact.verdict).toBe('intact');
    const hits = await until(
      () => read<SearchPage>(b, '/api/v1/search?q=lamp'),
      ({ items }) => items.length > 0,
    );
    expect(hits.items.map(({ runId }) => runId)).toEqual([done!.id]);

    // Longer than a sweep of the other server, which has no journal of this writer.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect((await read<RunDetail>(b, `/api/v1/runs/${open.id}`)).run.status).toBe('running');
    open.close({ endReason: 'ok' });
    await recorder.close();
    const ended = await until(
      () => read<RunDetail>(b, `/api/v1/runs/${open.id}`),
      (found) => found.run.status !== 'running',
    );
    expect(ended.run.status).toBe('completed');
  });

  it('answer 503 while PostgreSQL is dead, take records all the same, and go on by themselves', async () => {
    const [a, b] = servers as [Server, Server];
    await cluster().kill();
    const refused = await until(
      () => ask(b, '/api/v1/runs'),
      ({ status }) => status === 503,
    );
    expect([refused.status, ((await refused.json()) as Problem).code]).toEqual([503, 'store-busy']);
    const recorder = recordTo(a);
    await recorder.run({ agentId: 'meanwhile' }, () => undefined);
    const written = await recorder.flush({ to: 'durable' });
    expect(written.lost).toBe(0);
    await cluster().start();
    const back = await until(
      () => ask(b, '/api/v1/runs'),
      ({ status }) => status === 200,
    );
    expect(back.status).toBe(200);
    expect(await recorder.flush({ to: 'server', timeoutMs: 20_000 })).toMatchObject({ state: 'server', lost: 0 });
    await recorder.close();
    const page = await until(
      () => read<RunPage>(b, '/api/v1/runs?agent=meanwhile'),
      ({ items }) => items.length > 0,
    );
    expect(page.items).toHaveLength(1);
  });
});
