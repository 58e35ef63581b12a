import { generateText, isStepCount, tool } from 'ai';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Recording } from '../../test/playback/recording.ts';
import type { ScriptedModel, Turn } from '../../test/playback/scripted-model.ts';
import { ask, createScriptedModel, say } from '../../test/playback/scripted-model.ts';
import { createSdkStage } from '../../test/playback/stage.ts';
import { mixtureOfAgents } from '../capture/moa/index.ts';
import type { RecordedRun } from './index.ts';
import { createHttpReplay, entriesToRun, replayModel, replayTools } from './index.ts';

const { record } = createSdkStage();

const named = (modelId: string, ...turns: readonly Turn[]): ScriptedModel => ({
  ...createScriptedModel(turns),
  provider: 'scripted.chat',
  modelId,
});

const tools = {
  look: tool({ inputSchema: z.object({ q: z.string() }), execute: async ({ q }) => ({ q, stock: 3 }) }),
};

const never: Turn = ({ abortSignal }) =>
  new Promise((_resolve, reject) => {
    abortSignal?.addEventListener('abort', () => reject(abortSignal.reason as Error));
  });

/** Deadlines pass as soon as everybody has answered who answers at all. */
function soon(fn: () => void): () => void {
  const timer = setTimeout(fn, 20);
  return () => clearTimeout(timer);
}

interface Members {
  readonly references: readonly object[];
  readonly aggregator: object;
}

function runMixture({ references, aggregator }: Members, prompt = 'Stock?', given: object = tools) {
  return generateText({
    // No deadline ever passes: whoever is waited for is waited for without end.
    model: mixtureOfAgents({ name: 'careful', references, aggregator, schedule: () => () => undefined }) as never,
    prompt,
    tools: given as typeof tools,
    stopWhen: isStepCount(4),
    maxRetries: 0,
  });
}

/** One turn of four references and two iterations: one answers, one fails, one is late, one repeats the first. */
async function recordTurn(): Promise<Recording> {
  const recording = record();
  await recording.recorder.run({ agentId: 'desk' }, async () => {
    const references = [
      named('plain', say('Check the order.')),
      named('broken', { error: new Error('no such model') }),
      named('late', never),
      named('kind', say('Be kind.')),
    ];
    const aggregator = named('acting', ask({ id: 'c1', tool: 'look', input: { q: 'lamp' } }), say('Three are there.'));
    const model = mixtureOfAgents({
      ...{ name: 'careful', references, aggregator },
      ...{ recorder: recording.recorder, schedule: soon },
    });
    await generateText({ model: model as never, prompt: 'Stock?', tools, stopWhen: isStepCount(4), maxRetries: 0 });
  });
  return recording;
}

function runOf(recording: Recording, kind: string): RecordedRun {
  const { run } = recording.runs().find((one) => one.run.kind === kind)!;
  const { entries } = recording.journal;
  const isOwn = (entry: (typeof entries)[number]): boolean => entry.event.header.runId === run.id;
  return entriesToRun('default', [...entries.filter(isOwn), ...entries.filter((entry) => !isOwn(entry))]);
}

describe('a mixture that was recorded', () => {
  test('is replayed as the one model its caller saw', async () => {
    const caller = runOf(await recordTurn(), 'agent');
    const model = replayModel(caller);
    const done = await generateText({
      ...{ model: model as never, prompt: 'Stock?', tools: replayTools(caller, tools) },
      ...{ stopWhen: isStepCount(4), maxRetries: 0 },
    });
    expect(done.text).toBe('Three are there.');
    model.assertDone();
  });

  test('is replayed by its members: each answers as it did, the late one is not waited for', async () => {
    const turn = runOf(await recordTurn(), 'moa_turn');
    const member = (name: string) => replayModel(turn, { of: `scripted:${name}` });
    const members = ['plain', 'broken', 'late', 'kind', 'acting'].map(member);
    const { text, steps } = await runMixture({ references: members.slice(0, 4), aggregator: members[4]! });
    expect(text).toBe('Three are there.');
    expect(steps).toHaveLength(2);
    for (const one of members) one.assertDone();
  });

  test('fails at the aggregator whose advice is another, and shows the words', async () => {
    const turn = runOf(await recordTurn(), 'moa_turn');
    const references = [named('plain', say('Ask their name.')), replayModel(turn, { of: 'scripted:kind' })];
    const aggregator = replayModel(turn, { of: 'scripted:acting' });
    await expect(runMixture({ references, aggregator })).rejects.toThrow(/at step 5: message 2 \(user\) differs/);
  });

  test('a member that nobody recorded is told of, with those that are there', async () => {
    const turn = runOf(await recordTurn(), 'moa_turn');
    expect(() => replayModel(turn, { of: 'scripted:other' })).toThrow(
      /no call of the model "scripted:other"; it has calls of scripted:plain, scripted:broken, /,
    );
  });
});

