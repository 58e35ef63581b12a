import { describe, expect, it } from 'vitest';
import type { JournalEntry, JournalLoss } from '../journal.ts';
import { checkChains, groupByWriter } from '../verify/chains.ts';
import { createRecorder } from './recorder.ts';
import type { Recorder } from './recording.ts';

type Outcome = 'kept' | 'degraded' | 'lost' | 'throw';

interface Basket {
  /** What each write brought. */
  readonly writes: JournalEntry[][];
  outcome: Outcome;
  loss: JournalLoss | null;
}

function createBasket(canAll = true): { basket: Basket; recorder: Recorder; errors: unknown[] } {
  const basket: Basket = { writes: [], outcome: 'kept', loss: null };
  const errors: unknown[] = [];
  const appendAll = (entries: readonly JournalEntry[]): 'kept' | 'degraded' | 'lost' => {
    if (basket.outcome === 'throw') throw new Error('a journal that breaks its promise');
    if (basket.outcome !== 'lost') basket.writes.push([...entries]);
    return basket.outcome;
  };
  const recorder = createRecorder({
    contentKey: new Uint8Array(32),
    onError: (error) => void errors.push(error),
    journal: {
      durability: 'process',
      append: (entry) => appendAll([entry]),
      ...(canAll ? { appendAll } : {}),
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

const typesOf = ({ writes }: Basket): string[] =>
  writes.map((entries) => entries.map(({ event }) => event.header.type).join(' '));

const isChained = ({ writes }: Basket): boolean =>
  checkChains(groupByWriter(writes.flat().map(({ event }) => event))) === null;

describe('what one moment brings', () => {
  it('is one write, there when together returns, in one gapless chain (I2)', () => {
    const { basket, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    const step = recorder.together(() => {
      const begun = run.step({ kind: 'model', messages: [{ role: 'user', content: 'hello' }] });
      begun.attempt();
      expect(typesOf(basket)).toEqual(['run-create']);
      return begun;
    });
    expect(typesOf(basket)).toEqual(['run-create', 'step-start attempt-start']);
    expect(basket.writes[1]![0]!.contents).toHaveLength(1);
    recorder.together(() => recorder.together(() => step.openAttempt!.finish({ status: 'completed' })));
    expect(typesOf(basket).at(-1)).toBe('attempt-end');
    recorder.together(() => undefined);
    expect(basket.writes).toHaveLength(3);
    expect(basket.writes.flat().map(({ event }) => event.header.n)).toEqual([1, 2, 3, 4]);
    expect(isChained(basket)).toBe(true);
  });

  it('is written by the ends that imply others', () => {
    const { basket, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    const step = run.step({ kind: 'model' });
    step.attempt();
    step.finish({ status: 'completed' });
    run.step({ kind: 'phase' });
    run.close({ endReason: 'ok' });
    expect(typesOf(basket)).toEqual([
      'run-create',
      'step-start',
      'attempt-start',
      'attempt-end step-end',
      'step-start',
      'step-end run-end',
    ]);
  });

  it('is written when the work throws, and what it throws goes through', () => {
    const { basket, recorder, errors } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    const fault = new Error('the caller’s own');
    const work = (): never => {
      run.log('a');
      run.log('b');
      throw fault;
    };
    expect(() => recorder.together(work)).toThrow(fault);
    expect(typesOf(basket)).toEqual(['run-create', 'log log']);
    expect(errors).toEqual([]);
    expect(recorder.together(undefined as never)).toBe(undefined);
  });

  it('is written one by one where a journal knows no better', () => {
    const { basket, recorder } = createBasket(false);
    const run = recorder.startRun({ agentId: 'a' });
    recorder.together(() => {
      run.log('a');
      run.log('b');
    });
    expect(typesOf(basket)).toEqual(['run-create', 'log', 'log']);
  });

  it('counts as lost, and its contents as unwritten, when the journal refuses it (I1)', () => {
    const { basket, recorder, errors } = createBasket();
    const message = { role: 'user', content: 'x'.repeat(1000) };
    const run = recorder.startRun({ agentId: 'a' });
    const ask = (): void =>
      recorder.together(() => {
        run.step({ kind: 'model', messages: [message] });
        run.log('asked');
      });
    basket.outcome = 'lost';
    ask();
    basket.outcome = 'degraded';
    ask();
    expect(basket.writes[1]!.map(({ contents }) => contents.length)).toEqual([1, 0]);
    expect(typesOf(basket).slice(1)).toEqual(['step-start log', 'log']);
    basket.outcome = 'kept';
    basket.loss = {
      reason: 'disk-full',
      eventsByRun: new Map([[run.id, 2]]),
      contents: 1,
      bytes: 9,
      sinceMs: 1,
      untilMs: 2,
    };
    ask();
    expect(typesOf(basket).slice(3)).toEqual(['gap', 'step-start log']);
    basket.outcome = 'throw';
    expect(ask).not.toThrow();
    basket.outcome = 'kept';
    run.log('after');
    expect(errors.length).toBeGreaterThan(0);
    expect(typesOf(basket).at(-1)).toBe('log');
  });

  it('belongs to several runs', () => {
    const { basket, recorder } = createBasket();
    const [one, two] = [recorder.startRun({ agentId: 'a' }), recorder.startRun({ agentId: 'b' })];
    recorder.together(() => {
      one.log('x');
      two.log('y');
      one.close({ endReason: 'ok' });
    });
    expect(basket.writes.at(-1)!.map(({ event }) => [event.header.runId, event.header.n])).toEqual([
      [one.id, 2],
      [two.id, 2],
      [one.id, 3],
    ]);
  });
});

describe('what the recorder hands out', () => {
  it('works when its methods are taken off it (I1)', () => {
    const { basket, recorder } = createBasket();
    const { step, tool, log, close, ref, usage } = recorder.startRun({ agentId: 'a' });
    const { attempt, finish, within } = step({ kind: 'model' });
    const { claim } = attempt();
    const { fail } = tool({ name: 't' });
    claim();
    log('x', { a: 1 });
    expect(within(() => 7)).toBe(7);
    finish({ status: 'completed' });
    fail(new Error('no'));
    expect(ref().runId).toBe(basket.writes[0]![0]!.event.header.runId);
    expect(usage().requests).toBe(null);
    close({ endReason: 'ok' });
    expect(typesOf(basket)).toEqual([
      'run-create',
      'step-start',
      'attempt-start',
      'step-start',
      'log',
      'step-end',
      'step-end',
      'run-end',
    ]);
  });
});
