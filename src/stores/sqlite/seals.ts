import { TachographError } from '../../core/error.ts';
import { parseSeal, type Seal } from '../../core/record/seal.ts';
import type { RunStatus } from '../../core/model/run.ts';
import { haveWritersMoved, isSealDue } from '../../core/query/sealing.ts';
import type { SealDue, SealingRun, SealingView, SealLedger, WriterHead } from '../../core/store.ts';
import type { SqlRow } from '../sql/value.ts';
import { cellToNumber, cellToText, parseStored } from '../sql/value.ts';
import type { RunKey } from './contents.ts';
import type { Database } from './database.ts';
import { listWriters } from './events.ts';
import { findRunKey, projectKeyOf } from './runs.ts';

const columns = 's.number, s.run_id, s.seal, p.id AS project_id';
const fromSeals = 'FROM seals s CROSS JOIN projects p ON p.key = s.project_key';

function rowToSeal(row: SqlRow): Seal {
  return parseSeal(parseStored(cellToText(row['seal']) ?? ''), {
    projectId: cellToText(row['project_id']) ?? '',
    runId: cellToText(row['run_id']) ?? '',
    number: cellToNumber(row['number']) ?? 0,
  });
}

/** Keeps a seal. The same one twice is one; another one under a number that is taken is refused. */
function putSeal(db: Database, project: number, seal: Seal): void {
  const text = JSON.stringify(seal);
  const taken = db.get('SELECT seal FROM seals WHERE project_key = ? AND number = ?', project, seal.number);
  if (taken === undefined) {
    db.run(
      'INSERT INTO seals (project_key, number, run_id, seal) VALUES (?, ?, ?, ?)',
      project,
      seal.number,
      seal.runId,
      text,
    );
  } else if (taken['seal'] !== text) {
    throw new TachographError(
      'end-conflict',
      `Project ${seal.projectId} has another seal ${seal.number}: read the last seal again and take the next number.`,
    );
  }
}

/** Seals of a project, or of one run, by number; they outlive their runs. */
export function listSeals(db: Database, project: number, runId: string | null): Seal[] {
  const rows =
    runId === null
      ? db.all(`SELECT ${columns} ${fromSeals} WHERE s.project_key = ? ORDER BY s.number`, project)
      : db.all(
          `SELECT ${columns} ${fromSeals} WHERE s.project_key = ? AND s.run_id = ? ORDER BY s.number`,
          project,
          runId,
        );
  return rows.map(rowToSeal);
}

/** The newest seal of a project, or `null`; also when its run was purged. */
export function lastSeal(db: Database, project: number): Seal | null {
  const row = db.get(`SELECT ${columns} ${fromSeals} WHERE s.project_key = ? ORDER BY s.number DESC LIMIT 1`, project);
  return row === undefined ? null : rowToSeal(row);
}

/** The newest seal of a run, or `null`. */
export function newestSeal(db: Database, project: number, runId: string): Seal | null {
  const row = db.get(
    `SELECT ${columns} ${fromSeals} WHERE s.project_key = ? AND s.run_id = ? ORDER BY s.number DESC LIMIT 1`,
    project,
    runId,
  );
  return row === undefined ? null : rowToSeal(row);
}

/** How many seals a project has, and its newest. */
export function sealLedger(db: Database, project: number): SealLedger {
  const { count } = db.get('SELECT count(*) AS count FROM seals WHERE project_key = ?', project) as { count: number };
  return { count, newest: lastSeal(db, project) };
}

/** Puts a run on the list of those that wait for a seal, or takes it off. */
export function setSealDue(db: Database, runKey: number, isDue: boolean): void {
  if (isDue) db.run('INSERT INTO sealing (run_key) VALUES (?) ON CONFLICT DO NOTHING', runKey);
  else db.run('DELETE FROM sealing WHERE run_key = ?', runKey);
}

/** Keeps seals, and takes each run off the list of those that wait for one when its seal covers all that is stored. */
export function keepSeals(db: Database, projectId: string, seals: readonly Seal[]): void {
  const project = projectKeyOf(db, projectId);
  for (const seal of seals) {
    putSeal(db, project, seal);
    const run = findRunKey(db, project, seal.runId);
    if (run === null) continue;
    const { status } = db.get('SELECT status FROM runs WHERE key = ?', run.key) as { status: RunStatus };
    if (!isSealDue({ status }, listWriters(db, run), seal)) setSealDue(db, run.key, false);
  }
}

/** Takes a run off the list of those that wait for a seal; with `seen`, only while its writers stand there still. */
export function forgetSealDue(db: Database, run: RunKey, seen: readonly WriterHead[] | null): void {
  if (seen === null || !haveWritersMoved(seen, listWriters(db, run))) setSealDue(db, run.key, false);
}

/** What is to be known before some runs of a project are sealed. Another process may write meanwhile, so the newest seal comes first. */
export function readSealing(db: Database, project: number, runIds: readonly string[]): SealingView {
  const last = lastSeal(db, project);
  const runs: SealingRun[] = [];
  for (const runId of runIds) {
    const run = findRunKey(db, project, runId);
    if (run !== null) runs.push({ runId, newest: newestSeal(db, project, runId), writers: listWriters(db, run) });
  }
  return { last, runs };
}

/** Runs that wait for a seal, in the order in which they came into the store. */
export function listSealDue(db: Database, limit: number): SealDue[] {
  const rows = db.all(
    `SELECT p.id AS project_id, r.id AS run_id FROM sealing s CROSS JOIN runs r ON r.key = s.run_key
     CROSS JOIN projects p ON p.key = r.project_key ORDER BY s.run_key LIMIT ?`,
    Math.max(0, limit),
  );
  return rows.map((row) => ({
    projectId: cellToText(row['project_id']) ?? '',
    runId: cellToText(row['run_id']) ?? '',
  }));
}