interface Trip {
  readonly model: string;
  readonly says: string | null;
  readonly error?: { readonly name: string };
}

/** A turn as it goes over the wire: every reference is begun before the first has ended. */
function recordWire(trips: readonly Trip[]): readonly RecordedRun[] {
  const recording = record();
  const { recorder } = recording;
  const caller = recorder.startRun({ agentId: 'desk' });
  const contentType = 'application/json';
  const url = 'https://api.test/v1/chat';
  const asked = (model: string) => ({ data: JSON.stringify({ model, text: 'Stock?' }), contentType });
  const called = caller.step({ kind: 'model', operation: 'generate' });
  const told = called.attempt({ url, body: asked('aggregator') });
  const turn = recorder.startRun({ agentId: 'moa', kind: 'moa_turn', parent: caller.ref(called.id) });
  const open = trips.map(({ model }) => {
    const step = turn.step({ kind: 'model', operation: 'generate', metadata: { moa: { role: 'reference' } } });
    return { step, attempt: step.attempt({ method: 'POST', url, body: asked(model) }) };
  });
  trips.forEach(({ says, error }, at) => {
    const { step, attempt } = open[at]!;
    const failure = error === undefined ? undefined : Object.assign(new Error('gone'), error);
    if (failure !== undefined) attempt.finish({ status: 'failed', error: failure });
    else attempt.finish({ status: 'completed', responseStatus: 200, body: { data: says!, contentType } });
    step.finish(failure === undefined ? { status: 'completed' } : { status: 'interrupted', error: failure });
  });
  turn.close({ endReason: 'ok' });
  told.finish({ status: 'completed' });
  called.finish({ status: 'completed' });
  caller.close({ endReason: 'ok' });
  return [runOf(recording, 'agent'), runOf(recording, 'moa_turn')];
}

const request = (model: string, text = 'Stock?') => ({
  ...{ method: 'POST', url: 'https://api.test/v1/chat', contentType: 'application/json' },
  body: JSON.stringify({ model, text }),
});

describe('the requests of a mixture', () => {
  test('are answered by what they ask, in whatever order they come; the caller has none of its own', async () => {
    const replay = createHttpReplay(
      recordWire([
        { model: 'a', says: '1' },
        { model: 'b', says: '2' },
      ]),
    );
    expect(replay.total).toBe(2);
    expect(await replay.answer(request('b'))).toMatchObject({ body: '2' });
    expect(await replay.answer(request('a'))).toMatchObject({ body: '1' });
    expect(replay.verdict()).toBeNull();
  });

  test('that differ are compared with the reference they are nearest to, not with the first', async () => {
    const replay = createHttpReplay(
      recordWire([
        { model: 'a', says: '1' },
        { model: 'b', says: '2' },
      ]),
    );
    await expect(replay.answer(request('b', 'Shelf?'))).rejects.toThrow(/at step 2: .*\n {2}at text\n.*Stock\?/);
  });

  test('a late reference breaks at once; one that its caller left is held as long', async () => {
    const replay = createHttpReplay(
      recordWire([
        { model: 'a', says: null, error: { name: 'TimeoutError' } },
        { model: 'b', says: null, error: { name: 'AbortError' } },
        { model: 'c', says: null, error: { name: 'TypeError' } },
      ]),
    );
    expect(await replay.answer(request('a'))).toMatchObject({ kind: 'broken', heldMs: null });
    expect(await replay.answer(request('b'))).toMatchObject({ kind: 'broken', heldMs: expect.any(Number) as unknown });
    expect(await replay.answer(request('c'))).toMatchObject({ kind: 'broken', heldMs: null });
  });
});
