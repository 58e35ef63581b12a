import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateText, isStepCount, Output, streamText, tool } from 'ai';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { recordModel } from '../capture/ai-sdk/index.ts';
import type { Recording } from '../../test/playback/recording.ts';
import { createRecording } from '../../test/playback/recording.ts';
import { ask, createScriptedModel, say } from '../../test/playback/scripted-model.ts';
import { createSdkStage } from '../../test/playback/stage.ts';
import { collect } from '../../test/playback/streams.ts';
import type { RecordedRun } from './index.ts';
import { entriesToRun, openReplayFixture, replayModel, replayTools } from './index.ts';

const { record } = createSdkStage();
const runOf = (recording: Recording): RecordedRun => entriesToRun('default', recording.journal.entries);

/** A tool that counts what it does. */
function createTools() {
  const done: string[] = [];
  const look = tool({
    description: 'Looks a thing up.',
    inputSchema: z.object({ q: z.string() }),
    execute: async ({ q }) => {
      done.push(q);
      return { q, stock: 3 };
    },
  });
  return { done, tools: { look } };
}

const script = [
  ask({ id: 'c1', tool: 'look', input: { q: 'lamp' } }),
  ask({ id: 'c2', tool: 'look', input: { q: 'shade' } }),
  say('Three of each are there.'),
];

interface Asked {
  readonly prompt?: string;
  readonly system?: string;
  readonly temperature?: number;
}

async function runAgent(
  model: unknown,
  tools: object,
  { prompt = 'Stock?', system = 'Be brief.', temperature }: Asked = {},
) {
  return generateText({
    model: model as never,
    instructions: system,
    prompt,
    tools: tools as ReturnType<typeof createTools>['tools'],
    stopWhen: isStepCount(5),
    maxRetries: 0,
    ...(temperature === undefined ? {} : { temperature }),
  });
}

/** One run of the agent, recorded by what the SDK tells, or by its model. */
async function recordAgent(by: 'telemetry' | 'model', asked: Asked = {}): Promise<RecordedRun> {
  const recording = by === 'telemetry' ? record() : createRecording();
  const scripted = createScriptedModel(script);
  const model = by === 'telemetry' ? scripted : recordModel(scripted, recording.recorder);
  await recording.recorder.run({ agentId: 'agent' }, () => runAgent(model, createTools().tools, asked));
  return runOf(recording);
}

describe.each(['telemetry', 'model'] as const)('a run recorded by %s', (by) => {
  test('is replayed whole, and its tools do nothing', async () => {
    const recorded = await recordAgent(by, { temperature: 0.5 });
    const { done, tools } = createTools();
    const model = replayModel(recorded);
    const { text, steps, usage } = await runAgent(model, by === 'telemetry' ? replayTools(recorded, tools) : tools, {
      temperature: 0.5,
    });
    expect(text).toBe('Three of each are there.');
    expect(steps).toHaveLength(3);
    expect(usage.inputTokens).toBe(30);
    expect(done).toEqual(by === 'telemetry' ? [] : ['lamp', 'shade']);
    model.assertDone();
  });

  test('is replayed as a stream', async () => {
    const recorded = await recordAgent(by);
    const result = streamText({
      model: replayModel(recorded) as never,
      instructions: 'Be brief.',
      prompt: 'Stock?',
      tools: createTools().tools,
      stopWhen: isStepCount(5),
    });
    const words = await collect(result.textStream);
    expect(words.length).toBeGreaterThan(3);
    expect(words.join('')).toBe('Three of each are there.');
    expect(await result.finishReason).toBe('stop');
  });

  test('a changed prompt fails at the first step and shows both', async () => {
    const recorded = await recordAgent(by);
    const model = replayModel(recorded);
    const failure = runAgent(model, createTools().tools, { prompt: 'Shelf?' });
    await expect(failure).rejects.toMatchObject({
      code: 'replay-diverged',
      message: expect.stringMatching(
        /at step 1: message 2 \(user\) differs\.\n {2}at content\[0\]\.text\n {6}- Stock\?\n {6}\+ Shelf\?/,
      ) as unknown,
    });
    await expect(runAgent(model, createTools().tools)).rejects.toMatchObject({ code: 'replay-diverged' });
    expect(() => model.assertDone()).toThrow(/diverged at step 1/);
  });

  test('a tool that answers otherwise fails at the step that sees it', async () => {
    const recorded = await recordAgent(by);
    const look = tool({ ...createTools().tools.look, execute: async ({ q }) => ({ q, stock: q === 'lamp' ? 3 : 4 }) });
    await expect(runAgent(replayModel(recorded), { look })).rejects.toMatchObject({
      message: expect.stringMatching(/at step 5: message 6 \(tool\) differs.*stock\n {6}- 3\n {6}\+ 4/s) as unknown,
    });
  });

  test('changed options and changed tools are told as such', async () => {
    const recorded = await recordAgent(by);
    await expect(runAgent(replayModel(recorded), createTools().tools, { temperature: 1 })).rejects.toThrow(
      /the options of the call differ\.\n {2}at temperature\n {6}- \(nothing\)\n {6}\+ 1/,
    );
    const look = { ...createTools().tools.look, description: 'Looks for a thing.' };
    await expect(runAgent(replayModel(recorded), { look })).rejects.toThrow(/the tools offered to the model differ/);
  });
});

