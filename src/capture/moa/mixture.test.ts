import { generateText, stepCountIs, streamText, tool, ToolLoopAgent } from 'ai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { ChatServer } from './chat-server.fixture.ts';
import { openChatServer } from './chat-server.fixture.ts';
import type { Recording } from '../../../test/playback/recording.ts';
import { createSdkStage } from '../../../test/playback/stage.ts';
import { until } from '../../../test/playback/streams.ts';
import type { FoldedRun } from '../../core/import/fold.ts';
import type { StepView } from '../../core/model/step.ts';
import { createFetchCapture } from '../fetch/index.ts';
import type { Progress } from './index.ts';
import { mixtureOfAgents, removeGuidance } from './index.ts';

const stage = createSdkStage();
let server: ChatServer;
beforeAll(async () => void (server = await openChatServer()));
afterAll(() => server.close());

/** Records both the SDK and the wire under it. */
function record(): Recording {
  const recording = stage.record();
  const { recorder } = recording;
  stage.undo.push(
    createFetchCapture({
      recorder,
      hostList: '127.0.0.1:*',
      onError: (error) => void (recording.complaints as unknown[]).push(error),
    }).install(),
  );
  return recording;
}

const turnsOf = (recording: Recording): readonly FoldedRun[] =>
  recording.runs().filter(({ run }) => run.kind === 'moa_turn');
const roleOf = ({ metadata }: StepView): string => (metadata!['moa'] as { role: string }).role;
const stepsOf = (run: FoldedRun, role: string): readonly StepView[] =>
  run.steps.filter((step) => roleOf(step) === role);

const lookUp = tool({
  description: 'Finds an order.',
  inputSchema: z.object({ id: z.string() }),
  execute: async ({ id }) => ({ id, state: 'lost in transit' }),
});
const askTool = { tool: { id: 'call_1', name: 'look_up', args: { id: '4417' } }, usage: { input: 500, output: 10 } };

