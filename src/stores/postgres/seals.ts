import { TachographError } from '../../core/error.ts';
import { parseSeal, type Seal } from '../../core/record/seal.ts';
import type { RunStatus } from '../../core/model/run.ts';
import { haveWritersMoved, isSealDue } from '../../core/query/sealing.ts';
import type { SealDue, SealingRun, SealingView, SealLedger, WriterHead } from '../../core/store.ts';
import type { SqlRow } from '../sql/value.ts';
import { cellToNumber, cellToText, parseStored } from '../sql/value.ts';
import type { Session, Transaction } from './database.ts';
import { column } from './driver/cell.ts';
import type { Statement } from './driver/exchange.ts';
import { insertRows } from './driver/rows.ts';
import { rowToWriter } from './events.ts';
import { countChange, ensureProject } from './import/lock.ts';

/*
 * A run must not leave the list while an import brings more of it, and an import must not wait for a sealer. So whoever
 * takes runs off the list holds their rows of it before looking at their writers, and an import writes those rows again:
 *
 *   hold the rows ─► writers as they are then ─► rows of runs that are covered go
 *                      an import that came before is seen; one that comes after finds no row, and puts it there
 */

const fromSeals = 'SELECT number, run_id, seal FROM seals WHERE project_key = (SELECT project_key())';

/** A seal from its row. */
export function rowToSeal(projectId: string, row: SqlRow): Seal {
  return parseSeal(parseStored(cellToText(row['seal']) ?? ''), {
    projectId,
    runId: cellToText(row['run_id']) ?? '',
    number: cellToNumber(row['number']) ?? 0,
  });
}

/** Seals of a project, or of one run, by number; they outlive their runs. */
export async function listSeals(db: Session, runId: string | null): Promise<Seal[]> {
  const rows = await db.all(`${fromSeals} AND ($1::text IS NULL OR run_id = $1) ORDER BY number`, runId);
  return rows.map((row) => rowToSeal(db.projectId, row));
}

/** The newest seal of a project, or `null`; also when its run was purged. */
export async function lastSeal(db: Session): Promise<Seal | null> {
  const row = await db.get(`${fromSeals} ORDER BY number DESC LIMIT 1`);
  return row === undefined ? null : rowToSeal(db.projectId, row);
}

/** How many seals a project has, and its newest. */
export async function sealLedger(db: Session): Promise<SealLedger> {
  const row = await db.get('SELECT count(*) AS count FROM seals WHERE project_key = (SELECT project_key())');
  return { count: row!['count'] as number, newest: await lastSeal(db) };
}

// Each key is looked up by itself (OFFSET 0), as in an import: of a table that was just filled the planner knows nothing.
const runOfName = `FROM unnest($1::text[]) AS k (run_id) CROSS JOIN LATERAL (
  SELECT id, key, epoch, status FROM runs WHERE project_key = (SELECT project_key()) AND id = k.run_id COLLATE "C" OFFSET 0) r`;
const writersOfRun = `CROSS JOIN LATERAL (
  SELECT id, n, hash, missing, place FROM writers WHERE project_key = (SELECT project_key()) AND epoch = r.epoch AND run_key = r.key OFFSET 0) w`;

/*
 * Holds what tells that runs wait, in order, and gives their keys and states. In that order of the tables: the list is
 * empty whenever statistics are taken, and begun at it each row looked up all runs anew (870 ms instead of 1 for 200 of
 * 2,000 runs that waited, 2026-11-21). A subquery that holds rows is never turned round.
 */
const holdDue = (runIds: readonly string[]): Statement => ({
  sql: `SELECT o.id AS run_id, o.status, s.run_key FROM (SELECT r.* ${runOfName} ORDER BY r.key OFFSET 0) o
    CROSS JOIN LATERAL (SELECT run_key FROM sealing WHERE project_key = (SELECT project_key()) AND run_key = o.key FOR UPDATE) s`,
  values: [column('text', runIds)],
});

const writersOf = (runIds: readonly string[]): Statement => ({
  sql: `SELECT r.id AS run_id, w.* ${runOfName} ${writersOfRun} ORDER BY w.place`,
  values: [column('text', runIds)],
});

const rowsToWriters = (rows: readonly SqlRow[]): Map<unknown, WriterHead[]> => {
  const heads = rows.map((row) => rowToWriter(cellToText(row['run_id']) ?? '', row));
  return Map.groupBy(heads, ({ runId }) => runId);
};

const settle = (held: readonly SqlRow[]): Statement[] =>
  held.length === 0
    ? []
    : [
        {
          sql: 'DELETE FROM sealing WHERE project_key = (SELECT project_key()) AND run_key = ANY ($1::int8[])',
          values: [
            column(
              'int8',
              held.map((row) => row['run_key']!),
            ),
          ],
        },
      ];

