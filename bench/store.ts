/*
 * Stores: how fast events go in, and how long lists, counts, searches and a purge take once they are in.
 *
 *   node bench/store.ts [--events 200000] [--store sqlite] [--json file] [--dir folder]
 *
 * Prints a table; with --json also writes the figures. Compare figures of one run with each other, not with those of
 * another machine.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { JournalEntry } from '../src/core/journal.ts';
import type { RunFilter, Store } from '../src/core/store.ts';
import { createMemoryStore } from '../src/stores/memory/index.ts';
import { openSqliteStore } from '../src/stores/sqlite/index.ts';
import { createWorld, toBatch, usageOf, worldStartMs, type RunBuilder, type World } from '../src/testing/index.ts';
import { createRandom } from '../src/testing/model-cases.ts';

interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

const { values: args } = parseArgs({
  options: {
    events: { type: 'string', default: '200000' },
    store: { type: 'string', default: 'sqlite' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
    dir: { type: 'string' },
  },
});
const eventsWanted = Number(args.events);
const random = createRandom(Number(args.seed));
const pick = (below: number): number => Math.floor(random() * below);
const vocabulary = Array.from({ length: 20_000 }, (_, index) => `word${index.toString(36)}`);
const sentence = (words: number): string =>
  Array.from({ length: words }, () => vocabulary[Math.floor(random() ** 3 * vocabulary.length)]).join(' ');
const statuses = ['ok', 'ok', 'ok', 'error', 'cancelled', 'timeout'] as const;

/** A run of 12 or so events of about 1.5 kB: two model steps with an attempt each and a tool call between them. */
function buildRun(world: World, index: number): RunBuilder {
  const padding = sentence(180);
  const run = world.run({
    agentId: `agent-${pick(50)}`,
    callerId: `caller-${pick(500)}`,
    channelId: `channel-${pick(20)}`,
    sessionId: `session-${Math.floor(index / 8)}`,
    labels: { team: `team-${pick(10)}` },
    timeMs: worldStartMs + index * 400,
    name: padding,
  });
  const system = { role: 'system', content: 'You are a careful assistant.' };
  const question = { role: 'user', content: sentence(60) };
  const metadata = { metadata: { padding } };
  const usage = usageOf(pick(5000), pick(500));
  run.step({
    messages: [system, question],
    output: [{ type: 'text', text: sentence(40) }],
    body: { q: index },
    usage,
    model: `model-${pick(8)}`,
    durationMs: pick(3000),
  });
  run.step({ kind: 'tool', name: 'search', args: { query: sentence(4) }, result: sentence(50), durationMs: pick(300) });
  for (let log = 0; log < 4; log += 1) run.emit('log', { payload: { type: 'note', data: { ...metadata, log } } });
  return run.end(statuses[pick(statuses.length)]!, { durationMs: pick(10_000) });
}

const secondsOf = (sinceMs: number): number => (performance.now() - sinceMs) / 1000;

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

async function timeCalls(name: string, times: number, call: (index: number) => Promise<unknown>): Promise<Figure[]> {
  const tookMs: number[] = [];
  for (let index = 0; index < times; index += 1) {
    const sinceMs = performance.now();
    await call(index);
    tookMs.push(performance.now() - sinceMs);
  }
  return [0.5, 0.95].map((share) => ({
    what: `${name} p${share * 100}`,
    value: percentile(tookMs, share),
    unit: 'ms',
  }));
}

/** Imports in batches of 500; only the store's time counts, not that of making the events. */
async function measureImport(store: Store): Promise<{ figures: Figure[]; runIds: string[] }> {
  const world = createWorld();
  const runIds: string[] = [];
  let pending: JournalEntry[] = [];
  let events = 0;
  let bytes = 0;
  let seconds = 0;
  const batchMs: number[] = [];
  for (let index = 0; events < eventsWanted || pending.length > 0; index += 1) {
    if (events + pending.length < eventsWanted) {
      const run = buildRun(world, index);
      runIds.push(run.id);
      pending.push(...run.take());
      if (pending.length < 500) continue;
    }
    const batch = pending.slice(0, 500);
    pending = pending.slice(500);
    for (const { event, contents } of batch)
      bytes += event.payload!.length + contents.reduce((sum, content) => sum + content.bytes.length, 0);
    const sinceMs = performance.now();
    await store.importBatch(toBatch(batch, 'default', { file: 'bench', bytes: events }));
    batchMs.push(performance.now() - sinceMs);
    seconds += secondsOf(sinceMs);
    events += batch.length;
  }
  return {
    runIds,
    figures: [
      { what: 'events imported', value: events, unit: '' },
      { what: 'bytes per event, contents included', value: bytes / events, unit: 'B' },
      { what: 'import', value: events / seconds, unit: 'events/s' },
      { what: 'import, batch of 500 p50', value: percentile(batchMs, 0.5), unit: 'ms' },
      { what: 'import, batch of 500 p99', value: percentile(batchMs, 0.99), unit: 'ms' },
    ],
  };
}

