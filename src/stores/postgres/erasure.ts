import type { Content } from '../../core/content/content.ts';
import type { Prices } from '../../core/cost/prices.ts';
import { foldEvents } from '../../core/import/fold.ts';
import type { ErasedPart } from '../../core/life/erased-part.ts';
import { erasureNotesMax } from '../../core/life/late-words.ts';
import type { ErasureNote, StoredErasure } from '../../core/store.ts';
import { bytesToHex } from '../sql/value.ts';
import { createUses, lockContents, type RunKey } from './contents.ts';
import type { Session, Transaction } from './database.ts';
import { column } from './driver/cell.ts';
import { eraseEvents } from './events.ts';
import { countChange } from './import/lock.ts';
import { namedContents, openRun, readViews, replaceViews, useViews } from './imports.ts';
import { releaseUses, trim } from './purge.ts';

/*
 * An erasure deletes and rewrites rows. PostgreSQL keeps the old versions in the pages of its tables until they are
 * vacuumed, in its log until the segments are recycled, and in whatever archives and standbys were made of either. The store
 * cannot reach there with the rights it has: `compactPostgres` rewrites the tables with the owner's; the log, archives and
 * backups are the operator's.
 */

// A slot of `changes` that no import takes: each erasure is a change as well, and versions that know none count it so.
const erasureSlot = -1;
const ours = 'project_key = (SELECT project_key())';
const countOne = `INSERT INTO changes (project_key, slot, count)
  SELECT key, ${erasureSlot}, 1 FROM projects WHERE id = current_setting('tachograph.project')
  ON CONFLICT (project_key, slot) DO UPDATE SET count = changes.count + 1`;
const countOf = `SELECT count FROM changes WHERE ${ours} AND slot = ${erasureSlot}`;

/** Counts an erasure of the project, and notes the run that lost its words. The row stays locked to the commit, so that numbers are seen in order. */
export function countErasure(tx: Transaction, runId: string | null): void {
  if (runId === null) return tx.put(countOne);
  tx.put(
    `WITH counted AS (${countOne} RETURNING project_key, count)
     INSERT INTO erasures (project_key, run_id, number) SELECT project_key, $1, count FROM counted
     ON CONFLICT (project_key, run_id) DO UPDATE SET number = excluded.number`,
    runId,
  );
  tx.put(`DELETE FROM erasures WHERE ${ours} AND number <= (${countOf}) - ${erasureNotesMax}`);
}

/** How often words of the project were erased. */
export async function erasureCount(db: Session): Promise<number> {
  return ((await db.get(`SELECT coalesce((${countOf}), 0)::float8 AS count`))?.['count'] as number | undefined) ?? 0;
}

/** The runs that lost words after the count was `after`. */
export async function listErasures(db: Session, after: number): Promise<readonly ErasureNote[]> {
  const rows = await db.all(
    `SELECT number::float8 AS number, run_id FROM erasures WHERE ${ours} AND number > $1 ORDER BY number`,
    after,
  );
  return rows.map((row) => ({ number: row['number'] as number, runId: row['run_id'] as string }));
}

/** Uses that the steps which stay had of their own: which content each of them brought. */
async function keptUses(tx: Transaction, run: RunKey, part: ErasedPart): Promise<{ id: string; stepId: string }[]> {
  const rows = await tx.all(
    `SELECT content_id, step_id FROM content_use
     WHERE project_key = (SELECT project_key()) AND epoch = $1 AND run_key = $2 AND step_id IS NOT NULL`,
    run.epoch,
    run.key,
  );
  return rows
    .map((row) => ({ id: bytesToHex(row['content_id']), stepId: row['step_id'] as string }))
    .filter(({ stepId }) => !part.stepIds.has(stepId));
}

/** Notes and labels are words about the run that people wrote; a pin holds none and still keeps the run. */
function dropNotes(tx: Transaction, run: RunKey, part: ErasedPart | null): void {
  const drop = `DELETE FROM annotations WHERE project_key = (SELECT project_key()) AND run_id = $1 AND kind <> 'pin'`;
  if (part === null) tx.put(drop, run.id);
  else tx.put(`${drop} AND step_id = ANY ($2::text[])`, run.id, column('text', [...part.stepIds]));
}

/**
 * Drops the words of a run, or of a part of it, in one transaction. Its views become what its events still say, by the same
 * fold as a rebuild, so I11 holds for an erased run too.
 */
export async function eraseRecord(
  tx: Transaction,
  runId: string,
  part: ErasedPart | null,
  prices: Prices | null,
): Promise<StoredErasure> {
  const { run } = await openRun(tx, runId);
  tx.put(lockContents.sql);
  const before = await readViews(tx, run);
  const { count, remaining } = await eraseEvents(tx, run, part);
  const kept = part === null ? [] : await keptUses(tx, run, part);
  const { tips, contents } = await releaseUses(tx, run.epoch, [run.key]);
  const contentById = part === null ? new Map<string, Content>() : await namedContents(tx, run, remaining);
  const uses = createUses();
  for (const { id, stepId } of kept) uses.content(run, id, stepId);
  if (remaining.length > 0) {
    const after = foldEvents(tx.projectId, remaining, contentById, prices);
    replaceViews(tx, run, { before, after, contentById });
    if (part !== null) useViews(run, after, uses);
  }
  for (const { sql, values = [] } of uses.statements()) tx.put(sql, ...values);
  dropNotes(tx, run, part);
  const used = uses.contentIds();
  const { dropped, shared } = await trim(tx, run.epoch, { tips, contents: contents.filter((id) => !used.has(id)) });
  countErasure(tx, run.id);
  tx.put(countChange.sql);
  return {
    runs: 1,
    events: count,
    contents: dropped.length,
    shared: shared.length,
    droppedIds: dropped,
    sharedIds: shared,
  };
}
