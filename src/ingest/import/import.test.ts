import { expect, test } from 'vitest';
import { createMemoryStore } from '../../stores/memory/index.ts';
import { createRedactor } from '../../core/redact/create.ts';
import { detectForeignFormat } from './detect.ts';
import type { ForeignFile, ForeignFormat } from './foreign.ts';
import type { ForeignReport, KnownRun } from './import-file.ts';
import { importForeign } from './import-file.ts';

const key = new Uint8Array(32).fill(7);
const fileTimeMs = Date.UTC(2025, 2, 4, 12);
const secret = 'sk-proj-imported0000imported0000imported';

function toFile(name: string, text: string, pieceBytes = 1 << 16): ForeignFile {
  const bytes = Buffer.from(text);
  return {
    name,
    async *read() {
      for (let from = 0; from < bytes.length; from += pieceBytes) yield bytes.subarray(from, from + pieceBytes);
    },
  };
}

async function openStore() {
  const store = createMemoryStore();
  await store.initialize();
  const findRun = async (importId: string): Promise<KnownRun | null> => {
    const [run] = (await store.listRuns('default', { labels: { 'import.id': importId } }, { limit: 1 })).items;
    if (run === undefined) return null;
    const { id, rootRunId, createdAtMs, endReason } = run;
    return { runId: id, rootRunId, startedAtMs: createdAtMs, isEnded: endReason !== null };
  };
  let added = 0;
  const take = async (
    file: ForeignFile,
    more: { timeMs?: number; entriesMax?: number } = {},
  ): Promise<ForeignReport> => {
    const format = await detectForeignFormat(file);
    expect(format).not.toBe(null);
    return importForeign(file, format!, {
      async keep(entries) {
        const some = entries.slice(0, more.entriesMax ?? entries.length);
        added += (await store.importBatch({ projectId: 'default', entries: some, position: null })).events;
      },
      findRun,
      contentKey: key,
      redactor: createRedactor({ key }),
      fileTimeMs: more.timeMs ?? fileTimeMs,
      onError: (error) => expect(error).toBe(null),
    });
  };
  return { store, take, added: () => added };
}

const transcript = {
  environment: 'main',
  trajectory: [
    {
      action: 'ls -F',
      observation: 'a.py',
      response: 'Look first.\n```\nls -F\n```',
      thought: 'Look first.',
      execution_time: 0.25,
      state: {},
    },
    { action: 'submit', observation: '', response: `Done, with ${secret}.`, thought: 'Done.', state: {} },
  ],
  history: [
    { role: 'system', content: 'You are an agent.', agent: 'main' },
    { role: 'user', content: 'A demonstration', is_demo: true },
    { role: 'assistant', content: 'not an answer', is_demo: true },
    { role: 'user', content: 'Fix the lorry.', agent: 'main' },
    {
      role: 'assistant',
      content: 'Look first.\n```\nls -F\n```',
      thought: 'Look first.',
      action: 'ls -F',
      agent: 'main',
    },
    { role: 'user', content: 'a.py\nbash-$', agent: 'main' },
    {
      role: 'assistant',
      content: `Done, with ${secret}.`,
      action: 'submit',
      tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'submit', arguments: '{"sure":true}' } }],
    },
  ],
  info: { exit_status: 'submitted', submission: 'diff --git a b', model_stats: { api_calls: 2 } },
};

test('a transcript: answers are model steps, actions tool steps below them, times unknown but for actions', async () => {
  const { store, take } = await openStore();
  const file = toFile('lorry.traj', JSON.stringify(transcript, null, 2));
  const report = await take(file);
  expect(report).toMatchObject({ format: 'swe-agent', broken: [], runs: [{ isNew: true, steps: 4 }] });
  const { runId } = report.runs[0]!;
  const run = await store.getRun('default', runId);
  expect(run).toMatchObject({
    source: 'import',
    observedAfter: true,
    agentId: 'swe-agent',
    name: 'lorry',
    endReason: 'ok',
    durationMs: null,
    counts: { steps: 4, modelSteps: 2, toolSteps: 2 },
    labels: { environment: 'main', 'import.file': 'lorry.traj' },
  });
  expect(Math.floor(run.createdAtMs / 1000)).toBe(fileTimeMs / 1000);
  const steps = await store.listSteps('default', runId, { limit: 10 });
  expect(steps).toMatchObject([
    { kind: 'model', status: 'completed', contextLength: 4, usage: null, durationMs: null, observedAfter: true },
    { kind: 'tool', name: 'ls', status: 'completed', durationMs: 250, parentStepId: steps[0]!.id },
    { kind: 'model', contextLength: 6 },
    { kind: 'tool', name: 'submit', callId: 'call_1', durationMs: null, parentStepId: steps[2]!.id },
  ]);
  const found = await store.search('default', 'lorry', { limit: 5 });
  expect(JSON.stringify(found)).toContain(runId);
});

