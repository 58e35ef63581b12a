import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it as plainIt } from 'vitest';
import type { HomeImport } from '../../src/cli/import/home-import.ts';
import { openTachograph } from '../../src/cli/open.ts';
import { openRecorder } from '../../src/journal/index.ts';
import { onPostgres } from '../postgres/cluster.ts';
import { runTeamCommand, startTeamCommand, teamSecret, until } from './team-server.ts';

// A home with a store of its own, moved into another store: a PostgreSQL database, or another home's file.

let folder: string;
let from: string;
const closedIds: string[] = [];
let openId: string;
let shopId: string;

/** The home that is moved: runs with children, an error, a dry run, two projects, a note; one run is still open. */
async function fillHome(): Promise<void> {
  const recorder = openRecorder({ home: from });
  for (let number = 0; number < 12; number += 1) {
    const run = recorder.startRun({ agentId: 'clerk', inputs: { number }, dryRun: number === 3 });
    run.log('said', { words: `lamp ${number} `.repeat(40) });
    if (number === 5) run.error(new Error('the till is stuck'));
    run.close({ endReason: number === 5 ? 'error' : 'ok' });
    closedIds.push(run.id);
  }
  openId = recorder.startRun({ agentId: 'slow' }).id;
  const shop = openRecorder({ home: from, projectId: 'shop' });
  const sold = shop.startRun({ agentId: 'seller' });
  sold.close({ endReason: 'ok' });
  shopId = sold.id;
  await shop.close();
  await recorder.flush();
  const opened = await openTachograph({ home: from, variables: {} });
  await opened.indexer.catchUp();
  await opened.store.putAnnotation('default', {
    id: '01900000-0000-7000-8000-000000000001',
    runId: closedIds[0]!,
    stepId: null,
    kind: 'note',
    name: null,
    value: 'look here',
    author: 'me',
    createdAtMs: 1,
    updatedAtMs: 1,
  });
  await opened.close();
}

async function moveInto(
  place: { home: string; database?: string },
  ...more: string[]
): Promise<HomeImport & { status: number | null }> {
  const { out, err, status } = await runTeamCommand(place, 'import', '--from', from, '--json', ...more);
  expect(err).toBe('');
  return { ...(JSON.parse(out) as HomeImport), status };
}

async function checkMoved(place: { home: string; database?: string }): Promise<void> {
  expect(await moveInto(place, '--project', 'shop')).toMatchObject({ status: 0, moved: 1, unmoved: [] });
  const rest = await moveInto(place);
  // The open run stays behind each time, which is worth a status.
  expect(rest).toMatchObject({ status: 1, moved: 12, already: 1, annotations: 1 });
  expect(rest.unmoved).toEqual([expect.objectContaining({ runId: openId, code: 'run-open' })]);
  const again = await moveInto(place);
  expect(again).toMatchObject({ moved: 0, already: 13, newEvents: 0, annotations: 0 });

  const source = await openTachograph({ home: from, variables: {} });
  const into = await openTachograph({
    home: place.home,
    variables: { TACHOGRAPH_SECRET: teamSecret, TACHOGRAPH_DATABASE_URL: place.database ?? '' },
  });
  try {
    for (const runId of closedIds) {
      const verdict = await into.verify(runId);
      expect([verdict.intact.verdict, verdict.complete.verdict]).toEqual(['intact', 'complete']);
      const words = async ({ store }: typeof into) =>
        (await store.listEvents('default', runId)).map(({ header, hash, payload }) => ({
          header,
          hash: [...hash],
          payload,
        }));
      expect(await words(into)).toEqual(await words(source));
    }
    expect((await into.verify(shopId, 'shop')).intact.verdict).toBe('intact');
    expect(await into.store.listAnnotations('default', closedIds[0]!)).toHaveLength(1);
    expect(await into.store.rebuildRun('default', closedIds[5]!)).toEqual([]);
  } finally {
    await source.close();
    await into.close();
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tachograph-move-'));
  from = join(folder, 'from');
  await fillHome();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('tachograph import --from', () => {
  const { cluster, it } = onPostgres();

  it('moves a home into PostgreSQL word for word, once, and every run is still intact', async () => {
    const { url } = await cluster().createDatabase();
    await checkMoved({ home: join(folder, 'server'), database: url });
  });

  it('may be killed on the way and run again: nothing is there twice, and nothing is missing', async () => {
    const many = join(folder, 'many');
    const recorder = openRecorder({ home: many });
    const ids = Array.from({ length: 120 }, () => {
      const run = recorder.startRun({ agentId: 'clerk' });
      for (let line = 0; line < 5; line += 1) run.log('said', { words: `line ${line} `.repeat(50) });
      run.close({ endReason: 'ok' });
      return run.id;
    });
    await recorder.close();
    const { url } = await cluster().createDatabase();
    const place = { home: join(folder, 'resumed'), database: url };
    const into = await openTachograph({
      home: place.home,
      variables: { TACHOGRAPH_SECRET: teamSecret, TACHOGRAPH_DATABASE_URL: url },
    });
    try {
      const first = startTeamCommand(place, 'import', '--from', many);
      const count = () => into.store.countRuns('default', {});
      const reached = await until(count, (runs) => runs > 10);
      first.kill('SIGKILL');
      await once(first, 'close');
      expect(reached).toBeGreaterThan(0);
      const { out, status } = await runTeamCommand(place, 'import', '--from', many, '--json');
      const { moved, already } = JSON.parse(out) as HomeImport;
      expect([status, moved + already, await count()]).toEqual([0, ids.length, ids.length]);
      expect(already).toBeGreaterThan(0);
      expect(moved).toBeGreaterThan(0);
      for (const id of ids) expect((await into.verify(id)).intact.verdict).toBe('intact');
    } finally {
      await into.close();
    }
  });

  plainIt('moves a home into another home’s file alike', async () => {
    await checkMoved({ home: join(folder, 'other') });
  });

  plainIt('refuses files and a home together, neither, a home that is none, and itself', async () => {
    const place = { home: from };
    const tries = [
      ['import'],
      ['import', 'x.tgr', '--from', from],
      ['import', '--from', folder],
      ['import', '--from', from],
    ];
    for (const args of tries)
      expect(await runTeamCommand(place, ...args)).toMatchObject({
        status: 2,
        err: expect.stringContaining('[bad-argument]'),
      });
  });
});