describe('a model that replays', () => {
  test('says so when a recorded call was never made', async () => {
    const recorded = await recordAgent('telemetry');
    const model = replayModel(recorded);
    await generateText({
      model: model as never,
      instructions: 'Be brief.',
      prompt: 'Stock?',
      tools: createTools().tools,
      stopWhen: isStepCount(1),
    });
    expect(() => model.assertDone()).toThrow(/ended before step 3: 2 of its model calls/);
  });

  test('throws the recorded error once, and the SDK does not try again', async () => {
    const recording = record();
    const error = Object.assign(new Error('context too long'), { statusCode: 400, isRetryable: false });
    const model = createScriptedModel([{ error }]);
    await recording.recorder
      .run({ agentId: 'a' }, () => generateText({ model, prompt: 'Hi', maxRetries: 0 }))
      .catch(() => undefined);
    const again = generateText({ model: replayModel(runOf(recording)) as never, prompt: 'Hi' });
    await expect(again).rejects.toThrow('context too long');
  });

  test('an answer left half way waits to be left again, and does not wait for ever', async () => {
    const recording = record();
    const leaving = new AbortController();
    const source = new ReadableStream({
      start(controller) {
        controller.enqueue({ type: 'stream-start', warnings: [] });
        controller.enqueue({ type: 'text-start', id: '0' });
        for (const delta of ['one ', 'two ', 'three ']) controller.enqueue({ type: 'text-delta', id: '0', delta });
      },
    });
    const read = async (model: unknown, leave: AbortController | null): Promise<string[]> => {
      const words: string[] = [];
      const { stream } = streamText({
        model: model as never,
        prompt: 'Hi',
        onError: () => undefined,
        ...(leave === null ? {} : { abortSignal: leave.signal }),
      });
      for await (const part of stream) {
        if (part.type === 'text-delta') words.push(part.text);
        if (words.length === 3) leave?.abort();
      }
      return words;
    };
    await recording.recorder.run({ agentId: 'a' }, () =>
      read(createScriptedModel([{ stream: source as never }]), leaving),
    );
    const recorded = runOf(recording);
    expect(await read(replayModel(recorded), new AbortController())).toEqual(['one ', 'two ', 'three ']);
    const stubborn = read(replayModel(recorded, { patienceMs: 20 }), null);
    await expect(stubborn).rejects.toThrow(/its answer was cut short\. Give a stand-in/);
  });

  test('an answer that was redacted names its place, and a stand-in takes it', async () => {
    const recording = record();
    const secret =
      'sk-ant-api03-aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1bC3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5bC7dE9fG1hJ3kL5mN7pQ-AAAAAA';
    await recording.recorder.run({ agentId: 'a' }, () =>
      generateText({ model: createScriptedModel([say(`the key is ${secret}`)]), prompt: `Use ${secret}` }),
    );
    const recorded = runOf(recording);
    const again = (options: object) =>
      generateText({ model: replayModel(recorded, options) as never, prompt: `Use ${secret}`, maxRetries: 0 });
    await expect(again({})).rejects.toMatchObject({
      code: 'replay-not-recorded',
      message: expect.stringContaining('its answer[0].text was redacted') as unknown,
    });
    const { text } = await again({ standIn: () => [{ type: 'text', text: 'the key is known' }] });
    expect(text).toBe('the key is known');
  });

  test('structured answers are asked for by their schema', async () => {
    const recording = record();
    const ask = (model: unknown, schema: z.ZodType) =>
      generateText({ model: model as never, prompt: 'Hi', output: Output.object({ schema }), maxRetries: 0 });
    const schema = z.object({ town: z.string() });
    await recording.recorder.run({ agentId: 'a' }, () => ask(createScriptedModel([say('{"town":"Bern"}')]), schema));
    const { output } = await ask(replayModel(runOf(recording)), schema);
    expect(output).toEqual({ town: 'Bern' });
    const changed = ask(replayModel(runOf(recording)), z.object({ town: z.string(), people: z.number() }));
    await expect(changed).rejects.toThrow(/the options of the call differ/);
  });
});

