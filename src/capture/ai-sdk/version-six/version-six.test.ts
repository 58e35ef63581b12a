import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fileURLToPath } from 'node:url';
import { APICallError } from '@ai-sdk/provider';
import type { LanguageModel, TelemetryIntegration } from 'ai-v6';
import { generateObject, generateText, Output, stepCountIs, streamText, tool, wrapLanguageModel } from 'ai-v6';
import { parseSync } from 'oxc-parser';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createOlderModel } from '../../../../test/playback/older-models.ts';
import type { Turn } from '../../../../test/playback/scripted-model.ts';
import { ask, say } from '../../../../test/playback/scripted-model.ts';
import { createRecording } from '../../../../test/playback/recording.ts';
import { chatAnswer, chatBody, chatPath, openLoopback, post } from '../../../../test/playback/loopback.ts';
import { createSdkStage } from '../../../../test/playback/stage.ts';
import { collect, until } from '../../../../test/playback/streams.ts';
import { createFetchCapture } from '../../fetch/index.ts';
import { recordModel, tachographMiddleware, tachographTelemetry } from '../index.ts';

/*
 * Version 6 of the SDK has the same process-wide list, with six moments of its own. A model recorded as well adds what
 * they leave out: attempts, errors, the exact prompt.
 */

const { record, undo } = createSdkStage();

const model = (...turns: readonly Turn[]): LanguageModel => createOlderModel('v3', turns) as LanguageModel;

const failure = (statusCode: number): APICallError =>
  new APICallError({
    message: 'try later',
    url: 'https://api.example.com/v1/chat',
    requestBodyValues: {},
    statusCode,
    responseHeaders: { 'retry-after-ms': '1' },
    isRetryable: statusCode !== 400,
  });

const sky = tool({
  description: 'Weather of a town',
  inputSchema: z.object({ town: z.string() }),
  execute: async ({ town }) => ({ town, sky: 'clear' }),
});
const askSky = ask({ id: 'c1', tool: 'sky', input: { town: 'Bern' } });

test('the six moments are those that version 6 has', () => {
  const path = join(
    dirname(fileURLToPath(import.meta.resolve('ai-v6/package.json'))),
    'src/telemetry/telemetry-integration.ts',
  );
  const { program } = parseSync(path, readFileSync(path, 'utf8'));
  const declared = program.body.map((statement) => 'declaration' in statement && statement.declaration);
  const moments = declared.flatMap((node) =>
    typeof node === 'object' && node?.type === 'TSInterfaceDeclaration'
      ? node.body.body.map((member) => ('key' in member && 'name' in member.key ? String(member.key.name) : '?'))
      : [],
  );
  expect(moments.toSorted()).toEqual(
    ['onFinish', 'onStart', 'onStepFinish', 'onStepStart', 'onToolCallFinish', 'onToolCallStart'].toSorted(),
  );
  const integration = tachographTelemetry(createRecording().recorder);
  for (const moment of moments) expect(typeof integration[moment as keyof typeof integration]).toBe('function');
});

