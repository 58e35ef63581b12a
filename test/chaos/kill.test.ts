import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { OpenedHome } from '../../src/cli/open.ts';
import { openTachograph } from '../../src/cli/open.ts';
import { groupByWriter, checkChains } from '../../src/core/verify/chains.ts';
import { createMemoryStore } from '../../src/stores/memory/index.ts';
import { readJournal } from '../../src/journal/index.ts';
import type { TemporaryHome } from '../indexer/home.ts';
import { createTemporaryHome } from '../indexer/home.ts';
import type { LedgerProvider } from './provider.ts';
import { startLedgerProvider } from './provider.ts';
import { killVictim, startVictim } from './victims.ts';

const kills = Number(process.env['TACHOGRAPH_KILLS'] ?? '100');
const controls = 20;
const parallel = 3;
const seed = 20261121;

let provider: LedgerProvider;
let place: TemporaryHome;

beforeAll(async () => {
  provider = await startLedgerProvider();
});
afterAll(() => provider.close());
beforeEach(() => {
  place = createTemporaryHome();
});
afterEach(() => place.remove());

/** Repeatable numbers between 0 and 1. */
function createRandom(start: number): () => number {
  let state = start;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

/** Runs agents and kills each at a random moment after its first request. */
async function killMany(count: number, isBuffered: boolean): Promise<string[]> {
  const random = createRandom(seed);
  const names = Array.from({ length: count }, (_unused, index) => `${isBuffered ? 'control' : 'victim'}-${index}`);
  const waiting = [...names];
  const startedByName = new Map<string, () => void>();
  provider.onRequest = (prompt) => startedByName.get(prompt.split(' ')[0]!)?.();
  const killOne = async (name: string): Promise<void> => {
    const delayMs = random() * 250;
    const started = new Promise<void>((resolve) => startedByName.set(name, resolve));
    const child = startVictim({ home: place.home, name, baseUrl: provider.baseUrl, isBuffered });
    await Promise.race([started, once(child, 'exit')]);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await killVictim(child);
  };
  const work = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await killOne(name);
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return names;
}

interface Found {
  readonly begun: number;
  readonly ended: number;
}

/** Model calls that the record knows for each prompt. */
async function readFound(home: OpenedHome, name: string): Promise<Map<string, Found>> {
  const found = new Map<string, Found>();
  for (let cursor: string | null = null; ;) {
    const page = await home.store.listRuns(
      'default',
      { agentId: name },
      { limit: 500, ...(cursor === null ? {} : { cursor }) },
    );
    for (const run of page.items) {
      const steps = (await home.store.listSteps('default', run.id)).filter(({ kind }) => kind === 'model');
      found.set(run.summary.firstMessage!, {
        begun: steps.length,
        ended: steps.filter(({ status }) => status === 'completed').length,
      });
    }
    cursor = page.nextCursor;
    if (cursor === null) return found;
  }
}

/** Calls that the provider saw and the record does not have, or has not as ended although the next one had begun. */
async function countMissing(home: OpenedHome, names: readonly string[]): Promise<number> {
  let missing = 0;
  for (const name of names) {
    const found = await readFound(home, name);
    const prompts = [...provider.requestsByPrompt.keys()].filter((prompt) => prompt.startsWith(`${name} `));
    for (const [index, prompt] of prompts.entries()) {
      const seen = provider.requestsByPrompt.get(prompt)!;
      const known = found.get(prompt) ?? { begun: 0, ended: 0 };
      // An agent asks its next question only when the answer before it was taken, so all but the last have ended.
      const mustHaveEnded = index < prompts.length - 1 ? seen : seen - 1;
      missing += Math.max(0, seen - known.begun) + Math.max(0, mustHaveEnded - known.ended);
    }
  }
  return missing;
}

describe('kill -9 of a recorded program', () => {
  it(
    `at ${kills} random moments loses no begun and no finished call, and the record verifies (I2, I3)`,
    { timeout: Math.max(300_000, kills * 3000) },
    async () => {
      const names = await killMany(kills, false);
      const home = await openTachograph({ home: place.home });
      try {
        await home.indexer.catchUp();
        expect(home.problems).toEqual([]);
        expect(await countMissing(home, names)).toBe(0);
        const open = await home.store.listOpenRuns('default');
        expect(open).toEqual([]);
        let interrupted = 0;
        for (const name of names) {
          const { items } = await home.store.listRuns('default', { agentId: name }, { limit: 500 });
          expect(items.length).toBeGreaterThan(0);
          for (const run of items) {
            expect((await home.verify(run.id)).intact.verdict).toBe('intact');
            expect(['completed', 'failed']).toContain(run.status);
            if (run.status === 'failed') {
              expect(run).toMatchObject({ endReason: 'interrupted', swept: true });
              interrupted += 1;
            }
          }
        }
        expect(interrupted).toBeGreaterThan(0);
      } finally {
        await home.close();
      }
    },
  );

  it('loses calls when the journal is buffered: the check can fail', { timeout: 120_000 }, async () => {
    const names = await killMany(controls, true);
    const home = await openTachograph({ home: place.home });
    try {
      await home.indexer.catchUp();
      expect(await countMissing(home, names)).toBeGreaterThan(0);
    } finally {
      await home.close();
    }
  });

  it(
    'leaves a journal of which every byte-prefix of the last three records opens and verifies',
    { timeout: 120_000 },
    async () => {
      const folder = join(place.home, 'journal', 'default');
      // A slow machine may kill one before it has said enough; then another is killed.
      const longest = (): string | undefined =>
        readdirSync(folder)
          .filter((file) => file.endsWith('.tgj'))
          .toSorted((a, b) => statSync(join(folder, b)).size - statSync(join(folder, a)).size)[0];
      for (let tries = 0; tries < 10; tries += 1) {
        await killMany(1, false);
        if (recordEnds(join(folder, longest()!)).length > 4) break;
      }
      const name = longest()!;
      const bytes = readFileSync(join(folder, name));
      const cuts = join(place.home, 'cuts');
      mkdirSync(cuts);
      const ends = recordEnds(join(folder, name));
      expect(ends.length).toBeGreaterThan(4);
      const file = join(cuts, name);
      for (let length = ends.at(-4)!; length <= bytes.length; length += 1) {
        writeFileSync(file, bytes.subarray(0, length));
        const part = readJournal(file, 0);
        expect(part.entries.length).toBe(ends.filter((end) => end <= length).length);
        const store = createMemoryStore();
        await store.initialize();
        await store.importBatch({ projectId: 'default', entries: part.entries, position: null });
        const byRun = new Map<string, typeof part.entries>();
        for (const entry of part.entries)
          byRun.set(entry.event.header.runId, [...(byRun.get(entry.event.header.runId) ?? []), entry]);
        for (const entries of byRun.values())
          expect(checkChains(groupByWriter(entries.map(({ event }) => event)))).toBeNull();
      }
    },
  );
});

/** Where each record of a journal ends. */
function recordEnds(file: string): number[] {
  const ends: number[] = [];
  for (let at = 0; ;) {
    const { entries, nextBytes } = readJournal(file, at, { maxBytes: 1 });
    if (entries.length === 0) return ends;
    ends.push(nextBytes);
    at = nextBytes;
  }
}
