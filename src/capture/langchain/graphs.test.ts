import { HumanMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import {
  Annotation,
  Command,
  END,
  interrupt,
  MemorySaver,
  MessagesAnnotation,
  Send,
  START,
  StateGraph,
} from '@langchain/langgraph';
import { createReactAgent } from '@langchain/langgraph/prebuilt';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Asked, Said } from './stage.fixture.ts';
import { attemptsOf, ofKind, openLangChainStage, runOf } from './stage.fixture.ts';

const { record } = await openLangChainStage();

const weather = tool(
  ({ town }) => {
    if (town === 'Atlantis') throw new Error('no such town');
    return `sun in ${town}`;
  },
  { name: 'weather', description: 'The weather of a town', schema: z.object({ town: z.string() }) },
);

/** Asks for the weather of the town that it was asked about, then answers. */
function lookUp({ messages }: Asked): Said {
  const last = messages.at(-1)!;
  if (last.role === 'tool') return { words: `It is: ${String(last.content)}` };
  return { call: { name: 'weather', args: { town: String(last.content).split(' ').at(-1) } } };
}

const townState = Annotation.Root({
  towns: Annotation<string[]>(),
  answers: Annotation<string[]>({ reducer: (left, right) => [...left, ...right], default: () => [] }),
});

describe('an agent of LangGraph', () => {
  test('is a run named after it; nodes are phases; a tool hangs on the step that asked for it', async () => {
    const { recording, handler, model } = record(lookUp);
    const agent = createReactAgent({ llm: model(), tools: [weather], name: 'town-agent', prompt: 'Look it up.' });
    await agent.invoke(
      { messages: [{ role: 'user', content: 'Weather in Bern' }] },
      { callbacks: [handler], configurable: { thread_id: 't-1' } },
    );
    const recorded = recording.run();
    const { run, steps } = recorded;
    expect(run).toMatchObject({ agentId: 'town-agent', sessionId: 't-1', status: 'completed', parentRunId: null });
    expect(steps.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'phase agent',
      'model ChatOpenAI',
      'phase tools',
      'tool weather',
      'phase agent',
      'model ChatOpenAI',
    ]);
    expect(steps.every(({ status }) => status === 'completed')).toBe(true);
    const [first, second] = ofKind(recorded, 'model');
    expect(first!.parentStepId).toBe(steps[0]!.id);
    expect(steps[3]).toMatchObject({ parentStepId: first!.id, callId: 'call_1', resultStatus: 'success' });
    expect(recording.content(steps[3]!.resultId)).toBe('sun in Bern');
    expect(second!.prefixBreak).toBeNull();
    expect(recording.messages(second!)).toEqual([
      { role: 'system', content: [{ type: 'text', text: 'Look it up.' }] },
      { role: 'user', content: [{ type: 'text', text: 'Weather in Bern' }] },
      {
        role: 'assistant',
        name: 'town-agent',
        content: [{ type: 'tool-call', toolCallId: 'call_1', toolName: 'weather', input: { town: 'Bern' } }],
      },
      {
        role: 'tool',
        content: [
          {
            type: 'tool-result',
            toolCallId: 'call_1',
            toolName: 'weather',
            output: { type: 'text', value: 'sun in Bern' },
          },
        ],
      },
    ]);
    for (const step of [first!, second!]) expect(attemptsOf(recorded, step)).toHaveLength(1);
    const output = recording.content(run.outputId) as { messages: { role: string }[] };
    expect(output.messages.map(({ role }) => role)).toEqual(['assistant', 'tool', 'assistant']);
  });

  test('goes on after a tool that failed', async () => {
    const { recording, handler, model } = record(lookUp);
    const agent = createReactAgent({ llm: model(), tools: [weather] });
    await agent.invoke({ messages: [new HumanMessage('Weather in Atlantis')] }, { callbacks: [handler] });
    const [called] = ofKind(recording.run(), 'tool');
    expect(called).toMatchObject({ status: 'error', resultStatus: 'error', error: { message: 'no such town' } });
    expect(recording.run().run.status).toBe('completed');
  });

  test('as a tool of another is a child run of that tool’s step', async () => {
    const answer = (asked: Asked): Said =>
      asked.tools?.[0]?.function.name === 'ask_expert' && asked.messages.at(-1)!.role === 'user'
        ? { call: { name: 'ask_expert', args: { question: 'Weather in Bern' } } }
        : asked.tools?.[0]?.function.name === 'weather'
          ? lookUp(asked)
          : { words: 'The expert says sun.' };
    const { recording, handler, model } = record(answer);
    const expert = createReactAgent({ llm: model(), tools: [weather], name: 'expert' });
    const askExpert = tool(
      async ({ question }) => {
        const { messages } = await expert.invoke({ messages: [new HumanMessage(question)] });
        return messages.at(-1)!.text;
      },
      { name: 'ask_expert', description: 'Asks the expert', schema: z.object({ question: z.string() }) },
    );
    const boss = createReactAgent({ llm: model(), tools: [askExpert], name: 'boss' });
    await boss.invoke({ messages: [new HumanMessage('What does the expert say?')] }, { callbacks: [handler] });
    const outer = runOf(recording.runs(), 'boss');
    const inner = runOf(recording.runs(), 'expert');
    const [asking] = ofKind(outer, 'tool');
    expect(inner.run).toMatchObject({ parentRunId: outer.run.id, parentStepId: asking!.id, rootRunId: outer.run.id });
    expect([ofKind(outer, 'model').length, ofKind(inner, 'model').length]).toEqual([2, 2]);
    expect(outer.attempts.length + inner.attempts.length).toBe(4);
  });
});

