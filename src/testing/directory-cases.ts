import assert from 'node:assert/strict';
import { createKey, keyRandomBytes, toApiKey } from '../core/access/key.ts';
import { createProject, nextProject } from '../core/access/project.ts';
import type { SuiteContext } from './store-suite.ts';

const pepper = Buffer.alloc(32, 1);

function keyOf(projectId: string, mark: number, nowMs: number) {
  const random = Buffer.alloc(keyRandomBytes, mark);
  return createKey({ projectId, name: `key ${mark}`, scopes: ['read', 'run'], nowMs, random, pepper }).stored;
}

/** Projects and keys: kept, changed in place, each seen by its own project only. */
export function describeDirectory({ api: { describe, it }, withStore, reopen }: SuiteContext): void {
  describe('directory', () => {
    it(
      'has the default project, live, without anybody making it, and no key',
      withStore(async ({ directory }) => {
        assert.deepEqual(await directory.listProjects(), [createProject({ id: 'default', nowMs: 0 })]);
        assert.equal(await directory.getProject('shop'), null);
        assert.equal(await directory.hasKeys(), false);
      }),
    );

    it(
      'keeps projects and changes them in place',
      withStore(async ({ directory }) => {
        const shop = createProject({ id: 'shop', name: 'The "shop"; DROP TABLE', nowMs: 5 });
        await directory.putProject(shop);
        assert.deepEqual(await directory.getProject('shop'), shop);
        const changed = nextProject(shop, { mode: 'canary', canaryPercent: 5, retentionDays: 0, status: 'suspended' });
        await directory.putProject(changed);
        await directory.putProject(nextProject(createProject({ id: 'default', nowMs: 0 }), { name: 'Ours' }));
        assert.deepEqual(
          (await directory.listProjects()).map(({ id, name }) => [id, name]),
          [
            ['default', 'Ours'],
            ['shop', shop.name],
          ],
        );
        assert.deepEqual(await directory.getProject('shop'), changed);
      }),
    );

    it(
      'keeps keys, each found by its own project only',
      withStore(async ({ directory }) => {
        await directory.putProject(createProject({ id: 'shop', nowMs: 1 }));
        const [first, second, other] = [keyOf('shop', 2, 10), keyOf('shop', 1, 20), keyOf('default', 3, 5)];
        for (const key of [second, first, other]) await directory.putKey(key);
        assert.equal(await directory.hasKeys(), true);
        assert.deepEqual(await directory.findKey('shop', first.id), first);
        assert.equal(await directory.findKey('default', first.id), null);
        assert.equal(await directory.findKey('shop', other.id), null);
        assert.equal(await directory.findKey('none', 'none.000000000000'), null);
        assert.deepEqual(await directory.listKeys('shop'), [toApiKey(first), toApiKey(second)]);
        await directory.putKey({ ...first, revokedAtMs: 30, expiresAtMs: 40 });
        await directory.putKey({ ...first, revokedAtMs: null, expiresAtMs: 40 });
        assert.deepEqual(await directory.listKeys('shop'), [
          { ...toApiKey(first), revokedAtMs: 30, expiresAtMs: 40 },
          toApiKey(second),
        ]);
      }),
    );

    it(
      'keeps ended sessions until they expire, each for its own project only',
      withStore(async ({ directory }) => {
        await directory.putProject(createProject({ id: 'shop', nowMs: 1 }));
        const areEnded = async (): Promise<boolean[]> => [
          await directory.isSessionEnded('shop', 'a'),
          await directory.isSessionEnded('shop', 'b'),
          await directory.isSessionEnded('default', 'a'),
          await directory.isSessionEnded('none', 'a'),
        ];
        assert.deepEqual(await areEnded(), [false, false, false, false]);
        await directory.endSession('shop', { id: 'a', expiresAtMs: 100 }, 5);
        await directory.endSession('shop', { id: 'a', expiresAtMs: 100 }, 6);
        assert.deepEqual(await areEnded(), [true, false, false, false]);
        await directory.endSession('shop', { id: 'b', expiresAtMs: 200 }, 99);
        assert.deepEqual(await areEnded(), [true, true, false, false]);
        await directory.endSession('shop', { id: 'c', expiresAtMs: 300 }, 100);
        assert.deepEqual(await areEnded(), [false, true, false, false]);
      }),
    );

    if (reopen !== null)
      it(
        'has them again when it is opened anew',
        withStore(async (store) => {
          const key = keyOf('shop', 4, 1);
          await store.directory.putProject(createProject({ id: 'shop', nowMs: 1 }));
          await store.directory.putKey(key);
          await store.directory.endSession('shop', { id: 'a', expiresAtMs: 100 }, 5);
          const again = await reopen(store);
          try {
            await again.initialize();
            assert.deepEqual(await again.directory.findKey('shop', key.id), key);
            assert.equal((await again.directory.listProjects()).length, 2);
            assert.equal(await again.directory.isSessionEnded('shop', 'a'), true);
          } finally {
            await again.close();
          }
        }),
      );
  });
}
