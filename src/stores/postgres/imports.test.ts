import { hash } from 'node:crypto';
import { describe, expect } from 'vitest';
import { onPostgres, runSql } from '../../../test/postgres/cluster.ts';
import type { JournalEntry } from '../../core/journal.ts';
import type { Store } from '../../core/store.ts';
import { createMemoryStore } from '../memory/index.ts';
import { createWorld, errorOf, toBatch, usageOf } from '../../testing/index.ts';
import { createPostgresStore } from './index.ts';

/** Runs that share contents and contexts, each written by two processes. */
function buildEntries(): { all: JournalEntry[]; runIds: string[] } {
  const world = createWorld();
  const all: JournalEntry[] = [];
  const runIds: string[] = [];
  for (let index = 0; index < 12; index += 1) {
    const run = world.run({ agentId: `agent ${index % 3}`, labels: { index: String(index) } });
    const other = run.writer('b'.repeat(16));
    for (let turn = 0; turn < 4; turn += 1) {
      run.step({
        messages: ['system', ...Array.from({ length: turn }, (_, at) => `shared turn ${at}`), `question ${index}`],
        output: [`answer ${turn}`],
        usage: usageOf(turn, 1),
        body: { turn },
      });
      other.step({ kind: 'tool', args: { turn }, status: 'error', error: errorOf('failed') });
    }
    run.end();
    all.push(...run.take(), ...other.take());
    runIds.push(run.id);
  }
  return { all, runIds };
}

async function viewsOf(store: Store, runIds: readonly string[]) {
  const views: unknown[] = [];
  for (const id of runIds) {
    // The order in which writers are merged depends on who comes first; what does not is compared.
    const { lastSeq: _lastSeq, summary: _summary, ...run } = await store.getRun('default', id);
    const steps = await store.listSteps('default', id);
    const contexts = await Promise.all(
      steps
        .filter((step) => step.contextNodeId !== null)
        .map(async (step) =>
          (await store.readContext('default', id, step.contextNodeId!)).map((content) => content.id),
        ),
    );
    views.push({
      run,
      steps: steps.map((step) => [step.id, step.status, step.usage]).sort(),
      contexts: contexts.sort(),
      attempts: (await store.listAttempts('default', id)).length,
      writers: (await store.listWriters('default', id))
        .map(({ writerId, n, missing }) => [writerId, n, missing])
        .sort(),
      events: (await store.listEvents('default', id)).map((event) => event.seq),
    });
  }
  return views;
}

describe('imports into PostgreSQL', () => {
  const { cluster, it } = onPostgres();

  it('gives the same whoever imports, and however many at the same time', async () => {
    const { all, runIds } = buildEntries();
    const memory = createMemoryStore();
    await memory.initialize();
    await memory.importBatch(toBatch(all));
    const { url } = await cluster().createDatabase();
    const stores = Array.from({ length: 4 }, () => createPostgresStore({ url, poolMax: 2, idleMs: 20 }));
    await Promise.all(stores.map((store) => store.initialize()));
    const chunks = Array.from({ length: Math.ceil(all.length / 7) }, (_, at) => all.slice(at * 7, at * 7 + 7));
    // Each importer has every chunk to import, from another place on; the first that comes to it does it.
    const results = await Promise.all(
      stores.map(async (store, place) => {
        let events = 0;
        for (let at = 0; at < chunks.length; at += 1) {
          const chunk = chunks[(at + place * 5) % chunks.length]!;
          events += (await store.importBatch(toBatch(chunk))).events;
        }
        return events;
      }),
    );
    expect(results.reduce((sum, events) => sum + events, 0)).toBe(all.length);
    expect(results.filter((events) => events > 0).length).toBeGreaterThan(1);
    const [store] = stores;
    // Chunks came out of order, so previews of contents that were not there yet are made now.
    for (const id of runIds) await store!.rebuildRun('default', id);
    expect(await viewsOf(store!, runIds)).toEqual(await viewsOf(memory, runIds));
    expect((await store!.search('default', '"shared turn"')).length).toBe(
      (await memory.search('default', '"shared turn"')).length,
    );
    for (const id of runIds) expect(await store!.rebuildRun('default', id)).toEqual([]);
    await Promise.all(stores.map((each) => each.close()));
  });

  it('keeps names of any length and any character, and finds runs by them', async () => {
    const { url } = await cluster().createDatabase();
    const store = createPostgresStore({ url });
    await store.initialize();
    // One that no compression makes fit for an index.
    const digests = Array.from({ length: 200 }, (_, at) => hash('sha256', String(at)));
    const names = [digests.join(''), 'é'.repeat(5000), 'nul\u0000and\uffffmore\uffff0', '\u{10ffff}', "';--", '%_\\'];
    const world = createWorld();
    for (const name of names) {
      const run = world.run({ agentId: name, callerId: name, labels: { [name]: name }, name });
      await store.importBatch(
        toBatch(
          run
            .step({ model: name, messages: [name] })
            .end()
            .take(),
        ),
      );
      const view = await store.getRun('default', run.id);
      expect([view.agentId, view.callerId, view.name, view.labels]).toEqual([name, name, name, { [name]: name }]);
      expect(await store.countRuns('default', { agentId: name, labels: { [name]: name } })).toBe(1);
      expect([...(await store.lastRunPerAgent('default', [name])).keys()]).toEqual([name]);
      expect((await store.listSteps('default', run.id))[0]!.requestedModel).toBe(name);
      expect(await store.rebuildRun('default', run.id)).toEqual([]);
    }
    expect((await store.listAgents('default')).map(({ agentId }) => agentId).sort()).toEqual([...names].sort());
    await store.close();
  });

  it('takes what a forged journal says of its week, without a table for each', async () => {
    const { url, superUrl } = await cluster().createDatabase();
    const store = createPostgresStore({ url });
    await store.initialize();
    const world = createWorld();
    for (const epoch of [-1, 0, 2399, 2965, 499_999]) {
      const run = world.run().step({ messages: [`week ${epoch}`] });
      await store.importBatch(toBatch(run.take().map((entry) => ({ ...entry, epoch }))));
      expect((await store.listEvents('default', run.id)).length).toBe(3);
      const step = await store.getStep('default', run.id, 1);
      expect((await store.readContext('default', run.id, step.contextNodeId!)).length).toBe(1);
      await store.eraseRun('default', run.id);
    }
    expect(await store.search('default', 'week')).toEqual([]);
    await store.close();
    const [count] = await runSql(
      superUrl,
      `SELECT count(*)::int AS count FROM pg_inherits WHERE inhparent = 'tachograph.writers'::regclass`,
    );
    expect(count).toEqual({ count: 2 });
  });
});
