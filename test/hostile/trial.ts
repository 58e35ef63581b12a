import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { openTachograph } from '../../src/cli/open.ts';
import type { OpenedHome } from '../../src/cli/open.ts';
import type { Redactor } from '../../src/core/redact/redactor.ts';
import { createTemporaryHome } from '../indexer/home.ts';
import { openLoopback } from '../playback/loopback.ts';
import { captureEverywhere } from './capture-places.ts';
import type { Leak } from './leak-search.ts';
import { createLeakSearch } from './leak-search.ts';
import type { Outlet } from './outlets.ts';
import { annotate, askWrongly, commandOutlets, homeOutlets, openHandler, routeOutlets, watchRuns } from './outlets.ts';
import { recordEverywhere } from './recorder-places.ts';
import type { Encoding, Planted, Random, SecretKind } from './secrets.ts';
import { createPlanter } from './secrets.ts';

/** One pass over all places with one encoding. */
export interface Round {
  readonly encoding: Encoding;
  readonly seed: number;
  /** Which credential stands at the nth place. */
  readonly kindOf: (n: number, random: Random) => SecretKind;
}

/** What a trial planted, and where of it something came out. */
export interface Trial {
  readonly planted: readonly Planted[];
  readonly leaks: readonly Leak[];
  /** Everywhere that was looked. */
  readonly outlets: ReadonlySet<string>;
  readonly bytes: number;
}

/** A redactor that takes nothing out: the trial must then find everything. */
export const blindRedactor: Redactor = {
  text: (value) => ({ value, counts: null }),
  json: (value) => ({ value, counts: null }),
  headers: (value) => ({ value: { ...value }, counts: null }),
  url: (value) => ({ value, counts: null }),
  body: (value) => ({ value, counts: null }),
  identifier: (value) => ({ value, counts: null }),
};

/** Waits until the runs that ended are sealed and packed. */
async function settle(opened: OpenedHome): Promise<void> {
  const db = new DatabaseSync(join(opened.home, 'tachograph.db'), { readOnly: true });
  const isBusy = (): boolean => db.prepare('SELECT 1 FROM packing UNION ALL SELECT 1 FROM sealing').get() !== undefined;
  try {
    opened.indexer.start();
    await opened.indexer.catchUp();
    for (let turn = 0; turn < 400 && isBusy(); turn += 1) await sleep(25);
    if (isBusy()) throw new Error('the runs were not sealed and packed in time');
  } finally {
    db.close();
  }
}

/** Plants secrets everywhere, in each round with another encoding, and looks for them wherever anything comes out. */
export async function runTrial(of: {
  readonly rounds: readonly Round[];
  readonly redactor: Redactor | null;
  /** Rounds of whose runs everything is asked, by routes and, unless told otherwise, by commands. */
  readonly shownRounds?: number;
  readonly hasCommands?: boolean;
}): Promise<Trial> {
  const place = createTemporaryHome();
  const loopback = await openLoopback();
  const planted: Planted[] = [];
  const found: Leak[] = [];
  const outlets = new Set<string>();
  let bytes = 0;
  const log: string[] = [];
  const tell = (error: unknown): void => void log.push(error instanceof Error ? error.message : String(error));
  const look = (given: Iterable<Outlet>): void => {
    const search = { plain: createLeakSearch(planted), folded: createLeakSearch(planted, true) };
    for (const outlet of given) {
      outlets.add(outlet.where);
      bytes += outlet.bytes.length;
      found.push(...search[outlet.isFolded === true ? 'folded' : 'plain'].leaks(outlet.where, outlet.bytes));
    }
  };
  const shown: string[] = [];
  try {
    const planters = of.rounds.map(createPlanter);
    const recorder = place.recorder({
      onError: tell,
      environment: { cwd: '/srv/app', argv: ['node', 'agent.mjs'] },
      ...(of.redactor === null ? {} : { redactor: of.redactor }),
    });
    for (const [at, planter] of planters.entries()) {
      const runId = recordEverywhere(recorder, planter);
      await captureEverywhere(recorder, planter, loopback);
      if (at < (of.shownRounds ?? Infinity)) shown.push(runId);
    }
    const opened = await openTachograph({ home: place.home, onError: tell });
    try {
      await opened.indexer.catchUp();
      planted.push(...planters.flatMap((planter) => planter.planted));
      look(homeOutlets(place.home));
      await recorder.close();
      await settle(opened);
      const handler = openHandler(opened, of.redactor, tell);
      const annotator = createPlanter({ ...of.rounds[0]!, seed: 7 });
      const asker = createPlanter({ ...of.rounds[0]!, seed: 8 });
      const answers = [...(await annotate(handler, shown[0]!, annotator)), ...(await askWrongly(handler, asker))];
      planted.push(...annotator.planted, ...asker.planted);
      const all = (await opened.store.listRuns('default', { includeDryRun: true }, { limit: 500 })).items.map(
        ({ id }) => id,
      );
      const others = all.filter((id) => !shown.includes(id)).slice(0, 12);
      const late = createPlanter({ ...of.rounds[0]!, seed: 9 });
      const changes = await watchRuns(handler, async () => {
        const second = place.recorder({ onError: tell, ...(of.redactor === null ? {} : { redactor: of.redactor }) });
        second
          .startRun({ agentId: late.plant('late.agent'), name: late.plant('late.name') })
          .close({ endReason: 'ok' });
        await second.close();
        await opened.indexer.catchUp();
      });
      planted.push(...late.planted);
      look([...answers, changes, ...(await routeOutlets(handler, [...shown, ...others]))]);
      handler.close();
    } finally {
      await opened.close();
    }
    if (of.hasCommands !== false) look(await commandOutlets(place.home, shown));
    look(homeOutlets(place.home));
    look([{ where: 'errors told', bytes: log.join('\n') }]);
    return { planted, leaks: found, outlets, bytes };
  } finally {
    loopback.close();
    place.remove();
  }
}
