import { DBOS } from '@dbos-inc/dbos-sdk';
import type { Contender } from './contender.ts';
import { openPool } from './pool.ts';

/** DBOS: workflows begun in this process, each step written when it is done. */
export const dbos: Contender = {
  name: 'DBOS',
  setting: 'in process',
  async open({ url, concurrency }) {
    const pool = openPool(url, 2);
    DBOS.setConfig({
      name: 'bench',
      systemDatabaseUrl: url,
      systemDatabasePoolSize: concurrency + 4,
      logLevel: 'error',
    });
    const empty = DBOS.registerWorkflow(async () => undefined, { name: `empty-${Math.random()}` });
    const twoStep = DBOS.registerWorkflow(
      async () => {
        const first = await DBOS.runStep(async () => 1, { name: 'first' });
        return DBOS.runStep(async () => first + 1, { name: 'second' });
      },
      { name: `two-step-${Math.random()}` },
    );
    await DBOS.launch();
    return {
      shapes: ['empty', 'two-step'],
      // A workflow runs in the process that begins it, so that its end is part of the call.
      create: async (shape) => {
        const handle = await DBOS.startWorkflow(shape === 'empty' ? empty : twoStep)();
        await (handle.getResult() as Promise<unknown>);
      },
      work: async () => undefined,
      rest: async () => undefined,
      async waiting() {
        const { rows } = await pool.query(
          `SELECT count(*)::int AS count FROM dbos.workflow_status WHERE status = 'PENDING'`,
        );
        return rows[0].count as number;
      },
      async close() {
        await DBOS.shutdown();
        await pool.end();
      },
    };
  },
};
