import { expect, it } from 'vitest';
import { createErasureCounts } from './reception.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

it('asks for a project’s count of erasures once for batches that come together, and again for later ones', async () => {
  const asked: string[] = [];
  const countByProject = new Map([
    ['one', 3],
    ['two', 5],
  ]);
  const countOf = createErasureCounts({
    async erasureCount(projectId) {
      asked.push(projectId);
      await pause(5);
      return countByProject.get(projectId)!;
    },
  });
  expect(await Promise.all([countOf('one'), countOf('two'), countOf('one')])).toEqual([3, 5, 3]);
  expect(asked).toEqual(['one', 'two']);
  countByProject.set('one', 4);
  await pause(150);
  expect([await countOf('one'), await countOf('two')]).toEqual([4, 5]);
});

it('tells the count known last while the store cannot be asked, and none where none is known', async () => {
  let isAway = true;
  const countOf = createErasureCounts({
    erasureCount: async () => {
      if (isAway) throw new Error('away');
      return 7;
    },
  });
  expect(await countOf('one')).toBe(-1);
  isAway = false;
  expect(await countOf('two')).toBe(7);
  isAway = true;
  await pause(150);
  expect(await countOf('two')).toBe(7);
});

it('holds no batch back for long when the store does not answer', async () => {
  const countOf = createErasureCounts({ erasureCount: () => new Promise(() => undefined) });
  expect(await countOf('one')).toBe(-1);
  // Not asked again at once.
  expect(await Promise.race([countOf('one'), pause(500).then(() => 'late')])).toBe(-1);
});
