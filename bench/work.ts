/*
 * Runs as work beside other queues, on one PostgreSQL, each in a database of its own, the variants alternating:
 *
 *   node bench/work.ts [--jobs 2000] [--rounds 5] [--concurrency 4] [--small] [--only name,…] [--json file]
 *
 * `create to complete`: a worker runs, jobs are created at the given concurrency; until the database has none that waits.
 * `claim + complete`: the jobs are there already, then a worker begins. `two steps`: a job of two remembered steps.
 * Ours writes its events and the heads of their chains with every transition; they are filed into the views meanwhile, and
 * what is left of that falls into the next round of whoever it is.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startBenchCluster, whyNoCluster } from './place/cluster.ts';
import { printRow, writeFigures } from './place/figure.ts';
import { boss, bossInBursts } from './work/boss.ts';
import type { Contender, OpenContender, Shape } from './work/contender.ts';
import { inParallel } from './work/contender.ts';
import { dbos } from './work/dbos.ts';
import { createGraphile } from './work/graphile.ts';
import { tachograph } from './work/tachograph.ts';

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '5' },
    concurrency: { type: 'string', default: '4' },
    small: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'string' },
  },
});
const jobs = values.small ? 60 : Number(values.jobs);
const rounds = values.small ? 1 : Number(values.rounds);
const concurrency = Number(values.concurrency);
const widths = [28, 20, 20, 10, 10, 10];

type Phase = 'create to complete' | 'claim + complete' | 'two steps';

interface Figure {
  readonly contender: string;
  readonly phase: Phase;
  readonly concurrency: number;
  readonly jobs: number;
  /** Of all rounds, in jobs a second. */
  readonly perSecond: readonly number[];
  readonly medianPerSecond: number;
}

const median = (numbers: readonly number[]): number => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

async function untilDone(queue: OpenContender): Promise<void> {
  while ((await queue.waiting()) > 0) await setTimeout(5);
}

/** One round of one phase: jobs a second. */
async function measure(queue: OpenContender, phase: Phase): Promise<number> {
  const shape: Shape = phase === 'two steps' ? 'two-step' : 'empty';
  const count = phase === 'two steps' ? Math.ceil(jobs / 4) : jobs;
  const create = (): Promise<void> => inParallel(count, concurrency, () => queue.create(shape));
  if (phase === 'claim + complete') await create();
  else await queue.work();
  const sinceMs = performance.now();
  if (phase === 'claim + complete') await queue.work();
  else await create();
  await untilDone(queue);
  const seconds = (performance.now() - sinceMs) / 1000;
  await queue.rest();
  return count / seconds;
}

const offers = (queue: OpenContender, name: string, phase: Phase): boolean => {
  if (phase === 'two steps') return queue.shapes.includes('two-step');
  // A workflow of DBOS runs where it is begun: nothing waits to be claimed.
  return queue.shapes.includes('empty') && !(name === dbos.name && phase === 'claim + complete');
};

const why = whyNoCluster();
if (why !== null) {
  console.log(`work: not measured, since ${why}`);
  process.exit(0);
}
const all: readonly Contender[] = [tachograph, createGraphile(-1), createGraphile(500), bossInBursts, dbos];
// Two jobs a second at concurrency 4: measured when it is asked for, with fewer jobs.
const patient: readonly Contender[] = [boss];
const asked = values.only?.split(',');
const contenders =
  asked === undefined
    ? all
    : [...all, ...patient].filter(({ name }) => asked.some((part) => name.toLowerCase().includes(part)));
const folder = mkdtempSync(join(tmpdir(), 'tachograph-bench-work-'));
const cluster = await startBenchCluster(folder);
const open: { readonly contender: Contender; readonly queue: OpenContender }[] = [];
const figures: Figure[] = [];
try {
  for (const [index, contender] of contenders.entries()) {
    const database = await cluster.openDatabase(`work_${index}`);
    const url = contender === tachograph ? database.url : database.superUrl;
    open.push({ contender, queue: await contender.open({ url, concurrency }) });
  }
  console.log(`work: ${jobs} jobs, ${rounds} rounds, concurrency ${concurrency}; jobs a second\n`);
  printRow(['', 'setting', 'phase', 'median', 'lowest', 'highest'], widths);
  for (const phase of ['create to complete', 'claim + complete', 'two steps'] as const) {
    const perSecondBy = new Map<string, number[]>();
    for (let round = 0; round < rounds; round += 1)
      for (const { contender, queue } of round % 2 === 0 ? open : open.toReversed()) {
        if (!offers(queue, contender.name, phase)) continue;
        const perSecond = await measure(queue, phase);
        perSecondBy.set(contender.name, [...(perSecondBy.get(contender.name) ?? []), perSecond]);
      }
    for (const { contender } of open) {
      const perSecond = perSecondBy.get(contender.name);
      if (perSecond === undefined) continue;
      const medianPerSecond = median(perSecond);
      figures.push({ contender: contender.name, phase, concurrency, jobs, perSecond, medianPerSecond });
      const shown = [medianPerSecond, Math.min(...perSecond), Math.max(...perSecond)].map((figure) =>
        figure.toFixed(0),
      );
      printRow([contender.name, contender.setting, phase, ...shown], widths);
    }
  }
  const of = (name: string, phase: Phase): number | undefined =>
    figures.find((figure) => figure.contender === name && figure.phase === phase)?.medianPerSecond;
  const ratio = (phase: Phase, peer: string): string => {
    const [ours, theirs] = [of(tachograph.name, phase), of(peer, phase)];
    return ours === undefined || theirs === undefined ? 'n/a' : (ours / theirs).toFixed(2);
  };
  console.log(`\ncreate to complete / graphile-worker: ${ratio('create to complete', 'graphile-worker')} (bar 1.5)`);
  console.log(`claim + complete / graphile-worker: ${ratio('claim + complete', 'graphile-worker')} (bar 0.9)`);
  console.log(`two steps / DBOS: ${ratio('two steps', 'DBOS')} (bar 2)`);
  if (values.json !== undefined) writeFigures(values.json, { figures });
} finally {
  for (const { queue } of open) await queue.close();
  await cluster.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
