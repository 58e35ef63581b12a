import { TachographError } from '../../core/error.ts';
import { parseSeal, type Seal } from '../../core/record/seal.ts';
import type { SealDue, SealLedger } from '../../core/store.ts';
import type { SqlRow } from '../sql/value.ts';
import { cellToNumber, cellToText, parseStored } from '../sql/value.ts';
import type { RunKey } from './contents.ts';
import type { Session, Transaction } from './database.ts';

const fromSeals = 'SELECT number, run_id, seal FROM seals WHERE project_key = (SELECT project_key())';

/** A seal from its row. */
export function rowToSeal(projectId: string, row: SqlRow): Seal {
  return parseSeal(parseStored(cellToText(row['seal']) ?? ''), {
    projectId,
    runId: cellToText(row['run_id']) ?? '',
    number: cellToNumber(row['number']) ?? 0,
  });
}

/** Keeps a seal. The same one twice is one; another one under a number that is taken is refused. */
export async function putSeal(tx: Transaction, seal: Seal): Promise<void> {
  const text = JSON.stringify(seal);
  const made = await tx.get(
    `INSERT INTO seals (project_key, number, run_id, seal) VALUES ((SELECT project_key()), $1, $2, $3) ON CONFLICT DO NOTHING RETURNING number`,
    seal.number,
    seal.runId,
    text,
  );
  if (made !== undefined) return;
  const taken = await tx.get(`${fromSeals} AND number = $1`, seal.number);
  if (taken?.['seal'] === text) return;
  throw new TachographError(
    'end-conflict',
    `Project ${seal.projectId} has another seal ${seal.number}: read the last seal again and take the next number.`,
  );
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

/** Takes a run off the list of those that wait for a seal. */
export function settleSeal(tx: Transaction, run: RunKey): void {
  tx.put('DELETE FROM sealing WHERE project_key = (SELECT project_key()) AND run_key = $1', run.key);
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
