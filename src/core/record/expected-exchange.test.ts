import { describe, expect, test } from 'vitest';
import { createRecording } from '../../../test/playback/recording.ts';
import { expectedExchanges } from './expected-exchange.ts';
import type { FoundExchange } from './expected-exchange.ts';
import type { StepRecorder } from './recording.ts';

const exchanges = expectedExchanges();

function stage() {
  const run = createRecording().recorder.startRun({ agentId: 'a' });
  const step = (): StepRecorder => run.step({ kind: 'model' });
  const expectFor = (of: StepRecorder, words: string): (() => void) =>
    exchanges.expect({ step: of, matches: (text) => text.includes(words) });
  const end = (found: FoundExchange | null, status: 'completed' | 'failed'): void =>
    found!.begin(found!.step.attempt()).finish({ status });
  return { step, expectFor, end };
}

/** A flow of its own, whatever is entered in it. */
const flow = <T>(fn: () => Promise<T> | T): Promise<T> => Promise.resolve().then(fn);

describe('an exchange that leaves', () => {
  test('is of the step whose flow it leaves from, also beside others that ask the same', async () => {
    const { step, expectFor } = stage();
    const steps = [step(), step(), step()];
    const found = await Promise.all(
      steps.map((one) =>
        flow(async () => {
          const withdraw = expectFor(one, 'hi');
          await new Promise((done) => setTimeout(done, 5));
          const place = exchanges.find('hi');
          place?.begin(one.attempt());
          withdraw();
          return place?.step.id;
        }),
      ),
    );
    expect(found).toEqual(steps.map(({ id }) => id));
  });

  test('from the flow of a step that was answered is of the oldest that waits with the same words; so are its retries', async () => {
    const { step, expectFor, end } = stage();
    const [first, second, third] = [step(), step(), step()];
    await flow(() => expectFor(third, 'other'));
    await flow(() => expectFor(second, 'hi'));
    await flow(() => {
      expectFor(first, 'hi');
      end(exchanges.find('hi'), 'completed');
      const next = exchanges.find('hi');
      expect(next?.step).toBe(second);
      end(next, 'failed');
      const retry = exchanges.find('hi');
      expect(retry?.step).toBe(second);
      end(retry, 'completed');
      second.finish({ status: 'completed' });
      expect(exchanges.find('other')?.step).toBe(third);
    });
  });

  test('without any flow is found by its words; without words, or when nobody waits, it is nobody’s', async () => {
    const { step, expectFor } = stage();
    const waiting = step();
    await flow(() => expectFor(waiting, 'only me'));
    await flow(() => {
      expect(exchanges.isInFlow()).toBe(false);
      expect(exchanges.find('it is only me')?.step).toBe(waiting);
      expect(exchanges.find('somebody else')).toBeNull();
      expect(exchanges.find(null)).toBeNull();
      waiting.finish({ status: 'completed' });
      expect(exchanges.find('it is only me')).toBeNull();
    });
  });

  test('of a step that no longer expects one is not found', async () => {
    const { step, expectFor } = stage();
    const one = step();
    await flow(() => {
      const withdraw = expectFor(one, 'hi');
      expect(exchanges.has(one)).toBe(true);
      withdraw();
      expect(exchanges.has(one)).toBe(false);
    });
    await flow(() => expect(exchanges.find('hi')).toBeNull());
  });

  test('tells the one who waits of its beginning and end', async () => {
    const { step } = stage();
    const told: string[] = [];
    await flow(() => {
      const one = step();
      exchanges.expect({
        step: one,
        matches: () => true,
        onBegin: () => void told.push('begin'),
        onEnd: ({ status }) => void told.push(status),
      });
      const attempt = exchanges.find('x')!.begin(one.attempt());
      attempt.claim();
      expect([attempt.number, attempt.claimed, attempt.finished]).toEqual([1, true, false]);
      attempt.finish({ status: 'failed' });
      expect(attempt.finished).toBe(true);
    });
    expect(told).toEqual(['begin', 'failed']);
  });
});