test('twice is once, also under another name and time; a broken-off import is completed', async () => {
  const { store, take, added } = await openStore();
  const text = JSON.stringify(transcript);
  await take(toFile('lorry.traj', text), { entriesMax: 5 });
  expect(added()).toBe(5);
  const again = await take(toFile('lorry.traj', text), { timeMs: fileTimeMs + 86_400_000 });
  const whole = added();
  expect(whole).toBeGreaterThan(8);
  expect(again.runs).toMatchObject([{ isNew: true }]);
  expect(await store.getRun('default', again.runs[0]!.runId)).toMatchObject({ counts: { steps: 4 }, endReason: 'ok' });
  const third = await take(toFile('copy.traj', text), { timeMs: fileTimeMs + 1 });
  expect(third.runs).toEqual([{ ...again.runs[0]!, isNew: false }]);
  expect(added()).toBe(whole);
  expect(await store.countRuns('default', {})).toBe(1);
});

const reference = (label: string, output: string | null): object => ({
  label: `lab:${label}`,
  model: label,
  provider: 'lab',
  temperature: 0.6,
  input_messages: [{ role: 'user', content: `how heavy, ${label}?` }],
  output,
  usage: { input_tokens: 7, output_tokens: 3, cache_read_tokens: 2, cache_write_tokens: null, reasoning_tokens: 1 },
  cost_usd: 0.0012,
  cost_status: 'actual',
  cost_source: 'provider-response',
});
const moaLine = (ts: number, more: object = {}): string =>
  JSON.stringify({
    ts,
    session_id: 's-1',
    preset: 'council',
    references: [reference('alpha', 'ten tons'), reference('beta', null)],
    aggregator: {
      ...reference('omega', 'twelve tons'),
      streamed: true,
      output_location: 'inline',
      cost_usd: null,
      cost_status: 'unknown',
      cost_source: 'none',
    },
    ...more,
  });

test('a MoA trace: a run a line, references and aggregator with usage and cost, broken lines by number', async () => {
  const { store, take, added } = await openStore();
  const text = [
    moaLine(1_741_000_000.25),
    '{"references": [',
    '',
    '{"references":[3],"aggregator":{}}',
    moaLine(1_741_000_060),
  ].join('\n');
  // In pieces that cut lines and letters.
  const report = await take(toFile('s-1.jsonl', text, 7));
  expect(report.broken).toEqual([
    { place: 'line 2', why: 'it is no JSON object' },
    { place: 'line 4', why: 'its references are no list of objects' },
  ]);
  expect(report.runs).toMatchObject([{ isNew: true }, { isNew: true }]);
  const { runId } = report.runs[0]!;
  expect(await store.getRun('default', runId)).toMatchObject({
    kind: 'moa_turn',
    sessionId: 's-1',
    name: 'council',
    createdAtMs: 1_741_000_000_250,
    endReason: 'ok',
  });
  expect(await store.listSteps('default', runId, { limit: 10 })).toMatchObject([
    {
      name: 'lab:alpha',
      provider: 'lab',
      model: 'alpha',
      status: 'completed',
      options: { temperature: 0.6 },
      usage: { input: { total: 7, cacheRead: 2, cacheWrite: null }, output: { total: 3, reasoning: 1 } },
      cost: { nanoUsd: 1_200_000, status: 'actual', source: 'provider-response' },
      startedAtMs: 1_741_000_000_250,
    },
    { name: 'lab:beta', status: 'error' },
    { name: 'lab:omega', operation: 'stream', status: 'completed', cost: null },
  ]);
  const before = added();
  // A trace that grew brings what is new.
  const grown = await take(toFile('s-1.jsonl', `${text}\n${moaLine(1_741_000_120)}\n`));
  expect(grown.runs.map(({ isNew }) => isNew)).toEqual([false, false, true]);
  expect(added()).toBeGreaterThan(before);
});