describe('a turn of four references and two iterations', () => {
  test('every input and output is recorded, the failed one is a note, the second iteration spends nothing', async () => {
    const recording = record();
    const progress: Progress[] = [];
    const model = mixtureOfAgents({
      name: 'careful',
      references: [
        server.model('gpt-plain', [{ text: 'Check the order first.' }]),
        server.model('gpt-broken', [{ status: 500 }]),
        server.model('gpt-slow', [{ text: 'Be kind.', waitMs: 80 }]),
        { model: server.model('gpt-stream', [{ text: 'Offer a replacement lamp.' }]), stream: true },
      ],
      aggregator: server.model('gpt-acting', [askTool, { text: 'It is lost; a new one is on its way.' }]),
      recorder: recording.recorder,
      onProgress: (one) => void progress.push(one),
    });
    const agent = new ToolLoopAgent({
      model,
      instructions: 'You are the desk.',
      tools: { look_up: lookUp },
      stopWhen: stepCountIs(4),
    });
    const result = await agent.generate({ prompt: 'Where is order 4417?' });
    expect(result.text).toBe('It is lost; a new one is on its way.');
    expect(recording.complaints).toEqual([]);

    const [turn, ...others] = turnsOf(recording);
    expect(others).toEqual([]);
    const caller = recording.runs().find(({ run }) => run.kind === 'agent')!;
    expect(turn!.run).toMatchObject({
      status: 'completed',
      name: 'careful',
      parentRunId: caller.run.id,
      agentId: 'moa',
    });
    expect(turn!.run.parentStepId).toBe(caller.steps[0]!.id);

    const references = stepsOf(turn!, 'reference');
    expect(references.map(({ name, status }) => [name, status])).toEqual([
      ['openai:gpt-plain', 'completed'],
      ['openai:gpt-broken', 'error'],
      ['openai:gpt-slow', 'completed'],
      ['openai:gpt-stream', 'completed'],
    ]);
    for (const [index, name] of ['gpt-plain', 'gpt-broken', 'gpt-slow', 'gpt-stream'].entries()) {
      const sent = server.asked(name);
      expect(sent).toHaveLength(1);
      expect(recording.messages(references[index]!)).toEqual([
        { role: 'system', content: sent[0]!.messages[0]!.content },
        { role: 'user', content: [{ type: 'text', text: 'Where is order 4417?' }] },
      ]);
      expect(JSON.stringify(sent[0])).not.toContain('You are the desk');
    }
    expect(recording.content(references[3]!.responseId)).toMatchObject([
      { type: 'text', text: 'Offer a replacement lamp.' },
    ]);
    expect(references[3]!.stream!.textDeltas).toBeGreaterThan(2);
    expect(references[0]!.usage).toMatchObject({ input: { total: 100 }, output: { total: 20 } });
    expect(references[0]!.metadata).toMatchObject({ sdkProvider: 'openai.chat' });

    const aggregators = stepsOf(turn!, 'aggregator');
    expect(aggregators.map(({ metadata }) => (metadata!['moa'] as { advice: string }).advice)).toEqual(['miss', 'hit']);
    const first = recording.messages(aggregators[0]!);
    const guidance = JSON.stringify(first.at(-1));
    for (const words of ['Check the order first.', 'Be kind.', 'Offer a replacement lamp.', 'unavailable', 'careful'])
      expect(guidance).toContain(words);
    const second = recording.messages(aggregators[1]!);
    expect(second.slice(0, first.length - 1)).toEqual(first.slice(0, -1));
    expect(second.at(-1)).toEqual(first.at(-1));
    expect(JSON.stringify(second)).toContain('lost in transit');
    expect(turn!.attempts).toHaveLength(6);
    expect(turn!.attempts.every(({ requestBody }) => requestBody !== null)).toBe(true);

    const told = caller.steps.filter(({ kind }) => kind === 'model').map((step) => step.metadata!['providerMetadata']);
    expect(told).toMatchObject([
      {
        tachograph: {
          countedIn: turn!.run.id,
          advice: 'miss',
          references: { calls: 4, usage: { input: { total: 300 } } },
        },
      },
      { tachograph: { countedIn: turn!.run.id, advice: 'hit', references: { calls: 0, usage: null, costNanoUsd: 0 } } },
    ]);
    expect(result.usage.inputTokens).toBe(600);
    expect(progress.filter(({ type }) => type === 'aggregating')).toEqual([
      { type: 'aggregating', advice: 'miss' },
      { type: 'aggregating', advice: 'hit' },
    ]);
    expect(progress).toContainEqual({ type: 'reference', label: 'openai:gpt-broken', status: 'failed' });
    expect(progress).toContainEqual({ type: 'progress', done: 4, count: 4, label: null, words: null });
  });

  test('the stream of the aggregator passes through as it comes', async () => {
    const recording = record();
    const model = mixtureOfAgents({
      references: [server.model('gpt-a', [{ text: 'Say yes.' }])],
      aggregator: server.model('gpt-b', [{ text: 'Yes, of course.' }]),
      recorder: recording.recorder,
    });
    const result = streamText({ model, prompt: 'May I?' });
    const words: string[] = [];
    for await (const word of result.textStream) words.push(word);
    expect(words).toEqual(['Yes, ', 'of ', 'course.']);
    expect((await result.providerMetadata)!['tachograph']).toMatchObject({ references: { calls: 1 } });
    const [turn] = turnsOf(recording);
    expect(turn!.run.status).toBe('completed');
    const [aggregator] = stepsOf(turn!, 'aggregator');
    expect(aggregator).toMatchObject({ operation: 'stream', status: 'completed', usage: { input: { total: 100 } } });
    expect(recording.content(turn!.run.outputId)).toBe('Yes, of course.');
  });
});