const fileBytes = (): number => statSync(file).size + statSync(`${file}-wal`).size;

/** Size before and after ended runs are packed, which a SQLite store does while nothing else is to do. */
async function measureSize(events: number): Promise<Figure[]> {
  const before = fileBytes();
  const reader = new DatabaseSync(file, { readOnly: true });
  const sinceMs = performance.now();
  const isWaiting = (): boolean => reader.prepare('SELECT 1 AS one FROM packing LIMIT 1').get() !== undefined;
  while (isWaiting()) await setTimeout(50);
  const seconds = secondsOf(sinceMs);
  await setTimeout(500);
  reader.close();
  return [
    { what: 'file, bytes per event, as imported', value: before / events, unit: 'B' },
    { what: 'file, bytes per event, ended runs packed', value: fileBytes() / events, unit: 'B' },
    { what: 'packing in idle time', value: events / seconds, unit: 'events/s' },
  ];
}

async function measureReading(store: Store, runIds: readonly string[]): Promise<Figure[]> {
  const filters: [string, () => RunFilter][] = [
    ['newest 50', () => ({})],
    ['by status and caller', () => ({ status: ['completed'], callerId: `caller-${pick(500)}` })],
    ['by agent', () => ({ agentId: `agent-${pick(50)}` })],
    ['by channel and reason', () => ({ channelId: `channel-${pick(20)}`, endReason: ['error'] })],
    [
      'by label and range',
      () => ({ labels: { team: `team-${pick(10)}` }, sinceMs: worldStartMs + pick(runIds.length) * 200 }),
    ],
    ['by model, with error', () => ({ model: `model-${pick(8)}`, hasError: true })],
  ];
  const figures: Figure[] = [];
  for (const [name, filter] of filters) {
    figures.push(...(await timeCalls(`list ${name}`, 100, () => store.listRuns('default', filter(), {}))));
    figures.push(...(await timeCalls(`count ${name}`, 100, () => store.countRuns('default', filter()))));
  }
  const someRun = (): string => runIds[pick(runIds.length)]!;
  const phrase = (): string => `"${vocabulary[pick(40)]} ${vocabulary[pick(40)]}"`;
  figures.push(
    ...(await timeCalls('list by phrase', 50, () => store.listRuns('default', { text: phrase() }, {}))),
    ...(await timeCalls('search phrase', 50, () => store.search('default', phrase()))),
    ...(await timeCalls('search common word', 20, () =>
      store.search('default', vocabulary[pick(5)]!, { order: 'time' }),
    )),
    ...(await timeCalls('get run', 200, () => store.getRun('default', someRun()))),
    ...(await timeCalls('events of a run', 200, () => store.listEvents('default', someRun()))),
    ...(await timeCalls('steps of a run', 200, () => store.listSteps('default', someRun()))),
    ...(await timeCalls('last run of 50 agents', 50, () =>
      store.lastRunPerAgent(
        'default',
        Array.from({ length: 50 }, (_, at) => `agent-${at}`),
      ),
    )),
    ...(await timeCalls('totals by model', 5, () => store.totals('default', { by: 'model' }))),
    ...(await timeCalls('totals by day', 5, () => store.totals('default', { by: 'day' }))),
  );
  return figures;
}

