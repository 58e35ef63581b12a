import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunPage } from '../../src/server/wire.ts';
import type { CommandResult } from './command.ts';
import { tachograph } from './command.ts';

// A program on one machine that records to a server on another: two homes, real processes, a key of one project.

const mainFile = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
let folder: string;
let theirs: string;
let ours: string;
let server: ChildProcess;
let url: string;
let model: Server;
let serverLog = '';
const keyByName: Record<string, string> = {};

async function makeKey(project: string, scope: string): Promise<void> {
  const made = await tachograph(theirs, 'keys', 'create', '--project', project, '--name', scope, '--scope', scope);
  keyByName[`${project} ${scope}`] = made.out.trim();
}

/** Runs a command of our home with these variables. */
async function ship(variables: Record<string, string>, ...args: readonly string[]): Promise<CommandResult> {
  const { TACHOGRAPH_PROJECT: _none, ...inherited } = process.env;
  const env = { ...inherited, TACHOGRAPH_URL: url, ...variables };
  const child = spawn(process.execPath, [mainFile, '--home', ours, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, out, err };
}

/** Records one model call that says something. */
function runProgram(variables: Record<string, string>, words: string): Promise<CommandResult> {
  const { port } = model.address() as AddressInfo;
  const body = JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: words }] });
  const code = `await (await fetch('http://127.0.0.1:${port}/v1/chat/completions', { method: 'POST', headers: { 'content-type': 'application/json' }, body: ${JSON.stringify(body)} })).text()`;
  const program = [process.execPath, '--input-type=module', '-e', code];
  return ship(variables, 'run', '--hosts', `127.0.0.1:${port}`, '--', ...program);
}

const ask = (path: string, key: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url + path, { headers: { authorization: `Bearer ${keyByName[key]!}`, ...headers } });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tachograph-ship-'));
  [theirs, ours] = [join(folder, 'theirs'), join(folder, 'ours')];
  await tachograph(theirs, 'projects', 'create', 'shop');
  await Promise.all([makeKey('shop', 'ingest'), makeKey('shop', 'read'), makeKey('default', 'read')]);
  model = createServer((request, response) => {
    request.resume();
    response.setHeader('content-type', 'application/json');
    response.end('{"id":"x","object":"chat.completion","model":"gpt-5","choices":[]}');
  }).listen(0, '127.0.0.1');
  const args = [mainFile, 'serve', '--home', theirs, '--host', '0.0.0.0', '--port', '0', '--no-sample', '--json'];
  server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  server.stderr!.on('data', (chunk: Buffer) => (serverLog += chunk.toString()));
  const [line] = (await once(createInterface({ input: server.stdout! }), 'line')) as [string];
  ({ url } = JSON.parse(line) as { url: string });
}, 60_000);

afterAll(async () => {
  model.close();
  server.kill('SIGTERM');
  await once(server, 'exit');
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

describe('a program that records to a server', () => {
  it('says where it listens so that it can be asked there', () => {
    expect(new URL(url).hostname).toBe('127.0.0.1');
  });

  it('needs a key and an address, no project, and prints one line with what was sent', async () => {
    const key = keyByName['shop ingest']!;
    const ran = await runProgram({ TACHOGRAPH_KEY: key }, `my key is ${key}, keep it`);
    expect([ran.status, ran.err]).toEqual([
      0,
      expect.stringMatching(/^tachograph: 1 run \(\d+ records\) sent to http:\S+ · http:\S+\/runs\/[0-9a-f-]{36}\n$/),
    ]);
    const until = Date.now() + 10_000;
    let page: RunPage;
    do page = (await (await ask('/api/v1/runs', 'shop read')).json()) as RunPage;
    while (page.items.length === 0 && Date.now() < until);
    expect(ran.err).toContain(page.items[0]!.id);
    const secret = key.split('_').at(-1)!;
    expect(readAll(theirs) + readAll(ours) + serverLog).not.toContain(secret);
  });

  it('keeps its records, and says so, when the key is one of another project; nothing is lost', async () => {
    const variables = { TACHOGRAPH_KEY: keyByName['shop ingest']!, TACHOGRAPH_PROJECT: 'other' };
    const ran = await runProgram(variables, 'words of another project');
    expect(ran.status).toBe(0);
    expect(ran.err).toMatch(/records are of the project "other" and the key is one of "shop"/);
    expect(ran.err).toMatch(/of records of the project "other" wait for a key of their own/);
    const doctor = await ship({}, 'doctor');
    expect(doctor.out).toMatch(/note +outbox .*of other wait for http/);
    const shipped = await ship({ TACHOGRAPH_KEY: keyByName['shop ingest']! }, 'ship');
    expect([shipped.status, shipped.err]).toEqual([1, expect.stringContaining('"other"')]);
    await tachograph(theirs, 'projects', 'create', 'other');
    await makeKey('other', 'ingest');
    const late = await ship({ TACHOGRAPH_KEY: keyByName['other ingest']! }, 'ship');
    expect([late.status, late.out]).toEqual([0, expect.stringMatching(/^\d+ records sent to/)]);
    expect((await ship({}, 'doctor')).out).toMatch(/ok +outbox .*nothing waits/);
  }, 60_000);

  it('is told of an address that holds a password, which is not repeated', async () => {
    const refused = await ship({ TACHOGRAPH_URL: 'http://me:hunter22@127.0.0.1:9' }, 'ship');
    expect([refused.status, refused.err]).toEqual([2, expect.stringContaining('user name or password')]);
    expect(refused.err).not.toContain('hunter22');
  });
});

describe('a page that is open', () => {
  it('hears no more within a second of its key’s end, by another process', async () => {
    const stream = await ask('/api/v1/runs/stream', 'default read');
    expect(stream.status).toBe(200);
    const id = keyByName['default read']!.slice(3).replace(/_[0-9a-f]+$/, '');
    const ended = stream.text();
    expect((await tachograph(theirs, 'keys', 'revoke', id)).status).toBe(0);
    await Promise.race([
      ended,
      new Promise((_resolve, reject) => setTimeout(() => reject(new Error('still open')), 1200)),
    ]);
    expect((await ask('/api/v1/runs/stream', 'default read')).status).toBe(401);
  });
});
