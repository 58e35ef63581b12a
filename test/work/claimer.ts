import { openSqliteStore } from '../../src/stores/sqlite/index.ts';
import { createWorkWorld } from '../../src/testing/work/work-world.ts';

/** Takes and ends runs of a file until none is left, and says which it had. */
const store = openSqliteStore({ file: process.argv[2]!, busyMs: 20_000 });
await store.initialize();
const world = createWorkWorld(store);
const taken: string[] = [];
for (;;) {
  const claimed = await world.claim({ limit: 7, workerId: `worker ${process.pid}` });
  if (claimed.length === 0) break;
  taken.push(...claimed.map(({ row }) => row.runId));
  const made = await world.work.change('default', await Promise.all(claimed.map(({ row }) => world.end(row))));
  if (made.some((each) => !each)) throw new Error('An end under a lease was refused.');
}
await world.work.file('default');
await store.close();
process.send!(taken);
