/*
 * Questions at 1 M events and 80,000 runs, on SQLite and PostgreSQL: lists, counts, trees, search, totals, a run of
 * 100,000 events; then a purge of a tenth in chunks while recording goes on. The stores are built through the store and
 * kept in .cache/bench, so that a second run only asks; the purge works on a copy.
 *
 *   node bench/queries.ts [--store sqlite|postgres] [--runs 80000] [--fresh] [--small] [--json file]
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Store } from '../src/core/store.ts';
import { createPostgresStore } from '../src/stores/postgres/index.ts';
import { openSqliteStore } from '../src/stores/sqlite/index.ts';
import { createWorld, toBatch, worldStartMs } from '../src/testing/index.ts';
import { startBenchCluster, runSql, whyNoCluster, type BenchCluster } from './place/cluster.ts';
import { percentile, printRow, writeFigures } from './place/figure.ts';
import { buildHistory, type History } from './queries/history.ts';
import { createQuestions } from './queries/questions.ts';

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    runs: { type: 'string', default: '80000' },
    fresh: { type: 'boolean', default: false },
    small: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const size = values.small ? { runs: 200, bigRunEvents: 1000 } : { runs: Number(values.runs), bigRunEvents: 100_000 };
/** As many as the retention of a server drops at once. */
const chunkRuns = 25;
/** A store that has done nothing for so long though something waits will not do it any more. */
const stalledMs = 30_000;
const widths = [40, 12, 12, 12, 12, 8];

type StoreName = 'sqlite' | 'postgres';

interface Figure {
  readonly store: StoreName;
  readonly what: string;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  readonly barMs: number | null;
}

/** A store that can be opened again, copied, and told when it has nothing left to do. */
interface Place {
  open(): Promise<Store>;
  /** Rows that wait to be packed or indexed. */
  waiting(): Promise<number>;
  copy(): Promise<Place>;
  drop(): Promise<void>;
}

function sqlitePlace(file: string): Place {
  return {
    async open() {
      const store = openSqliteStore({ file });
      await store.initialize();
      return store;
    },
    async waiting() {
      const { DatabaseSync } = await import('node:sqlite');
      const reader = new DatabaseSync(file, { readOnly: true });
      const { count } = reader.prepare('SELECT count(*) AS count FROM packing').get() as { count: number };
      reader.close();
      return count;
    },
    async copy() {
      fs.copyFileSync(file, `${file}.copy`);
      return sqlitePlace(`${file}.copy`);
    },
    async drop() {
      for (const tail of ['', '-wal', '-shm']) fs.rmSync(file + tail, { force: true });
    },
  };
}

function postgresPlace(cluster: BenchCluster, name: string, copyOf?: string): Place {
  return {
    async open() {
      const store = createPostgresStore({ url: (await cluster.openDatabase(name, copyOf)).url });
      await store.initialize();
      return store;
    },
    async waiting() {
      const { superUrl } = await cluster.openDatabase(name, copyOf);
      const [row] = await runSql(
        superUrl,
        'SELECT (SELECT count(*) FROM tachograph.packing) + (SELECT count(*) FROM tachograph.word_queue) AS count',
      );
      return Number(row!['count']);
    },
    copy: async () => postgresPlace(cluster, `${name}_copy`, name),
    drop: () => cluster.dropDatabase(name),
  };
}

const tell = (text: string): void => void process.stderr.write(`${text}\n`);

async function build(place: Place, file: string): Promise<History> {
  const store = await place.open();
  let told = 0;
  const history = await buildHistory(store, size, (share) => {
    if (share < told + 0.1) return;
    told = share;
    tell(`  built ${Math.round(share * 100)} %`);
  });
  const sinceMs = performance.now();
  let [least, leastAtMs] = [Infinity, sinceMs];
  for (let waiting = 1; waiting > 0; await setTimeout(500)) {
    waiting = await place.waiting();
    if (waiting < least) [least, leastAtMs] = [waiting, performance.now()];
    if (performance.now() - leastAtMs > stalledMs) throw new Error(`${waiting} rows wait and nobody works on them`);
    if (waiting > 0) tell(`  ${waiting} rows wait to be packed or indexed`);
  }
  tell(`  settled in ${((performance.now() - sinceMs) / 1000).toFixed(1)} s`);
  await store.close();
  fs.writeFileSync(file, JSON.stringify(history));
  return history;
}

async function timeCalls(times: number, call: (at: number) => Promise<unknown>): Promise<number[]> {
  const tookMs: number[] = [];
  for (let at = 0; at < times; at += 1) {
    const sinceMs = performance.now();
    await call(at);
    tookMs.push(performance.now() - sinceMs);
  }
  return tookMs;
}

function report(store: StoreName, what: string, { tookMs, barMs }: { tookMs: number[]; barMs: number | null }): Figure {
  const [p50, p95, max] = [0.5, 0.95, 1].map((share) => percentile(tookMs, share)) as [number, number, number];
  const verdict = barMs === null ? '' : p95 <= barMs ? 'met' : 'MISSED';
  printRow([`${store}: ${what}`, p50, p95, max, barMs === null ? '' : String(barMs), verdict], widths);
  return { store, what, p50, p95, max, barMs };
}

