import { describe, expect, it } from 'vitest';
import { createProject, nextProject } from '../../core/access/project.ts';
import { createMemoryStore } from '../../stores/memory/index.ts';
import { readRunMode } from './project-mode.ts';

const run = { rootRunId: 'r', sessionId: null, isShadow: false };

describe('the mode of a project', () => {
  it('holds for its runs, and a change of it within a second', async () => {
    const store = createMemoryStore();
    await store.initialize();
    const { directory } = store;
    let nowMs = 0;
    const clock = { nowMs: () => 0, monotonicMs: () => nowMs };
    const modeOf = async (projectId: string): Promise<string> =>
      (await readRunMode({ directory, clock }, projectId))(run);
    const shop = createProject({ id: 'shop', nowMs: 0 });
    await directory.putProject(nextProject(shop, { mode: 'live' }));
    expect([await modeOf('default'), await modeOf('shop'), await modeOf('unmade')]).toEqual(['live', 'live', 'shadow']);
    await directory.putProject(shop);
    nowMs = 1000;
    expect(await modeOf('shop')).toBe('shadow');
  });

  it('that cannot be read makes no run live, and is asked for again', async () => {
    const store = createMemoryStore();
    await store.initialize();
    let isBroken = true;
    const directory = {
      ...store.directory,
      getProject: (id: string) => (isBroken ? Promise.reject(new Error('gone')) : store.directory.getProject(id)),
    };
    const clock = { nowMs: () => 0, monotonicMs: () => 0 };
    await expect(readRunMode({ directory, clock }, 'default')).rejects.toThrow('gone');
    isBroken = false;
    expect((await readRunMode({ directory, clock }, 'default'))(run)).toBe('live');
    expect((await readRunMode({ directory, clock }, 'default', true))(run)).toBe('shadow');
  });
});
