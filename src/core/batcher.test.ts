import { describe, expect, it } from 'vitest';
import { createBatcher } from './batcher.ts';

/** A batcher whose batches end when they are told to. */
function openBatcher(options: Partial<Parameters<typeof createBatcher<string, string>>[0]> = {}) {
  const batches: { readonly items: readonly string[]; readonly end: (error?: Error) => void }[] = [];
  const batcher = createBatcher<string, string>({
    batchMax: 3,
    run: (items) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error): void =>
          error === undefined ? resolve(items.map((item) => item.toUpperCase())) : reject(error);
        batches.push({ items, end });
      }),
    ...options,
  });
  return { batcher, batches, items: () => batches.map((batch) => batch.items.join('')) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a batcher', () => {
  it('gathers a turn, then what comes while a batch is under way, in order and so many at once', async () => {
    const { batcher, batches, items } = openBatcher();
    const answers = ['a', 'b'].map((item) => batcher.add(item));
    await turn();
    for (const item of ['c', 'd', 'e', 'f']) answers.push(batcher.add(item));
    await turn();
    expect([items(), batcher.size]).toEqual([['ab'], 6]);
    batches[0]!.end();
    await turn();
    expect(items()).toEqual(['ab', 'cde']);
    batches[1]!.end();
    await turn();
    batches[2]!.end();
    expect(await Promise.all(answers)).toEqual(['A', 'B', 'C', 'D', 'E', 'F']);
    expect(batcher.size).toBe(0);
    await batcher.idle();
  });

  it('lets the first go at once and alone where that is wanted', async () => {
    const { batcher, batches, items } = openBatcher({ isAtOnce: true });
    const answers = ['a', 'b', 'c'].map((item) => batcher.add(item));
    expect(items()).toEqual(['a']);
    batches[0]!.end();
    await turn();
    expect(items()).toEqual(['a', 'bc']);
    batches[1]!.end();
    expect(await Promise.all(answers)).toEqual(['A', 'B', 'C']);
  });

  it('has so many batches under way, and counts items by their size', async () => {
    const { batcher, batches, items } = openBatcher({ flightsMax: 2, isAtOnce: true, sizeOf: (item) => item.length });
    const answers = ['a', 'bb', 'cccc', 'd', 'ee', 'f'].map((item) => batcher.add(item));
    expect(items()).toEqual(['a', 'bb']);
    for (let at = 0; at < 5; at += 1) {
      batches[at]?.end();
      await turn();
    }
    expect(items()).toEqual(['a', 'bb', 'cccc', 'dee', 'f']);
    expect((await Promise.all(answers)).join(' ')).toBe('A BB CCCC D EE F');
  });

  it('fails all of a batch that fails, and none of the next', async () => {
    const { batcher, batches } = openBatcher();
    const failing = [batcher.add('a'), batcher.add('b')];
    await turn();
    const next = batcher.add('c');
    batches[0]!.end(new Error('no'));
    expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await turn();
    batches[1]!.end();
    expect(await next).toBe('C');
  });
});