async function measureQuestions(name: StoreName, store: Store, history: History): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { name: what, times, barMs, ask } of createQuestions(history)) {
    // The first call opens connections and reads pages that all others find in memory.
    await ask(store);
    figures.push(report(name, what, { barMs, tookMs: await timeCalls(values.small ? 3 : times, () => ask(store)) }));
  }
  return figures;
}

/** A recording that goes on: a batch of 100 events every 20 ms, until told to end. */
function keepRecording(store: Store, startMs: number): { end(): Promise<number[]> } {
  const world = createWorld();
  const tookMs: number[] = [];
  let isEnding = false;
  const work = (async () => {
    for (let at = 0; !isEnding; at += 1) {
      const run = world.run({ timeMs: startMs + at * 20 });
      for (let n = 2; n < 100; n += 1) run.emit('log', { payload: { type: 'note', data: 'lorem ipsum '.repeat(120) } });
      const entries = run.end().take();
      const sinceMs = performance.now();
      await store.importBatch(toBatch(entries));
      tookMs.push(performance.now() - sinceMs);
      await setTimeout(20);
    }
  })();
  return {
    async end() {
      isEnding = true;
      await work;
      return tookMs;
    },
  };
}

async function measurePurge(name: StoreName, place: Place, history: History): Promise<Figure[]> {
  const copy = await place.copy();
  const store = await copy.open();
  try {
    const startMs = worldStartMs + history.spanMs + 1_000_000;
    const alone = keepRecording(store, startMs);
    await setTimeout(values.small ? 100 : 3000);
    const before = await alone.end();
    // Runs of its own: what is there already would be dropped as doubles, which is no work.
    const recording = keepRecording(store, startMs + 3_600_000);
    const options = { projectId: 'default', beforeMs: worldStartMs + history.spanMs, limit: chunkRuns };
    let purged = 0;
    const chunks = await timeCalls(Math.ceil(history.runs / 10 / chunkRuns), async () => {
      purged += await store.purge(options);
      await setTimeout(1);
    });
    const during = await recording.end();
    if (purged < history.runs / 10 - 1) throw new Error(`only ${purged} runs were purged`);
    return [
      report(name, `purge, ${chunkRuns} runs a chunk`, { tookMs: chunks, barMs: 50 }),
      report(name, 'record 100 events, no purge', { tookMs: before, barMs: null }),
      report(name, 'record 100 events, during purge', { tookMs: during, barMs: null }),
    ];
  } finally {
    await store.close();
    await copy.drop();
  }
}

async function measureStore(name: StoreName, folder: string, cluster: BenchCluster | null): Promise<Figure[]> {
  const place =
    cluster === null ? sqlitePlace(join(folder, 'store.db')) : postgresPlace(cluster, `history_${size.runs}`);
  const file = join(folder, `${name}.json`);
  const isThere = fs.existsSync(file) && !values.fresh;
  if (!isThere) {
    tell(`${name}: building ${size.runs} runs in ${folder}`);
    fs.rmSync(file, { force: true });
    await place.drop();
  }
  const history = isThere ? (JSON.parse(fs.readFileSync(file, 'utf8')) as History) : await build(place, file);
  const { events, runs, importSeconds } = history;
  const when = isThere ? 'when it was built' : 'just now';
  tell(`${name}: ${events} events, ${runs} runs; imported at ${Math.round(events / importSeconds)} events/s ${when}`);
  const store = await place.open();
  const figures = await measureQuestions(name, store, history);
  await store.close();
  return [...figures, ...(await measurePurge(name, place, history))];
}

async function measureIn(folder: string, name: StoreName): Promise<Figure[]> {
  const why = name === 'postgres' ? whyNoCluster() : null;
  if (why !== null) {
    tell(`${name}: not measured, ${why}`);
    return [];
  }
  fs.mkdirSync(folder, { recursive: true });
  const cluster = name === 'postgres' ? await startBenchCluster(join(folder, 'cluster')) : null;
  try {
    return await measureStore(name, folder, cluster);
  } finally {
    await cluster?.stop();
  }
}

const cache = join(import.meta.dirname, '..', '.cache', 'bench', `queries-${size.runs}`);
const folder = values.small ? fs.mkdtempSync(join(tmpdir(), 'tachograph-bench-')) : cache;
if (values.small) fs.chmodSync(folder, 0o711);
const stores: readonly StoreName[] = values.store === undefined ? ['sqlite', 'postgres'] : [values.store as StoreName];
printRow(['ms', 'p50', 'p95', 'max', 'bar p95', ''], widths);
const figures: Figure[] = [];
for (const name of stores) figures.push(...(await measureIn(folder, name)));
if (values.small) fs.rmSync(folder, { recursive: true, force: true });
writeFigures(values.json, { bench: 'queries', isSmall: values.small, ...size, figures });
