import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSinkRecorder } from '../../src/journal/index.ts';
import type { RunPage } from '../../src/server/wire.ts';
import { tachograph } from './command.ts';

// A server that others reach, as its owner sets it up: projects and keys by command, then a program that records into it.

const mainFile = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
let folder: string;
let home: string;
let server: ChildProcess;
let port: number;
const keyByName: Record<string, string> = {};

async function makeKey(project: string, scope: string): Promise<string> {
  const made = await tachograph(home, 'keys', 'create', '--project', project, '--name', scope, '--scope', scope);
  expect(made.status).toBe(0);
  expect(made.err).toContain('It is not shown again.');
  return (keyByName[`${project} ${scope}`] = made.out.trim());
}

async function startServer(): Promise<void> {
  const args = [mainFile, 'serve', '--home', home, '--host', '0.0.0.0', '--port', '0', '--no-sample', '--json'];
  server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: server.stdout! }), 'line')) as [string];
  port = Number(new URL((JSON.parse(line) as { url: string }).url).port);
}

const ask = (path: string, name: string | null, host = '127.0.0.1'): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}${path}`, {
    headers: { host, ...(name === null ? {} : { authorization: `Bearer ${keyByName[name]!}` }) },
  });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tachograph-access-'));
  home = join(folder, 'home');
});

afterAll(async () => {
  if (server !== undefined && server.exitCode === null) {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

/** Every byte below a folder, as text that a key would show in. */
function readAll(place: string): string {
  return readdirSync(place, { recursive: true, encoding: 'utf8' })
    .map((name) => join(place, name))
    .filter((file) => statSync(file).isFile())
    .map((file) => readFileSync(file, 'latin1'))
    .join('\n');
}

describe('a server for a team', () => {
  it('is refused where others reach it, before there is a key', async () => {
    const refused = await tachograph(home, 'serve', '--host', '0.0.0.0', '--port', '0');
    expect([refused.status, refused.err]).toEqual([2, expect.stringContaining('tachograph keys create')]);
  });

  it('warns where others may reach it by a name, before there is a key, and not without one or once there is', async () => {
    const eventsOf = async (place: string, ...more: readonly string[]): Promise<unknown[]> => {
      const args = [mainFile, 'serve', '--home', place, '--port', '0', '--no-sample', '--log', 'json', ...more];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
      const events: unknown[] = [];
      for await (const line of createInterface({ input: child.stderr })) {
        const { event, message } = JSON.parse(line) as { event: string; message?: string };
        events.push(event);
        if (event === 'keys-missing') expect(message).toMatch(/records\.example without .*tachograph keys create/);
        if (event === 'server-started') child.kill('SIGTERM');
      }
      return events.slice(0, events.indexOf('server-started'));
    };
    const other = join(folder, 'other');
    expect(await eventsOf(other, '--allow-host', 'records.example')).toEqual(['keys-missing']);
    expect(await eventsOf(other)).toEqual([]);
    expect((await tachograph(other, 'keys', 'create', '--name', 'me', '--scope', 'admin')).status).toBe(0);
    expect(await eventsOf(other, '--allow-host', 'records.example')).toEqual([]);
  });

  it('gets projects and keys by command', async () => {
    const made = await tachograph(home, 'projects', 'create', 'shop', '--name', 'The shop');
    expect([made.status, made.out]).toEqual([0, expect.stringMatching(/shop\s+The shop\s+active\s+shadow/)]);
    expect((await tachograph(home, 'projects', 'create', 'shop')).status).toBe(2);
    expect((await tachograph(home, 'projects', 'create', 'Not One')).err).toContain('is no project id');
    await makeKey('shop', 'ingest');
    await makeKey('shop', 'read');
    await makeKey('default', 'admin');
    const listed = await tachograph(home, 'keys', 'ls', '--project', 'shop', '--json');
    expect((JSON.parse(listed.out) as { keys: { name: string }[] }).keys.map(({ name }) => name)).toEqual([
      'ingest',
      'read',
    ]);
    expect((await tachograph(home, 'keys', 'create', '--name', 'x', '--scope', 'write')).err).toContain('is no scope');
    expect(
      (await tachograph(home, 'keys', 'create', '--project', 'none', '--name', 'x', '--scope', 'read')).err,
    ).toContain('no project "none"');
    for (const key of Object.values(keyByName)) expect(readAll(home)).not.toContain(key.split('_').at(-1));
  });

  it('takes records by an ingest key, and shows them to a key of their project alone', async () => {
    await startServer();
    expect((await ask('/api/v1/runs', null)).status).toBe(401);
    const recorder = openSinkRecorder({
      url: `http://127.0.0.1:${port}`,
      projectId: 'shop',
      token: keyByName['shop ingest']!,
    });
    await recorder.run({ agentId: 'clerk' }, (run) => run.log('sold', { what: 'a lamp' }));
    expect(await recorder.flush()).toMatchObject({ state: 'durable', lost: 0 });
    await recorder.close();

    expect((await ask('/api/v1/runs', 'shop ingest')).status).toBe(403);
    const until = Date.now() + 10_000;
    let page: RunPage;
    do page = (await (await ask('/api/v1/runs', 'shop read', 'record.example')).json()) as RunPage;
    while (page.items.length === 0 && Date.now() < until);
    expect(page.items.map(({ agentId }) => agentId)).toEqual(['clerk']);
    const theirs = (await (await ask('/api/v1/runs', 'default admin')).json()) as RunPage;
    expect(theirs.items).toEqual([]);
    expect((await ask(`/api/v1/runs/${page.items[0]!.id}`, 'default admin')).status).toBe(404);
  });

  it('refuses records under another project’s key', async () => {
    const errors: unknown[] = [];
    const recorder = openSinkRecorder({
      url: `http://127.0.0.1:${port}`,
      projectId: 'default',
      token: keyByName['shop ingest']!,
      onError: (error) => errors.push(error),
    });
    await recorder.run({ agentId: 'thief' }, () => undefined);
    expect((await recorder.flush()).lost).toBeGreaterThan(0);
    await recorder.close();
    expect(String(errors[0])).toContain('it belongs to the project "default"');
  });

  it('asks for a key before the recording proxy passes anything on', async () => {
    const refused = await ask('/proxy/openai/v1/models', null);
    expect(refused.status).toBe(401);
    const foreign = await fetch(`http://127.0.0.1:${port}/proxy/openai/v1/models`, {
      headers: { 'x-tachograph-key': keyByName['shop ingest']! },
    });
    expect(foreign.status).toBe(404);
  });

  it('refuses a key within a second of its revocation by another process', async () => {
    const id = keyByName['shop read']!.slice(3).replace(/_[0-9a-f]+$/, '');
    const revoked = await tachograph(home, 'keys', 'revoke', id, '--project', 'shop');
    expect([revoked.status, revoked.out]).toEqual([0, expect.stringContaining('is revoked')]);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect((await ask('/api/v1/runs', 'shop read')).status).toBe(401);
  });
});
