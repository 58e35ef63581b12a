import type { SqlRow } from '../../sql/value.ts';
import { contentColumns, type RunKey, rowsToContents } from '../contents.ts';
import type { Database, Transaction } from '../database.ts';
import { column } from '../driver/cell.ts';
import { joinEvents } from '../events.ts';
import { easily, lockStripes, stripeOf, tryLockStripes } from '../import/lock.ts';
import { putBlocks } from '../purge.ts';
import { packAttempts, packRowsMin } from '../steps.ts';

/*
 * Ended runs are packed many at a time: a statement about one run costs as much as one about a hundred, for it is planned
 * anew each time and most of it is the way there and back (160 runs a second by four statements each, 2026-11-21).
 *
 *   packing ─► the next 2,000 ─► by week and lock ─► some locks, up to 100 runs: look, fetch, write and commit
 *
 * A transaction takes few locks of runs, those that nobody has, so that imports seldom wait for it and it for none. The
 * list is read on from where it ended: what was taken off it stays in its pages until they are vacuumed.
 */

const ours = 'project_key = (SELECT project_key())';
const aheadMax = 2000;
const runsAtOnce = 100;
const stripesAtOnce = 16;
/** What one transaction fetches, about; it bounds its time. */
const bytesAtOnce = 2_000_000;
const contentsAtOnce = 1000;
const attemptsAtOnce = 1000;
const packBytesMin = 1024;
/** Rows of events stay as they came when there are more, or more bytes, or when most of them are large already. */
const eventRowsMax = 500;
const eventBytesMax = 1_000_000;
const eventRowBytesMax = 16_000;
/** How much larger events are when they are unpacked, about. */
const eventRatio = 5;
const attemptBytes = 2000;

/** Packs the ended runs of a project that wait for it. */
export interface Packing {
  /** Packs some of them; false when none waits. */
  next(): Promise<boolean>;
}

/** A run, and what of it is not packed. */
interface Loose extends RunKey {
  readonly eventRows: number;
  readonly eventBytes: number;
  readonly attempts: number;
  readonly contents: number;
  readonly contentBytes: number;
}

const hasEvents = ({ eventRows, eventBytes }: Loose): boolean =>
  eventRows > 1 && eventRows <= eventRowsMax && eventBytes <= Math.min(eventBytesMax, eventRows * eventRowBytesMax);
const hasAttempts = ({ attempts }: Loose): boolean => attempts >= packRowsMin;
const hasContents = ({ contents, contentBytes }: Loose): boolean => contents > 1 && contentBytes >= packBytesMin;

const bytesOf = (run: Loose): number =>
  (hasEvents(run) ? run.eventBytes * eventRatio : 0) +
  (hasAttempts(run) ? run.attempts * attemptBytes : 0) +
  (hasContents(run) ? run.contentBytes : 0);

const keysOf = (runs: readonly RunKey[]) =>
  column(
    'int8',
    runs.map(({ key }) => key),
  );

const ofKey = `${ours} AND epoch = $1 AND run_key = k.run_key`;

/** Locks runs of one week and looks what of them is to be packed. Those that others hold or have packed are left out. */
async function openRuns(tx: Transaction, runs: readonly RunKey[], mayWait: boolean): Promise<Loose[]> {
  const stripes = runs.map(({ id }) => stripeOf(id));
  const [, locked, found] = await tx.askAll([
    easily,
    mayWait ? lockStripes(stripes) : tryLockStripes(stripes),
    {
      sql: `SELECT k.run_key, e.*, a.*, c.* FROM unnest($2::int8[]) AS k (run_key)
        CROSS JOIN LATERAL (SELECT 1 AS one FROM packing WHERE ${ours} AND run_key = k.run_key OFFSET 0) w
        CROSS JOIN LATERAL (SELECT count(*) AS event_rows, coalesce(sum(octet_length(packed)), 0) AS event_bytes
          FROM (SELECT packed FROM event_packs WHERE ${ofKey} LIMIT ${eventRowsMax + 1}) e) e
        CROSS JOIN LATERAL (SELECT count(*) AS attempts FROM attempts WHERE ${ofKey}) a
        CROSS JOIN LATERAL (SELECT count(*) AS contents, coalesce(sum(c.size), 0) AS content_bytes
          FROM (SELECT content_id FROM content_use WHERE ${ofKey} OFFSET 0) u CROSS JOIN LATERAL (
            SELECT size FROM contents WHERE ${ours} AND epoch = $1 AND id = u.content_id AND block_key IS NULL OFFSET 0) c) c`,
      values: [runs[0]!.epoch, keysOf(runs)],
    },
  ]);
  const free = new Set(locked!.rows.map((row) => row['stripe']));
  const rowByKey = new Map(found!.rows.map((row) => [row['run_key'], row]));
  return runs.flatMap((run) => {
    const row = rowByKey.get(run.key);
    return row === undefined || !free.has(stripeOf(run.id)) ? [] : [{ ...run, ...rowToSizes(row) }];
  });
}

const rowToSizes = (row: SqlRow) => ({
  eventRows: row['event_rows'] as number,
  eventBytes: row['event_bytes'] as number,
  attempts: row['attempts'] as number,
  contents: row['contents'] as number,
  contentBytes: row['content_bytes'] as number,
});

interface Packed {
  readonly count: number;
  readonly left: readonly RunKey[];
}

/** The first runs that one transaction can bear; at least one. */
function firstOf(runs: readonly Loose[]): Loose[] {
  let bytes = 0;
  const fit = runs.findIndex((run) => (bytes += bytesOf(run)) > bytesAtOnce);
  return runs.slice(0, fit < 0 ? runs.length : Math.max(1, fit));
}

