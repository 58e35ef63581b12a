import * as fs from 'node:fs';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chainEvent, zeroHash } from '../src/core/record/chain.ts';
import type { JournalEntry } from '../src/core/journal.ts';
import { createJournal, listJournals, readJournal } from '../src/journal/index.ts';

// What a recording call pays for its journal, beside the floor: a plain append of the same bytes. The variants take
// turns in rounds, so that a noisy neighbour strikes all of them alike. Prints a table; --json <file> keeps the figures.
//
//   node bench/journal.ts [--rounds 9] [--events 4000] [--dir <folder on the disk to measure>] [--json <file>]

interface Figures {
  readonly variant: string;
  readonly bytes: number;
  readonly us: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly perSecond: number;
}

interface Variant {
  readonly name: string;
  /** Makes a fresh target and returns the call to be measured. */
  open(folder: string): { append(entry: JournalEntry): void; close(): Promise<void> };
  readonly divisor: number;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    events: { type: 'string', default: '4000' },
    dir: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const events = Number(values.events);
const writerId = '0123456789abcdef';

function entriesOf(payloadBytes: number): JournalEntry[] {
  return Array.from({ length: 64 }, (_, i) => {
    const text = `The ${i}th answer, with some ünicode and a number ${i * 7919}. `;
    const payload = JSON.stringify({
      text: text.repeat(Math.ceil(payloadBytes / text.length)).slice(0, payloadBytes - 12),
    });
    const header = {
      runId: '01932c07-1111-7abc-8def-0123456789ab',
      writerId,
      n: i + 1,
      type: 'step-end' as const,
      timeMs: 1_763_700_000_000 + i,
      stepId: '01932c07-2222-7abc-8def-0123456789ab',
      attempt: null,
      facts: '{"status":"completed","durationMs":812.5,"timeToFirstTokenMs":210.25}',
    };
    return {
      epoch: 2917,
      contents: [],
      nodes: [],
      event: chainEvent({ header, payload, salt: new Uint8Array(16), previous: zeroHash }),
    };
  });
}

function plainAppend(isPowerSafe: boolean): Variant['open'] {
  return (folder) => {
    const fd = fs.openSync(join(folder, 'plain'), 'a');
    // The same number of bytes as our frame has: header text, payload, and 114 bytes around them.
    const blockByEntry = new Map<JournalEntry, Buffer>();
    const blockOf = (entry: JournalEntry): Buffer => {
      const block = Buffer.alloc(
        Buffer.byteLength(entry.event.payload!) + Buffer.byteLength(JSON.stringify(entry.event.header)) + 80,
        120,
      );
      blockByEntry.set(entry, block);
      return block;
    };
    return {
      append(entry) {
        const block = blockByEntry.get(entry) ?? blockOf(entry);
        fs.writeSync(fd, block, 0, block.length);
        if (isPowerSafe) fs.fdatasyncSync(fd);
      },
      close: async () => fs.closeSync(fd),
    };
  };
}

function ourAppend(durability: 'process' | 'power'): Variant['open'] {
  return (folder) => {
    const journal = createJournal({ home: folder, projectId: 'default', writerId, durability });
    return {
      append(entry) {
        journal.generation();
        if (journal.append(entry) === 'lost') throw new Error('The disk did not keep up: the figures would be wrong.');
      },
      close: () => journal.close(),
    };
  };
}

const variants: readonly Variant[] = [
  { name: 'plain append', open: plainAppend(false), divisor: 1 },
  { name: 'journal, process', open: ourAppend('process'), divisor: 1 },
  { name: 'plain append + fdatasync', open: plainAppend(true), divisor: 20 },
  { name: 'journal, power', open: ourAppend('power'), divisor: 20 },
];

async function measure(variant: Variant, entries: readonly JournalEntry[]): Promise<number[]> {
  const folder = mkdtempSync(join(values.dir, 'tachograph-bench-'));
  const target = variant.open(folder);
  const times: number[] = [];
  for (let i = 0; i < events / variant.divisor; i += 1) {
    const entry = entries[i % entries.length]!;
    const before = performance.now();
    target.append(entry);
    times.push((performance.now() - before) * 1000);
  }
  await target.close();
  rmSync(folder, { recursive: true });
  return times;
}

function summarise(variant: string, bytes: number, times: number[]): Figures {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  const us = times.reduce((sum, time) => sum + time, 0) / times.length;
  return { variant, bytes, us, p50: at(0.5), p99: at(0.99), p999: at(0.999), perSecond: 1e6 / us };
}

async function readBack(entries: readonly JournalEntry[]): Promise<number> {
  const folder = mkdtempSync(join(values.dir, 'tachograph-bench-'));
  const target = ourAppend('process')(folder);
  for (let i = 0; i < events * 5; i += 1) target.append(entries[i % entries.length]!);
  await target.close();
  const before = performance.now();
  let count = 0;
  for (const { file } of listJournals(folder)) {
    for (let at = 0; ;) {
      const part = readJournal(file, at);
      count += part.entries.length;
      at = part.nextBytes;
      if (part.end !== 'more') break;
    }
  }
  const us = ((performance.now() - before) * 1000) / count;
  rmSync(folder, { recursive: true });
  return us;
}

const figures: Figures[] = [];
const print = (cells: readonly (string | number)[]): void => {
  const row = cells.map((cell, i) =>
    (typeof cell === 'number' ? cell.toFixed(cell < 1000 ? 1 : 0) : cell)[i === 0 ? 'padEnd' : 'padStart'](
      i === 0 ? 26 : 10,
    ),
  );
  process.stdout.write(`${row.join('')}\n`);
};

print(['', 'bytes', 'mean us', 'p50', 'p99', 'p99.9', 'per s']);
for (const bytes of [1500, 8192]) {
  const entries = entriesOf(bytes);
  const timesByVariant = new Map<Variant, number[]>(variants.map((variant) => [variant, []]));
  for (const variant of variants) await measure(variant, entries);
  for (let round = 0; round < rounds; round += 1) {
    for (const variant of variants)
      for (const time of await measure(variant, entries)) timesByVariant.get(variant)!.push(time);
  }
  for (const [variant, times] of timesByVariant) {
    const found = summarise(variant.name, bytes, times);
    figures.push(found);
    print([found.variant, String(bytes), found.us, found.p50, found.p99, found.p999, found.perSecond]);
  }
  const us = await readBack(entries);
  figures.push({ variant: 'read back', bytes, us, p50: us, p99: us, p999: us, perSecond: 1e6 / us });
  print(['read back', String(bytes), us, '', '', '', 1e6 / us]);
}
if (values.json !== undefined)
  writeFileSync(values.json, JSON.stringify({ node: process.version, rounds, events, figures }, null, 2));
