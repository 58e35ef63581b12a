import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { createArchive } from '../../src/cli/archive.ts';
import type { OpenedHome } from '../../src/cli/open.ts';
import { openTachograph } from '../../src/cli/open.ts';
import { createRedactor } from '../../src/core/redact/create.ts';
import type { Store } from '../../src/core/store.ts';
import { createSealSigner } from '../../src/core/verify/seals.ts';
import type { Archive, Problem } from '../../src/indexer/index.ts';
import { createIndexer, noLock } from '../../src/indexer/index.ts';
import { openHome, openSealHeads } from '../../src/journal/index.ts';
import { openSqliteStore } from '../../src/stores/sqlite/index.ts';
import type { createWorld, RunBuilder } from '../../src/testing/world.ts';
import type { TemporaryHome } from './home.ts';
import { createTemporaryHome } from './home.ts';

const key = new Uint8Array(32).fill(3);

/** A fresh home for each test of a file; all that was opened over it is closed behind it. */
export function useOpenedHome() {
  let place: TemporaryHome;
  const closing: { close(): Promise<void> }[] = [];

  beforeEach(() => {
    place = createTemporaryHome();
    openHome(place.home);
  });

  afterEach(async () => {
    for (const item of closing.splice(0).reverse()) await item.close();
    place.remove();
  });

  async function open(): Promise<OpenedHome> {
    const home = await openTachograph({ home: place.home });
    closing.push(home);
    return home;
  }

  /** An indexer over a store and an archive of the test's choice, on a clock of the test's own. */
  async function openParts(options: {
    wrapStore?: (store: Store) => Store;
    wrapArchive?: (archive: Archive) => Archive;
  }) {
    const store = openSqliteStore({ file: join(place.home, 'tachograph.db') });
    await store.initialize();
    const problems: Problem[] = [];
    const time = { ms: 0 };
    // Files are touched by the machine's clock, and whoever is silent for a day is given up.
    const startMs = Date.now();
    const indexer = createIndexer({
      store: options.wrapStore?.(store) ?? store,
      archive: (options.wrapArchive ?? ((archive) => archive))(createArchive(place.home)),
      lock: noLock,
      redactor: createRedactor({ key }),
      signerOf: () => createSealSigner(key),
      sealHeads: openSealHeads(place.home),
      clock: { nowMs: () => startMs + time.ms, monotonicMs: () => time.ms },
      onProblem: (problem) => void problems.push(problem),
    });
    closing.push(store, indexer);
    return { store, indexer, problems, time };
  }

  return {
    get home() {
      return place.home;
    },
    closing,
    open,
    openParts,
  };
}

/** A run with one step, told in words that are nowhere else. */
export const plainRun = (world: ReturnType<typeof createWorld>, words: string): RunBuilder =>
  world
    .run({ agentId: words })
    .step({ messages: [words], output: words })
    .end();

/** The steps of a run are numbered without a hole, and its views rebuild to what they are (I11). */
export async function expectSound(home: Pick<OpenedHome, 'store'>, runId: string): Promise<void> {
  const run = await home.store.getRun('default', runId);
  const steps = await home.store.listSteps('default', runId);
  expect(steps.map(({ number }) => number)).toEqual(steps.map((_step, index) => index + 1));
  expect(await home.store.rebuildRun('default', runId)).toEqual([]);
  expect(await home.store.getRun('default', runId)).toEqual(run);
}