describe('failures', () => {
  test("an aggregator that is tried again keeps the first try's references and their cost", async () => {
    const recording = record();
    const model = mixtureOfAgents({
      references: [server.model('gpt-5-mini', [{ text: 'Say no.' }])],
      aggregator: server.model('gpt-5', [{ status: 503 }, { text: 'No.' }]),
      recorder: recording.recorder,
    });
    const result = await generateText({ model, prompt: 'May I?', maxRetries: 2 });
    expect(result.text).toBe('No.');
    expect(server.asked('gpt-5-mini')).toHaveLength(1);
    const turns = turnsOf(recording);
    expect(turns).toHaveLength(1);
    expect(turns[0]!.steps.map((step) => [roleOf(step), step.status, step.attemptCount])).toEqual([
      ['reference', 'completed', 1],
      ['aggregator', 'completed', 2],
    ]);
    const told = result.providerMetadata!['tachograph'] as { references: { calls: number; costNanoUsd: number } };
    expect(told.references).toMatchObject({ calls: 1, usage: { input: { total: 100 } } });
    expect(told.references.costNanoUsd).toBeGreaterThan(0);
  });

  test('an abort of the aggregator keeps the record; the same turn again uses the same advice', async () => {
    const recording = record();
    const leaving = new AbortController();
    const model = mixtureOfAgents({
      references: [server.model('gpt-c', [{ text: 'Wait.' }])],
      aggregator: server.model('gpt-d', [{ text: 'never', waitMs: 2000 }, { text: 'Here.' }]),
      recorder: recording.recorder,
      onProgress: ({ type }) => void (type === 'aggregating' && setTimeout(() => leaving.abort(), 20)),
    });
    await expect(generateText({ model, prompt: 'Now?', abortSignal: leaving.signal })).rejects.toThrow();
    await until('the turn is cancelled', () => turnsOf(recording)[0]?.run.status === 'cancelled');
    const killed = turnsOf(recording)[0]!;
    expect(killed.steps.map((step) => [roleOf(step), step.status])).toEqual([
      ['reference', 'completed'],
      ['aggregator', 'interrupted'],
    ]);
    expect(killed.run.usage.input.total).toBe(100);
    expect((await generateText({ model, prompt: 'Now?' })).text).toBe('Here.');
    expect(server.asked('gpt-c')).toHaveLength(1);
    const [, again] = turnsOf(recording);
    expect(again!.steps.map(roleOf)).toEqual(['aggregator']);
  });

  test('an abort while references think skips the rest, is not remembered, and the late one is accounted to its turn', async () => {
    const recording = record();
    const leaving = new AbortController();
    let answerLate: (() => void) | null = null;
    const plain = server.model('gpt-late', [{ text: 'Too late.' }]);
    const deaf = {
      specificationVersion: 'v4',
      provider: plain.provider,
      modelId: plain.modelId,
      supportedUrls: {},
      async doGenerate(options: Parameters<typeof plain.doGenerate>[0]) {
        await new Promise<void>((resolve) => void (answerLate = resolve));
        return plain.doGenerate({ ...options, abortSignal: undefined });
      },
      doStream: plain.doStream.bind(plain),
    };
    const others = Array.from({ length: 9 }, (_, index) =>
      server.model(`gpt-many-${index}`, [{ text: 'x', waitMs: 120 }]),
    );
    const model = mixtureOfAgents({
      references: [deaf, ...others],
      aggregator: server.model('gpt-e', [{ text: 'Fine.' }]),
      recorder: recording.recorder,
      onProgress: ({ type }) => void (type === 'reference' && setTimeout(() => leaving.abort(), 30)),
    });
    await expect(generateText({ model, prompt: 'Now?', abortSignal: leaving.signal })).rejects.toThrow();
    const before = turnsOf(recording)[0]!;
    expect(before.run.status).toBe('cancelled');
    expect(before.steps).toHaveLength(8);
    expect(server.asked('gpt-many-8')).toHaveLength(0);
    expect(before.run.usage.input.total).toBeNull();
    answerLate!();
    await until('the late one is accounted', () => turnsOf(recording)[0]!.run.usage.input.total === 100);
    const late = turnsOf(recording)[0]!;
    expect(late.steps[0]).toMatchObject({ status: 'completed', late: true });
    expect(late.run.status).toBe('cancelled');
    answerLate = null;
    const again = generateText({ model, prompt: 'Now?' });
    await until('the references are asked again', () => answerLate !== null);
    answerLate!();
    expect((await again).text).toBe('Fine.');
    expect(server.asked('gpt-many-8')).toHaveLength(1);
  });

  test('all references failed: the aggregator answers alone', async () => {
    const recording = record();
    const model = mixtureOfAgents({
      references: [server.model('gpt-f', [{ status: 400 }])],
      aggregator: server.model('gpt-g', [{ text: 'Alone.' }]),
      recorder: recording.recorder,
    });
    expect((await generateText({ model, prompt: 'Who?' })).text).toBe('Alone.');
    expect(server.asked('gpt-g')[0]!.messages).toEqual([{ role: 'user', content: 'Who?' }]);
  });

  test('a reference out of time is a note, and the turn goes on', async () => {
    const recording = record();
    const model = mixtureOfAgents({
      preset: { referenceTimeoutMs: 1000 },
      references: [server.model('gpt-h', [{ text: 'x', waitMs: 3000 }]), server.model('gpt-i', [{ text: 'Go.' }])],
      aggregator: server.model('gpt-j', [{ text: 'Gone.' }]),
      recorder: recording.recorder,
      schedule: (fn, delayMs) => {
        const timer = setTimeout(fn, delayMs / 20).unref();
        return () => clearTimeout(timer);
      },
    });
    expect((await generateText({ model, prompt: 'Go?' })).text).toBe('Gone.');
    const [turn] = turnsOf(recording);
    expect(turn!.steps.map(({ status }) => status)).toEqual(['interrupted', 'completed', 'completed']);
    expect(turn!.steps[0]!.error!.name).toBe('TimeoutError');
  });
});

