import { packToStepViews, stepViewsToPack } from '../../sql/step-pack.ts';
import type { SqlRow } from '../../sql/value.ts';
import { cellToBytes, cellToNumber } from '../../sql/value.ts';
import type { RunKey } from '../contents.ts';
import type { Database } from '../database.ts';

/*
 * The view of a step rests in one of two places: a row of step_views while its run goes on, a pack once it has ended. A
 * step that is written to again takes its whole pack back into rows, so that nothing of what it was stays in one.
 */

/** Steps as `s` with the view of those that have a row, as `v`; a `StepRowReader` knows the others. */
export const fromSteps = 'FROM steps s LEFT JOIN step_views v ON v.key = s.key';

/** A row of `steps` with its view, wherever that rests. */
export type StepRowReader = (row: SqlRow) => SqlRow;

/** A reader for the rows of one answer: it unpacks each pack once as long as steps come by number. */
export function createStepRowReader(db: Database): StepRowReader {
  let packKey: number | null = null;
  let viewByNumber: ReadonlyMap<number, string> = new Map();
  return (row) => {
    const key = cellToNumber(row['pack_key']);
    if (row['view'] !== null || key === null) return row;
    if (key !== packKey) {
      packKey = key;
      viewByNumber = packToStepViews(
        cellToBytes(db.get('SELECT packed FROM step_packs WHERE key = ?', key)?.['packed']),
      );
    }
    return { ...row, view: viewByNumber.get(row['number'] as number) ?? null };
  };
}

/** Takes a pack of a run back into rows. */
export function unpackStepViews(db: Database, run: Pick<RunKey, 'key'>, packKey: number): void {
  const packed = db.get('DELETE FROM step_packs WHERE key = ? RETURNING packed', packKey)?.['packed'];
  for (const [number, view] of packToStepViews(cellToBytes(packed))) {
    const step = db.get(
      'UPDATE steps SET pack_key = NULL WHERE run_key = ? AND number = ? AND pack_key = ? RETURNING key',
      run.key,
      number,
      packKey,
    );
    if (step !== undefined)
      db.run('INSERT INTO step_views (key, view) VALUES (?, ?) ON CONFLICT DO NOTHING', step['key']!, view);
  }
}

const packRows = 200;
const packRowsMin = 4;

/** Moves views of steps of a run into a pack, some of them; false when nothing worth it is left. */
export function packStepViews(db: Database, run: Pick<RunKey, 'key'>): boolean {
  const rows = db.all(
    `SELECT s.key, s.number, v.view FROM steps s CROSS JOIN step_views v ON v.key = s.key
     WHERE s.run_key = ? AND s.pack_key IS NULL ORDER BY s.number LIMIT ${packRows}`,
    run.key,
  );
  if (rows.length < packRowsMin) return false;
  const packed = stepViewsToPack(rows.map((row) => [row['number'] as number, String(row['view'])]));
  const pack = db.get('INSERT INTO step_packs (run_key, packed) VALUES (?, ?) RETURNING key', run.key, packed)!;
  for (const { key } of rows) {
    db.run('UPDATE steps SET pack_key = ? WHERE key = ?', pack['key']!, key!);
    db.run('DELETE FROM step_views WHERE key = ?', key!);
  }
  return rows.length === packRows;
}
