import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/stores/sqlite/index.ts';
import { createWorkWorld } from '../../src/testing/work/work-world.ts';

const folder = mkdtempSync(join(tmpdir(), 'tachograph-work-processes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('processes on one SQLite file', () => {
  it('share a queue: each run is one’s, and all of them are in the views', async () => {
    const file = join(folder, 'one.db');
    const store = openSqliteStore({ file });
    await store.initialize();
    const world = createWorkWorld(store);
    const ids = await world.create(400);
    await store.close();
    const shares = await Promise.all(
      [1, 2].map(
        () =>
          new Promise<string[]>((resolve, reject) => {
            const child = fork(join(import.meta.dirname, 'claimer.ts'), [file], {
              stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
            });
            child.on('message', (taken) => resolve(taken as string[]));
            child.on('exit', (code) => reject(new Error(`It ended with ${code}.`)));
          }),
      ),
    );
    expect(shares.flat().toSorted()).toEqual(ids.toSorted());
    const again = openSqliteStore({ file });
    await again.initialize();
    await again.work!.file('default');
    for (const id of ids) {
      const types = (await again.listEvents('default', id)).map(({ header }) => header.type);
      expect(types).toEqual(['run-create', 'run-start', 'run-end']);
    }
    await again.close();
  });
});
