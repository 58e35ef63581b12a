import { fork } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { LanguageModel, ModelMessage, Telemetry } from 'ai';
import { generateText } from 'ai';
import { tachographTelemetry } from '../src/capture/ai-sdk/index.ts';
import { openRecorder } from '../src/journal/index.ts';

// What one event of 8 kB takes in the caller's thread, redacted and safe from kill -9, beside the floor: a plain append
// of as many bytes; also while another process holds the database for itself. And whether a call costs the same after
// ten thousand as at the beginning. Variants take turns in rounds. Prints tables; --json <file> keeps the figures.
//
//   node bench/event.ts [--rounds 9] [--events 4000] [--calls 10000] [--dir <folder>] [--json <file>]

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    events: { type: 'string', default: '4000' },
    calls: { type: 'string', default: '10000' },
    dir: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const events = Number(values.events);
const calls = Number(values.calls);

interface Target {
  readonly name: string;
  /** Does the work for one text and is back when it is safe. */
  write(text: string): void;
  close(): Promise<void>;
}

let serial = 0;
/** 8 kB of prose that never occurred before. */
function freshText(): string {
  serial += 1;
  return `${serial} ${'All work and no play makes a plain text, he said; then he went on. '.repeat(125)}`.slice(
    0,
    8192,
  );
}

function plainAppend(): Target {
  const folder = mkdtempSync(join(values.dir, 'bench-event-'));
  const fd = fs.openSync(join(folder, 'plain'), 'a');
  // A frame has some 500 bytes besides its words.
  const block = Buffer.alloc(8192 + 500, 120);
  return {
    name: 'plain append of the same bytes',
    write(text) {
      block.write(text, 0, 'latin1');
      fs.writeSync(fd, block, 0, block.length);
    },
    async close() {
      fs.closeSync(fd);
      rmSync(folder, { recursive: true });
    },
  };
}

function recorded(name: string, home: string): Target {
  const recorder = openRecorder({ home });
  const run = recorder.startRun({ agentId: 'bench' });
  return {
    name,
    write: (text) => run.log('note', { text }),
    async close() {
      await recorder.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function held(): Promise<Target> {
  const home = mkdtempSync(join(values.dir, 'bench-event-'));
  const holder = fork(fileURLToPath(new URL('event/holder.ts', import.meta.url)), [join(home, 'tachograph.db')], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  await once(holder.stdout!, 'data');
  const target = recorded('8 kB event, database held', home);
  return {
    ...target,
    async close() {
      holder.disconnect();
      await once(holder, 'exit');
      await target.close();
    },
  };
}

interface Figure {
  readonly variant: string;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

function summarise(variant: string, times: readonly number[]): Figure {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return { variant, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}

function time(target: Target, into: number[]): void {
  for (let index = 0; index < events; index += 1) {
    const text = freshText();
    const since = performance.now();
    target.write(text);
    into.push((performance.now() - since) * 1000);
  }
}

async function measureEvents(): Promise<Figure[]> {
  const free = recorded('8 kB event', mkdtempSync(join(values.dir, 'bench-event-')));
  const targets = [plainAppend(), free, await held()];
  const timesByTarget = new Map(targets.map((target) => [target, [] as number[]]));
  for (const target of targets) time(target, []);
  for (let round = 0; round < rounds; round += 1) for (const [target, times] of timesByTarget) time(target, times);
  const figures = [...timesByTarget].map(([target, times]) => summarise(target.name, times));
  for (const target of targets) await target.close();
  return figures;
}

/** Answers at once and remembers nothing, so that what grows is the recorder's. */
const model = {
  specificationVersion: 'v4',
  provider: 'bench',
  modelId: 'bench-1',
  supportedUrls: {},
  doGenerate: async () => ({
    content: [{ type: 'text', text: 'done' }],
    finishReason: { unified: 'stop', raw: undefined },
    usage: {
      inputTokens: { total: 10, noCache: 10, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 5, text: 5, reasoning: 0 },
    },
    warnings: [],
  }),
} as unknown as LanguageModel;

interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly recordedUs: number;
  readonly bareUs: number;
  readonly bytesPerCall: number;
}

const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!;

function folderBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(folder, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

/** Calls with a known conversation of 200 kB and one new question each, with and without the recorder in turn. */
async function measureFlatness(): Promise<Stretch[]> {
  const home = mkdtempSync(join(values.dir, 'bench-event-'));
  const recorder = openRecorder({ home });
  const telemetry = { integrations: [tachographTelemetry(recorder) as Telemetry] };
  const known = Array.from(
    { length: 99 },
    (_unused, index) =>
      ({ role: index % 2 === 0 ? 'user' : 'assistant', content: freshText().slice(0, 2020) }) as ModelMessage,
  );
  const call = async (settings: object): Promise<number> => {
    const messages = [...known, { role: 'user', content: freshText().slice(0, 200) } as ModelMessage];
    const since = performance.now();
    await generateText({ model, maxRetries: 0, messages, telemetry: settings } as Parameters<typeof generateText>[0]);
    return (performance.now() - since) * 1000;
  };
  // Another recorder warms the code up, so that the first calls measured are first for the record only.
  const warmHome = mkdtempSync(join(values.dir, 'bench-event-'));
  const warm = openRecorder({ home: warmHome });
  const warmTelemetry = { integrations: [tachographTelemetry(warm) as Telemetry] };
  for (let index = 0; index < 500; index += 1) {
    await call(warmTelemetry);
    await call({ isEnabled: false });
  }
  await warm.close();
  rmSync(warmHome, { recursive: true, force: true });
  const stretches: Stretch[] = [];
  const ends = [0.01, 0.1, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * calls));
  let bytes = 0;
  for (let from = 1, count = 1; from <= calls; from = count) {
    const to = ends.find((end) => end >= from)!;
    const times: [number[], number[]] = [[], []];
    for (; count <= to; count += 1) {
      times[0].push(await call(telemetry));
      times[1].push(await call({ isEnabled: false }));
    }
    const now = folderBytes(join(home, 'journal'));
    const [recordedUs, bareUs] = [median(times[0]), median(times[1])];
    stretches.push({ from, to, recordedUs, bareUs, bytesPerCall: (now - bytes) / (to - from + 1) });
    bytes = now;
  }
  await recorder.close();
  rmSync(home, { recursive: true, force: true });
  return stretches;
}

const us = (value: number): string => `${value.toFixed(1).padStart(9)} us`;

const figures = await measureEvents();
process.stdout.write(
  `${''.padEnd(34)}${'p50'.padStart(9)}${'p99'.padStart(12)}${'p99.9'.padStart(12)}${'max'.padStart(12)}\n`,
);
for (const { variant, p50, p99, p999, max } of figures)
  process.stdout.write(`${variant.padEnd(31)}${[p50, p99, p999, max].map(us).join('')}\n`);

const stretches = await measureFlatness();
process.stdout.write(
  `\n200 kB in 100 messages, known${'recorded'.padStart(14)}${'bare'.padStart(12)}${'overhead'.padStart(12)}\n`,
);
for (const { from, to, recordedUs, bareUs, bytesPerCall } of stretches) {
  const cells = [
    us(recordedUs),
    us(bareUs),
    us(recordedUs - bareUs),
    `${(bytesPerCall / 1000).toFixed(2).padStart(8)} kB`,
  ];
  process.stdout.write(`${`calls ${from} to ${to}`.padEnd(31)}${cells.join('')}\n`);
}
if (values.json !== undefined)
  writeFileSync(
    values.json,
    `${JSON.stringify({ node: process.version, rounds, events, calls, figures, stretches }, null, 2)}\n`,
  );
