/*
 * Ingest over HTTP: a server in a process of its own, recorders in theirs, batches of a journal on loopback. A batch
 * counts when its 2xx is read, so when it is on the server's disk. Beside it: how fast what was taken becomes readable in
 * the store, the server's memory, and the floor: the same bytes appended to a file, with fdatasync after each batch.
 *
 *   node bench/ingest.ts [--store sqlite|postgres] [--phase burst|steady] [--bytes 1500|10000] [--megabytes 160] [--seconds 20]
 *     [--rate 10000] [--small] [--dir folder] [--json file]
 *
 * `burst` sends as fast as it is taken; less than what a server lets wait (256 MB), so that no recorder is put off.
 * `steady` sends `--rate` events of 1.5 kB a second for `--seconds` and looks when each batch is readable.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startServer, type TeamServer } from '../test/end-to-end/team-server.ts';
import { startBenchCluster, whyNoCluster, type BenchCluster } from './place/cluster.ts';
import { percentile, printRow, writeFigures } from './place/figure.ts';
import type { RecorderTask, RecorderWord } from './ingest/recorder.ts';

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    phase: { type: 'string' },
    bytes: { type: 'string' },
    megabytes: { type: 'string', default: '160' },
    seconds: { type: 'string', default: '20' },
    rate: { type: 'string', default: '10000' },
    small: { type: 'boolean', default: false },
    dir: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
  },
});
const burstBytes = values.small ? 4e6 : Number(values.megabytes) * 1e6;
const steadySeconds = values.small ? 1 : Number(values.seconds);
const steadyRate = values.small ? 1200 : Number(values.rate);
const batchBytes = values.small ? 200_000 : 1_000_000;
const recorderFile = fileURLToPath(new URL('ingest/recorder.ts', import.meta.url));
const widths = [34, 10, 10, 10, 13, 12, 12, 12, 9];

type StoreName = 'sqlite' | 'postgres';

interface Figure {
  readonly store: StoreName | 'floor';
  readonly phase: 'burst' | 'steady';
  readonly payloadBytes: number;
  readonly recorders: number;
  readonly events: number;
  /** Acknowledged. */
  readonly eventsPerSecond: number;
  readonly megabytesPerSecond: number;
  /** Acknowledged and readable in the store, from the first batch sent to the last one readable. */
  readonly indexedPerSecond: number | null;
  /** From the answer until readable: of the last batch of a burst, of every batch at a steady rate. */
  readonly lagP50Ms: number | null;
  readonly lagMaxMs: number | null;
  /** The server's resident memory after each fifth of the time, in MB. */
  readonly memoryMb: readonly number[];
  /** How often a recorder was asked to wait. */
  readonly putOff: number;
}

interface Kept {
  readonly runId: string;
  readonly sentMs: number;
  readonly keptMs: number;
}

const nowMs = (): number => performance.timeOrigin + performance.now();

/** Resident memory of a process in MB; 0 where it cannot be read. */
function memoryOf(pid: number): number {
  const file = `/proc/${pid}/status`;
  if (!fs.existsSync(file)) return 0;
  return Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(file, 'utf8'))?.[1] ?? 0) / 1024;
}

/** Looks until the run of a batch has ended in the store; when that was. */
async function untilReadable(url: string, runId: string): Promise<number> {
  const endMs = nowMs() + 300_000;
  while (nowMs() < endMs) {
    const answer = await fetch(`${url}/api/v1/runs/${runId}`);
    const { run } = (await answer.json()) as { run?: { status: string } };
    if (run?.status === 'completed') return nowMs();
    await setTimeout(10);
  }
  throw new Error(`run ${runId} was acknowledged and is not readable after 300 s`);
}

interface Recorder {
  readonly child: ChildProcess;
  readonly bytes: number;
  readonly kept: Kept[];
  readonly done: Promise<number>;
}