/** Refuses seals of which one has the number of another. */
async function checkTaken(tx: Transaction, seals: readonly Seal[]): Promise<void> {
  const rows = await tx.all(
    `${fromSeals} AND number = ANY ($1::float8[])`,
    column(
      'float8',
      seals.map(({ number }) => number),
    ),
  );
  const textByNumber = new Map(rows.map((row) => [row['number'], row['seal']]));
  for (const seal of seals) {
    if (textByNumber.get(seal.number) === JSON.stringify(seal)) continue;
    throw new TachographError(
      'end-conflict',
      `Project ${seal.projectId} has another seal ${seal.number}: read the last seal again and take the next number.`,
    );
  }
}

/** Keeps seals, all or none, and takes each run off the list of those that wait for one when its seal covers all that is stored. */
export async function keepSeals(tx: Transaction, seals: readonly Seal[]): Promise<void> {
  if (seals.length === 0) return;
  const sealByRun = new Map(seals.map((seal) => [seal.runId, seal]));
  const runIds = [...sealByRun.keys()];
  const rows = seals.map((seal) => ({ number: seal.number, run_id: seal.runId, seal: JSON.stringify(seal) }));
  const [, held, made, writers] = await tx.askAll([
    ensureProject,
    holdDue(runIds),
    insertRows('seals', rows, 'ON CONFLICT DO NOTHING RETURNING number'),
    writersOf(runIds),
  ]);
  if (made!.rows.length < seals.length) await checkTaken(tx, seals);
  const writersByRun = rowsToWriters(writers!.rows);
  const covered = held!.rows.filter((row) => {
    const runId = row['run_id'] as string;
    const status = row['status'] as RunStatus;
    return !isSealDue({ status }, writersByRun.get(runId) ?? [], sealByRun.get(runId)!);
  });
  await tx.finish([...settle(covered), countChange]);
}

/** Takes a run off the list of those that wait for a seal; with `seen`, only while its writers stand there still. */
export async function forgetSealDue(tx: Transaction, runId: string, seen: readonly WriterHead[] | null): Promise<void> {
  const [held, writers] = await tx.askAll([holdDue([runId]), writersOf([runId])]);
  const isMoved = seen !== null && haveWritersMoved(seen, rowsToWriters(writers!.rows).get(runId) ?? []);
  await tx.finish(isMoved ? [] : settle(held!.rows));
}

const none = 'NULL::text AS id, NULL::float8 AS n, NULL::bytea AS hash, NULL::text AS missing, NULL::int8 AS place';

/** What is to be known before some runs are sealed, as one moment knows it. */
export async function readSealing(db: Session, runIds: readonly string[]): Promise<SealingView> {
  const rows = await db.all(
    `(SELECT 'last' AS what, run_id::text, number, seal::text, ${none} FROM seals
        WHERE project_key = (SELECT project_key()) ORDER BY number DESC LIMIT 1)
     UNION ALL
     SELECT 'run', r.id::text, s.number, s.seal::text, ${none} ${runOfName} LEFT JOIN LATERAL (
       SELECT number, seal FROM seals WHERE project_key = (SELECT project_key()) AND run_id = r.id ORDER BY number DESC LIMIT 1) s ON true
     UNION ALL
     SELECT 'writer', r.id::text, NULL::float8, NULL::text, w.id::text, w.n, w.hash, w.missing::text, w.place ${runOfName} ${writersOfRun}
     ORDER BY place`,
    column('text', runIds),
  );
  const rowsByWhat = Map.groupBy(rows, (row) => row['what']);
  const writersByRun = rowsToWriters(rowsByWhat.get('writer') ?? []);
  const newestByRun = new Map(
    (rowsByWhat.get('run') ?? []).map((row) => [
      row['run_id'],
      row['number'] === null ? null : rowToSeal(db.projectId, row),
    ]),
  );
  const runs: SealingRun[] = [];
  for (const runId of runIds) {
    const newest = newestByRun.get(runId);
    if (newest !== undefined) runs.push({ runId, newest, writers: writersByRun.get(runId) ?? [] });
  }
  const last = rowsByWhat.get('last')?.[0];
  return { last: last === undefined ? null : rowToSeal(db.projectId, last), runs };
}

/** Runs that wait for a seal, in the order in which they came into the store; of all projects or of the session's. */
export async function listSealDue(db: Session, isForAll: boolean, limit: number): Promise<SealDue[]> {
  const rows = isForAll
    ? await db.all('SELECT project_id, run_id FROM seals_due($1)', Math.min(Math.max(0, limit), 1_000_000))
    : await db.all(
        `SELECT r.id AS run_id FROM sealing s JOIN runs r ON r.project_key = s.project_key AND r.key = s.run_key
         WHERE s.project_key = (SELECT project_key()) ORDER BY s.run_key LIMIT $1`,
        Math.max(0, limit),
      );
  return rows.map((row) => ({
    projectId: cellToText(row['project_id']) ?? db.projectId,
    runId: cellToText(row['run_id']) ?? '',
  }));
}
