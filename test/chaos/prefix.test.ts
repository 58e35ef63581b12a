import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTachograph } from '../../src/cli/open.ts';
import type { Store } from '../../src/core/store.ts';
import { createRandom } from '../../src/testing/model-cases.ts';
import { findFaults, toExpected } from './prefix/checker.ts';
import { recordPlain, recordWork } from './prefix/recordings.ts';
import { findResumptionFaults } from './prefix/resumption.ts';
import type { Cut, Scene, TapeFile } from './prefix/scene.ts';
import { cutAt, narrowScene, placeCuts, putFiles } from './prefix/scene.ts';

// Fifty runs of every shape are recorded by programs that die. Then their journals are cut anywhere, and the home is opened
// anew: each run is there as far as its record goes, resumed or ended, or what is damaged is in quarantine with its cause. Each
// file of a home is cut at a place of its own, so that one opening tries as many prefixes as there are files.

const rounds = Number(process.env['TACHOGRAPH_CHAOS_ROUNDS'] ?? '0');
/** Every byte from 100 rounds on, every tenth of 10 rounds; a sample in the suite. */
const strideBytes = rounds === 0 ? null : Math.max(1, Math.round(100 / rounds));
const timeout = rounds === 0 ? 180_000 : 4 * 3600_000;
const seed = 20261121;

let folder: string;
let plain: Scene;
let work: Scene;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tachograph-prefix-'));
  plain = await recordPlain(join(folder, 'plain'), { seed, isBuffered: false });
  work = await recordWork(join(folder, 'work'), seed);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const here = (): string => join(folder, 'cut');
const wholeOf = ({ tapes }: Scene): Cut[] => tapes.map((tape) => cutAt(tape, tape.bytes.length, 'short'));

/** Opens the home as it is, and imports. */
async function look(scene: Scene, cuts: readonly Cut[], aroundStore?: (store: Store) => Store): Promise<string[]> {
  const opened = await openTachograph({
    ...{ home: here(), variables: {} },
    ...(aroundStore === undefined ? {} : { aroundStore }),
  });
  try {
    await opened.indexer.catchUp();
    return await findFaults(opened, toExpected(scene, cuts));
  } finally {
    await opened.close();
  }
}

/** Opens a home whose files were cut; and once more when the files are back, and nothing may be in it twice. */
async function reopen(scene: Scene, cuts: readonly Cut[], isTwice = false): Promise<string[]> {
  placeCuts(scene, here(), cuts);
  const faults = await look(scene, cuts);
  if (!isTwice || faults.length > 0) return faults;
  putFiles(here(), wholeOf(scene));
  return await look(scene, wholeOf(scene));
}

const random = createRandom(seed);
const pick = (below: number): number => Math.floor(random() * below);

const cutAnywhere = ({ tapes }: Scene, kind: Cut['kind']): Cut[] =>
  tapes.map((tape) => cutAt(tape, pick(tape.bytes.length + 1), kind));

/** Every so many bytes of all files, told of as it goes on. */
async function cutEverywhere(scene: Scene, what: string, look: (cuts: readonly Cut[]) => Promise<string[]>) {
  const most = Math.max(...scene.tapes.map(({ bytes }) => bytes.length));
  const part = Math.ceil(most / 20);
  for (let bytes = 0, tried = 0; bytes <= most; bytes += strideBytes!) {
    const cuts = scene.tapes.filter((tape) => tape.bytes.length >= bytes).map((tape) => cutAt(tape, bytes, 'short'));
    expect(await look(cuts)).toEqual([]);
    tried += cuts.length;
    if (Math.floor(bytes / part) > Math.floor((bytes - strideBytes!) / part))
      process.stderr.write(`${what}: ${Math.floor((100 * bytes) / most)} % of the bytes, ${tried} prefixes\n`);
  }
}

/** The scene as it is when all other files are imported, so that these are all that an opening has to do. */
async function settleOthers(scene: Scene, tapes: readonly TapeFile[]): Promise<Scene> {
  const home = join(folder, 'settled');
  const others = scene.tapes.filter((tape) => !tapes.includes(tape));
  placeCuts(scene, home, wholeOf({ ...scene, tapes: others }));
  const opened = await openTachograph({ home, variables: {} });
  await opened.indexer.catchUp();
  await opened.close();
  return { ...narrowScene(scene, tapes), home };
}

/** Prefixes that end in the last record of these files, byte by byte. */
async function cutLastRecords(scene: Scene): Promise<void> {
  const { tapes } = scene;
  const startOf = (tape: TapeFile): number => tape.whole.frames.at(-1)!.startBytes;
  const most = Math.max(...tapes.map((tape) => tape.bytes.length - startOf(tape)));
  for (let more = 0; more <= most; more += 1) {
    const cuts = tapes.map((tape) => cutAt(tape, Math.min(startOf(tape) + more, tape.bytes.length), 'short'));
    expect(await reopen(scene, cuts)).toEqual([]);
  }
}

