import type { Content } from '../../core/content/content.ts';
import type { Prices } from '../../core/cost/prices.ts';
import { foldEvents } from '../../core/import/fold.ts';
import type { ErasedPart } from '../../core/life/erased-part.ts';
import type { StoredErasure } from '../../core/store.ts';
import { bytesToHex } from '../sql/value.ts';
import { createUses, lockContents, type RunKey } from './contents.ts';
import type { Transaction } from './database.ts';
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
