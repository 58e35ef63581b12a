import type { WorkOptions } from 'pg-boss';
import { PgBoss } from 'pg-boss';
import type { Contender } from './contender.ts';
import { openPool } from './pool.ts';

/** pg-boss with `concurrency` workers in this process, set up as these options say. */
function createBoss(name: string, setting: string, options: WorkOptions): Contender {
  return {
    name,
    setting,
    async open({ url, concurrency }) {
      const pool = openPool(url, 2);
      const queue = new PgBoss({ connectionString: url, max: concurrency + 4, supervise: false, schedule: false });
      queue.on('error', () => undefined);
      await queue.start();
      await queue.createQueue('empty');
      return {
        shapes: ['empty'],
        create: async () => void (await queue.send('empty', { to: 'somebody' })),
        work: async () =>
          void (await queue.work('empty', { ...options, localConcurrency: concurrency }, async () => undefined)),
        rest: () => queue.offWork('empty'),
        async waiting() {
          const { rows } = await pool.query(`SELECT count(*)::int AS count FROM pgboss.job WHERE state < 'completed'`);
          return rows[0].count as number;
        },
        async close() {
          await queue.stop({ graceful: false });
          await pool.end();
        },
      };
    },
  };
}

/** pg-boss as it comes: each worker takes one job, then waits until two seconds are over. */
export const boss: Contender = createBoss('pg-boss', 'default, polls at 2 s', {});

/**
 * pg-boss as quick as it is documented to be: as long as batches come back full there is no pause, and one statement completes
 * a batch. Of 600 jobs on 2026-11-21, load 4: batches of 10, 50, 200 and a loop of `fetch` and `complete` by hand create and
 * complete 900 to 1,200 a second, and complete 7,000 to 20,000 that are there; woken by NOTIFY it is 340 to 750, since each
 * creation then waits for the others' notices.
 */
export const bossInBursts: Contender = createBoss('pg-boss in bursts', 'batches of 50', {
  batchSize: 50,
  burstWhenBatchFull: true,
  pollingIntervalSeconds: 0.5,
});
