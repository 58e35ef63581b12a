import { describe, expect, it } from 'vitest';
import type { JournalEntry, JournalLoss } from '../journal.ts';
import { checkChains, groupByWriter } from '../verify/chains.ts';
import { createRecorder } from './recorder.ts';
import type { Recorder } from './recording.ts';

interface Basket {
  readonly entries: JournalEntry[];
  outcome: 'kept' | 'degraded' | 'lost' | 'throw';
  loss: JournalLoss | null;
}

function createBasket(): { basket: Basket; recorder: Recorder; errors: unknown[] } {
  const basket: Basket = { entries: [], outcome: 'kept', loss: null };
  const errors: unknown[] = [];
  const recorder = createRecorder({
    contentKey: new Uint8Array(32),
    onError: (error) => void errors.push(error),
    journal: {
      durability: 'process',
      append(entry) {
        if (basket.outcome === 'throw') throw new Error('a journal that breaks its promise');
        if (basket.outcome !== 'lost') basket.entries.push(entry);
        return basket.outcome;
      },
      takeLoss() {
        const { loss } = basket;
        basket.loss = null;
        return loss;
      },
      generation: () => 0,
      flush: async () => ({ state: 'durable', written: 0, lost: 0 }),
      close: async () => undefined,
    },
  });
  return { basket, recorder, errors };
}

const types = (basket: Basket): string[] => basket.entries.map(({ event }) => event.header.type);
const payloads = (basket: Basket, type: string): Record<string, unknown>[] =>
  basket.entries
    .filter(({ event }) => event.header.type === type)
    .map(({ event }) => JSON.parse(event.payload!) as Record<string, unknown>);
const facts = (basket: Basket, type: string): Record<string, unknown>[] =>
  basket.entries
    .filter(({ event }) => event.header.type === type)
    .map(({ event }) => JSON.parse(event.header.facts!) as Record<string, unknown>);

