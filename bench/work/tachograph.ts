import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWork } from '../../src/cli/work/open-work.ts';
import type { Worker } from '../../src/cli/work/open-work.ts';
import type { Contender } from './contender.ts';
import { openPool } from './pool.ts';

/** Ours: every transition writes its events, chained; runs are looked at afterwards in the views. */
export const tachograph: Contender = {
  name: 'tachograph',
  setting: 'default',
  async open({ url, concurrency }) {
    const home = mkdtempSync(join(tmpdir(), 'tachograph-bench-home-'));
    const pool = openPool(url, 1);
    const secret = randomBytes(32).toString('hex');
    const work = await openWork({ home, database: url, secret, variables: { TACHOGRAPH_DATABASE_DIRECT_URL: url } });
    let worker: Worker | null = null;
    return {
      shapes: ['empty', 'two-step'],
      create: async (shape) => void (await work.createRun({ agentId: shape, input: { to: 'somebody' } })),
      async work() {
        worker = work.createWorker({
          concurrency,
          agents: {
            empty: async () => undefined,
            'two-step': async (_run, context) => {
              const first = await context.step('first', () => 1);
              return context.step('second', { input: { first } }, () => first + 1);
            },
          },
        });
        await worker.start();
      },
      async rest() {
        await worker?.stop({ graceMs: 1000 });
        worker = null;
      },
      async waiting() {
        const { rows } = await pool
          .query(
            `BEGIN; SELECT set_config('tachograph.project', 'default', true), set_config('search_path', 'tachograph', true);
           SELECT count(*)::int AS count FROM work WHERE state IN ('pending', 'running', 'waiting_tool', 'waiting_approval'); COMMIT`,
          )
          .then((answers) => (answers as unknown as { rows: { count: number }[] }[])[2]!);
        return rows[0]!.count;
      },
      async close() {
        await work.close();
        await pool.end();
        rmSync(home, { recursive: true, force: true });
      },
    };
  },
};
