import { embed, generateText, isStepCount, streamText, tool } from 'ai';
import { MockEmbeddingModelV4 } from 'ai/test';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { providerError, weather } from '../../../test/playback/fixtures.ts';
import { ask, createScriptedModel, say } from '../../../test/playback/scripted-model.ts';
import { createSdkStage } from '../../../test/playback/stage.ts';
import { collect } from '../../../test/playback/streams.ts';

const { record } = createSdkStage();

describe('the backstop: calls with integrations of their own', () => {
  const own = { integrations: [{}], functionId: 'own' };

  test('generateText with tools and a retry is recorded all the same', async () => {
    const recording = record();
    const model = createScriptedModel([
      { error: providerError(429) },
      ask({ id: 'c1', tool: 'weather', input: { town: 'Bern' } }),
      say('clear'),
    ]);
    await generateText({
      model,
      system: 'Be brief.',
      prompt: 'Hi',
      tools: { weather },
      stopWhen: isStepCount(3),
      telemetry: own,
      temperature: 0.5,
    });
    const { run, steps, attempts } = recording.run();
    expect(run).toMatchObject({ agentId: 'own', status: 'completed' });
    expect(steps.map((step) => [step.kind, step.status])).toEqual([
      ['model', 'completed'],
      ['tool', 'completed'],
      ['model', 'completed'],
    ]);
    expect(recording.messages(steps[0]!)).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
    ]);
    expect(steps[0]!.options).toMatchObject({ temperature: 0.5 });
    expect(recording.content(steps[1]!.resultId)).toEqual({ town: 'Bern', sky: 'clear' });
    expect(steps[1]!.parentStepId).toBe(steps[0]!.id);
    expect(recording.content(steps[2]!.responseId)).toEqual([{ type: 'text', text: 'clear' }]);
    expect(attempts.map((attempt) => attempt.status)).toEqual(['failed', 'completed', 'completed']);
    expect(recording.content(run.outputId)).toBe('clear');
    expect(recording.complaints).toEqual([]);
  });

  test('streamText, with every part for its reader', async () => {
    const recording = record();
    const model = createScriptedModel([
      ask({ id: 'c1', tool: 'weather', input: { town: 'Bern' } }),
      say('clear over Bern'),
    ]);
    const result = streamText({ model, prompt: 'Hi', tools: { weather }, stopWhen: isStepCount(3), telemetry: own });
    expect((await collect(result.textStream)).join('')).toBe('clear over Bern');
    await new Promise((done) => setImmediate(done));
    const { run, steps } = recording.run();
    expect(steps.map((step) => [step.kind, step.status])).toEqual([
      ['model', 'completed'],
      ['tool', 'completed'],
      ['model', 'completed'],
    ]);
    expect(recording.content(steps[2]!.responseId)).toEqual([{ type: 'text', text: 'clear over Bern' }]);
    expect(run.status).toBe('completed');
  });

  test('a failure is a failure', async () => {
    const recording = record();
    const error = providerError(400);
    await expect(generateText({ model: createScriptedModel([{ error }]), prompt: 'Hi', telemetry: own })).rejects.toBe(
      error,
    );
    const { run, steps } = recording.run();
    expect([run.status, steps[0]!.status]).toEqual(['failed', 'error']);
  });

  test('a call inside a tool is a child of that tool step', async () => {
    const recording = record();
    const child = createScriptedModel([say('sub answer')]);
    const delegate = tool({
      inputSchema: z.object({}),
      execute: async () =>
        (await generateText({ model: child, prompt: 'sub', telemetry: { ...own, functionId: 'sub' } })).text,
    });
    await generateText({
      model: createScriptedModel([ask({ id: 'c', tool: 'delegate' }), say('ok')]),
      prompt: 'Hi',
      tools: { delegate },
      stopWhen: isStepCount(2),
      telemetry: own,
    });
    const [root, sub] = recording.runs();
    expect(sub!.run).toMatchObject({
      agentId: 'sub',
      parentRunId: root!.run.id,
      parentStepId: root!.steps.find((step) => step.kind === 'tool')!.id,
    });
  });

  test.each<{ recordInputs?: boolean; recordOutputs?: boolean }>([
    { recordInputs: false },
    { recordOutputs: false },
    { recordInputs: false, recordOutputs: false },
  ])('withheld is withheld here too: %o', async (switches) => {
    const recording = record();
    const telemetry = { ...own, ...switches };
    const model = createScriptedModel([say('pear-answer')]);
    await generateText({ model, prompt: 'plum-question', telemetry });
    await streamText({ model, prompt: 'plum-question', telemetry }).text;
    await new Promise((done) => setImmediate(done));
    for (const { run, steps, attempts } of recording.runs()) {
      expect([run.status, attempts[0]!.status]).toEqual(['completed', 'completed']);
      // The SDK tells the channel of no answer at all once either side is withheld.
      expect(steps).toMatchObject([
        { inputsWithheld: switches.recordInputs === false, outputsWithheld: true, status: 'completed' },
      ]);
    }
    expect(recording.runs()).toHaveLength(2);
    expect(recording.everything()).not.toContain('pear');
    if (switches.recordInputs === false) expect(recording.everything()).not.toContain('plum');
  });

  test('isEnabled: false silences the channel too', async () => {
    const recording = record();
    await generateText({
      model: createScriptedModel([say('x')]),
      prompt: 'Hi',
      telemetry: { ...own, isEnabled: false },
    });
    expect(recording.journal.entries).toEqual([]);
  });

  test('embed', async () => {
    const recording = record();
    const model = new MockEmbeddingModelV4({
      doEmbed: async () => ({ embeddings: [[1, 2, 3]], usage: { tokens: 4 }, warnings: [] }),
    });
    await embed({ model, value: 'words', telemetry: own });
    const { run, steps } = recording.run();
    expect(run.status).toBe('completed');
    expect(steps[0]).toMatchObject({ operation: 'embed', status: 'completed' });
    expect(recording.content(steps[0]!.requestId)).toMatchObject({ value: 'words' });
  });
});