describe('by the list alone', () => {
  test('a loop is one run of steps and tools, word for word', async () => {
    const recording = record();
    const result = await generateText({
      model: model(askSky, say('Clear.')),
      system: 'Be brief.',
      prompt: 'Hi',
      temperature: 0,
      tools: { sky },
      stopWhen: stepCountIs(3),
      experimental_telemetry: { functionId: 'asker' },
    });
    expect(result.text).toBe('Clear.');
    const { run, steps } = recording.run();
    expect(run).toMatchObject({ agentId: 'asker', capture: 'ai-sdk', status: 'completed', endReason: 'ok' });
    expect(recording.content(run.outputId)).toBe('Clear.');
    expect(steps.map((step) => [step.kind, step.status])).toEqual([
      ['model', 'completed'],
      ['tool', 'completed'],
      ['model', 'completed'],
    ]);
    expect(steps[0]).toMatchObject({
      requestedModel: 'scripted-1',
      model: 'scripted-1-served',
      finishReason: { unified: 'tool-calls', raw: 'done' },
      options: { temperature: 0 },
      usage: { input: { total: 10, cacheRead: 3 }, output: { total: 5, reasoning: 1 } },
      observedAfter: false,
    });
    expect(recording.messages(steps[0]!)).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
    ]);
    expect(recording.tools(steps[0]!)).toMatchObject([{ name: 'sky', description: 'Weather of a town' }]);
    expect(steps[1]).toMatchObject({ name: 'sky', callId: 'c1', parentStepId: steps[0]!.id, resultStatus: 'success' });
    expect(recording.content(steps[1]!.resultId)).toEqual({ town: 'Bern', sky: 'clear' });
    expect(steps[2]!.prefixBreak).toBeNull();
    expect(recording.complaints).toEqual([]);
  });

  test('a stream', async () => {
    const recording = record();
    const asked = { model: model(askSky, say('Clear over Bern.')), prompt: 'Hi', tools: { sky } };
    const result = streamText({ ...asked, stopWhen: stepCountIs(3) });
    expect((await collect(result.textStream)).join('')).toBe('Clear over Bern.');
    const { run, steps } = recording.run();
    expect(run.status).toBe('completed');
    expect(steps.map((step) => [step.kind, step.status])).toEqual([
      ['model', 'completed'],
      ['tool', 'completed'],
      ['model', 'completed'],
    ]);
    expect(recording.content(steps[2]!.responseId)).toEqual([{ type: 'text', text: 'Clear over Bern.' }]);
  });

  test('that an answer is to have a structure is known', async () => {
    const recording = record();
    const output = Output.object({ schema: z.object({ sky: z.string() }) });
    await generateText({ model: model(say('{"sky":"clear"}')), prompt: 'Hi', output });
    expect(recording.run().steps[0]!.options).toMatchObject({ structuredOutput: true });
  });

  test('passed to a call that the list reaches as well, still recorded once', async () => {
    const recording = record();
    const integrations: TelemetryIntegration[] = [tachographTelemetry(recording.recorder)];
    await generateText({ model: model(say('x')), prompt: 'Hi', experimental_telemetry: { integrations } });
    expect(recording.run().steps).toHaveLength(1);
  });

  test('a failed tool is an error step, and the loop goes on', async () => {
    const recording = record();
    const broken = tool({
      inputSchema: z.object({}),
      execute: async (): Promise<string> => Promise.reject(new RangeError('no such town')),
    });
    const turns = [ask({ id: 'c1', tool: 'broken' }), say('it failed')];
    await generateText({ model: model(...turns), prompt: 'Hi', tools: { broken }, stopWhen: stepCountIs(3) });
    const { run, steps } = recording.run();
    expect(run.status).toBe('completed');
    expect(steps[1]).toMatchObject({
      kind: 'tool',
      status: 'error',
      resultStatus: 'error',
      error: { name: 'RangeError', message: 'no such town' },
    });
  });

  test.each([false, true])('8 parallel agents have 8 right parents (callbacks of others first: %s)', async (isLate) => {
    const recording = record();
    const others = isLate
      ? { experimental_onStart: async () => undefined, experimental_onStepStart: async () => undefined }
      : {};
    const ids = Array.from({ length: 8 }, (_, index) => `c${index}`);
    const delegate = tool({
      inputSchema: z.object({ task: z.string() }),
      async execute({ task }) {
        const index = Number(task.slice(1));
        await new Promise((done) => setTimeout(done, (index * 3) % 5));
        const asked = {
          model: model(ask({ id: 'same', tool: 'sky', input: { town: 'Bern' } }), say(`done ${task}`)),
          prompt: task,
          tools: { sky },
          stopWhen: stepCountIs(3),
          experimental_telemetry: { functionId: 'sub' },
          ...others,
        };
        return index % 2 === 0 ? (await generateText(asked)).text : await streamText(asked).text;
      },
    });
    await generateText({
      model: model(ask(...ids.map((id) => ({ id, tool: 'delegate', input: { task: id } }))), say('all done')),
      prompt: 'go',
      tools: { delegate },
      stopWhen: stepCountIs(3),
      experimental_telemetry: { functionId: 'boss' },
      ...others,
    });
    const all = recording.runs();
    const root = all.find(({ run }) => run.agentId === 'boss')!;
    const children = all.filter(({ run }) => run.agentId === 'sub');
    expect(all).toHaveLength(9);
    const callIdByStep = new Map(root.steps.map((step) => [step.id, step.callId]));
    for (const { run, steps } of children) {
      expect([run.parentRunId, run.status]).toEqual([root.run.id, 'completed']);
      expect(steps.map((step) => step.kind)).toEqual(['model', 'tool', 'model']);
      const task = callIdByStep.get(run.parentStepId!);
      expect(recording.messages(steps[0]!)).toEqual([{ role: 'user', content: task }]);
      expect(recording.content(steps[2]!.responseId)).toEqual([{ type: 'text', text: `done ${task}` }]);
      expect(steps[2]!.metadata?.['answerMatchedByOrder']).toBeUndefined();
    }
    expect(new Set(children.map(({ run }) => run.parentStepId)).size).toBe(8);
  });

  test.each(['generateText', 'streamText'])(
    'parallel calls of %s from one place keep their own answers',
    async (name) => {
      const recording = record();
      const ids = Array.from({ length: 8 }, (_, index) => `q${index}`);
      await Promise.all(
        ids.map(async (id, index) => {
          const slow = async (): Promise<Turn> => {
            await new Promise((done) => setTimeout(done, (index * 3) % 5));
            return say(`answer to ${id}`);
          };
          const asked = { model: model(slow), prompt: id, experimental_telemetry: { functionId: 'same' } };
          return name === 'generateText' ? (await generateText(asked)).text : await streamText(asked).text;
        }),
      );
      const all = recording.runs();
      expect(all.map(({ run }) => run.status)).toEqual(ids.map(() => 'completed'));
      for (const { steps } of all) {
        const [{ content: asked }] = recording.messages(steps[0]!) as [{ content: string }];
        const [{ text }] = recording.content(steps[0]!.responseId) as [{ text: string }];
        // Streams of version 6 end outside the scope of their call: where only their order tells them apart, it is said.
        if (steps[0]!.metadata?.['answerMatchedByOrder'] !== true) expect(text).toBe(`answer to ${asked}`);
      }
      const guessed = all.filter(({ steps }) => steps[0]!.metadata?.['answerMatchedByOrder'] === true);
      expect(guessed).toHaveLength(name === 'generateText' ? 0 : 8);
    },
  );

  test('integrations that were there before do not come between a tool and what it asks', async () => {
    const pause = async (): Promise<void> => undefined;
    const other = { onStart: pause, onStepStart: pause, onToolCallStart: pause };
    const globals = globalThis as { AI_SDK_TELEMETRY_INTEGRATIONS?: unknown[] };
    globals.AI_SDK_TELEMETRY_INTEGRATIONS = [other];
    undo.push(() => void (globals.AI_SDK_TELEMETRY_INTEGRATIONS = []));
    const recording = record();
    const delegate = tool({
      inputSchema: z.object({}),
      execute: async () => (await generateText({ model: model(say('done')), prompt: 'sub' })).text,
    });
    const asked = { model: model(ask({ id: 'c1', tool: 'delegate' }), say('ok')), prompt: 'Hi', tools: { delegate } };
    await generateText({ ...asked, stopWhen: stepCountIs(3) });
    const [boss, sub] = recording.runs();
    const step = boss!.steps.find(({ kind }) => kind === 'tool')!;
    expect([sub!.run.parentRunId, sub!.run.parentStepId]).toEqual([boss!.run.id, step.id]);
  });

  test('a call in prepareStep is a child of the call it prepares', async () => {
    const recording = record();
    const prepareStep = async (): Promise<undefined> => {
      await generateText({
        model: model(say('short')),
        prompt: 'summarize',
        experimental_telemetry: { functionId: 'inner' },
      });
    };
    const outer = { model: model(say('ok')), prompt: 'Hi', experimental_telemetry: { functionId: 'outer' } };
    await generateText({ ...outer, prepareStep });
    const all = recording.runs();
    expect(all.map(({ run, steps }) => [run.agentId, run.status, steps.length])).toEqual([
      ['outer', 'completed', 1],
      ['inner', 'completed', 1],
    ]);
    expect(all[1]!.run.parentRunId).toBe(all[0]!.run.id);
  });

  test('an abort interrupts the step and cancels the run, though the SDK tells nobody', async () => {
    const recording = record();
    const controller = new AbortController();
    const stream = new ReadableStream({
      start(source) {
        source.enqueue({ type: 'stream-start', warnings: [] });
        source.enqueue({ type: 'text-start', id: '0' });
        source.enqueue({ type: 'text-delta', id: '0', delta: 'Hel' });
      },
    });
    const result = streamText({
      model: model({ stream: stream as never }),
      prompt: 'Hi',
      abortSignal: controller.signal,
      onError: () => undefined,
    });
    const reading = (async () => {
      for await (const part of result.fullStream) if (part.type === 'text-delta') controller.abort();
    })();
    await until('the run has ended', () => recording.runs()[0]?.run.finishedAtMs != null);
    void reading.catch(() => undefined);
    expect(recording.run()).toMatchObject({ run: { endReason: 'cancelled' }, steps: [{ status: 'interrupted' }] });
  });

  test('a failure that the SDK tells nobody: the run is given up once the SDK has let go of the call', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const recording = record();
    const fail = async (): Promise<void> => {
      await expect(generateText({ model: model({ error: failure(400) }), prompt: 'Hi' })).rejects.toThrow('try later');
    };
    await fail();
    await until('the call was collected', () => {
      collectGarbage();
      return recording.run().run.finishedAtMs !== null;
    });
    expect(recording.run()).toMatchObject({ run: { endReason: 'interrupted' }, steps: [{ status: 'interrupted' }] });
  });

  test('the wire hangs its attempts under the step that was announced', async () => {
    const recording = record();
    const { origin, handlers, close } = await openLoopback();
    undo.push(close, createFetchCapture({ recorder: recording.recorder, hostList: '127.0.0.1:*' }).install());
    let tries = 0;
    handlers[chatPath] = (_request, response) => {
      tries += 1;
      if (tries === 1) response.writeHead(529);
      response.end(chatAnswer('ok'));
    };
    const turn = async (): Promise<Turn> => {
      const response = await fetch(`${origin}${chatPath}`, post(chatBody('Hi')));
      await response.text();
      return response.status === 200 ? say('ok') : { error: failure(response.status) };
    };
    await generateText({ model: model(turn), prompt: 'Hi' });
    await until('the attempts have ended', () => recording.run().attempts[1]?.status === 'completed');
    const { steps, attempts } = recording.run();
    expect(steps).toHaveLength(1);
    expect(attempts.map((attempt) => [attempt.stepId, attempt.responseStatus])).toEqual([
      [steps[0]!.id, 529],
      [steps[0]!.id, 200],
    ]);
  });

  test('inputs are withheld where the metadata says so, since the SDK keeps its own switch to itself', async () => {
    const recording = record();
    const metadata = { recordInputs: false, recordOutputs: false };
    await generateText({ model: model(say('pear')), prompt: 'plum', experimental_telemetry: { metadata } });
    expect(recording.everything()).not.toMatch(/plum|pear/);
  });
});