async function startRecorder(task: RecorderTask, onKept: (kept: Kept) => void): Promise<Recorder> {
  const child = fork(recorderFile);
  const kept: Kept[] = [];
  child.send(task);
  const bytes = await new Promise<number>((resolve, reject) => {
    child.once('exit', () => reject(new Error('a recorder ended before it had built its batches')));
    child.once('message', (word: RecorderWord) => resolve(word.what === 'built' ? word.bytes : 0));
  });
  const done = new Promise<number>((resolve, reject) => {
    child.on('message', (word: RecorderWord) => {
      if (word.what === 'done') resolve(word.putOff);
      if (word.what !== 'kept') return;
      kept.push(word);
      onKept(word);
    });
    child.once('exit', (code) => reject(new Error(`a recorder ended with ${code}`)));
  });
  return { child, bytes, kept, done };
}

interface Phase {
  readonly store: StoreName;
  readonly phase: Figure['phase'];
  readonly payloadBytes: number;
  readonly recorders: number;
}

function taskOf({ phase, payloadBytes, recorders }: Phase, url: string): Omit<RecorderTask, 'number'> {
  const eventsPerBatch = Math.max(3, Math.round(batchBytes / payloadBytes));
  const everyMs = phase === 'burst' ? 0 : (eventsPerBatch * 1000 * recorders) / steadyRate;
  const bytes = phase === 'burst' ? burstBytes : steadySeconds * steadyRate * payloadBytes;
  const batches = Math.max(2, Math.round(bytes / (eventsPerBatch * payloadBytes) / recorders));
  return { url, batches, eventsPerBatch, payloadBytes, everyMs };
}

function fifths(samples: readonly number[]): number[] {
  return [0.2, 0.4, 0.6, 0.8, 1].map((share) => Math.round(samples[Math.ceil(samples.length * share) - 1] ?? 0));
}

async function measure(phase: Phase, server: TeamServer): Promise<Figure> {
  const url = await server.url;
  const task = taskOf(phase, url);
  const lags: number[] = [];
  // Batches of a steady stream are looked for one after the other: when one is readable, those before it are.
  let looking: Promise<unknown> = Promise.resolve();
  let isLooking = false;
  const look = (kept: Kept): void => {
    if (phase.phase === 'burst' || isLooking) return;
    isLooking = true;
    looking = untilReadable(url, kept.runId).then((readableMs) => {
      lags.push(Math.max(0, readableMs - kept.keptMs));
      isLooking = false;
    });
    looking.catch(() => undefined);
  };
  const recorders = await Promise.all(
    Array.from({ length: phase.recorders }, (_, number) => startRecorder({ ...task, number }, look)),
  );
  const memory: number[] = [];
  const sampler = setInterval(() => memory.push(memoryOf(server.child.pid!)), 100);
  for (const { child } of recorders) child.send('go');
  const putOff = (await Promise.all(recorders.map(({ done }) => done))).reduce((sum, times) => sum + times, 0);
  await looking;
  const kept = recorders.flatMap((recorder) => recorder.kept);
  const sentMs = Math.min(...kept.map((each) => each.sentMs));
  const keptMs = Math.max(...kept.map((each) => each.keptMs));
  const readable = await Promise.all(recorders.map((recorder) => untilReadable(url, recorder.kept.at(-1)!.runId)));
  const readableMs = Math.max(...readable);
  clearInterval(sampler);
  if (phase.phase === 'burst') lags.push(readableMs - keptMs);
  const events = kept.length * task.eventsPerBatch;
  const bytes = recorders.reduce((sum, recorder) => sum + recorder.bytes, 0);
  const seconds = (keptMs - sentMs) / 1000;
  return {
    ...phase,
    events,
    eventsPerSecond: events / seconds,
    megabytesPerSecond: bytes / 1e6 / seconds,
    indexedPerSecond: (events * 1000) / (readableMs - sentMs),
    lagP50Ms: percentile(lags, 0.5),
    lagMaxMs: Math.max(...lags),
    memoryMb: fifths(memory),
    putOff,
  };
}