/** Moves contents of runs into blocks, of a large run some; the keys of the runs that have more. */
async function packContents(tx: Transaction, runs: readonly Loose[]): Promise<Set<number>> {
  const [first] = runs;
  if (first === undefined) return new Set();
  const count = runs.reduce((sum, run) => sum + run.contents, 0);
  const bytes = runs.reduce((sum, run) => sum + run.contentBytes, 0);
  const most = Math.min(contentsAtOnce, Math.max(2, Math.ceil((bytesAtOnce * count) / bytes)));
  // What somebody else is changing is not waited for: he packs it, or removes it.
  const rows = await tx.all(
    `SELECT k.run_key, ${contentColumns} FROM unnest($2::int8[]) WITH ORDINALITY AS k (run_key, place)
     CROSS JOIN LATERAL (SELECT content_id FROM content_use WHERE ${ofKey} ORDER BY content_id) u
     CROSS JOIN LATERAL (SELECT * FROM contents WHERE ${ours} AND epoch = $1 AND id = u.content_id AND block_key IS NULL
       FOR NO KEY UPDATE SKIP LOCKED) c LIMIT $3`,
    first.epoch,
    keysOf(runs),
    most,
  );
  const contents = await rowsToContents(tx, first.epoch, rows);
  const taken = new Set<string>();
  const groupByRun = Map.groupBy(
    contents.flatMap((content, index) => {
      const row = rows[index]!;
      // One that cannot be read, or that an earlier run takes.
      if (content.bytes.length !== row['size'] || taken.has(content.id)) return [];
      taken.add(content.id);
      return [{ content, key: row['run_key'] as number }];
    }),
    ({ key }) => key,
  );
  await putBlocks(
    tx,
    first.epoch,
    [...groupByRun.values()].map((group) => group.map(({ content }) => content)),
  );
  if (rows.length < most || taken.size === 0) return new Set();
  const last = runs.findIndex(({ key }) => key === rows.at(-1)!['run_key']);
  return new Set(runs.slice(last).map(({ key }) => key));
}

/** Packs runs of one week in one transaction, at least one; those that it did not come to, or that have more. */
async function packRuns(tx: Transaction, runs: readonly RunKey[], mayWait: boolean): Promise<Packed> {
  const open = await openRuns(tx, runs, mayWait);
  const some = firstOf(open);
  if (some.length === 0) return { count: 0, left: [] };
  const epoch = runs[0]!.epoch;
  await joinEvents(tx, epoch, some.filter(hasEvents));
  const runKeys = some.filter(hasAttempts).map(({ key }) => key);
  const ofAttempts = await packAttempts(tx, epoch, { runKeys, most: attemptsAtOnce });
  const ofContents = await packContents(tx, some.filter(hasContents));
  const [done, more] = [false, true].map((hasMore) =>
    some.filter(({ key }) => (ofAttempts.has(key) || ofContents.has(key)) === hasMore),
  ) as [Loose[], Loose[]];
  await tx.finish([
    { sql: `DELETE FROM packing WHERE ${ours} AND run_key = ANY ($1::int8[])`, values: [keysOf(done)] },
  ]);
  return { count: some.length, left: [...more, ...open.slice(some.length)] };
}

/** The runs that wait next. */
async function readAhead(tx: Transaction, after: number): Promise<RunKey[]> {
  const [found] = await tx.finish([
    {
      sql: `SELECT p.run_key, p.epoch, r.id FROM (
          SELECT run_key, epoch FROM packing WHERE ${ours} AND run_key > $1 ORDER BY run_key LIMIT ${aheadMax}) p
        CROSS JOIN LATERAL (SELECT id FROM runs WHERE ${ours} AND key = p.run_key OFFSET 0) r ORDER BY p.run_key`,
      values: [after],
    },
  ]);
  return found!.rows.map((row) => ({
    ...{ key: row['run_key'] as number, epoch: row['epoch'] as number, id: row['id'] as string },
  }));
}

/** Runs of one week as they are packed together: few locks, and all runs of each. */
function toGroups(runs: readonly RunKey[]): RunKey[][] {
  const groups: RunKey[][] = [];
  let stripes = 0;
  for (const ofStripe of Map.groupBy(runs, ({ id }) => stripeOf(id)).values()) {
    const last = groups.at(-1);
    if (last !== undefined && last.length + ofStripe.length <= runsAtOnce && stripes < stripesAtOnce) {
      last.push(...ofStripe);
      stripes += 1;
      continue;
    }
    for (let from = 0; from < ofStripe.length; from += runsAtOnce) groups.push(ofStripe.slice(from, from + runsAtOnce));
    stripes = 1;
  }
  return groups;
}

/** Packing from the beginning of the list. */
export function createPacking(db: Database, projectId: string): Packing {
  let after = 0;
  // Of the walk through the list that is under way.
  let count = 1;
  let mayWait = false;
  let groups: (readonly RunKey[])[] = [];
  return {
    async next() {
      const group = groups.shift();
      if (group !== undefined) {
        const { left, ...packed } = await db.change(projectId, (tx) => packRuns(tx, group, mayWait));
        count += packed.count;
        if (left.length > 0) groups.unshift(left);
        return true;
      }
      const runs = await db.change(projectId, (tx) => readAhead(tx, after));
      groups = [...Map.groupBy(runs, ({ epoch }) => epoch).values()].flatMap(toGroups);
      if (after === 0) {
        // Once more from the beginning: for runs whose locks others had. When all had been like that, they are waited for.
        mayWait = count === 0;
        count = 0;
      }
      after = runs.length < aheadMax ? 0 : runs.at(-1)!.key;
      return runs.length > 0;
    },
  };
}