describe('tools that replay', () => {
  test('a call with other arguments, and one call too many, diverge', async () => {
    const recorded = await recordAgent('telemetry');
    const { tools, done } = createTools();
    const execute = (of: typeof tools) => of.look.execute! as (input: object, options: object) => Promise<unknown>;
    const changed = execute(replayTools(recorded, tools));
    await expect(changed({ q: 'chair' }, {})).rejects.toThrow(
      /at step 2: the arguments of the tool "look" differ.*chair/s,
    );
    await expect(changed({ q: 'lamp' }, {})).rejects.toThrow(/chair/);
    const look = execute(replayTools(recorded, tools));
    expect(await look({ q: 'shade' }, {})).toEqual({ q: 'shade', stock: 3 });
    expect(await look({ q: 'lamp' }, {})).toEqual({ q: 'lamp', stock: 3 });
    await expect(look({ q: 'lamp' }, {})).rejects.toThrow(/once more than recorded/);
    expect(done).toEqual([]);
  });
});

describe('a fixture', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tachograph-fixture-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'agent.tgr');
  const capture = () => import('../capture/ai-sdk/index.ts');

  test('records once, then asks neither model nor tools', async () => {
    const first = createTools();
    const fixture = await openReplayFixture({
      file,
      tools: first.tools,
      model: () => createScriptedModel(script),
      capture,
    });
    expect(fixture.isRecording).toBe(true);
    await runAgent(fixture.model, fixture.tools);
    await fixture.finish();
    expect(first.done).toEqual(['lamp', 'shade']);
    expect(readFileSync(file, 'utf8')).toContain('Three of each');

    const second = createTools();
    const nothing = () => {
      throw new Error('the model was asked for');
    };
    const again = await openReplayFixture({
      file,
      tools: second.tools,
      model: nothing as never,
      capture: nothing as never,
    });
    expect(again.isRecording).toBe(false);
    expect((await runAgent(again.model, again.tools)).text).toBe('Three of each are there.');
    await again.finish();
    expect(second.done).toEqual([]);
  });

  test('that may not record says how it is recorded', async () => {
    const missing = join(folder, 'none.tgr');
    const options = { file: missing, model: () => createScriptedModel(script), capture, mode: 'replay' as const };
    await expect(openReplayFixture(options)).rejects.toMatchObject({
      code: 'replay-not-recorded',
      message: expect.stringContaining('TACHOGRAPH_RECORD=1') as unknown,
    });
  });
});
