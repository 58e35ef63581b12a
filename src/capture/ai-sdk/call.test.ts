import { generateText, isStepCount, streamText, tool, ToolLoopAgent } from 'ai';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { providerError, weather } from '../../../test/playback/fixtures.ts';
import type { Recording } from '../../../test/playback/recording.ts';
import { ask, createScriptedModel, say } from '../../../test/playback/scripted-model.ts';
import { createSdkStage } from '../../../test/playback/stage.ts';
import { until } from '../../../test/playback/streams.ts';

const { record } = createSdkStage();

describe('where a call belongs', () => {
  test('inside the user’s own run its steps are that run’s', async () => {
    const recording = record();
    const model = createScriptedModel([say('a'), say('b')]);
    await recording.recorder.run({ agentId: 'mine' }, async () => {
      await generateText({ model, prompt: 'one' });
      const result = streamText({ model, prompt: 'two' });
      await result.text;
    });
    const { run, steps } = recording.run();
    expect(run).toMatchObject({ agentId: 'mine', status: 'completed' });
    expect(steps.map((step) => step.operation)).toEqual(['generate', 'stream']);
  });

  test('inside a phase of the user’s run the phase is the parent', async () => {
    const recording = record();
    await recording.recorder.run({ agentId: 'mine' }, async (run) => {
      const phase = run.step({ kind: 'phase', name: 'plan' });
      await phase.within(() => generateText({ model: createScriptedModel([say('a')]), prompt: 'one' }));
      phase.finish({ status: 'completed' });
    });
    const { steps } = recording.run();
    expect(steps[1]).toMatchObject({ kind: 'model', parentStepId: steps[0]!.id });
  });

  test('64 parallel sub-agents have 64 right parents', async () => {
    const recording = record();
    const ids = Array.from({ length: 64 }, (_, index) => `c${index}`);
    const child = createScriptedModel([
      async (options) => {
        await new Promise((done) => setTimeout(done, JSON.stringify(options.prompt).length % 5));
        return say(`done ${JSON.stringify(options.prompt.at(-1))}`);
      },
    ]);
    const delegate = tool({
      inputSchema: z.object({ task: z.string() }),
      async execute({ task }) {
        await new Promise((done) => setTimeout(done, Number(task.slice(1)) % 5));
        if (Number(task.slice(1)) % 2 === 0)
          return (await generateText({ model: child, prompt: task, telemetry: { functionId: 'sub' } })).text;
        return await streamText({ model: child, prompt: task, telemetry: { functionId: 'sub' } }).text;
      },
    });
    const boss = createScriptedModel([
      ask(...ids.map((id) => ({ id, tool: 'delegate', input: { task: id } }))),
      say('all done'),
    ]);
    await generateText({
      model: boss,
      prompt: 'go',
      tools: { delegate },
      stopWhen: isStepCount(2),
      telemetry: { functionId: 'boss' },
    });
    const all = recording.runs();
    const root = all.find(({ run }) => run.agentId === 'boss')!;
    const children = all.filter(({ run }) => run.agentId === 'sub');
    expect(children).toHaveLength(64);
    const toolById = new Map(root.steps.filter((step) => step.kind === 'tool').map((step) => [step.id, step]));
    expect(toolById.size).toBe(64);
    for (const { run, steps } of children) {
      expect([run.parentRunId, run.rootRunId, run.status]).toEqual([root.run.id, root.run.id, 'completed']);
      const parent = toolById.get(run.parentStepId!)!;
      expect(recording.messages(steps[0]!)).toEqual([
        { role: 'user', content: [{ type: 'text', text: parent.callId }] },
      ]);
    }
    expect(new Set(children.map(({ run }) => run.parentStepId)).size).toBe(64);
    expect(recording.complaints).toEqual([]);
  });

  test('a tool-loop agent is a run; its function id names it', async () => {
    const recording = record();
    const agent = new ToolLoopAgent({
      model: createScriptedModel([ask({ id: 'c', tool: 'weather', input: { town: 'Bern' } }), say('x')]),
      tools: { weather },
      telemetry: { functionId: 'loop' },
    });
    await agent.generate({ prompt: 'Hi' });
    expect(recording.run().run.agentId).toBe('loop');
    expect(recording.run().steps).toHaveLength(3);
  });

  test('inside reuseStep the tries of a call share one step', async () => {
    const recording = record();
    const model = createScriptedModel([{ error: providerError(500) }, say('ok')]);
    await recording.recorder.run({ agentId: 'mine' }, () =>
      recording.recorder.reuseStep(async () => {
        await generateText({ model, prompt: 'Hi', maxRetries: 0 }).catch(() => undefined);
        await generateText({ model, prompt: 'Hi', maxRetries: 0 });
      }),
    );
    const { steps, attempts } = recording.run();
    expect(steps).toHaveLength(1);
    expect(steps[0]).toMatchObject({ status: 'completed', error: null });
    expect(attempts.map((attempt) => [attempt.number, attempt.status])).toEqual([
      [1, 'failed'],
      [2, 'completed'],
    ]);
  });

  test('the wire finds the open attempt in scope, and may take it over', async () => {
    const recording = record();
    const { recorder } = recording;
    const model = createScriptedModel([
      () => {
        const attempt = recorder.currentStep()!.openAttempt!;
        attempt.claim();
        setTimeout(() => attempt.finish({ status: 'completed', responseStatus: 200, headers: { via: 'wire' } }), 10);
        return say('ok');
      },
    ]);
    await generateText({ model, prompt: 'Hi' });
    await until('the wire has ended its attempt', () => recording.run().attempts[0]!.status !== null);
    const { steps, attempts } = recording.run();
    expect(steps[0]!.status).toBe('completed');
    expect(attempts).toHaveLength(1);
    expect(attempts[0]).toMatchObject({ responseStatus: 200, responseHeaders: { via: 'wire' } });
  });
});

