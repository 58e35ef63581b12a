import { describe, expect, it as test } from 'vitest';
import { onPostgres, runSql } from '../../../../test/postgres/cluster.ts';
import { createWorld, toBatch } from '../../../testing/index.ts';
import { createPostgresStore } from '../index.ts';
import { createIdleFrom } from './idle.ts';

describe('idle moments in PostgreSQL', () => {
  const { cluster, it } = onPostgres();

  it('indexes and packs what a process that ended left behind', async () => {
    const { url, superUrl } = await cluster().createDatabase();
    const never = 1_000_000;
    const first = createPostgresStore({ url, idleMs: never });
    await first.initialize();
    const run = createWorld().run();
    for (let turn = 0; turn < 6; turn += 1) {
      run.step({ messages: [`walrus ${turn} ${'x'.repeat(400)}`], body: { turn } });
      await first.importBatch(toBatch(run.take()));
    }
    await first.importBatch(toBatch(run.end().take()));
    const before = [await first.listEvents('default', run.id), await first.listAttempts('default', run.id)];
    await first.close();
    const left = `SELECT (SELECT count(*) FROM tachograph.word_queue)::int AS words, (SELECT count(*) FROM tachograph.packing)::int AS runs,
      (SELECT count(*) FROM tachograph.event_packs)::int AS packs`;
    expect((await runSql(superUrl, left))[0]).toMatchObject({ runs: 1, packs: 7 });
    const second = createPostgresStore({ url, idleMs: 1 });
    await second.initialize();
    const done = { words: 0, runs: 0, packs: 1 };
    for (let tries = 0; tries < 100; tries += 1) {
      if (JSON.stringify((await runSql(superUrl, left))[0]) === JSON.stringify(done)) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect((await runSql(superUrl, left))[0]).toEqual(done);
    expect([await second.listEvents('default', run.id), await second.listAttempts('default', run.id)]).toEqual(before);
    expect((await second.search('default', 'walrus')).length).toBe(6);
    await second.close();
  });
});

describe('what is noted', () => {
  test('while the same project is worked on is worked on after', async () => {
    const calls: (() => void)[] = [];
    const begun: (() => void)[] = [];
    const nextCall = (): Promise<void> => new Promise((resolve) => void begun.push(resolve));
    const idle = createIdleFrom(() => {
      begun.shift()?.();
      return new Promise((resolve) => void calls.push(resolve));
    }, 1);
    const first = nextCall();
    await idle.note('shop');
    await first;
    const second = nextCall();
    await idle.note('shop');
    calls.shift()!();
    await second;
    calls.shift()!();
    await idle.close();
    expect(calls).toEqual([]);
  });

  test('is worked on in the end by a store that is never still', async () => {
    let count = 0;
    const idle = createIdleFrom(() => {
      count += 1;
      return Promise.resolve();
    }, 1000);
    for (let tries = 0; count === 0 && tries < 1000; tries += 1) {
      await idle.note('shop');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(count).toBe(1);
    await idle.close();
  });

  test('is tried again when it failed', async () => {
    let tries = 0;
    const idle = createIdleFrom(() => {
      tries += 1;
      return tries === 1 ? Promise.reject(new Error('away')) : Promise.resolve();
    }, 1);
    await idle.note('shop');
    while (tries === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await idle.note('other');
    while (tries < 3) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(tries).toBe(3);
    await idle.close();
  });
});
