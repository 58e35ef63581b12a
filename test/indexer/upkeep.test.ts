import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createUpkeep, readUpkeep, readUsedBytes } from '../../src/cli/life/upkeep.ts';
import type { OpenedHome } from '../../src/cli/open.ts';
import { openTachograph } from '../../src/cli/open.ts';
import type { UpkeepState } from '../../src/core/life/upkeep.ts';
import { freshUpkeep } from '../../src/core/life/upkeep.ts';
import { copyAside, listJournals, readJournal } from '../../src/journal/index.ts';
import type { RunBuilder } from '../../src/testing/world.ts';
import { createWorld, usageOf } from '../../src/testing/world.ts';
import { tachograph } from '../end-to-end/command.ts';
import type { TemporaryHome } from './home.ts';
import { createTemporaryHome } from './home.ts';
import { forgeJournal } from './journals.ts';
import { placesOfWord } from './words.ts';

const mainFile = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const dayMs = 24 * 3600 * 1000;

let place: TemporaryHome;
let opened: OpenedHome[];
beforeEach(() => {
  place = createTemporaryHome();
  opened = [];
});
afterEach(async () => {
  for (const home of opened) await home.close();
  place.remove();
});

const set = (settings: unknown): void =>
  writeFileSync(join(place.home, 'settings.json'), typeof settings === 'string' ? settings : JSON.stringify(settings));

/** Opens the home with these runs in it, each written by a process that lives. */
async function openWith(...runs: readonly RunBuilder[]): Promise<OpenedHome> {
  for (const run of runs) forgeJournal(place.home, { writerId: run.writerId }).append(...run.take());
  const home = await openTachograph({ home: place.home });
  opened.push(home);
  await home.indexer.catchUp();
  return home;
}

const idsIn = async (home: OpenedHome): Promise<string[]> =>
  (await home.store.listRuns('default', { includeDryRun: true }, { limit: 500 })).items.map(({ id }) => id).reverse();

async function pin(home: OpenedHome, runId: string): Promise<void> {
  const at = { createdAtMs: 1, updatedAtMs: 1 };
  await home.store.putAnnotation('default', {
    id: `pin-${runId}`,
    runId,
    stepId: null,
    kind: 'pin',
    name: null,
    value: null,
    author: null,
    ...at,
  });
}

/** An upkeep whose failures are only in its state. */
const upkeepOf = (home: OpenedHome) => createUpkeep(home, { onError: () => undefined });

const ageMs = (days: number): number => Date.now() - days * dayMs;