describe('what a mixture is made of', () => {
  const aggregator = () => server.model('gpt-k', [{ text: 'ok' }]);

  test('a reference that is a mixture is skipped, an aggregator that is one is refused', async () => {
    const recording = record();
    const inner = mixtureOfAgents({ aggregator: aggregator() });
    const outer = mixtureOfAgents({ references: [inner], aggregator: aggregator(), recorder: recording.recorder });
    await generateText({ model: outer, prompt: 'x' });
    expect(turnsOf(recording)[0]!.steps.map(roleOf)).toEqual(['aggregator']);
    expect(turnsOf(recording)[0]!.steps[0]!.metadata!['moa']).toMatchObject({ skipped: ['default'] });
    expect(() => mixtureOfAgents({ aggregator: inner })).toThrow(/itself a mixture/);
    expect(() => mixtureOfAgents({})).toThrow(/no language model/);
  });

  test('a disabled preset is its aggregator alone', () => {
    const model = aggregator();
    expect(mixtureOfAgents({ aggregator: model, preset: { enabled: false } })).toBe(model);
  });

  test('without a recorder it works all the same', async () => {
    const model = mixtureOfAgents({
      references: [server.model('gpt-l', [{ text: 'Hm.' }])],
      aggregator: server.model('gpt-m', [{ text: 'Well.' }]),
      recorder: null,
    });
    const result = await generateText({ model, prompt: 'x' });
    expect(result.text).toBe('Well.');
    expect(result.providerMetadata!['tachograph']).not.toHaveProperty('countedIn');
  });

  test('the caller never sees the guidance, and its inverse takes it out of what the aggregator read', async () => {
    const recording = record();
    const model = mixtureOfAgents({
      references: [server.model('gpt-n', [{ text: 'Hm.' }])],
      aggregator: server.model('gpt-o', [{ text: 'Well.' }]),
      recorder: recording.recorder,
    });
    const result = await generateText({ model, prompt: 'Deep question' });
    expect(JSON.stringify(result.response.messages)).not.toContain('mixture-of-agents');
    const [turn] = turnsOf(recording);
    const read = recording.messages(stepsOf(turn!, 'aggregator')[0]!) as Parameters<typeof removeGuidance>[0];
    expect(read).toHaveLength(2);
    expect(removeGuidance(read)).toEqual([{ role: 'user', content: [{ type: 'text', text: 'Deep question' }] }]);
  });
});
