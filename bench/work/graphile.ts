import { Logger, makeWorkerUtils, run, type Runner } from 'graphile-worker';
import type { Contender } from './contender.ts';
import { openPool } from './pool.ts';

const quiet = new Logger(() => () => undefined);

/** graphile-worker as it comes: jobs are fetched one by one, no local queue; with `localQueue` in batches of its size. */
export function createGraphile(localQueueSize: number): Contender {
  return {
    name: localQueueSize < 0 ? 'graphile-worker' : `graphile-worker, queue ${localQueueSize}`,
    setting: localQueueSize < 0 ? 'default' : 'localQueue',
    async open({ url, concurrency }) {
      const pool = openPool(url, concurrency + 4);
      const utils = await makeWorkerUtils({ pgPool: pool, logger: quiet });
      await utils.migrate();
      let runner: Runner | null = null;
      return {
        shapes: ['empty'],
        create: async () => void (await utils.addJob('empty', { to: 'somebody' })),
        async work() {
          const shared = { pgPool: pool, concurrency, logger: quiet, noHandleSignals: true };
          const queue = localQueueSize < 0 ? {} : { preset: { worker: { localQueue: { size: localQueueSize } } } };
          runner = await run({ ...shared, ...queue, taskList: { empty: async () => undefined } });
        },
        async rest() {
          await runner?.stop();
          runner = null;
        },
        async waiting() {
          const { rows } = await pool.query('SELECT count(*)::int AS count FROM graphile_worker._private_jobs');
          return rows[0].count as number;
        },
        async close() {
          await utils.release();
          await pool.end();
        },
      };
    },
  };
}
