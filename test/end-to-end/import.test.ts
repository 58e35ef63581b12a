import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTachograph } from '../../src/cli/open.ts';
import { chatAnswer } from '../playback/loopback.ts';
import { createPlaybackServer } from '../playback/server.ts';
import { tachograph } from './command.ts';
import { hasTrajectories, readTrajectories, trajectoriesFolder } from './trajectories.ts';

if (!hasTrajectories) process.stderr.write(`SKIPPED: no transcripts at ${trajectoriesFolder}, so none is imported.\n`);

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tachograph-import-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Imported {
  readonly foreign: readonly {
    readonly file: string;
    readonly format: string;
    readonly runs: readonly { runId: string; isNew: boolean; steps: number }[];
    readonly broken: readonly unknown[];
  }[];
  readonly refused: readonly unknown[];
}

/** Words that stand one after the other in a text, as a phrase to look for. */
function phraseOf(text: string): string {
  const words = /[A-Za-z]{3,}(?: [A-Za-z]{2,}){4}/.exec(text)?.[0];
  if (words === undefined) throw new Error(`no phrase in ${JSON.stringify(text.slice(0, 200))}`);
  return `"${words}"`;
}

test.runIf(hasTrajectories)(
  'every transcript is imported, shows its steps and tools, is found by its words, and comes once',
  async () => {
    const paths = readdirSync(trajectoriesFolder)
      .filter((name) => name.endsWith('.traj'))
      .sort()
      .map((name) => join(trajectoriesFolder, name));
    const done = await tachograph(folder, 'import', '--json', ...paths);
    expect(done.status, done.err).toBe(0);
    const { foreign, refused } = JSON.parse(done.out) as Imported;
    expect(refused).toEqual([]);
    expect(foreign.every(({ broken, format }) => broken.length === 0 && format === 'swe-agent')).toBe(true);

    const opened = await openTachograph({ home: folder });
    try {
      for (const [index, transcript] of readTrajectories().entries()) {
        const { runId } = foreign[index]!.runs[0]!;
        const answers = [...transcript.messages.entries()].filter(([, message]) => message.role === 'assistant');
        const steps = await opened.store.listSteps('default', runId, { limit: 500 });
        const models = steps.filter(({ kind }) => kind === 'model');
        const tools = steps.filter(({ kind }) => kind === 'tool');
        // The last step may have no entry of its own in the history: it saw all of it.
        const seen = [...answers.map(([at]) => at), transcript.messages.length];
        expect(models.map(({ contextLength }) => contextLength)).toEqual(seen.slice(0, models.length));
        expect(models.length).toBeGreaterThanOrEqual(answers.length);
        expect(tools.length).toBe(models.length);
        expect(
          tools.every(
            ({ name, parentStepId, status }) => name !== null && parentStepId !== null && status === 'completed',
          ),
        ).toBe(true);
        expect(steps.every(({ observedAfter, durationMs }) => observedAfter && durationMs !== 0)).toBe(true);
        const run = await opened.store.getRun('default', runId);
        expect(run).toMatchObject({
          source: 'import',
          endReason: 'ok',
          durationMs: null,
          usage: { input: { total: null } },
        });
        const words = phraseOf((answers[0]![1] as { content?: string }).content ?? '');
        expect(await opened.store.search('default', words, { runId, limit: 5 }), words).not.toEqual([]);
        expect((await opened.verify(runId)).intact.verdict).toBe('intact');
      }
    } finally {
      await opened.close();
    }
    const again = JSON.parse((await tachograph(folder, 'import', '--json', ...paths)).out) as Imported;
    expect(again.foreign.flatMap(({ runs }) => runs)).toEqual(
      foreign.flatMap(({ runs }) => runs.map((run) => ({ ...run, isNew: false }))),
    );
  },
  60_000,
);