describe('inside another call', () => {
  test('a call in prepareStep is a child of the call it prepares', async () => {
    const recording = record();
    const summarizer = createScriptedModel([say('short')]);
    const prepareStep = async (): Promise<undefined> => {
      await generateText({ model: summarizer, prompt: 'summarize', telemetry: { functionId: 'summarizer' } });
      await streamText({ model: summarizer, prompt: 'summarize', telemetry: { functionId: 'summarizer' } }).text;
    };
    const outer = { model: createScriptedModel([say('ok')]), prompt: 'Hi', prepareStep };
    await generateText({ ...outer, telemetry: { functionId: 'outer' } });
    await streamText({ ...outer, telemetry: { functionId: 'outer' } }).text;
    const all = recording.runs();
    const outers = all.filter(({ run }) => run.agentId === 'outer');
    const inner = all.filter(({ run }) => run.agentId === 'summarizer');
    expect(outers.map(({ run, steps }) => [run.parentRunId, run.status, steps.length])).toEqual([
      [null, 'completed', 1],
      [null, 'completed', 1],
    ]);
    expect(inner.map(({ run }) => run.parentRunId)).toEqual(outers.flatMap(({ run }) => [run.id, run.id]));
  });

  test('two calls in a row are no children of each other', async () => {
    const recording = record();
    const model = createScriptedModel([say('ok')]);
    await generateText({ model, prompt: 'one' });
    await streamText({ model, prompt: 'two' }).text;
    await generateText({ model, prompt: 'three' });
    expect(recording.runs().map(({ run }) => run.parentRunId)).toEqual([null, null, null]);
  });
});

describe('what is not to be recorded', () => {
  const secrets = { input: 'plum-question', output: 'pear-answer', tool: 'fig-result' };
  const run = async (telemetry: object): Promise<Recording> => {
    const recording = record();
    const model = createScriptedModel([
      ask({ id: 'c1', tool: 'look', input: { q: secrets.input } }),
      say(secrets.output),
    ]);
    const look = tool({
      description: secrets.input,
      inputSchema: z.object({ q: z.string() }),
      execute: async () => secrets.tool,
    });
    await generateText({ model, prompt: secrets.input, tools: { look }, stopWhen: isStepCount(3), telemetry });
    return recording;
  };

  test('recordInputs: false is withheld, not empty', async () => {
    const recording = await run({ recordInputs: false });
    const { steps, attempts } = recording.run();
    expect(steps.map((step) => [step.inputsWithheld, step.outputsWithheld])).toEqual([
      [true, false],
      [true, false],
      [true, false],
    ]);
    expect(steps[0]).toMatchObject({ contextNodeId: null, toolsNodeId: null });
    expect(steps[2]!.usage?.input.total).toBe(10);
    expect(
      attempts.every((attempt) => attempt.requestBody?.contentId === null && attempt.responseBody?.contentId === null),
    ).toBe(true);
    expect(recording.content(steps[2]!.responseId)).toEqual([{ type: 'text', text: secrets.output }]);
  });

  test('recordOutputs: false leaves no word of an answer or a result', async () => {
    const recording = await run({ recordOutputs: false });
    const { steps } = recording.run();
    expect(steps.map((step) => [step.inputsWithheld, step.outputsWithheld])).toEqual([
      [false, true],
      [false, true],
      [false, true],
    ]);
    expect(steps[1]).toMatchObject({ resultStatus: 'success', resultId: null });
    const kinds = new Set(recording.contents().map((content) => content.kind));
    expect(kinds.has('output')).toBe(false);
    expect(kinds.has('result')).toBe(false);
    expect(recording.everything()).not.toContain(secrets.output);
  });

  test('both: no word at all', async () => {
    const recording = await run({ recordInputs: false, recordOutputs: false });
    for (const word of Object.values(secrets)) expect(recording.everything()).not.toContain(word);
  });

  test('isEnabled: false silences everything', async () => {
    const recording = record();
    await generateText({ model: createScriptedModel([say('x')]), prompt: 'Hi', telemetry: { isEnabled: false } });
    expect(recording.journal.entries).toEqual([]);
  });
});