describe('recorder', () => {
  it('says what a step was begun as, and takes the scope for callers without a function', async () => {
    const { recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'planner' });
    expect([run.tool({ name: 'look' }).name, run.step({ kind: 'model' }).name]).toEqual(['look', null]);
    const later = async (): Promise<void> => {
      await Promise.resolve();
      run.step({ kind: 'phase', name: 'p' }).enter();
      run.enter();
      await Promise.resolve();
      expect([recorder.current(), recorder.currentStep()]).toEqual([run, null]);
    };
    await later();
    expect(recorder.current()).toBeNull();
    await recorder.close();
  });

  it('writes every begin before it returns and every end once, in one gapless chain', async () => {
    const { basket, recorder } = createBasket();
    await recorder.run({ agentId: 'planner' }, (run) => {
      const step = run.step({ kind: 'model', operation: 'generate', messages: [{ role: 'user', content: 'hello' }] });
      expect(types(basket)).toEqual(['run-create', 'step-start']);
      const attempt = step.attempt({ method: 'POST', url: 'https://api.example.com/v1/chat' });
      attempt.finish({ status: 'completed', responseStatus: 200 });
      attempt.finish({ status: 'failed' });
      step.finish({ status: 'completed', response: [{ type: 'text', text: 'hi' }] });
      return 'done';
    });
    expect(types(basket)).toEqual(['run-create', 'step-start', 'attempt-start', 'attempt-end', 'step-end', 'run-end']);
    expect(checkChains(groupByWriter(basket.entries.map(({ event }) => event)))).toBeNull();
    expect(basket.entries.map(({ event }) => event.header.n)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('rethrows what user code throws, unchanged, and ends the run with its reason', async () => {
    const cases = [
      { error: new Error('broken'), reason: 'error' },
      { error: new DOMException('stop', 'AbortError'), reason: 'cancelled' },
      { error: new DOMException('late', 'TimeoutError'), reason: 'timeout' },
      { error: 'a string', reason: 'error' },
    ];
    for (const { error, reason } of cases) {
      const { basket, recorder } = createBasket();
      await expect(
        recorder.run({ agentId: 'a' }, () => {
          throw error;
        }),
      ).rejects.toBe(error);
      expect(facts(basket, 'run-end')).toMatchObject([{ endReason: reason }]);
    }
  });

  it('finds the right parent for 64 parallel sub-agents, and nothing leaks between them', async () => {
    const { basket, recorder } = createBasket();
    await recorder.run({ agentId: 'parent' }, async (parent) => {
      await Promise.all(
        Array.from({ length: 64 }, async (_unused, index) => {
          const tool = parent.tool({ name: `delegate-${index}` });
          await tool.within(async () => {
            await new Promise((resolve) => setTimeout(resolve, (index * 7) % 5));
            await recorder.run({ agentId: `child-${index}` }, async (child) => {
              await new Promise((resolve) => setImmediate(resolve));
              expect(recorder.current()!.id).toBe(child.id);
            });
          });
          tool.succeed(index);
        }),
      );
    });
    const nameByStep = new Map(
      basket.entries
        .filter(({ event }) => event.header.type === 'step-start')
        .map(({ event }) => [event.header.stepId, (JSON.parse(event.payload!) as { name: string }).name]),
    );
    const created = basket.entries.filter(({ event }) => event.header.type === 'run-create').slice(1);
    expect(created).toHaveLength(64);
    for (const { event } of created) {
      const { agentId } = JSON.parse(event.payload!) as { agentId: string };
      const { parentStepId } = JSON.parse(event.header.facts!) as { parentStepId: string };
      expect(nameByStep.get(parentStepId)).toBe(agentId.replace('child', 'delegate'));
    }
  });

  it('shares one step between retries inside reuseStep, and keeps the outer holder', () => {
    const { basket, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    const other = recorder.startRun({ agentId: 'b' });
    const ids = recorder.reuseStep(() => [
      run.step({ kind: 'model' }).id,
      recorder.reuseStep(() => run.step({ kind: 'model' }).id),
      other.step({ kind: 'model' }).id,
    ]);
    expect(ids[0]).toBe(ids[1]);
    expect(ids[2]).not.toBe(ids[0]);
    expect(run.step({ kind: 'model' }).id).not.toBe(ids[0]);
    expect(types(basket).filter((type) => type === 'step-start')).toHaveLength(3);
  });

  it('lets a completion replace an error and never the other way', () => {
    const { basket, recorder } = createBasket();
    const step = recorder.startRun({ agentId: 'a' }).step({ kind: 'model' });
    step.finish({ status: 'error', error: new Error('429') });
    step.finish({ status: 'completed' });
    step.finish({ status: 'interrupted' });
    step.finish({ status: 'error', error: new Error('late') });
    expect(facts(basket, 'step-end').map(({ status }) => status)).toEqual(['error', 'completed']);
    expect(step.status).toBe('completed');
  });

  it('ends open steps as interrupted before the run, and keeps what comes later', () => {
    const { basket, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    const step = run.step({ kind: 'model' });
    run.close({ endReason: 'ok' });
    run.close({ endReason: 'error' });
    step.finish({ status: 'completed' });
    expect(types(basket)).toEqual(['run-create', 'step-start', 'step-end', 'run-end', 'step-end']);
    expect(facts(basket, 'run-end')).toHaveLength(1);
  });

  it('closes open runs as interrupted when it is closed itself', async () => {
    const { basket, recorder } = createBasket();
    recorder.startRun({ agentId: 'a' });
    await recorder.close();
    expect(facts(basket, 'run-end')).toMatchObject([{ endReason: 'interrupted' }]);
  });

  it('stores each message once, whether the caller reuses objects, copies them or changes one in place', () => {
    const { basket, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    const messages: { role: string; content: string }[] = [{ role: 'user', content: 'one' }];
    run.step({ kind: 'model', messages });
    messages.push({ role: 'assistant', content: 'two' });
    run.step({ kind: 'model', messages });
    run.step({ kind: 'model', messages: messages.map((message) => ({ ...message })) });
    messages[0]!.content = 'changed';
    run.step({ kind: 'model', messages });
    const stored = basket.entries
      .flatMap(({ contents }) => contents.filter(({ kind }) => kind === 'message'))
      .map(({ bytes }) => Buffer.from(bytes).toString());
    expect(stored).toEqual([
      '{"role":"user","content":"one"}',
      '{"role":"assistant","content":"two"}',
      '{"role":"user","content":"changed"}',
    ]);
    expect(facts(basket, 'step-start').map(({ prefixBreak }) => prefixBreak)).toMatchObject([
      null,
      null,
      null,
      { atIndex: 0 },
    ]);
  });

  it('records hostile values without throwing and keeps the rest (I1)', () => {
    const { basket, recorder, errors } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    const cycle: Record<string, unknown> = { name: 'kept' };
    cycle['self'] = cycle;
    const trap = {
      get bad(): never {
        throw new Error('getter');
      },
      good: 1,
    };
    run.log('odd', { big: 10n, cycle, trap });
    const step = run.step({ kind: 'tool', name: 't', args: cycle, metadata: { trap } });
    step.finish({ status: 'error', error: Object.create(null) });
    run.error(undefined);
    expect(errors).toEqual([]);
    expect(payloads(basket, 'log')).toEqual([
      {
        type: 'odd',
        data: { big: '10', cycle: { name: 'kept', self: '[cycle]' }, trap: { bad: '[unreadable]', good: 1 } },
      },
    ]);
    expect(types(basket)).toEqual(['run-create', 'log', 'step-start', 'step-end', 'error']);
  });

  it('never throws when the journal does, and tells of it once (I1)', async () => {
    const { basket, recorder, errors } = createBasket();
    basket.outcome = 'throw';
    await expect(
      recorder.run({ agentId: 'a' }, (run) => void run.step({ kind: 'model' }).finish({ status: 'completed' })),
    ).resolves.toBeUndefined();
    expect(errors).toHaveLength(1);
    expect(basket.entries).toEqual([]);
  });

  it('writes a gap once the journal works again, and says when writing went on in the background', () => {
    const { basket, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    basket.outcome = 'lost';
    run.log('lost');
    basket.outcome = 'degraded';
    basket.loss = {
      reason: 'disk-full',
      eventsByRun: new Map([[run.id, 1]]),
      contents: 0,
      bytes: 10,
      sinceMs: 1,
      untilMs: 2,
    };
    run.log('after');
    expect(types(basket)).toEqual(['run-create', 'gap', 'log', 'log']);
    expect(facts(basket, 'gap')).toMatchObject([{ reason: 'disk-full', events: 1 }]);
    expect(basket.entries.map(({ event }) => event.header.n)).toEqual([1, 3, 4, 5]);
    expect(payloads(basket, 'log')[0]).toMatchObject({ type: 'durability', data: { state: 'degraded' } });
  });

  it('repairs a start without an agent rather than throw, and says so', () => {
    const { basket, recorder, errors } = createBasket();
    recorder.startRun({} as { agentId: string });
    expect(payloads(basket, 'run-create')).toMatchObject([{ agentId: 'unnamed' }]);
    expect(errors).toMatchObject([{ code: 'bad-argument' }]);
  });

  it('records nothing without a journal, and every method is safe', async () => {
    const recorder = createRecorder({ journal: null });
    const value = await recorder.run({ agentId: 'a' }, async (run) => {
      const step = run.step({ kind: 'model' });
      step.attempt().finish({ status: 'completed' });
      step.finish({ status: 'completed' });
      run.tool({ name: 't' }).succeed(1);
      run.onStep(1, null);
      run.log('x');
      return run.usage().input.total;
    });
    expect(value).toBeNull();
    expect(recorder.current()).toBeNull();
    await expect(recorder.flush()).resolves.toMatchObject({ lost: 0 });
  });
});

describe('observer form', () => {
  it('records iterations and tools after the fact, naming the model that served once', () => {
    const { basket, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'loop' });
    run.onStep(1, {
      text: '  thinking  ',
      model: 'm-1',
      provider: 'p',
      finishReason: 'tool-calls',
      usage: { input: 10, output: 2, cacheRead: 4 },
      toolCalls: [{ id: 'c1', name: 'search', args: { q: 'x' } }],
    });
    run.onTool({ id: 'c1', name: 'search', args: { q: 'x' } }, 'found');
    run.onStep(2, null);
    run.onStep(3, { text: '', model: 'm-1' });
    expect(payloads(basket, 'log')).toEqual([{ type: 'resolved_model', data: { provider: 'p', model: 'm-1' } }]);
    expect(payloads(basket, 'step-end').map(({ metadata }) => metadata)).toEqual([
      { textLength: 12 },
      undefined,
      { textLength: 0 },
      { textLength: 0 },
    ]);
    expect(facts(basket, 'step-start').every(({ observedAfter }) => observedAfter === true)).toBe(true);
    expect(run.usage().input).toMatchObject({ total: 10, cacheRead: 4 });
    expect(run.toolCallCount()).toBe(1);
  });

  it('withholds the words around secret-bearing tools', () => {
    const { basket, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'loop' });
    run.onStep(1, {
      text: 'the door code is swordfish',
      toolCalls: [{ id: 'c', name: 'http_post', args: { body: 'swordfish' } }],
    });
    run.onTool({ id: 'c', name: 'http_post', args: { body: 'swordfish' } }, { said: 'swordfish' });
    const all = basket.entries
      .map(
        ({ event, contents }) => event.payload! + contents.map(({ bytes }) => Buffer.from(bytes).toString()).join(''),
      )
      .join('');
    expect(all).not.toContain('swordfish');
    expect(payloads(basket, 'step-end')[0]).toMatchObject({ metadata: { textLength: 26, textWithheld: true } });
    expect(payloads(basket, 'step-start')[1]).toMatchObject({ inputsWithheld: true });
  });
});
