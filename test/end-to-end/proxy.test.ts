import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chatAnswer, chatBody, chatDelta } from '../playback/loopback.ts';
import type { PlaybackServer } from '../playback/server.ts';
import { createPlaybackServer } from '../playback/server.ts';
import { tachograph } from './command.ts';

const mainFile = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const key = 'sk-proj-pythonhidden0000hidden0000';
const hasPython = spawnSync('python3', ['--version']).status === 0;
if (!hasPython) process.stderr.write('SKIPPED: python3 is not there, so no Python program goes through the proxy.\n');

let folder: string;
let home: string;
let upstream: PlaybackServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tachograph-proxy-'));
  home = join(folder, 'home');
  upstream = await createPlaybackServer();
});

afterAll(async () => {
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

/** All runs of the home, newest first. */
async function listRuns(): Promise<{ id: string; capture: string | null; agentId: string }[]> {
  const { out } = await tachograph(home, 'ls', '--json');
  const listed = JSON.parse(out) as { items?: never[] } & never[];
  return listed.items ?? listed;
}

async function runCommand(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ status: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [mainFile, 'run', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TACHOGRAPH_HOME: home, ...env },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, out, err };
}

const pythonAgent = `
import json, os, sys, urllib.request
def call(body):
    request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Authorization": "Bearer ${key}"})
    return urllib.request.urlopen(request)
first = [{"role": "user", "content": "how heavy is a lorry?"}]
with call({"model": "gpt-9", "messages": first}) as answer:
    words = json.load(answer)["choices"][0]["message"]["content"]
print("answer:", words)
then = first + [{"role": "assistant", "content": words}, {"role": "user", "content": "and a ship?"}]
with call({"model": "gpt-9", "messages": then, "stream": True}) as answer:
    for line in answer:
        if line.startswith(b"data: {"):
            choices = json.loads(line[6:])["choices"]
            if choices: sys.stdout.write(choices[0]["delta"].get("content") or "")
print()
sys.exit(7)
`;

describe('a program in another language', () => {
  test.runIf(hasPython)(
    'in Python, its standard library alone, is recorded with usage and streamed text',
    async () => {
      const stream = [
        chatDelta({ role: 'assistant', content: 'two hundred ' }),
        chatDelta({ content: 'thousand tons' }, 'stop'),
        'data: {"id":"c","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":31,"completion_tokens":5}}\n\n',
        'data: [DONE]\n\n',
      ].join('');
      const base = upstream.script([
        { body: chatAnswer('twelve tons') },
        { body: stream, headers: { 'content-type': 'text/event-stream' } },
      ]);
      const file = join(folder, 'agent.py');
      writeFileSync(file, pythonAgent);
      const done = await runCommand(['--proxy', '--', 'python3', file], { OPENAI_BASE_URL: `${base}/v1` });
      expect(done.err).toContain('tachograph: 1 run, 2 steps, 2 attempts');
      expect(done).toMatchObject({ status: 7, out: 'answer: twelve tons\ntwo hundred thousand tons\n' });
      expect(upstream.requests(base).map(({ path, headers }) => [path, headers.authorization])).toEqual([
        ['/v1/chat/completions', `Bearer ${key}`],
        ['/v1/chat/completions', `Bearer ${key}`],
      ]);

      const [run] = await listRuns();
      expect(run).toMatchObject({ agentId: 'proxy' });
      const shown = await tachograph(home, 'show', run!.id, '--json');
      const { steps } = JSON.parse(shown.out) as { steps: { step: unknown }[] };
      expect(steps.map(({ step }) => step)).toMatchObject([
        {
          kind: 'model',
          provider: 'openai',
          status: 'completed',
          usage: { input: { total: 9 }, output: { total: 3 } },
        },
        { operation: 'stream', status: 'completed', usage: { input: { total: 31 }, output: { total: 5 } } },
      ]);
      const found = await tachograph(home, 'search', 'thousand tons', '--json');
      expect(found.out).toContain(run!.id);
      expect(shown.out).not.toContain('pythonhidden');
      expect(await tachograph(home, 'verify', run!.id)).toMatchObject({ status: 0 });
    },
    30_000,
  );

  test('a Node program that records itself is not recorded twice', async () => {
    const base = upstream.script([{ body: chatAnswer('only once') }]);
    const agent = join(folder, 'agent.mjs');
    const sdk = (name: string): string => import.meta.resolve(name);
    writeFileSync(
      agent,
      `import { generateText } from ${JSON.stringify(sdk('ai'))};
import { createOpenAI } from ${JSON.stringify(sdk('@ai-sdk/openai'))};
const openai = createOpenAI({ apiKey: ${JSON.stringify(key)} });
const { text } = await generateText({ model: openai.chat('gpt-9'), prompt: 'weigh it', maxRetries: 0 });
console.log(text);
const raw = await fetch(process.env.OPENAI_BASE_URL + '/chat/completions', { method: 'POST',
  headers: { 'content-type': 'application/json' }, body: ${JSON.stringify(chatBody('by hand'))} });
console.log(raw.status);
`,
    );
    const done = await runCommand(['--proxy', '--', process.execPath, agent], { OPENAI_BASE_URL: `${base}/v1` });
    expect(done).toMatchObject({ status: 0, out: 'only once\n200\n' });
    expect(done.err).toContain('tachograph: 2 runs, 2 steps, 2 attempts');
    expect(upstream.requests(base).every(({ headers }) => headers['x-tachograph-recorded'] === undefined)).toBe(true);
  }, 30_000);

  test('a wrong upstream is said before the program starts', async () => {
    const done = await runCommand(['--proxy-upstream', 'x=http://169.254.169.254', '--', process.execPath, '-p', '1']);
    expect(done).toMatchObject({ status: 2, out: '' });
    expect(done.err).toContain('where no provider is');
  }, 30_000);
});

test('serve has the proxy too, under the rules of its guard', async () => {
  const base = upstream.script([{ body: chatAnswer('served') }]);
  const child = spawn(
    process.execPath,
    [mainFile, '--home', home, 'serve', '--port', '0', '--no-sample', '--json', '--proxy-upstream', `local=${base}/v1`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { url } = JSON.parse(line.toString()) as { url: string };
    const port = new URL(url).port;
    const ask = (headers: Record<string, string>): Promise<{ status: number; body: string }> =>
      new Promise((resolve, reject) => {
        const sent = httpRequest(
          { port, path: '/proxy/local/chat/completions', method: 'POST', headers },
          (response) => {
            let body = '';
            response.on('data', (chunk: Buffer) => (body += chunk.toString()));
            response.on('end', () => resolve({ status: response.statusCode!, body }));
          },
        );
        sent.on('error', reject);
        sent.end(chatBody('hello'));
      });
    const json = { 'content-type': 'application/json' };
    expect(await ask({ ...json, host: `evil.example:${port}` })).toMatchObject({ status: 403 });
    expect(await ask({ ...json, origin: 'https://evil.example' })).toMatchObject({ status: 403 });
    expect(await ask({ ...json, 'sec-fetch-site': 'cross-site' })).toMatchObject({ status: 403 });
    expect(upstream.requests(base)).toEqual([]);
    expect(await ask(json)).toEqual({ status: 200, body: chatAnswer('served') });
  } finally {
    child.kill('SIGTERM');
    await once(child, 'close');
  }
  expect(await listRuns()).toContainEqual(expect.objectContaining({ agentId: 'proxy', endReason: 'ok' }));
}, 30_000);
