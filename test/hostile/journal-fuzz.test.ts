import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTachograph } from '../../src/cli/open.ts';
import type { JournalEntry } from '../../src/core/journal.ts';
import { frameHeadBytes } from '../../src/journal/frame.ts';
import { listJournals, openHome, readJournal } from '../../src/journal/index.ts';
import { createMemoryStore } from '../../src/stores/memory/index.ts';
import { openSqliteStore } from '../../src/stores/sqlite/index.ts';
import { createWorld, errorOf, usageOf } from '../../src/testing/world.ts';
import type { Store } from '../../src/core/store.ts';
import { entryToBody, forgeJournal } from '../indexer/journals.ts';

const rounds = Number(process.env['TACHOGRAPH_FUZZ'] ?? '60');
const seed = Number(process.env['TACHOGRAPH_FUZZ_SEED'] ?? '20261121');

type Random = (below: number) => number;

/** Repeatable whole numbers below a bound (mulberry32). */
function createRandom(start: number): Random {
  let state = start;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Two runs of two writers with every kind of event: what the mutations begin from. */
function validEntries(): JournalEntry[] {
  const world = createWorld();
  const one = world.run({ agentId: 'one', labels: { a: 'b' }, name: 'first', callerId: 'me' });
  const other = one.writer('b'.repeat(16));
  const child = world.run({ agentId: 'two', parent: one });
  one.step({
    messages: ['please', 'help'],
    output: [{ type: 'text', text: 'gladly' }],
    usage: usageOf(5, 6),
    cost: { nanoUsd: 7, status: 'actual', source: 'provider-response' },
    body: { model: 'm', messages: ['please'] },
  });
  one.step({ kind: 'tool', args: { x: [1] }, result: { y: 'z' } });
  child.step({ status: 'error', error: errorOf('bang'), messages: ['please', 'help', 'more'] });
  other.step({ status: null }).emit('log', { payload: { type: 'durability', data: { state: 'degraded' } } });
  child.end('error', { error: errorOf('worse') });
  one.emit('gap', { facts: { reason: 'disk-full', events: 2, contents: 0, bytes: 9, sinceMs: 1, untilMs: 2 } });
  one.end('ok', { output: 'done' });
  return [...one.entries, ...other.entries, ...child.entries];
}

const deep = (levels: number): string => `${'{"a":['.repeat(levels)}1${']}'.repeat(levels)}`;

/** JSON texts that no recorder writes. */
const oddTexts = [
  'null',
  'true',
  '0',
  '-0',
  '-1',
  '1.5',
  '1e999',
  '-1e999',
  '1e300',
  '9007199254740993',
  '"x"',
  '""',
  '"\\ud800"',
  '"\\u0000"',
  '[]',
  '[[1],{}]',
  '{}',
  '{"__proto__":{"status":"x"}}',
  '{"constructor":{"prototype":{}}}',
  '{"name":1,"message":[],"causes":{"length":3}}',
  '{"input":{"total":"1e9"},"output":[]}',
  deep(20),
  deep(300),
  deep(6000),
  `"${'f'.repeat(64)}"`,
  `"${'0'.repeat(64)}"`,
  `"${'y'.repeat(70_000)}"`,
  '"01932c07-1111-7abc-8def-0123456789ab"',
];

/** The text of an object with one of its members, at any depth, changed, dropped, doubled, renamed or swapped. */
function mutateJson(text: string, random: Random): string {
  const places = [...text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null/g)];
  if (places.length === 0) return oddTexts[random(oddTexts.length)]!;
  const { 0: found, index } = places[random(places.length)]!;
  const odd = oddTexts[random(oddTexts.length)]!;
  const isName = text[index + found.length] === ':';
  switch (random(isName ? 3 : 4)) {
    case 0: {
      const put = isName ? ['"__proto__"', '"constructor"', '"swept"', '"toString"'][random(4)]! : odd;
      return text.slice(0, index) + put + text.slice(index + found.length);
    }
    case 1: {
      const other = places[random(places.length)]!;
      return text.slice(0, index) + other[0] + text.slice(index + found.length);
    }
    case 2:
      return random(8) === 0
        ? text.slice(0, index)
        : text.replace('{', `{"${['status', 'usage', '__proto__', 'kind'][random(4)]}":${odd},`);
    default:
      return random(8) === 0 ? odd : text.slice(0, index) + odd + text.slice(index + found.length);
  }
}

function mutateEntry(entry: JournalEntry, random: Random): JournalEntry {
  const { header, payload } = entry.event;
  switch (random(6)) {
    case 0:
    case 1:
      return { ...entry, event: { ...entry.event, payload: mutateJson(payload ?? '{}', random) } };
    case 2:
    case 3:
      return {
        ...entry,
        event: { ...entry.event, header: { ...header, facts: mutateJson(header.facts ?? '{}', random) } },
      };
    case 4: {
      const change = [
        { n: header.n + random(20_000) },
        { timeMs: [0, 1, header.timeMs * 2, 253_402_300_799_999][random(4)]! },
        { stepId: [null, header.runId, header.stepId][random(3)]! },
        { attempt: [null, 1, 2, 1_000_000][random(4)]! },
        { type: (['step-end', 'run-end', 'attempt-start', 'run-create', 'constructor'] as const)[random(5)] as 'log' },
        { writerId: 'c'.repeat(16) },
      ][random(6)]!;
      return { ...entry, event: { ...entry.event, header: { ...header, ...change } } };
    }
    default:
      return {
        ...entry,
        epoch: entry.epoch + random(3) - 1,
        contents: entry.contents.slice(random(2)),
        nodes: entry.nodes.slice(random(2)),
      };
  }
}