/** The same bytes by nobody but a file: a batch, a write, an fdatasync. */
function measureFloor(payloadBytes: number): Figure {
  const folder = fs.mkdtempSync(join(values.dir, 'tachograph-bench-'));
  const fd = fs.openSync(join(folder, 'plain'), 'a');
  // An event has some 250 bytes around its payload.
  const eventsPerBatch = Math.max(3, Math.round(batchBytes / payloadBytes));
  const batch = Buffer.alloc(eventsPerBatch * (payloadBytes + 250), 'a plain text ');
  const batches = Math.ceil(burstBytes / batch.length);
  const sinceMs = performance.now();
  for (let count = 0; count < batches; count += 1) {
    fs.writeSync(fd, batch);
    fs.fdatasyncSync(fd);
  }
  const seconds = (performance.now() - sinceMs) / 1000;
  fs.closeSync(fd);
  fs.rmSync(folder, { recursive: true });
  return {
    ...{ store: 'floor', phase: 'burst', payloadBytes, recorders: 1, events: batches * eventsPerBatch },
    eventsPerSecond: (batches * eventsPerBatch) / seconds,
    megabytesPerSecond: (batches * batch.length) / 1e6 / seconds,
    ...{ indexedPerSecond: null, lagP50Ms: null, lagMaxMs: null, memoryMb: [], putOff: 0 },
  };
}

/** A server on an empty home and an empty database, for one measurement. */
async function measureAlone(phase: Phase, cluster: BenchCluster | null): Promise<Figure> {
  const home = fs.mkdtempSync(join(values.dir, 'tachograph-bench-'));
  const name = `ingest_${phase.phase}_${phase.payloadBytes}_${phase.recorders}`;
  const database = cluster === null ? undefined : (await cluster.openDatabase(name)).url;
  const server = startServer({ home, database });
  try {
    return await measure(phase, server);
  } finally {
    server.child.kill('SIGTERM');
    if (server.child.exitCode === null) await once(server.child, 'exit');
    await cluster?.dropDatabase(name);
    fs.rmSync(home, { recursive: true, force: true });
  }
}

function print(figure: Figure): void {
  const { store, phase, payloadBytes, recorders } = figure;
  const cells = [
    `${store}, ${phase}, ${payloadBytes / 1000} kB, ${recorders} recorder${recorders === 1 ? '' : 's'}`,
    figure.events,
    figure.eventsPerSecond,
    figure.megabytesPerSecond,
    figure.indexedPerSecond ?? '',
    figure.lagP50Ms ?? '',
    figure.lagMaxMs ?? '',
  ];
  printRow([...cells, `  ${figure.memoryMb.join(' ')}`], [...widths.slice(0, 7), 26]);
}

const isWanted = (value: string | number, wanted: string | undefined): boolean =>
  wanted === undefined || String(value) === wanted;

async function measureStore(store: StoreName): Promise<Figure[]> {
  const why = store === 'postgres' ? whyNoCluster() : null;
  if (why !== null) {
    process.stdout.write(`${store}: not measured, ${why}\n`);
    return [];
  }
  const folder = fs.mkdtempSync(join(values.dir, 'tachograph-bench-pg-'));
  fs.chmodSync(folder, 0o711);
  const cluster = store === 'postgres' ? await startBenchCluster(join(folder, 'cluster')) : null;
  const figures: Figure[] = [];
  const phases: Omit<Phase, 'store'>[] = [
    ...[1500, 10_000].flatMap((payloadBytes) =>
      [1, 4].map((recorders) => ({ phase: 'burst' as const, payloadBytes, recorders })),
    ),
    { phase: 'steady' as const, payloadBytes: 1500, recorders: 1 },
  ].filter(({ phase, payloadBytes }) => isWanted(phase, values.phase) && isWanted(payloadBytes, values.bytes));
  try {
    for (const phase of phases) {
      const figure = await measureAlone({ store, ...phase }, cluster);
      print(figure);
      figures.push(figure);
    }
  } finally {
    await cluster?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return figures;
}

printRow(['', 'events', 'kept/s', 'MB/s', 'readable/s', 'lag p50 ms', 'lag max ms', 'server MB'], widths);
const figures: Figure[] = [1500, 10_000].map(measureFloor);
figures.forEach(print);
const stores: readonly StoreName[] = values.store === undefined ? ['sqlite', 'postgres'] : [values.store as StoreName];
for (const store of stores) figures.push(...(await measureStore(store)));
writeFigures(values.json, { bench: 'ingest', isSmall: values.small, figures });
