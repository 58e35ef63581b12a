import { RunnableLambda, RunnableSequence } from '@langchain/core/runnables';
import { HumanMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import '@langchain/langgraph';
import { createReactAgent } from '@langchain/langgraph/prebuilt';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Recording } from '../../../test/playback/recording.ts';
import { attemptsOf, ofKind, openLangChainStage, runOf } from './stage.fixture.ts';

const { record } = await openLangChainStage();

/** Every model step of the record, with the id that each of its attempts was answered with. */
function answersOf(recording: Recording): { step: string | null; attempts: (string | number)[] }[] {
  return recording.runs().flatMap((recorded) =>
    ofKind(recorded, 'model').map((step) => ({
      step: step.providerResponseId,
      attempts: attemptsOf(recorded, step).map(({ responseBody, responseStatus }) => {
        const { id } = (recording.content(responseBody?.contentId ?? null) ?? {}) as { id?: string };
        return id ?? responseStatus ?? 0;
      }),
    })),
  );
}

const many = <T>(count: number, fn: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => fn(index)));

describe('calls side by side', () => {
  test.each([8, 64])('%i that say the same do not mix', async (count) => {
    const { recording, handler, model } = record(({ number }) => ({ delayMs: (number * 7) % 20 }));
    const shared = model();
    await many(count, (index) =>
      shared.withConfig({ runName: `caller-${index}` }).invoke('Hi', { callbacks: [handler] }),
    );
    const answers = answersOf(recording);
    expect(answers).toHaveLength(count);
    for (const { step, attempts } of answers) expect(attempts).toEqual([step]);
    expect(new Set(answers.map(({ step }) => step)).size).toBe(count);
  });

  test('through a queue that starts the next in the flow of the one before do not mix, retries included', async () => {
    const { recording, handler, model } = record(({ number }) =>
      number % 3 === 1 ? { status: 429, headers: { 'retry-after': '0' }, delayMs: 5 } : { delayMs: (number * 7) % 20 },
    );
    const shared = model({ maxConcurrency: 2 });
    await many(8, (index) =>
      RunnableSequence.from([RunnableLambda.from((words: string) => words), shared])
        .withConfig({ runName: `caller-${index}` })
        .invoke('Hi', { callbacks: [handler] }),
    );
    const answers = answersOf(recording);
    expect(answers).toHaveLength(8);
    for (const { step, attempts } of answers) {
      expect(attempts.at(-1)).toBe(step);
      expect(attempts.slice(0, -1).every((status) => status === 429)).toBe(true);
    }
    expect(answers.flatMap(({ attempts }) => attempts).filter((status) => status === 429).length).toBeGreaterThan(1);
  });

  test('a batch is a run per input', async () => {
    const { recording, handler, model } = record(({ number }) => ({ delayMs: (number * 7) % 20 }));
    await model().batch(['a', 'b', 'c'], { callbacks: [handler] });
    expect(recording.runs()).toHaveLength(3);
    for (const { step, attempts } of answersOf(recording)) expect(attempts).toEqual([step]);
  });

  test.each([8, 64])('%i sub-agents in tools have the right parents', async (count) => {
    const { recording, handler, model } = record(({ messages, number }) => {
      const last = messages.at(-1)!;
      if (last.role === 'tool') return { words: String(last.content), delayMs: number % 9 };
      return { call: { name: 'ask', args: { who: String(last.content) } }, delayMs: (number * 7) % 20 };
    });
    const child = (who: string): Promise<string> =>
      createReactAgent({ llm: model(), tools: [leaf], name: `child-${who}` })
        .invoke({ messages: [new HumanMessage(who)] })
        .then(({ messages }) => messages.at(-1)!.text);
    const leaf = tool(({ who }) => `leaf ${who}`, {
      name: 'ask',
      description: 'Leaf',
      schema: z.object({ who: z.string() }),
    });
    const ask = tool(({ who }) => child(who), {
      name: 'ask',
      description: 'Asks',
      schema: z.object({ who: z.string() }),
    });
    await many(count, (index) =>
      createReactAgent({ llm: model(), tools: [ask], name: `parent-${index}` }).invoke(
        { messages: [new HumanMessage(`n${index}`)] },
        { callbacks: [handler] },
      ),
    );
    const runs = recording.runs();
    for (let index = 0; index < count; index += 1) {
      const outer = runOf(runs, `parent-${index}`);
      const sub = runOf(runs, `child-n${index}`);
      const [asking] = ofKind(outer, 'tool');
      expect(sub.run).toMatchObject({ parentRunId: outer.run.id, parentStepId: asking!.id });
      const [leafStep] = ofKind(sub, 'tool');
      expect(recording.content(leafStep!.resultId)).toBe(`leaf n${index}`);
    }
    for (const { step, attempts } of answersOf(recording)) expect(attempts).toEqual([step]);
  });
});
