import type { SqlRow } from '../../sql/value.ts';
import { hexToBytes } from '../../sql/value.ts';
import { contentColumns, type RunKey, rowsToContents } from '../contents.ts';
import type { Transaction } from '../database.ts';
import { listEvents, replaceEvents } from '../events.ts';
import { lockRuns } from '../import/lock.ts';
import { putBlocks } from '../purge.ts';
import { packAttempts } from '../steps.ts';

const ours = 'project_key = (SELECT project_key())';
const runsAtOnce = 8;
const contentsAtOnce = 200;
const packBytesMin = 1024;
/** Rows of events beyond which they stay as they came: each of them is full already. */
const eventRowsMax = 500;

async function packEvents(tx: Transaction, run: RunKey): Promise<void> {
  const row = await tx.get(
    `SELECT count(*) AS count FROM event_packs WHERE ${ours} AND epoch = $1 AND run_key = $2`,
    run.epoch,
    run.key,
  );
  const count = row!['count'] as number;
  if (count < 2 || count > eventRowsMax) return;
  replaceEvents(tx, run, await listEvents(tx, run, { fromSeq: 1, limit: Number.MAX_SAFE_INTEGER }));
}

/** Moves some contents that a run uses into blocks; false when nothing worth it is left. */
async function packContents(tx: Transaction, run: RunKey): Promise<boolean> {
  // Locked in one order: another run that uses them may be packed at the same time.
  const rows = await tx.all(
    `SELECT ${contentColumns} FROM (
       SELECT content_id FROM content_use WHERE ${ours} AND epoch = $1 AND run_key = $2 ORDER BY content_id) u
     CROSS JOIN LATERAL (SELECT * FROM contents WHERE ${ours} AND epoch = $1 AND id = u.content_id AND block_key IS NULL FOR UPDATE) c
     LIMIT ${contentsAtOnce}`,
    run.epoch,
    run.key,
  );
  const bytes = rows.reduce((sum, row) => sum + (row['size'] as number), 0);
  if (rows.length < 2 || bytes < packBytesMin) return false;
  const contents = await rowsToContents(tx, run.epoch, rows);
  await putBlocks(
    tx,
    run.epoch,
    contents.map((content) => ({ id: hexToBytes(content.id), bytes: content.bytes })),
  );
  return rows.length === contentsAtOnce;
}

/** Packs one run, or some of a large one; it waits on when there is more. */
async function packRun(tx: Transaction, row: SqlRow): Promise<void> {
  const run: RunKey = { id: row['id'] as string, key: row['run_key'] as number, epoch: row['epoch'] as number };
  await packEvents(tx, run);
  await packAttempts(tx, run);
  if (!(await packContents(tx, run))) tx.put(`DELETE FROM packing WHERE ${ours} AND run_key = $1`, run.key);
}

/** Packs the next ended runs that wait for it; false when none waits. */
export async function packNextRuns(tx: Transaction): Promise<boolean> {
  const waiting = (): Promise<readonly SqlRow[]> =>
    tx.all(
      `SELECT p.run_key, p.epoch, r.id FROM packing p JOIN runs r ON r.${ours} AND r.key = p.run_key
       WHERE p.${ours} ORDER BY p.run_key LIMIT ${runsAtOnce}`,
    );
  const candidates = await waiting();
  if (candidates.length === 0) return false;
  const lock = lockRuns(candidates.map((row) => row['id'] as string));
  tx.put(lock.sql, ...(lock.values ?? []));
  const locked = new Set(candidates.map((row) => row['run_key']));
  // Another process may have packed them while this one waited for the locks.
  for (const row of await waiting()) if (locked.has(row['run_key']!)) await packRun(tx, row);
  return true;
}