test('a broken line is told with its number, the rest comes, and the exit status says so', async () => {
  const file = join(folder, 'traces.jsonl');
  const seen = { label: 'lab:m', model: 'm', provider: 'lab', input_messages: [], output: 'twelve tons' };
  const line = JSON.stringify({
    ts: 1_741_000_000.5,
    session_id: null,
    preset: 'p',
    references: [seen],
    aggregator: seen,
  });
  writeFileSync(file, `${line}\n{"references":\n`);
  const home = join(folder, 'home');
  const done = await tachograph(home, 'import', file);
  expect(done.status).toBe(1);
  expect(done.out).toContain('traces.jsonl (moa): 1 new run');
  expect(done.err).toContain('traces.jsonl, line 2 was not imported: it is no JSON object');
  const listed = await tachograph(home, 'ls');
  expect(listed.out).toContain('2025-03-03');
});

test('a file in no known format is refused as before', async () => {
  const file = join(folder, 'notes.json');
  writeFileSync(file, '{"notes": []}');
  const done = await tachograph(join(folder, 'home'), 'import', file, join(folder, 'nowhere.traj'));
  expect(done.status).toBe(1);
  expect(done.err).toContain('export-foreign');
  expect(done.err).toContain('There is no file');
});

test('the file that the DevTools of the AI SDK write themselves', async () => {
  const upstream = await createPlaybackServer();
  const call = { id: 'c1', type: 'function', function: { name: 'weigh', arguments: '{"what":"lorry"}' } };
  const asked = JSON.parse(chatAnswer('')) as { choices: { message: object; finish_reason: string }[] };
  asked.choices[0] = {
    ...asked.choices[0],
    message: { role: 'assistant', content: null, tool_calls: [call] },
    finish_reason: 'tool_calls',
  };
  const base = upstream.script([{ body: asked }, { body: chatAnswer('it weighs twelve tons') }]);
  const sdk = (name: string): string => JSON.stringify(import.meta.resolve(name));
  const agent = join(folder, 'agent.mjs');
  writeFileSync(
    agent,
    `import { generateText, isStepCount, registerTelemetry, tool } from ${sdk('ai')};
import { createOpenAI } from ${sdk('@ai-sdk/openai')};
import { DevToolsTelemetry } from ${sdk('@ai-sdk/devtools')};
import { z } from ${sdk('zod')};
registerTelemetry(DevToolsTelemetry());
await generateText({
  model: createOpenAI({ apiKey: 'none', baseURL: ${JSON.stringify(`${base}/v1`)} }).chat('gpt-9'),
  prompt: 'what does the lorry weigh?',
  tools: { weigh: tool({ inputSchema: z.object({ what: z.string() }), execute: async () => ({ tons: 12 }) }) },
  stopWhen: isStepCount(3),
  telemetry: { functionId: 'weigher' },
});
`,
  );
  try {
    const child = spawn(process.execPath, [agent], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 20_000,
    });
    expect(await once(child, 'close')).toEqual([0, null]);
  } finally {
    await upstream.close();
  }
  const home = join(folder, 'home');
  const done = await tachograph(home, 'import', '--json', join(folder, '.devtools', 'generations.json'));
  expect(done.status, done.err).toBe(0);
  const { foreign } = JSON.parse(done.out) as Imported;
  const { runId } = foreign[0]!.runs[0]!;
  const opened = await openTachograph({ home });
  try {
    expect(await opened.store.getRun('default', runId)).toMatchObject({ agentId: 'weigher', endReason: 'ok' });
    expect(await opened.store.listSteps('default', runId)).toMatchObject([
      { kind: 'model', finishReason: { unified: 'tool-calls' }, usage: { input: { total: 9, cacheRead: 4 } } },
      { kind: 'tool', name: 'weigh', callId: 'c1', status: 'completed' },
      { kind: 'model', contextLength: 3, preview: 'it weighs twelve tons', usage: { output: { total: 3 } } },
    ]);
    expect(await opened.store.search('default', '"twelve tons"', { runId })).not.toEqual([]);
  } finally {
    await opened.close();
  }
}, 30_000);
