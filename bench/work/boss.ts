import { PgBoss } from 'pg-boss';
import type { Contender } from './contender.ts';
import { openPool } from './pool.ts';

/** pg-boss, polling every half second at least, `concurrency` jobs at a time. */
export const boss: Contender = {
  name: 'pg-boss',
  setting: 'localConcurrency',
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
        void (await queue.work(
          'empty',
          { pollingIntervalSeconds: 0.5, localConcurrency: concurrency },
          async () => undefined,
        )),
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
