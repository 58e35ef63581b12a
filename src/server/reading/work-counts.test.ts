import { describe, expect, it } from 'vitest';
import type { Clock } from '../../core/clock.ts';
import { readCounts } from './work-counts.ts';

/** A store whose counting takes a time of the test's. */
function openWork(tookMs: () => number) {
  let nowMs = 0;
  let asked = 0;
  const waiting: (() => void)[] = [];
  const clock: Clock = { nowMs: () => 0, monotonicMs: () => nowMs };
  const work = {
    counts: (projectId: string) => {
      asked += 1;
      const count = asked;
      return new Promise<never>((resolve, reject) => {
        waiting.push(() => {
          nowMs += tookMs();
          if (projectId === 'away') reject(new Error('away'));
          else resolve([{ agentId: 'a', state: 'pending', count, oldestQueueAtMs: null }] as never);
        });
      });
    },
  };
  const ask = async (projectId = 'shop'): Promise<number> => {
    const answer = readCounts(work, projectId, clock);
    for (const answerIt of waiting.splice(0)) answerIt();
    return (await answer)[0]!.count;
  };
  return { work, clock, ask, pass: (ms: number) => (nowMs += ms), asked: () => asked, waiting };
}

describe('counts of runs as work', () => {
  it('are counted anew each time while that is quick', async () => {
    const { ask } = openWork(() => 10);
    expect([await ask(), await ask(), await ask()]).toEqual([1, 2, 3]);
  });

  it('that took long are good for twenty times as long, of each project by itself', async () => {
    const { ask, pass } = openWork(() => 200);
    expect([await ask(), await ask(), await ask('other'), await ask()]).toEqual([1, 1, 2, 1]);
    pass(3700);
    expect(await ask()).toBe(1);
    pass(200);
    expect([await ask(), await ask()]).toEqual([3, 3]);
  });

  it('are counted once for all who ask at the same time, where it took long before', async () => {
    const { ask, pass, work, clock, asked, waiting } = openWork(() => 200);
    await ask();
    pass(5000);
    const answers = [1, 2, 3].map(() => readCounts(work, 'shop', clock));
    expect(asked()).toBe(2);
    for (const answerIt of waiting.splice(0)) answerIt();
    expect((await Promise.all(answers)).map(([count]) => count!.count)).toEqual([2, 2, 2]);
  });

  it('that failed are asked for again', async () => {
    const { ask, asked } = openWork(() => 200);
    await expect(ask('away')).rejects.toThrow('away');
    await expect(ask('away')).rejects.toThrow('away');
    expect(asked()).toBe(2);
  });
});