const v4Usage = { inputTokens: { total: 12, noCache: 8, cacheRead: 4 }, outputTokens: { total: 5, text: 5 } };
const devtools = {
  runs: [
    {
      id: 'child',
      started_at: '2025-03-01T10:00:01.500Z',
      parent_run_id: 'top',
      parent_step_id: 'st-1',
      function_id: null,
    },
    {
      id: 'top',
      started_at: '2025-03-01T10:00:00.000Z',
      parent_run_id: null,
      parent_step_id: null,
      function_id: 'weigher',
    },
  ],
  steps: [
    {
      id: 'st-2',
      run_id: 'top',
      step_number: 2,
      type: 'stream',
      model_id: 'gpt-9',
      provider: 'openai',
      started_at: '2025-03-01T10:00:03.000Z',
      duration_ms: 700,
      error: null,
      provider_options: null,
      input: JSON.stringify({
        prompt: [
          { role: 'user', content: [{ type: 'text', text: 'weigh it' }] },
          {
            role: 'assistant',
            content: [{ type: 'tool-call', toolCallId: 'c1', toolName: 'weigh', input: { what: 'it' } }],
          },
          {
            role: 'tool',
            content: [
              {
                type: 'tool-result',
                toolCallId: 'c1',
                toolName: 'weigh',
                output: { type: 'json', value: { tons: 12 } },
              },
            ],
          },
        ],
      }),
      output: JSON.stringify({
        textParts: [{ id: '0', text: 'twelve tons' }],
        reasoningParts: [],
        toolCalls: [],
        finishReason: { unified: 'stop', raw: 'stop' },
      }),
      usage: JSON.stringify({ inputTokens: 20, outputTokens: 4, cachedInputTokens: 16 }),
      raw_request: null,
      raw_response: null,
      raw_chunks: null,
    },
    {
      id: 'st-1',
      run_id: 'top',
      step_number: 1,
      type: 'generate',
      model_id: 'gpt-9',
      provider: 'openai',
      started_at: '2025-03-01T10:00:00.100Z',
      duration_ms: 900,
      error: null,
      provider_options: '{"openai":{"store":false}}',
      input: JSON.stringify({
        prompt: [{ role: 'user', content: [{ type: 'text', text: 'weigh it' }] }],
        tools: [{ name: 'weigh' }],
        temperature: 0.1,
      }),
      output: JSON.stringify({
        content: [{ type: 'tool-call', toolCallId: 'c1', toolName: 'weigh', input: '{"what":"it"}' }],
        finishReason: 'tool-calls',
        response: { id: 'resp-1', modelId: 'gpt-9-served' },
      }),
      usage: JSON.stringify(v4Usage),
      raw_request: '{"model":"gpt-9"}',
      raw_response: '{"id":"resp-1"}',
      raw_chunks: null,
    },
    {
      id: 'st-3',
      run_id: 'child',
      step_number: 1,
      type: 'generate',
      model_id: 'm',
      provider: null,
      started_at: 'never',
      duration_ms: null,
      error: 'quota',
      input: '{}',
      output: null,
      usage: null,
      raw_request: null,
      raw_response: null,
      raw_chunks: null,
      provider_options: null,
    },
    { id: 'st-4', run_id: 'child', step_number: 2, type: 'generate', model_id: 'm', input: 'no json', output: null },
  ],
};

test('a DevTools file: runs with their parents, steps in order, tools from the answers, times and usage as told', async () => {
  const { store, take } = await openStore();
  const report = await take(toFile('generations.json', JSON.stringify(devtools, null, 2)));
  expect(report.broken).toEqual([{ place: 'step st-4', why: 'its input is no JSON' }]);
  const [top, child] = report.runs;
  expect(await store.getRun('default', top!.runId)).toMatchObject({
    agentId: 'weigher',
    createdAtMs: Date.UTC(2025, 2, 1, 10),
    finishedAtMs: Date.UTC(2025, 2, 1, 10, 0, 3, 700),
    endReason: 'ok',
  });
  const steps = await store.listSteps('default', top!.runId, { limit: 10 });
  expect(steps).toMatchObject([
    {
      kind: 'model',
      model: 'gpt-9-served',
      requestedModel: 'gpt-9',
      startedAtMs: Date.UTC(2025, 2, 1, 10, 0, 0, 100),
      durationMs: 900,
      usage: { input: { total: 12, noCache: 8, cacheRead: 4, cacheWrite: null }, output: { total: 5, text: 5 } },
      options: { temperature: 0.1, providerOptions: { openai: { store: false } } },
      finishReason: { unified: 'tool-calls' },
      attemptCount: 1,
    },
    { kind: 'tool', name: 'weigh', callId: 'c1', status: 'completed', parentStepId: steps[0]!.id },
    { kind: 'model', operation: 'stream', preview: 'twelve tons', usage: { input: { total: 20, cacheRead: 16 } } },
  ]);
  expect(await store.getRun('default', child!.runId)).toMatchObject({
    agentId: 'ai-sdk',
    parentRunId: top!.runId,
    parentStepId: steps[0]!.id,
    rootRunId: top!.runId,
    endReason: 'error',
  });
  expect((await take(toFile('generations.json', JSON.stringify(devtools)))).runs.map(({ isNew }) => isNew)).toEqual([
    false,
    false,
  ]);
});

