import { join } from 'node:path';
import { hostileRun } from './hostile-run.ts';
import { largeRun, pastRuns } from './many-runs.ts';
import { workingRun } from './working-run.ts';
import { beginStep, endRun, endStep, liveRun } from './live.ts';
import { startFixtureServer } from './server.ts';

/** Serves the built viewer with fixtures and a run that keeps growing. Usage: node web/dev/main.ts [port] [empty] */
const nowMs = Date.now();
const isEmpty = process.argv[3] === 'empty';
const fixtures = isEmpty
  ? []
  : [
      ...workingRun(nowMs - 90_000),
      hostileRun(nowMs - 150_000),
      largeRun(nowMs - 86_400_000 * 2, 100_000),
      ...pastRuns(nowMs, 400),
    ];
const server = await startFixtureServer(
  fixtures,
  join(import.meta.dirname, '../../dist/web'),
  Number(process.argv[2] ?? 7231),
);
process.stdout.write(`${server.url}\n`);

if (!isEmpty) {
  let live = liveRun(Date.now());
  server.fixtures.set(live.run.id, live);
  setInterval(() => {
    const last = live.steps.at(-1);
    if (live.steps.length >= 20 && last?.status === 'completed') {
      endRun(live, Date.now());
      server.announce(live);
      live = liveRun(Date.now());
      server.fixtures.set(live.run.id, live);
    } else if (last?.status === 'in_progress') endStep(live, Date.now());
    else beginStep(live, Date.now());
    server.announce(live);
  }, 1500);
}