describe('retention', () => {
  it('drops what was last written to 30 days ago, and leaves pinned, open and younger runs', async () => {
    const world = createWorld();
    const old = Array.from({ length: 30 }, (_, index) =>
      world
        .run({ timeMs: ageMs(40) + index })
        .step({ messages: ['walnut question'], output: ['walnut answer'] })
        .end(),
    );
    const pinned = world.run({ timeMs: ageMs(40) }).end();
    const open = world.run({ timeMs: ageMs(40) });
    const late = world.run({ timeMs: ageMs(40) });
    const young = world.run({ timeMs: ageMs(29) }).end();
    late.end();
    const home = await openWith(...old, pinned, open, young);
    await pin(home, pinned.id);
    const upkeep = upkeepOf(home);
    const state = await upkeep.pass();
    expect(state).toMatchObject({ error: null, purgedRuns: 30, quota: null });
    expect((await idsIn(home)).sort()).toEqual([pinned.id, open.id, young.id].sort());
    expect(readUpkeep(place.home)).toEqual(state);
    const doctor = await tachograph(place.home, 'doctor');
    expect(doctor.out).toMatch(/upkeep\s+30 runs dropped/);
    expect(doctor.out).toMatch(/settings\s+runs are kept for 30 days, no quota/);
    await upkeep.close();
  });

  it('goes by the last write, by project, and by 0 for ever', async () => {
    const world = createWorld();
    const run = world.run({ timeMs: ageMs(3) }).end();
    const home = await openWith(run);
    const upkeep = upkeepOf(home);
    set({ retentionDays: 0 });
    expect(await upkeep.pass()).toMatchObject({ purgedRuns: 0, error: null });
    await upkeep.close();
    set({ retentionDays: 0, projects: { default: { retentionDays: 2 } } });
    const other = upkeepOf(home);
    expect(await other.pass()).toMatchObject({ purgedRuns: 1 });
    expect(await idsIn(home)).toEqual([]);
    await other.close();
  });

  it('goes by the day it came for what was imported', async () => {
    const run = createWorld()
      .run({ timeMs: ageMs(90) })
      .end();
    const home = await openWith(run);
    const file = join(place.home, 'run.tgr');
    expect((await tachograph(place.home, 'export', run.id, '-o', file)).status).toBe(0);
    const other = createTemporaryHome();
    expect((await tachograph(other.home, 'import', file)).status).toBe(0);
    const there = await openTachograph({ home: other.home });
    const upkeep = upkeepOf(there);
    expect(await upkeep.pass()).toMatchObject({ purgedRuns: 0, error: null });
    expect(await idsIn(there)).toEqual([run.id]);
    await upkeep.close();
    await there.close();
    other.remove();
    const here = upkeepOf(home);
    expect(await here.pass()).toMatchObject({ purgedRuns: 1 });
    await here.close();
  }, 30_000);

  it('works behind a server, which says how it stands', async () => {
    const home = await openWith(
      createWorld()
        .run({ timeMs: ageMs(40) })
        .end(),
    );
    await home.close();
    opened = [];
    const child = spawn(
      process.execPath,
      [mainFile, '--home', place.home, 'serve', '--port', '0', '--no-sample', '--json'],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { url } = JSON.parse(line.toString()) as { url: string };
    let upkeep: UpkeepState = freshUpkeep;
    while (upkeep.lastPassAtMs === null)
      ({ upkeep } = (await (await fetch(`${url}/healthz`)).json()) as { upkeep: UpkeepState });
    expect(upkeep).toMatchObject({ error: null, purgedRuns: 1, quota: null });
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/tachograph_upkeep_purged_runs 1/);
    child.kill('SIGTERM');
    expect((await once(child, 'close'))[0]).toBe(0);
  }, 30_000);

  it('takes copies in quarantine by the same clock', async () => {
    const run = createWorld()
      .run({ timeMs: ageMs(1) })
      .end();
    const home = await openWith(run);
    const [journal] = listJournals(place.home);
    copyAside(journal!.file, readJournal(journal!.file, 0).places[0]!, 'a try');
    const folder = join(place.home, 'quarantine', 'default');
    const upkeep = upkeepOf(home);
    await upkeep.pass();
    expect(readdirSync(folder)).toHaveLength(2);
    for (const name of readdirSync(folder)) utimesSync(join(folder, name), ageMs(31) / 1000, ageMs(31) / 1000);
    await upkeep.pass();
    expect(readdirSync(folder)).toEqual([]);
    await upkeep.close();
  });

  it('drops nothing while the settings cannot be read, and says so', async () => {
    const run = createWorld()
      .run({ timeMs: ageMs(40) })
      .end();
    const home = await openWith(run);
    set('{"retentionDay": 3}');
    const upkeep = upkeepOf(home);
    expect((await upkeep.pass()).error).toMatch(/retentionDay .* is not known/);
    expect(await idsIn(home)).toEqual([run.id]);
    const doctor = await tachograph(place.home, 'doctor');
    expect(doctor.status).toBe(1);
    expect(doctor.out).toMatch(/bad\s+settings\s+retentionDay/);
    expect((await tachograph(place.home, 'serve', '--port', '0', '--no-sample')).err).toMatch(
      /retentionDay.*\[bad-argument\]/,
    );
    await upkeep.close();
  });

  it('that fails leaves the rest running, and is tried again', async () => {
    const run = createWorld()
      .run({ timeMs: ageMs(40) })
      .end();
    const home = await openWith(run);
    set({ quotaBytes: 1e12 });
    let fails = true;
    const store = {
      ...home.store,
      purge: (options: Parameters<typeof home.store.purge>[0]) =>
        fails ? Promise.reject(new Error('walnut words')) : home.store.purge(options),
    };
    const upkeep = createUpkeep({ ...home, store }, { onError: () => undefined });
    const state = await upkeep.pass();
    expect(state).toMatchObject({ error: expect.stringMatching(/^Error/), quota: { isOver: false } });
    expect(state.error).not.toContain('walnut');
    fails = false;
    expect(await upkeep.pass()).toMatchObject({ error: null, purgedRuns: 1 });
    await upkeep.close();
  });
});