describe('a graph', () => {
  test('with parallel branches and a sub-graph: each its own child run under its own phase', async () => {
    const { recording, handler, model } = record(({ messages }) => ({
      words: `about ${String(messages[0]!.content)}`,
    }));
    const worker = new StateGraph(townState)
      .addNode('ask', async ({ towns }) => ({ answers: [(await model().invoke(towns[0]!)).text] }))
      .addEdge(START, 'ask')
      .addEdge('ask', END)
      .compile({ name: 'worker' });
    const graph = new StateGraph(townState)
      .addNode('plan', () => ({ towns: ['Bern', 'Oslo', 'Rome'] }))
      .addNode('work', async ({ towns }: { towns: string[] }) => ({
        answers: (await worker.invoke({ towns })).answers,
      }))
      .addEdge(START, 'plan')
      .addConditionalEdges('plan', ({ towns }) => towns.map((town) => new Send('work', { towns: [town] })), ['work'])
      .addEdge('work', END)
      .compile();
    const { answers } = await graph.invoke({ towns: [] }, { callbacks: [handler], runName: 'research' });
    expect([...answers].toSorted()).toEqual(['about Bern', 'about Oslo', 'about Rome']);
    const outer = runOf(recording.runs(), 'research');
    const phases = ofKind(outer, 'phase').filter(({ name }) => name === 'work');
    const inner = recording.runs().filter(({ run }) => run.agentId === 'worker');
    expect(phases).toHaveLength(3);
    expect(inner.map(({ run }) => run.parentStepId).toSorted()).toEqual(phases.map(({ id }) => id).toSorted());
    for (const recorded of inner) {
      const [town] = (recording.content(recorded.run.inputsId) as { towns: string[] }).towns;
      const [step] = ofKind(recorded, 'model');
      expect(recording.content(step!.responseId)).toEqual([{ type: 'text', text: `about ${town}` }]);
      expect(attemptsOf(recorded, step!)).toHaveLength(1);
    }
  });

  test('that pauses for a person has not failed, and goes on as a run of the same session', async () => {
    const { recording, handler } = record(() => ({}));
    const graph = new StateGraph(townState)
      .addNode('check', () => ({ answers: [String(interrupt({ question: 'Send it?' }))] }))
      .addEdge(START, 'check')
      .addEdge('check', END)
      .compile({ checkpointer: new MemorySaver(), name: 'sender' });
    const config = { callbacks: [handler], configurable: { thread_id: 't-2' } };
    await graph.invoke({ towns: [] }, config);
    const done = await graph.invoke(new Command({ resume: 'yes' }), config);
    expect(done.answers).toEqual(['yes']);
    const [paused, resumed] = recording.runs();
    expect([paused!.run.status, resumed!.run.status]).toEqual(['completed', 'completed']);
    expect([paused!.run.sessionId, resumed!.run.sessionId]).toEqual(['t-2', 't-2']);
    expect(paused!.run.counts.errors ?? 0).toBe(0);
    expect(paused!.steps[0]).toMatchObject({ kind: 'phase', name: 'check', status: 'interrupted', error: null });
    expect(recording.everything()).toContain('Send it?');
    expect(resumed!.steps[0]).toMatchObject({ name: 'check', status: 'completed' });
    expect(recording.content(resumed!.run.inputsId)).toMatchObject({ resume: 'yes' });
  });

  test('whose node asks a model without LangChain has that step under the node’s phase', async () => {
    const { recording, handler, model } = record(() => ({ words: 'raw' }));
    const { baseURL } = model().clientConfig;
    const graph = new StateGraph(townState)
      .addNode('raw', async () => {
        const body = JSON.stringify({ model: 'gpt-9', messages: [{ role: 'user', content: 'Hi' }] });
        const response = await fetch(`${baseURL}/chat/completions`, { method: 'POST', body });
        return { answers: [((await response.json()) as { id: string }).id] };
      })
      .addNode('own', async () => ({ answers: [(await model().invoke('Ho')).text] }))
      .addEdge(START, 'raw')
      .addEdge('raw', 'own')
      .addEdge('own', END)
      .compile({ name: 'mixed' });
    await graph.invoke({ towns: [] }, { callbacks: [handler] });
    const recorded = recording.run();
    const [rawPhase, ownPhase] = ofKind(recorded, 'phase');
    const [raw, own] = ofKind(recorded, 'model');
    expect([raw!.parentStepId, own!.parentStepId]).toEqual([rawPhase!.id, ownPhase!.id]);
    for (const step of [raw!, own!]) expect(attemptsOf(recorded, step)).toHaveLength(1);
  });

  test('past its recursion limit fails with that error', async () => {
    const { recording, handler } = record(() => ({}));
    const graph = new StateGraph(townState)
      .addNode('again', () => ({ answers: ['x'] }))
      .addEdge(START, 'again')
      .addEdge('again', 'again')
      .compile({ name: 'circle' });
    await expect(graph.invoke({ towns: [] }, { callbacks: [handler], recursionLimit: 3 })).rejects.toThrow(
      'Recursion limit',
    );
    expect(recording.run().run).toMatchObject({ status: 'failed', endReason: 'error' });
    expect(recording.run().steps).toHaveLength(3);
  });

  test('that is aborted is cancelled, and nothing of it stays open', async () => {
    const { recording, handler, model } = record(() => ({ delayMs: 5000 }));
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('ask', async ({ messages }) => ({ messages: [await model().invoke(messages)] }))
      .addEdge(START, 'ask')
      .addEdge('ask', END)
      .compile({ name: 'slow' });
    const signal = AbortSignal.timeout(60);
    await expect(
      graph.invoke({ messages: [new HumanMessage('Hi')] }, { callbacks: [handler], signal }),
    ).rejects.toThrow();
    const { run, steps } = recording.run();
    expect(run.endReason).toBe('cancelled');
    expect(steps.map(({ status }) => status)).toEqual(['interrupted', 'interrupted']);
  });

  test('whose words are streamed records as one that is not', async () => {
    const { recording, handler, model } = record(() => ({ words: 'one two three' }));
    const agent = createReactAgent({ llm: model(), tools: [weather], name: 'talker' });
    const words: string[] = [];
    const input = { messages: [new HumanMessage('Talk')] };
    for await (const [chunk] of await agent.stream(input, { callbacks: [handler], streamMode: 'messages' }))
      words.push((chunk as { text: string }).text);
    expect(words.join('')).toContain('one two three');
    const [step] = ofKind(recording.run(), 'model');
    expect(step).toMatchObject({ status: 'completed', usage: { output: { total: 20 } } });
    expect(step!.stream).toMatchObject({ textDeltas: 3 });
    expect(recording.run().attempts).toHaveLength(1);
  });
});