describe('with the model recorded as well', () => {
  const recorded = (recording: ReturnType<typeof record>, ...turns: readonly Turn[]): LanguageModel =>
    recordModel(model(...turns), recording.recorder);

  test('the step has the exact prompt, the operation and its attempts, once', async () => {
    const recording = record();
    const inner = createOlderModel('v3', [askSky, say('Clear.')]);
    const asked = recordModel(inner as LanguageModel, recording.recorder);
    await generateText({ model: asked, prompt: 'Hi', tools: { sky }, stopWhen: stepCountIs(3) });
    const { steps, attempts } = recording.run();
    expect(steps.map((step) => [step.kind, step.operation])).toEqual([
      ['model', 'generate'],
      ['tool', null],
      ['model', 'generate'],
    ]);
    expect(attempts.map((attempt) => [attempt.status, attempt.providerRequestId])).toEqual([
      ['completed', 'req-1'],
      ['completed', 'req-1'],
    ]);
    expect(recording.messages(steps[2]!)).toEqual(JSON.parse(JSON.stringify(inner.calls[1]!.prompt)));
    expect(recording.tools(steps[0]!)).toMatchObject([{ name: 'sky', inputSchema: { type: 'object' } }]);
    expect(steps[2]!.prefixBreak).toBeNull();
  });

  test('529, 529, 200 is one step with three attempts and no error', async () => {
    const recording = record();
    const asked = recorded(recording, { error: failure(529) }, { error: failure(529) }, say('at last'));
    await generateText({ model: asked, prompt: 'Hi' });
    const { run, steps, attempts } = recording.run();
    expect(run.status).toBe('completed');
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({ status: 'completed', error: null, attemptCount: 3 });
    expect(attempts.map((attempt) => attempt.retryClass)).toEqual(['overloaded', 'overloaded', null]);
  });

  test.each([400, 529])('a call that fails for good (%i) is a failed run at once', async (status) => {
    const recording = record();
    const asked = recorded(recording, { error: failure(status) });
    await expect(generateText({ model: asked, prompt: 'Hi', maxRetries: 1 })).rejects.toThrow('try later');
    const { run, steps, attempts } = recording.run();
    expect([run.status, run.endReason, steps[0]!.status]).toEqual(['failed', 'error', 'error']);
    expect(attempts).toHaveLength(status === 400 ? 1 : 2);
  });

  test('a stream is measured, and an aborted one keeps its partial text', async () => {
    const recording = record();
    await collect(streamText({ model: recorded(recording, say('Clear over Bern.')), prompt: 'Hi' }).textStream);
    expect(recording.run().steps[0]).toMatchObject({ operation: 'stream', stream: { textDeltas: 3 } });

    const controller = new AbortController();
    const stream = new ReadableStream({
      start(source) {
        source.enqueue({ type: 'text-start', id: '0' });
        source.enqueue({ type: 'text-delta', id: '0', delta: 'Hel' });
      },
    });
    const asked = { model: recorded(recording, { stream: stream as never }), prompt: 'Hi', onError: () => undefined };
    const result = streamText({ ...asked, abortSignal: controller.signal });
    const reading = (async () => {
      for await (const part of result.fullStream) if (part.type === 'text-delta') controller.abort();
    })();
    await until('the run has ended', () => recording.runs()[1]?.run.finishedAtMs != null);
    void reading.catch(() => undefined);
    const aborted = recording.runs()[1]!;
    expect([aborted.run.endReason, aborted.steps[0]!.status]).toEqual(['cancelled', 'interrupted']);
    expect(recording.content(aborted.steps[0]!.responseId)).toEqual([{ type: 'text', text: 'Hel' }]);
  });

  test('parallel streams from one place keep their own answers', async () => {
    const recording = record();
    const ids = Array.from({ length: 8 }, (_, index) => `q${index}`);
    await Promise.all(
      ids.map(async (id, index) => {
        const slow = async (): Promise<Turn> => {
          await new Promise((done) => setTimeout(done, (index * 3) % 5));
          return say(`answer to ${id}`);
        };
        await streamText({ model: recorded(recording, slow), prompt: id }).text;
      }),
    );
    for (const { run, steps } of recording.runs()) {
      const [{ content }] = recording.messages(steps[0]!) as [{ content: [{ text: string }] }];
      const answer = `answer to ${content[0].text}`;
      expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: answer }]);
      expect([run.status, recording.content(run.outputId)]).toEqual(['completed', answer]);
      expect(steps[0]!.metadata?.['answerMatchedByOrder']).toBeUndefined();
    }
  });

  test('as middleware it is the same', async () => {
    const recording = record();
    const middleware = tachographMiddleware(recording.recorder);
    const asked = wrapLanguageModel({ model: createOlderModel('v3', [say('ok')]) as never, middleware });
    await generateText({ model: asked, prompt: 'Hi' });
    const { run, steps, attempts } = recording.run();
    expect([run.status, steps.length, attempts.length]).toEqual(['completed', 1, 1]);
  });

  test('what the list does not tell of at all, an object, is recorded by its model', async () => {
    const recording = record();
    const asked = recorded(recording, say('{"sky":"clear"}'));
    await generateObject({ model: asked, schema: z.object({ sky: z.string() }), prompt: 'Hi' });
    const { run, steps } = recording.run();
    expect([run.status, steps[0]!.operation]).toEqual(['completed', 'generate']);
    expect(steps[0]!.options).toMatchObject({ structuredOutput: true });
  });
});