/** Bodies of a hostile journal: some entries mutated, some with bits flipped, some lost, doubled or in another place. */
function hostileBodies(entries: readonly JournalEntry[], random: Random): Buffer[] {
  const bodies = entries.flatMap((entry) => {
    const changed = random(3) === 0 ? mutateEntry(entry, random) : entry;
    const body = entryToBody(changed);
    for (let flips = random(8) === 0 ? 1 + random(4) : 0; flips > 0; flips -= 1)
      body[random(body.length)]! ^= 1 << random(8);
    return random(20) === 0 ? [] : random(20) === 0 ? [body, body] : [body];
  });
  if (random(4) === 0) bodies.push(...bodies.splice(random(bodies.length), 2));
  return bodies;
}

async function readEverything(store: Store): Promise<unknown> {
  const seen: unknown[] = [];
  for (const projectId of await store.listProjects()) {
    const { items } = await store.listRuns(projectId, { includeDryRun: true }, { limit: 500 });
    for (const run of items.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
      const differing = await store.rebuildRun(projectId, run.id);
      if (differing.length > 0) throw new Error(`${run.id}: ${differing.join(', ')}`);
      const again = await store.getRun(projectId, run.id);
      expect(again).toEqual(run);
      const steps = await store.listSteps(projectId, run.id);
      expect(steps.map(({ number }) => number)).toEqual(steps.map((_step, index) => index + 1));
      seen.push(run, steps, await store.listAttempts(projectId, run.id), await store.listEvents(projectId, run.id));
    }
    for (const by of ['model', 'agent', 'day'] as const) await store.totals(projectId, { by });
    await store.listOpenRuns(projectId);
    await store.search(projectId, 'please');
  }
  return JSON.parse(JSON.stringify(seen));
}

const entries = validEntries();

describe('journals made from valid ones by flipping bits and changing JSON, their checksums put right', () => {
  it(`are imported and rebuilt alike in every store, ${rounds} journals (I11)`, { timeout: 600_000 }, async () => {
    let kept = 0;
    for (let round = 0; round < rounds; round += 1) {
      const random = createRandom(seed + round);
      const place = mkdtempSync(join(tmpdir(), 'tachograph-fuzz-'));
      try {
        openHome(place);
        const journal = forgeJournal(place);
        for (const body of hostileBodies(entries, random)) journal.appendBody(body);
        const [memory, sqlite] = [createMemoryStore(), openSqliteStore({ file: ':memory:' })];
        const seen: unknown[] = [];
        for (const store of [memory, sqlite]) {
          await store.initialize();
          for (const { file } of listJournals(place)) {
            const part = readJournal(file, 0);
            const size = 1 + random(part.entries.length + 1);
            for (let at = 0; at < part.entries.length; at += size)
              await store.importBatch({
                projectId: 'default',
                entries: part.entries.slice(at, at + size),
                position: null,
              });
            kept += part.entries.length;
          }
          try {
            seen.push(await readEverything(store));
          } catch (cause) {
            throw new Error(`journal ${round} (seed ${seed}), ${store.kind}: ${(cause as Error).message}`, { cause });
          }
          await store.close();
        }
      } finally {
        rmSync(place, { recursive: true, force: true });
      }
    }
    expect(kept).toBeGreaterThan(rounds * entries.length);
  });

  it('leave nothing for the indexer to stumble over', { timeout: 300_000 }, async () => {
    for (let round = 0; round < Math.min(rounds, 12); round += 1) {
      const random = createRandom(seed + 1_000_000 + round);
      const place = mkdtempSync(join(tmpdir(), 'tachograph-fuzz-'));
      try {
        openHome(place);
        // A process of an earlier boot: what it left open is swept, and sealed.
        const journal = forgeJournal(place, { identity: { bootId: 'long ago:1' } });
        for (const body of hostileBodies(entries, random)) journal.appendBody(body);
        const home = await openTachograph({ home: place });
        await home.indexer.catchUp();
        await readEverything(home.store);
        for (const { message } of home.problems) expect(message).not.toMatch(/cannot be imported/);
        expect(await home.store.listOpenRuns('default')).toEqual([]);
        await home.close();
      } finally {
        rmSync(place, { recursive: true, force: true });
      }
    }
  });

  it('are refused or read, whatever byte of the file itself is changed', { timeout: 120_000 }, async () => {
    const place = mkdtempSync(join(tmpdir(), 'tachograph-fuzz-'));
    try {
      openHome(place);
      const { file } = forgeJournal(place).append(...entries.slice(0, 4));
      const bytes = readFileSync(file);
      expect(bytes.length).toBeGreaterThan(frameHeadBytes);
      const random = createRandom(seed);
      for (let round = 0; round < 300; round += 1) {
        const changed = Buffer.from(bytes);
        for (let flips = 1 + random(3); flips > 0; flips -= 1) changed[random(changed.length)]! ^= 1 << random(8);
        const forged = forgeJournal(place);
        const { writeFileSync } = await import('node:fs');
        writeFileSync(forged.file, changed);
        const found = listJournals(place).find((item) => item.file === forged.file)!;
        if (found.error === null) expect(readJournal(forged.file, 0).entries.length).toBeLessThanOrEqual(4);
        rmSync(forged.file);
      }
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  });
});