describe('the quota', () => {
  const words = (seed: number): string =>
    Array.from({ length: 3000 }, (_, index) => (((seed * 7919 + index) * 2654435761) >>> 0).toString(36)).join(' ');

  it('takes dry runs first, then the oldest, of this week too, and never what is open or pinned', async () => {
    const world = createWorld();
    const build = (index: number, fields: object = {}) =>
      world
        .run({ timeMs: Date.now() - 60_000 + index * 10, ...fields })
        .step({ messages: [`q ${words(index)}`], output: [`a ${words(index + 500)}`] });
    const open = build(0);
    const pinned = build(1).end();
    const runs = Array.from({ length: 30 }, (_, index) => build(index + 2).end());
    const dry = build(40, { dryRun: true }).end();
    const home = await openWith(open, pinned, ...runs, dry);
    for (const { file } of listJournals(place.home)) {
      const at = Date.now() / 1000;
      utimesSync(file, at, at);
    }
    await pin(home, pinned.id);
    // Journals of living processes are not the quota's to take: room is made in the store.
    const full = readUsedBytes(place.home);
    set({ quotaBytes: Math.round(full * 0.85) });
    const upkeep = upkeepOf(home);
    const state = await upkeep.pass();
    const left = await idsIn(home);
    expect(left).toEqual([open.id, pinned.id, ...runs.slice(runs.length - (left.length - 2)).map(({ id }) => id)]);
    expect(state.quota!.droppedRuns).toBe(33 - left.length);
    expect(left).not.toContain(dry.id);
    expect(left.length).toBeGreaterThan(2);
    expect(state).toMatchObject({ error: null, quota: { isOver: false } });
    expect(state.quota!.usedBytes).toBeLessThan(full);

    set({ quotaBytes: 1 });
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(await upkeep.pass()).toMatchObject({ quota: { isOver: true, limitBytes: 1 } });
    expect(await idsIn(home)).toEqual([open.id, pinned.id]);
    const doctor = await tachograph(place.home, 'doctor');
    expect([doctor.status, doctor.out]).toEqual([
      1,
      expect.stringMatching(/bad\s+quota .*nothing is left that may go/),
    ]);
    expect((await home.verify(pinned.id)).intact.verdict).toBe('intact');
    await upkeep.close();
  }, 30_000);
});

describe('sampling', () => {
  const step = { messages: ['hazel question'], output: ['hazel answer'], usage: usageOf(7, 3) };

  it('takes the words of ordinary runs once they have rested, and leaves numbers, chain and a tombstone', async () => {
    const world = createWorld();
    const at = ageMs(2);
    const ordinary = world.run({ timeMs: at, name: 'ordinary' }).step(step).end();
    const failed = world
      .run({ timeMs: at })
      .step({ ...step, status: 'error' })
      .end('error');
    const slow = world.run({ timeMs: at }).step(step).end('ok', { durationMs: 9000 });
    const parent = world.run({ timeMs: at }).step(step);
    const child = world
      .run({ timeMs: at, parent })
      .step({ ...step, status: 'error' })
      .end();
    parent.end();
    const noted = world.run({ timeMs: at }).step(step).end();
    const fresh = world
      .run({ timeMs: Date.now() - 1000 })
      .step(step)
      .end();
    const home = await openWith(ordinary, failed, slow, parent, child, noted, fresh);
    await pin(home, noted.id);
    set({ sampling: { keep: 0, slowMs: 5000 } });
    const upkeep = upkeepOf(home);
    const before = await home.store.getRun('default', ordinary.id);
    expect(await upkeep.pass()).toMatchObject({ error: null, sampledRuns: 1 });
    const after = await home.store.getRun('default', ordinary.id);
    expect(after).toMatchObject({ name: 'ordinary', erased: true, status: 'completed', durationMs: before.durationMs });
    expect(after.usage).toEqual(before.usage);
    expect(after.counts.steps).toBe(before.counts.steps);
    expect((await home.verify(ordinary.id)).intact).toMatchObject({ verdict: 'intact' });
    const events = await home.store.listEvents('default', ordinary.id);
    expect(events.at(-1)!.header.facts).toContain('"scope":"sampling"');
    for (const kept of [failed, slow, parent, child, noted, fresh])
      expect([kept.id, (await home.store.getRun('default', kept.id)).erased]).toEqual([kept.id, false]);
    // Each told of once: a second look finds nothing new.
    expect(await upkeep.pass()).toMatchObject({ sampledRuns: 1 });
    await upkeep.close();
  });

  it('keeps the chosen share', async () => {
    const world = createWorld();
    const run = world
      .run({ timeMs: ageMs(2) })
      .step(step)
      .end();
    const home = await openWith(run);
    set({ sampling: { keep: 1 } });
    const upkeep = upkeepOf(home);
    expect(await upkeep.pass()).toMatchObject({ sampledRuns: 0 });
    expect(placesOfWord(place.home, 'hazel')).not.toEqual([]);
    await upkeep.close();
    expect(existsSync(join(place.home, 'upkeep.json'))).toBe(true);
    expect(readFileSync(join(place.home, 'upkeep.json'), 'utf8')).toContain('"sampledRuns":0');
  });
});
