import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createWorker } from '../../../src/runtime/index.ts';
import { auditRuns, haveEnded } from '../work/checker.ts';
import type { OpenSite, Site } from '../work/site.ts';
import { openSite } from '../work/site.ts';
import type { Expected } from './checker.ts';
import { findRecordFaults, toExpected, withPlaces } from './checker.ts';
import { workAgents } from './recordings.ts';
import type { Cut, Scene } from './scene.ts';
import { filesLeft, placeCuts } from './scene.ts';
import { doWork } from './work-agent.ts';

/** How a home is opened whose workers are dead. */
export interface Resumption {
  /** Before a worker looks for runs, or behind it, when the leases of what is imported are long lost. */
  readonly importsFirst: boolean;
  /** The negative control: nobody knows what was done. */
  readonly forgetsSteps?: boolean;
}

/** Steps that the last lease of a run began, unless it is lost already: once, and ended as was told. */
async function findStepFaults({ opened }: OpenSite, of: Expected, runId: string): Promise<string[]> {
  const leased = of.scene.eventsBefore.get(runId)!.findLast(({ header }) => header.type.startsWith('run-st'));
  // Whatever a lost lease did counts no more (I9).
  if (leased?.header.type !== 'run-start') return [];
  const { tapes } = of.scene;
  const own = tapes.filter(({ whole }) => whole.frames.some((frame) => frame.runId === runId));
  // A later lease has a higher number, with which the ids of its writer begin.
  const last = own.toSorted((a, b) => (a.whole.frames[0]!.writerId < b.whole.frames[0]!.writerId ? 1 : -1))[0];
  const steps = await opened.store.listSteps('default', runId);
  const faults: string[] = [];
  for (const { writerId, what, stepId, status } of of.toldByRun.get(runId) ?? []) {
    if (writerId !== last?.writerId || stepId === undefined) continue;
    const found = steps.filter(({ id }) => id === stepId);
    if (found.length !== 1) faults.push(`run ${runId} has step ${stepId} ${found.length} times`);
    else if (what === 'end' && found[0]!.status !== status)
      faults.push(`run ${runId} acknowledged that step ${stepId} is ${status}, and says ${found[0]!.status}`);
  }
  return faults;
}

/** What was remembered was done once, and all of it was done. */
function findRepeats({ home }: Pick<Site, 'home'>, scene: Scene): string[] {
  const remembered = readFileSync(join(scene.home, 'remembered'), 'utf8').trim().split('\n');
  const done = readFileSync(join(home, 'done'), 'utf8').trim().split('\n');
  const countOf = (what: string): number => done.filter((line) => line === `did ${what}`).length;
  const faults = [...new Set(remembered)]
    .filter((what) => countOf(what) !== 1)
    .map((what) => `did ${what} ${countOf(what)} times, though it was remembered`);
  for (const runId of scene.runIds)
    for (const name of ['first', 'note', 'second', 'third'])
      if (countOf(`${name} ${runId}`) === 0) faults.push(`never did ${name} of ${runId}`);
  return faults;
}

async function work(at: OpenSite, runIds: readonly string[], { forgetsSteps }: Resumption): Promise<string[]> {
  const { parts, opened } = at;
  const store = { ...parts.work, ...(forgetsSteps === true ? { listMemos: async () => [] } : {}) };
  const stops = { done: join(opened.home, 'done'), remembered: () => undefined, behind: () => undefined };
  const worker = createWorker(
    { ...parts, work: store },
    {
      ...{ projectIds: ['default'], concurrency: workAgents.length, leaseMs: 20_000, heartbeatMs: 5000 },
      ...{ reapMs: 10, pollMs: 10, scheduleMs: null },
      agents: Object.fromEntries(workAgents.map((id) => [id, (run, context) => doWork(run, context, stops)])),
    },
  );
  await worker.start();
  const isEnded = await haveEnded(at, runIds);
  await worker.stop({ graceMs: 1000 });
  if (!isEnded) return ['not all runs were resumed to their end'];
  const rows = await Promise.all(runIds.map((runId) => parts.work.get('default', runId)));
  return rows.filter((row) => row!.state !== 'completed').map((row) => `run ${row!.runId} is ${row!.state}`);
}

/** Everything that is wrong when a home of dead workers, whose journals were cut, is opened and a worker resumes their runs. */
export async function findResumptionFaults(
  scene: Scene,
  options: { readonly home: string; readonly cuts: readonly Cut[] } & Resumption,
): Promise<string[]> {
  const { home, cuts, importsFirst } = options;
  placeCuts(scene, home, cuts);
  const of = toExpected(scene, cuts);
  const site: Site = { home, database: null, superUrl: null, ledger: join(home, 'ledger'), remove: () => undefined };
  const at = await openSite(site);
  const faults: string[] = [];
  try {
    if (importsFirst) await at.opened.indexer.catchUp();
    faults.push(...(await work(at, scene.runIds, options)));
    await at.opened.indexer.catchUp();
    for (const runId of scene.runIds) {
      const found = await findRecordFaults(at.opened, of, runId);
      faults.push(...found.map((fault) => `run ${runId} ${fault}`));
      if (importsFirst) faults.push(...(await findStepFaults(at, of, runId)));
    }
  } finally {
    await at.close();
  }
  faults.push(...findRepeats(site, scene), ...(await auditRuns(site, scene.runIds)));
  const headless = new Set(cuts.filter(({ tape, bytes }) => bytes < tape.whole.headBytes).map(({ tape }) => tape.name));
  const own = filesLeft(home).filter((name) => cuts.some(({ tape }) => tape.name === name && !headless.has(name)));
  return withPlaces([...faults, ...own.map((name) => `${name} is still there`)], of);
}
