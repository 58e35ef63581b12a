import pg from 'pg';
import { describe, expect } from 'vitest';
import { onPostgres } from '../../../../test/postgres/cluster.ts';
import { toSleep } from '../../../core/work/transition.ts';
import { createWorkWorld, pause } from '../../../testing/work/work-world.ts';
import { createPostgresStore } from '../index.ts';

/* What two transactions do to each other, with one of them held open by hand. */
describe('locks of runs as work in PostgreSQL', () => {
  const { cluster, it } = onPostgres();

  async function open() {
    const { url, superUrl } = await cluster().createDatabase();
    const store = createPostgresStore({ url });
    await store.initialize();
    const hand = new pg.Client({ connectionString: superUrl });
    await hand.connect();
    await hand.query('BEGIN');
    const close = async () => {
      await hand.end();
      await store.close();
    };
    return { world: createWorkWorld(store), hand, close };
  }

  it('lets a claim pass by what another has locked, and wait for nothing', async () => {
    const { world, hand, close } = await open();
    const ids = await world.create(3);
    await hand.query('SELECT FROM tachograph.work WHERE run_id = $1 FOR UPDATE', [ids[0]]);
    expect((await world.claim({ limit: 1 })).map(({ row }) => row.runId)).toEqual([ids[1]]);
    // Of several agents as well.
    expect((await world.claim({ limit: 1, roomByAgent: { agent: 1, other: 1 } })).map(({ row }) => row.runId)).toEqual([
      ids[2],
    ]);
    await hand.query('COMMIT');
    expect((await world.claim({ limit: 1 })).map(({ row }) => row.runId)).toEqual([ids[0]]);
    await close();
  });

  it('lets a signal wait for whoever puts the run to sleep, and wakes it then', async () => {
    const { world, hand, close } = await open();
    const [runId] = await world.create(1);
    await world.claim();
    await hand.query(
      `UPDATE tachograph.work SET state = 'pending', waiting_for = 'n', lease_expires_at_ms = NULL, worker_id = NULL WHERE run_id = $1`,
      [runId],
    );
    const signal = { id: 's', runId: runId!, name: 'n', sealed: Uint8Array.of(1), sentAtMs: 1 };
    const sent = world.work.putSignal('default', signal);
    await pause(100);
    await hand.query('COMMIT');
    expect(await sent).toBe(true);
    expect((await world.row(runId!)).queueAtMs).not.toBeNull();
    await close();
  });

  it('lets whoever puts a run to sleep see the signal that it has waited for', async () => {
    const { world, hand, close } = await open();
    const [runId] = await world.create(1);
    const [claimed] = await world.claim();
    await hand.query('SELECT FROM tachograph.work WHERE run_id = $1 FOR UPDATE', [runId]);
    await hand.query(
      `INSERT INTO tachograph.work_signals (project_key, run_id, id_key, id, name, sealed, sent_at_ms)
       SELECT key, $1, 's', 's', 'n', '\\x01', 1 FROM tachograph.projects`,
      [runId],
    );
    const sleep = toSleep(claimed!.row, { untilMs: null, signal: 'n' });
    const made = world.work.change('default', [world.toChange(claimed!.row, sleep)]);
    await pause(100);
    await hand.query('COMMIT');
    expect(await made).toEqual([true]);
    expect((await world.row(runId!)).queueAtMs).not.toBeNull();
    await close();
  });
});
