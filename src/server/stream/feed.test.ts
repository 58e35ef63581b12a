import { expect, it } from 'vitest';
import { createMemoryJournal } from '../../core/memory-journal.ts';
import { createRecorder } from '../../core/record/recorder.ts';
import { createMemoryStore } from '../../stores/memory/index.ts';
import { createFeed } from './feed.ts';

it('a feed looks at once when it hears that somebody wrote, however seldom it asks by itself', async () => {
  const store = createMemoryStore();
  await store.initialize();
  const stirs = new Set<() => void>();
  const news = {
    subscribe: () => () => undefined,
    stirred: (listener: () => void) => {
      stirs.add(listener);
      return () => void stirs.delete(listener);
    },
  };
  const onError = (error: unknown): never => {
    throw error;
  };
  const feed = createFeed({ id: 'f', store, projectId: 'default', news, pollMs: 2 ** 30, onError });
  const woken: (() => void)[] = [];
  const stop = await feed.watchAll(() => woken.shift()?.());
  const journal = createMemoryJournal();
  const recorder = createRecorder({ journal });
  for (let round = 0; round < 3; round += 1) {
    const heard = new Promise<void>((resolve) => void woken.push(resolve));
    await recorder.run({ agentId: 'elsewhere' }, () => undefined);
    // The first ring comes before the write is there, as one of another write may.
    for (const stir of stirs) stir();
    await store.importBatch({ projectId: 'default', entries: journal.take(), position: null });
    for (const stir of stirs) stir();
    await heard;
  }
  expect(feed.after(0)).toHaveLength(3);
  stop();
  feed.close();
  expect(stirs.size).toBe(0);
});