test.each<[string, ForeignFormat | null]>([
  [JSON.stringify(transcript), 'swe-agent'],
  [JSON.stringify(transcript, null, 1), 'swe-agent'],
  [JSON.stringify(devtools, null, 2), 'ai-sdk-devtools'],
  [`{"broken\n${moaLine(1)}\n`, 'moa'],
  ['["tachograph-run",1,"default","x"]', null],
  ['<!doctype html>', null],
  ['{"runs":1}', null],
  ['', null],
  ['\u0000\u0001', null],
])('the format is told by what a file holds', async (text, format) => {
  expect(await detectForeignFormat(toFile('x', text))).toBe(format);
});

test.each([
  ['{"history":[],"info":{},"trajectory":[]}', 'it has no steps'],
  ['{"trajectory":[1,null],"info":{}}', 'it has no steps'],
])('a transcript without steps is broken: %s', async (text, why) => {
  const { take } = await openStore();
  expect(await take(toFile('x.traj', text))).toMatchObject({ runs: [], broken: [{ place: 'the file', why }] });
});

test('wild values in a file neither throw nor become numbers', async () => {
  const { store, take } = await openStore();
  const wild = moaLine(1e300, {
    session_id: 7,
    aggregator: { output: { deep: [1] }, usage: { input_tokens: 'many' }, cost_usd: -1, cost_status: 'actual' },
  });
  const report = await take(toFile('x.jsonl', wild));
  expect(report.broken).toEqual([]);
  const run = await store.getRun('default', report.runs[0]!.runId);
  expect(run.sessionId).toBe(null);
  expect(Math.floor(run.createdAtMs / 1000)).toBe(fileTimeMs / 1000);
  const steps = await store.listSteps('default', run.id, { limit: 5 });
  expect(steps[2]).toMatchObject({ usage: { input: { total: null } } });
});

test('what a file holds goes through redaction like everything else (I4)', async () => {
  const kept: string[] = [];
  await importForeign(toFile('lorry.traj', JSON.stringify(transcript)), 'swe-agent', {
    async keep(entries) {
      for (const { event, contents } of entries)
        kept.push(event.payload ?? '', ...contents.map(({ bytes }) => Buffer.from(bytes).toString('utf8')));
    },
    findRun: async () => null,
    contentKey: key,
    redactor: createRedactor({ key }),
    fileTimeMs,
  });
  expect(kept.join('\n')).toContain('Done, with ');
  expect(kept.join('\n')).not.toContain('imported0000');
});

test('a step whose answer the history has not, and one that was asked twice, see what was there', async () => {
  const { store, take } = await openStore();
  const say = (content: string): object => ({ role: 'assistant', content, action: content });
  const text = JSON.stringify({
    trajectory: [
      { response: 'two', action: 'two', observation: 'seen two' },
      { response: 'three', action: 'three', observation: 'seen three' },
      { response: 'four', action: 'four', observation: 'seen four' },
    ],
    history: [
      { role: 'user', content: 'go' },
      say('one, badly formed'),
      { role: 'user', content: 'again' },
      say('two'),
      { role: 'user', content: 'seen two' },
    ],
    info: {},
  });
  const { runs } = await take(toFile('x.traj', text));
  const models = (await store.listSteps('default', runs[0]!.runId, { limit: 9 })).filter(
    ({ kind }) => kind === 'model',
  );
  expect(models.map(({ contextLength }) => contextLength)).toEqual([3, 5, 7]);
  expect(await store.getRun('default', runs[0]!.runId)).toMatchObject({ endReason: 'interrupted' });
});
