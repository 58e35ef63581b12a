import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect } from 'vitest';
import { onPostgres, runSql } from '../../../test/postgres/cluster.ts';
import { createWorld, errorOf, toBatch, worldStartMs } from '../../testing/index.ts';
import { compactPostgres, createPostgresStore } from './index.ts';

const weekMs = 7 * 24 * 3600 * 1000;
const pastMs = worldStartMs - 20 * weekMs;

/** Files of the tables, not of the log, that hold a word. */
function filesWith(folder: string, word: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return name === 'pg_wal' ? [] : filesWith(path, word);
    return readFileSync(path).includes(word) ? [path] : [];
  });
}

describe('purge and erasure in PostgreSQL', () => {
  const { cluster, it } = onPostgres();

  const partitionsOf = async (url: string): Promise<string[]> => {
    const rows = await runSql(
      url,
      `SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'tachograph'::regnamespace AND c.relispartition AND c.relkind = 'r' ORDER BY 1`,
    );
    return rows.map((row) => String(row['relname'])).filter((name) => name.startsWith('words_'));
  };

  it('drops the partitions of a week with its last run, of whatever project', async () => {
    const { url, superUrl } = await cluster().createDatabase();
    const store = createPostgresStore({ url, idleMs: 0 });
    await store.initialize();
    for (const projectId of ['one', 'two']) {
      const world = createWorld();
      for (const at of [0, 1, 2])
        await store.importBatch(
          toBatch(
            world
              .run({ timeMs: pastMs + at })
              .step({ messages: [`words ${at}`] })
              .end()
              .take(),
            projectId,
          ),
        );
      await store.importBatch(
        toBatch(
          world
            .run({ timeMs: pastMs + weekMs })
            .step({ messages: ['later'] })
            .end()
            .take(),
          projectId,
        ),
      );
    }
    expect(await partitionsOf(superUrl)).toHaveLength(3);
    const purge = (projectId: string, limit: number) => store.purge({ projectId, beforeMs: pastMs + weekMs, limit });
    expect(await purge('one', 2)).toBe(2);
    expect(await purge('one', 2)).toBe(1);
    expect(await store.search('one', 'words')).toEqual([]);
    // The other project still needs the week, so rows went one by one.
    expect(await partitionsOf(superUrl)).toHaveLength(3);
    const left = await runSql(
      superUrl,
      `SELECT DISTINCT project_key FROM tachograph.words WHERE epoch = (SELECT min(epoch) FROM tachograph.words)`,
    );
    expect(left).toHaveLength(1);
    expect((await store.search('two', 'words')).length).toBe(3);
    expect(await purge('two', 10)).toBe(3);
    expect(await partitionsOf(superUrl)).toHaveLength(2);
    expect(await runSql(superUrl, 'SELECT 1 FROM tachograph.leaving')).toEqual([]);
    for (const projectId of ['one', 'two']) expect((await store.search(projectId, 'later')).length).toBe(1);
    // The week may come back.
    await store.importBatch(
      toBatch(
        createWorld()
          .run({ timeMs: pastMs })
          .step({ messages: ['words'] })
          .end()
          .take(),
        'one',
      ),
    );
    expect((await store.search('one', 'words')).length).toBe(1);
    expect(await partitionsOf(superUrl)).toHaveLength(3);
    await store.close();
  });

  it('drops no week into which another process is importing', async () => {
    const { url, superUrl } = await cluster().createDatabase();
    const stores = [createPostgresStore({ url, idleMs: 5 }), createPostgresStore({ url, idleMs: 5 })] as const;
    for (const store of stores) await store.initialize();
    const world = createWorld();
    const runs = Array.from({ length: 40 }, (_, at) =>
      world
        .run({ timeMs: pastMs + at })
        .step({ messages: ['same', `own ${at}`], output: ['same'] })
        .end(),
    );
    let isDone = false;
    let purged = 0;
    const purging = (async () => {
      while (!isDone)
        purged += await stores[1].purge({
          projectId: 'default',
          beforeMs: pastMs + weekMs,
          limit: 3,
          isForgotten: true,
        });
    })();
    for (const run of runs) await stores[0].importBatch(toBatch(run.entries));
    isDone = true;
    await purging;
    const { items } = await stores[0].listRuns('default', {}, { limit: 500 });
    expect(items.length + purged).toBe(runs.length);
    expect(purged).toBeGreaterThan(0);
    for (const { id } of items) {
      expect((await stores[0].listEvents('default', id)).length).toBe(4);
      expect(await stores[0].rebuildRun('default', id)).toEqual([]);
    }
    await stores[0].purge({ projectId: 'default', beforeMs: pastMs + weekMs, limit: 500 });
    for (const table of [
      'event_packs',
      'steps',
      'contents',
      'content_blocks',
      'nodes',
      'content_use',
      'context_use',
      'words',
      'writers',
      'leaving',
    ])
      expect(await runSql(superUrl, `SELECT count(*)::int AS count FROM tachograph.${table}`), table).toEqual([
        { count: 0 },
      ]);
    for (const store of stores) await store.close();
  });

  it('lets no import name what is just being removed', async () => {
    const { url, superUrl } = await cluster().createDatabase();
    const store = createPostgresStore({ url, waits: { lockMs: 100 } });
    await store.initialize();
    const run = createWorld().run();
    await store.importBatch(toBatch(run.take()));
    const remover = new pg.Client({ connectionString: superUrl });
    await remover.connect();
    await remover.query(`SELECT pg_advisory_lock(hashtext('tachograph.contents'), key) FROM tachograph.projects`);
    await expect(store.importBatch(toBatch(run.step().take()))).rejects.toMatchObject({ code: 'store-busy' });
    await remover.end();
    await store.importBatch(toBatch(run.step().take()));
    await store.close();
  });

  it('leaves no erased word in a table once it was compacted', async () => {
    const { url, ownerUrl, superUrl } = await cluster().createDatabase();
    const store = createPostgresStore({ url, idleMs: 0 });
    await store.initialize();
    const world = createWorld();
    const build = (word: string) =>
      world
        .run({ agentId: word, callerId: `${word}caller`, name: word, labels: { [word]: word } })
        .step({ messages: ['shared', `${word} question`], output: [`${word} answer`], body: { word } })
        .step({ kind: 'tool', name: word, args: { word }, result: word })
        .step({ status: 'error', error: errorOf(word) })
        .end('error', { error: errorOf(word), output: word });
    const erased = build('quetzalcoatl');
    const kept = build('tenochtitlan');
    await store.importBatch(toBatch([...erased.take(), ...kept.take()]));
    await store.search('default', 'shared');
    await runSql(superUrl, 'CHECKPOINT');
    const data = join(cluster().folder, 'data');
    expect(filesWith(data, 'quetzalcoatl').length).toBeGreaterThan(1);
    await store.eraseRun('default', erased.id);
    expect(await store.search('default', 'quetzalcoatl')).toEqual([]);
    await compactPostgres({ url: ownerUrl });
    await runSql(superUrl, 'CHECKPOINT');
    expect(filesWith(data, 'quetzalcoatl')).toEqual([]);
    expect(filesWith(data, 'tenochtitlan').length).toBeGreaterThan(1);
    expect((await store.search('default', 'tenochtitlan')).length).toBeGreaterThan(3);
    await store.close();
  });
});
