import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer, PlaybackServer } from '../../../test/playback/server.ts';
import { createPlaybackServer } from '../../../test/playback/server.ts';

// What docs/guides/replay.md says is done as it stands: its test with Vitest, its lines in a shell.

const root = join(import.meta.dirname, '../../..');
const guide = readFileSync(join(root, 'docs/guides/replay.md'), 'utf8');
const blockOf = (language: string): string => new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(guide)![1]!;

const place = mkdtempSync(join(tmpdir(), 'tachograph-guide-'));
let server: PlaybackServer;

beforeAll(async () => {
  server = await createPlaybackServer();
  symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'));
  copyFileSync(join(root, 'examples/ai-sdk-agent/agent.mjs'), join(place, 'agent.mjs'));
});
afterAll(async () => {
  await server.close();
  rmSync(place, { recursive: true, force: true });
});

async function run(command: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(command, args, {
    cwd: place,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', TACHOGRAPH_RECORD: '', OPENAI_API_KEY: 'k', NO_COLOR: '1', ...env },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (text += piece.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, text };
}

const answer = (message: object, finish_reason: string): Answer => ({
  body: {
    ...{ id: 'c', object: 'chat.completion', created: 0, model: 'gpt-5-mini' },
    choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  },
});
const ask = (name: string, input: object): Answer =>
  answer(
    {
      content: null,
      tool_calls: [{ id: 'call_1', type: 'function', function: { name, arguments: JSON.stringify(input) } }],
    },
    'tool_calls',
  );

describe('the guide to replay', () => {
  test('has a test that records once, replays, and fails where the program changed', async () => {
    const base = server.script([ask('look', { sku: 'LAMP-02' }), answer({ content: 'Yes, 12 are.' }, 'stop')]);
    const block = blockOf('ts')
      .replace("'tachograph/replay'", JSON.stringify(join(root, 'src/replay/index.ts')))
      .replace("'tachograph/ai-sdk'", JSON.stringify(join(root, 'src/capture/ai-sdk/index.ts')));
    writeFileSync(join(place, 'vitest.config.mjs'), "export default { test: { include: ['*.test.ts'] } };");
    const runTest = (text: string, env: Readonly<Record<string, string>>) => {
      writeFileSync(join(place, 'desk.test.ts'), text);
      const vitest = join(root, 'node_modules/vitest/vitest.mjs');
      return run(process.execPath, [vitest, 'run', '--root', place], env);
    };
    expect(await runTest(block, { OPENAI_BASE_URL: base })).toMatchObject({ status: 0 });
    expect(existsSync(join(place, 'recordings/desk.tgr'))).toBe(true);
    const nowhere = { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' };
    expect(await runTest(block, nowhere)).toMatchObject({ status: 0 });
    expect(server.requests(base)).toHaveLength(2);
    const changed = await runTest(block.replace('Is LAMP-02 in stock?', 'Is LAMP-03 in stock?'), nowhere);
    expect(changed.status).toBe(1);
    expect(changed.text).toMatch(/diverged at step 1: message 1 \(user\) differs/);
  }, 60_000);

  test('has lines for a shell that work one after the other', async () => {
    const base = server.script([
      ask('population', { town: 'Bern' }),
      ask('population', { town: 'Oslo' }),
      answer({ content: 'Oslo is larger.' }, 'stop'),
    ]);
    const lines = blockOf('sh').trim().split('\n');
    expect(lines).toHaveLength(6);
    const shims = [
      `tachograph() { '${process.execPath}' '${join(root, 'src/cli/main.ts')}' "$@"; }`,
      `node() { '${process.execPath}' "$@"; }`,
    ];
    // A command behind tachograph is a file, not a function of the shell.
    const commands = lines.map((line) => line.replace('-- node ', `-- '${process.execPath}' `));
    const env = { OPENAI_BASE_URL: base, TACHOGRAPH_HOME: join(place, 'home'), TACHOGRAPH_HOSTS: '127.0.0.1:*' };
    const { status, text } = await run('sh', ['-c', [...shims, 'set -e', ...commands].join('\n')], env);
    expect({ status, text }).toMatchObject({ status: 0 });
    expect(text.match(/replayed 3 requests of 3, none asked live/g)).toHaveLength(3);
    expect(text).toContain('replayed 2 requests of 2, 1 asked live');
    expect(server.requests(base)).toHaveLength(4);
  }, 60_000);

  test('a comparison is refused where no page is asked for', async () => {
    const env = { TACHOGRAPH_HOME: join(place, 'home') };
    const main = join(root, 'src/cli/main.ts');
    const refused = await run(process.execPath, [main, 'export', 'last', '--compare', 'last'], env);
    expect(refused).toMatchObject({ status: 2, text: expect.stringContaining('--compare with --html') as unknown });
  });
});
