import { RunnableLambda, RunnableSequence } from '@langchain/core/runnables';
import { InMemoryCache } from '@langchain/core/caches';
import { ChatPromptTemplate } from '@langchain/core/prompts';
import { StringOutputParser } from '@langchain/core/output_parsers';
import { Document } from '@langchain/core/documents';
import { BaseRetriever } from '@langchain/core/retrievers';
import { tool } from '@langchain/core/tools';
import { FakeListChatModel, FakeLLM } from '@langchain/core/utils/testing';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { attemptsOf, ofKind, openLangChainStage, runOf } from './stage.fixture.ts';

const { record } = await openLangChainStage();

const weather = tool(({ town }) => `sun in ${town}`, {
  name: 'weather',
  description: 'The weather of a town',
  schema: z.object({ town: z.string() }),
});

describe('a model call', () => {
  test('is a run of its own with one step and one attempt: words, tools, options, usage', async () => {
    const { recording, handler, model } = record(() => ({ call: { name: 'weather', args: { town: 'Bern' } } }));
    const bound = model({ temperature: 0.5, stop: ['END'], maxTokens: 50 }).bindTools([weather], {
      tool_choice: 'auto',
    });
    await bound.invoke(
      [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Weather in Bern?' },
      ],
      { callbacks: [handler] },
    );
    const recorded = recording.run();
    const { run, steps, attempts } = recorded;
    expect(run).toMatchObject({ agentId: 'langchain', capture: 'langchain', model: 'gpt-9-served', endReason: 'ok' });
    expect([steps.length, attempts.length]).toEqual([1, 1]);
    const step = steps[0]!;
    expect(step).toMatchObject({
      kind: 'model',
      operation: 'generate',
      name: 'ChatOpenAI',
      provider: 'openai',
      requestedModel: 'gpt-9',
      model: 'gpt-9-served',
      status: 'completed',
      providerResponseId: 'answer-1',
      finishReason: { unified: 'tool-calls', raw: 'tool_calls' },
      observedAfter: false,
      error: null,
    });
    expect(step.options).toMatchObject({
      temperature: 0.5,
      stopSequences: ['END'],
      maxOutputTokens: 50,
      toolChoice: 'auto',
    });
    expect(step.usage).toEqual({
      input: {
        total: 100,
        noCache: 40,
        cacheRead: 60,
        cacheWrite: null,
        cacheWriteFiveMinutes: null,
        cacheWriteOneHour: null,
      },
      output: { total: 20, text: 12, reasoning: 8 },
      requests: 1,
    });
    expect(recording.messages(step)).toEqual([
      { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
      { role: 'user', content: [{ type: 'text', text: 'Weather in Bern?' }] },
    ]);
    expect(recording.tools(step)).toMatchObject([{ type: 'function', function: { name: 'weather' } }]);
    expect(recording.content(step.responseId)).toEqual([
      { type: 'tool-call', toolCallId: 'call_1', toolName: 'weather', input: { town: 'Bern' } },
    ]);
    expect(attempts[0]).toMatchObject({ number: 1, status: 'completed', responseStatus: 200 });
    expect(recording.everything()).not.toContain('sk-hidden-key');
    expect(recording.complaints).toEqual([]);
  });

  test('whose provider reports no usage has none, not zero (I12)', async () => {
    const { recording, handler, model } = record(() => ({ usage: null }));
    await model().invoke('Hi', { callbacks: [handler] });
    expect(recording.run().steps[0]!.usage).toBeNull();
  });

  test('is written before it leaves (I3)', async () => {
    const seen: string[] = [];
    const { recording, handler, model } = record(() => {
      seen.push(...recording.journal.entries.map(({ event }) => event.header.type));
      return {};
    });
    await model().invoke('Hi', { callbacks: [handler] });
    expect(seen).toEqual(['run-create', 'step-start', 'attempt-start']);
  });

  test('that is refused ends with the error the caller gets', async () => {
    const { recording, handler, model } = record(() => ({ status: 400, words: 'no such model' }));
    await expect(model().invoke('Hi', { callbacks: [handler] })).rejects.toThrow('no such model');
    const { run, steps, attempts } = recording.run();
    expect([run.status, run.endReason, steps[0]!.status]).toEqual(['failed', 'error', 'error']);
    expect(steps[0]!.error).toMatchObject({ status: 400 });
    expect(attempts).toMatchObject([{ status: 'failed', responseStatus: 400 }]);
  });

  test('that is tried again is one step with two attempts', async () => {
    const { recording, handler, model } = record(({ number }) =>
      number === 1 ? { status: 429, headers: { 'retry-after': '0' } } : {},
    );
    await model().invoke('Hi', { callbacks: [handler] });
    const { steps, attempts } = recording.run();
    expect(steps.map(({ status }) => status)).toEqual(['completed']);
    expect(attempts).toMatchObject([
      { number: 1, status: 'failed', responseStatus: 429, retryClass: 'rate-limit' },
      { number: 2, status: 'completed', responseStatus: 200 },
    ]);
  });

  test('that is aborted is interrupted, and its run cancelled', async () => {
    const { recording, handler, model } = record(() => ({ delayMs: 5000 }));
    const signal = AbortSignal.timeout(50);
    await expect(model().invoke('Hi', { callbacks: [handler], signal })).rejects.toThrow();
    const { run, steps } = recording.run();
    expect([run.endReason, steps[0]!.status]).toEqual(['cancelled', 'interrupted']);
  });

  test('answered from the cache spends nothing and has no attempt', async () => {
    const { recording, handler, model } = record(() => ({}));
    const cached = model({ cache: new InMemoryCache() });
    await cached.invoke('Hi', { callbacks: [handler] });
    await cached.invoke('Hi', { callbacks: [handler] });
    const [first, second] = recording.runs();
    expect([first!.attempts.length, second!.attempts.length]).toEqual([1, 0]);
    expect(second!.steps[0]).toMatchObject({ status: 'completed', metadata: { cached: true }, usage: { requests: 0 } });
    expect(second!.steps[0]!.usage!.input.total).toBe(0);
  });

  test('of a model without HTTP, or of text alone, is recorded too', async () => {
    const { recording, handler } = record(() => ({}));
    await new FakeListChatModel({ responses: ['yes'] }).invoke('Chat?', { callbacks: [handler] });
    await new FakeLLM({ response: 'no' }).invoke('Text?', { callbacks: [handler] });
    const [chat, text] = recording.runs();
    expect(recording.content(chat!.steps[0]!.responseId)).toEqual([{ type: 'text', text: 'yes' }]);
    expect(recording.messages(text!.steps[0]!)).toEqual([{ role: 'user', content: [{ type: 'text', text: 'Text?' }] }]);
    expect(recording.content(text!.steps[0]!.responseId)).toEqual([{ type: 'text', text: 'no' }]);
  });
});

describe('a chain', () => {
  test('is a run under its name with inputs and output; its inner pieces are nothing of their own', async () => {
    const { recording, handler, model } = record(() => ({ words: 'Bern' }));
    const chain = ChatPromptTemplate.fromTemplate('Capital of {country}?').pipe(model()).pipe(new StringOutputParser());
    const answer = await chain.invoke(
      { country: 'Switzerland' },
      { callbacks: [handler], runName: 'capital', tags: ['blue'], metadata: { team: 'x', thread_id: 't-9' } },
    );
    expect(answer).toBe('Bern');
    const { run, steps } = recording.run();
    expect(run).toMatchObject({ agentId: 'capital', sessionId: 't-9', status: 'completed' });
    expect(run.labels).toMatchObject({ team: 'x', tags: 'blue' });
    expect(recording.content(run.inputsId)).toEqual({ country: 'Switzerland' });
    expect(recording.content(run.outputId)).toEqual({ output: 'Bern' });
    expect(steps.map(({ kind }) => kind)).toEqual(['model']);
  });

  test('that is fed a stream tells its inputs with its end', async () => {
    const { recording, handler } = record(() => ({}));
    const chain = RunnableLambda.from(async function* (words: string) {
      yield* words;
    });
    for await (const _ of await chain.stream('ab', { callbacks: [handler] })) continue;
    const { run } = recording.run();
    expect([run.inputsId, recording.content(run.outputId)]).toEqual([null, 'ab']);
    expect(recording.everything()).toContain('{"type":"inputs","data":{"input":"ab"}}');
  });

  test('that throws fails with its error, unchanged for the caller', async () => {
    const { recording, handler } = record(() => ({}));
    const mine = new Error('my own');
    const chain = RunnableLambda.from(() => {
      throw mine;
    });
    await expect(chain.invoke('x', { callbacks: [handler] })).rejects.toBe(mine);
    expect(recording.run().run).toMatchObject({ endReason: 'error', errorDetail: expect.stringContaining('my own') });
  });

  test('with a retriever has a phase for it', async () => {
    class Shelf extends BaseRetriever {
      lc_namespace = ['test'];
      override _getRelevantDocuments(): Promise<Document[]> {
        return Promise.resolve([new Document({ pageContent: 'Bern is small.', metadata: { page: 3 } })]);
      }
    }
    const { recording, handler, model } = record(() => ({}));
    const chain = RunnableSequence.from([new Shelf(), (found: Document[]) => found[0]!.pageContent, model()]);
    await chain.invoke('How large is Bern?', { callbacks: [handler] });
    const [phase] = ofKind(recording.run(), 'phase');
    expect(phase).toMatchObject({ name: 'Shelf', operation: 'retrieve', status: 'completed' });
    expect(recording.content(phase!.requestId)).toEqual({ query: 'How large is Bern?' });
    expect(recording.content(phase!.resultId)).toMatchObject([
      { pageContent: 'Bern is small.', metadata: { page: 3 } },
    ]);
  });

  test('inside a run of the user’s own records into that run', async () => {
    const { recording, handler, model } = record(() => ({}));
    await recording.recorder.run({ agentId: 'mine' }, () => model().invoke('Hi', { callbacks: [handler] }));
    expect(recording.run().run.agentId).toBe('mine');
    expect(recording.run().attempts).toHaveLength(1);
  });
});

describe('a tool', () => {
  test('begins before it runs (I3) and ends with its result; one that throws ends with its error', async () => {
    const { recording, handler } = record(() => ({}));
    const open: number[] = [];
    const divide = tool(
      ({ by }) => {
        open.push(
          recording
            .runs()
            .flatMap(({ steps }) => steps)
            .filter(({ status }) => status === 'in_progress').length,
        );
        if (by === 0) throw new Error('by zero');
        return { result: 12 / by };
      },
      { name: 'divide', description: 'Divides twelve', schema: z.object({ by: z.number() }) },
    );
    await divide.invoke({ by: 3 }, { callbacks: [handler] });
    await expect(divide.invoke({ by: 0 }, { callbacks: [handler] })).rejects.toThrow('by zero');
    const [good, bad] = recording.runs().map(({ steps }) => steps[0]!);
    expect(open).toEqual([1, 1]);
    expect(good).toMatchObject({ kind: 'tool', name: 'divide', status: 'completed', resultStatus: 'success' });
    expect(recording.content(good!.argsId)).toEqual({ by: 3 });
    expect(recording.content(good!.resultId)).toEqual({ result: 4 });
    expect(bad).toMatchObject({ status: 'error', resultStatus: 'error', error: { message: 'by zero' } });
  });

  test('tools begun side by side by the program are not each other’s children', async () => {
    const { recording, handler } = record(() => ({}));
    const schema = { type: 'object', properties: { n: { type: 'number' } } } as const;
    const wait = tool(() => new Promise((done) => setTimeout(() => done('x'), 10)), {
      name: 'wait',
      description: 'Waits',
      schema,
    });
    await Promise.all([1, 2, 3].map((n) => wait.invoke({ n }, { callbacks: [handler] })));
    expect(recording.runs().map(({ run }) => run.parentRunId)).toEqual([null, null, null]);
  });

  test('a chain inside a tool hangs on the tool', async () => {
    const { recording, handler, model } = record(() => ({}));
    const ask = tool(async ({ question }, config) => (await model().invoke(question, config)).text, {
      name: 'ask',
      description: 'Asks',
      schema: z.object({ question: z.string() }),
    });
    const agent = RunnableLambda.from((question: string, config) => ask.invoke({ question }, config));
    await agent.withConfig({ runName: 'outer' }).invoke('Why?', { callbacks: [handler] });
    const recorded = runOf(recording.runs(), 'outer');
    const [called] = ofKind(recorded, 'tool');
    const [step] = ofKind(recorded, 'model');
    expect(step!.parentStepId).toBe(called!.id);
    expect(attemptsOf(recorded, step!)).toHaveLength(1);
  });
});
