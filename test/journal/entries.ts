import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Content } from '../../src/core/content/content.ts';
import { createContentNamer } from '../../src/core/content/content.ts';
import { nodeIdOf, rootNodeId } from '../../src/core/content/context.ts';
import type { Journal, JournalEntry } from '../../src/core/journal.ts';
import { chainEvent, zeroHash } from '../../src/core/record/chain.ts';
import type { JournalOptions } from '../../src/journal/index.ts';
import { createJournal, listJournals, readJournal } from '../../src/journal/index.ts';

export const runA = '01932c07-1111-7abc-8def-0123456789ab';
export const runB = '01932c07-2222-7abc-8def-0123456789ab';
export const writerId = '0123456789abcdef';

const namer = createContentNamer(new Uint8Array(32).fill(9));

/** A content of these words. */
export function contentOf(words: string): Content {
  const bytes = Buffer.from(JSON.stringify(words));
  return { ...namer.name(bytes), kind: 'message', bytes };
}

/** Entries of one writer in one run, chained: each call gives the next, with the payload and contents named. */
export function createEntries(
  runId: string,
  writer = writerId,
): (words: string, contents?: readonly Content[]) => JournalEntry {
  let n = 0;
  let previous = zeroHash;
  let parentId = rootNodeId;
  return (words, contents = []) => {
    n += 1;
    const event = chainEvent({
      header: {
        runId,
        writerId: writer,
        n,
        type: 'log',
        timeMs: 1_763_700_000_000 + n,
        stepId: null,
        attempt: null,
        facts: null,
      },
      payload: JSON.stringify({ words }),
      salt: new Uint8Array(16).fill(n),
      previous,
    });
    previous = event.hash;
    const nodes = contents.map((content, i) => {
      const node = { id: nodeIdOf(parentId, content.id), parentId, contentId: content.id, depth: n + i };
      parentId = node.id;
      return node;
    });
    return { epoch: 2917, contents, nodes, event };
  };
}

/** The same entry with plain byte arrays, so that two of them can be compared. */
export function plain(entry: JournalEntry): unknown {
  const hex = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'));
  const { event } = entry;
  return {
    epoch: entry.epoch,
    contents: entry.contents.map((c) => ({ id: c.id, kind: c.kind, salt: hex(c.salt), bytes: hex(c.bytes) })),
    nodes: entry.nodes,
    event: {
      header: event.header,
      payload: event.payload,
      salt: hex(event.salt),
      digest: hex(event.digest),
      hash: hex(event.hash),
    },
  };
}

/** Runs a test with a data folder of its own, which is removed afterwards. */
export async function withHome<T>(work: (home: string) => T | Promise<T>): Promise<T> {
  const home = mkdtempSync(join(tmpdir(), 'tachograph-'));
  try {
    return await work(home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Everything readable in a file, or in all files of a data folder in order. */
export function readAll(home: string): JournalEntry[] {
  return listJournals(home).flatMap(({ file }) => readFile(file));
}

/** Everything readable in a file. */
export function readFile(file: string): JournalEntry[] {
  const entries: JournalEntry[] = [];
  for (let at = 0; ;) {
    const part = readJournal(file, at);
    entries.push(...part.entries);
    at = part.nextBytes;
    if (part.end !== 'more') return entries;
  }
}

/** `<run>/<n>` of entries, for comparing what was written with what is there. */
export function names(entries: readonly JournalEntry[]): string[] {
  return entries.map(({ event }) => `${event.header.runId.slice(9, 13)}/${event.header.n}`);
}

/** Waits in real time. */
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A journal of the project `default` in this data folder. */
export const journalIn = (home: string, options?: Partial<JournalOptions>): Journal =>
  createJournal({ home, projectId: 'default', writerId, ...options });

/** The first entries of a run, each with a content and a node. */
export function entriesOf(count: number, runId = runA, size = 100): JournalEntry[] {
  const next = createEntries(runId);
  return Array.from({ length: count }, (_, i) => next('w'.repeat(size), [contentOf(`${runId} ${i}`)]));
}