describe('fifty recorded runs', () => {
  it('are what was meant to be recorded', () => {
    expect([plain.runIds.length, work.runIds.length]).toEqual([35, 15]);
    const types = (scene: Scene) => new Set(scene.tapes.flatMap(({ whole }) => whole.frames.map(({ type }) => type)));
    for (const type of ['run-create', 'step-start', 'step-end', 'attempt-start', 'attempt-end', 'run-end'])
      expect(types(plain)).toContain(type);
    expect(plain.tapes.filter(({ importedBytes }) => importedBytes > 0)).toHaveLength(8);
    // What the dead workers had in their journals only.
    const known = new Set([...work.eventsBefore.values()].flat().map(({ hash }) => Buffer.from(hash).toString('hex')));
    const ahead = work.tapes.flatMap(({ whole }) => whole.frames).filter(({ hash }) => !known.has(hash));
    expect(ahead.length).toBeGreaterThan(work.tapes.length);
  });
});

describe('journals that end anywhere', () => {
  it(
    'open with every record that is whole, once; open runs end, and what comes back later is not in twice',
    { timeout },
    async () => {
      expect(await reopen(plain, wholeOf(plain), true)).toEqual([]);
      for (let round = 0; round < 24 + rounds; round += 1)
        expect(await reopen(plain, cutAnywhere(plain, 'short'), round % 4 === 0)).toEqual([]);
      if (strideBytes !== null) await cutEverywhere(plain, 'recorded runs', (cuts) => reopen(plain, cuts));
    },
  );

  it('byte by byte in their last records too', { timeout }, async () => {
    const lastBytes = (tape: TapeFile): number => tape.bytes.length - tape.whole.frames.at(-1)!.startBytes;
    const filesOf = (runId: string): number =>
      plain.tapes.filter(({ whole }) => whole.frames.some((frame) => frame.runId === runId)).length;
    const fresh = plain.tapes.filter(
      ({ whole, importedBytes }) => importedBytes === 0 && whole.frames.every(({ runId }) => filesOf(runId) === 1),
    );
    const briefest = fresh.toSorted((a, b) => lastBytes(a) - lastBytes(b));
    // Of runs that their program left open, and of one that ended.
    const isClosed = ({ whole }: TapeFile): boolean => whole.frames.at(-1)!.type === 'run-end';
    const open = briefest.find((tape) => !isClosed(tape))!;
    const closed = briefest.find(isClosed)!;
    await cutLastRecords(await settleOthers(plain, [open, closed]));
  });

  it(
    'and those whose end is zeros, or that have a hole, keep the rest: the damage is in quarantine with its cause',
    { timeout },
    async () => {
      for (let round = 0; round < 12 + rounds; round += 1) {
        expect(await reopen(plain, cutAnywhere(plain, 'zeros'))).toEqual([]);
        expect(await reopen(plain, cutAnywhere(plain, 'hole'))).toEqual([]);
      }
    },
  );

  it('of dead workers: their runs are resumed, and what was remembered is not done again', { timeout }, async () => {
    const resume = async (cuts: readonly Cut[]): Promise<string[]> =>
      await findResumptionFaults(work, { home: here(), cuts, importsFirst: pick(2) === 0 });
    expect(await resume(wholeOf(work))).toEqual([]);
    expect(await resume([])).toEqual([]);
    for (let round = 0; round < 20 + rounds; round += 1) expect(await resume(cutAnywhere(work, 'short'))).toEqual([]);
    if (strideBytes !== null) await cutEverywhere(work, 'runs as work', resume);
  });
});

describe('the check can fail', () => {
  it('when the last whole record of what is read is dropped', async () => {
    placeCuts(plain, here(), wholeOf(plain));
    const dropping = (store: Store): Store => ({
      ...store,
      importBatch: (batch) =>
        store.importBatch(batch.position === null ? batch : { ...batch, entries: batch.entries.slice(0, -1) }),
    });
    const faults = await look(plain, wholeOf(plain), dropping);
    expect(faults.filter((fault) => fault.includes('lost run-end')).length).toBeGreaterThan(10);
  });

  it('when what was acknowledged rests in memory', async () => {
    const buffered = await recordPlain(join(folder, 'buffered'), { seed, isBuffered: true });
    const faults = await reopen(buffered, wholeOf(buffered));
    expect(faults.filter((fault) => fault.includes('acknowledged')).length).toBeGreaterThan(10);
  });

  it('when damage is stepped over without a word', async () => {
    const cuts = cutAnywhere(plain, 'hole');
    placeCuts(plain, here(), cuts);
    const opened = await openTachograph({ home: here(), variables: {} });
    try {
      await opened.indexer.catchUp();
      const faults = await findFaults({ ...opened, problems: [] }, toExpected(plain, cuts));
      expect(faults.filter((fault) => fault.includes('nobody was told')).length).toBeGreaterThan(10);
    } finally {
      await opened.close();
    }
  });

  it('when nobody knows what a dead worker had done', async () => {
    const options = { home: here(), cuts: wholeOf(work), importsFirst: true, forgetsSteps: true };
    const faults = await findResumptionFaults(work, options);
    expect(faults.filter((fault) => fault.includes('though it was remembered')).length).toBeGreaterThan(10);
  });
});