/** Events of 1.5 kB and nothing else, 50 to a run: the floor of an import. */
async function measurePlain(store: Store): Promise<Figure[]> {
  const world = createWorld();
  let seconds = 0;
  const count = Math.min(50_000, eventsWanted);
  for (let events = 0; events < count; events += 500) {
    const entries: JournalEntry[] = [];
    for (let runs = 0; runs < 10; runs += 1) {
      const run = world.run({ timeMs: worldStartMs + 2 ** 35 + events });
      for (let n = 1; n < 50; n += 1)
        run.emit('log', { payload: { type: 'note', data: `${n} ${'lorem ipsum '.repeat(120)}` } });
      entries.push(...run.entries);
    }
    const sinceMs = performance.now();
    await store.importBatch(toBatch(entries));
    seconds += secondsOf(sinceMs);
  }
  return [{ what: 'import of plain events of 1.5 kB', value: count / seconds, unit: 'events/s' }];
}

async function measureBigRun(store: Store): Promise<Figure[]> {
  const world = createWorld();
  const run = world.run({ timeMs: worldStartMs + 2 ** 36 });
  for (let index = 0; index < 100_000; index += 1) run.emit('log', { payload: { type: 'tick', data: index } });
  const { entries } = run;
  const sinceMs = performance.now();
  for (let at = 0; at < entries.length; at += 500) await store.importBatch(toBatch(entries.slice(at, at + 500)));
  const figures: Figure[] = [
    { what: 'import of one run of 100,000 small events', value: entries.length / secondsOf(sinceMs), unit: 'events/s' },
  ];
  figures.push(...(await timeCalls('open a run of 100,000 events', 3, () => store.listEvents('default', run.id))));
  return figures;
}

async function measurePurge(store: Store, runs: number): Promise<Figure[]> {
  const chunks = Math.max(1, Math.floor(runs / 10 / 100));
  const untilMs = worldStartMs + runs * 400;
  // How long one slice keeps others waiting, as the event loop feels it.
  const waits = monitorEventLoopDelay({ resolution: 1 });
  waits.enable();
  const figures = await timeCalls('purge of 100 runs', chunks, () =>
    store.purge({ projectId: 'default', beforeMs: untilMs, limit: 100 }),
  );
  waits.disable();
  figures.push(
    { what: 'purge of 100 runs, slice p95', value: waits.percentile(95) / 1e6, unit: 'ms' },
    { what: 'purge of 100 runs, longest slice', value: waits.max / 1e6, unit: 'ms' },
  );
  const rest = { projectId: 'default', beforeMs: worldStartMs + 7 * 24 * 3600 * 1000, limit: 500 };
  for (let left = runs - chunks * 100; left > 500; left -= 500) await store.purge(rest);
  // With the last run of an epoch go its contents, contexts and index; how long one slice keeps others waiting.
  const pauses = monitorEventLoopDelay({ resolution: 1 });
  pauses.enable();
  const sinceMs = performance.now();
  await store.purge({ ...rest, limit: 501 });
  pauses.disable();
  return [
    ...figures,
    { what: 'end of an epoch, in all', value: performance.now() - sinceMs, unit: 'ms' },
    { what: 'end of an epoch, longest slice', value: pauses.max / 1e6, unit: 'ms' },
  ];
}

function print(figures: readonly Figure[]): void {
  for (const { what, value, unit } of figures) {
    const shown = value >= 1000 ? Math.round(value).toLocaleString('en') : value.toFixed(2);
    process.stdout.write(`${what.padEnd(48)} ${shown.padStart(12)} ${unit}\n`);
  }
}

const folder = args.dir ?? mkdtempSync(join(tmpdir(), 'tachograph-bench-'));
const file = join(folder, 'store.db');
const store = args.store === 'memory' ? createMemoryStore() : openSqliteStore({ file });
await store.initialize();
const { figures, runIds } = await measureImport(store);
print(figures);
const more = [
  ...(store.kind === 'sqlite' ? await measureSize(figures[0]!.value) : []),
  ...(await measurePlain(store)),
  ...(await measureReading(store, runIds)),
  ...(await measureBigRun(store)),
  ...(await measurePurge(store, runIds.length)),
];
print(more);
await store.close();
if (args.dir === undefined) rmSync(folder, { recursive: true });
if (args.json !== undefined) {
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length };
  writeFileSync(
    args.json,
    `${JSON.stringify({ bench: 'store', store: store.kind, machine, seed: Number(args.seed), figures: [...figures, ...more] }, null, 2)}\n`,
  );
}
