import { foldEvents } from '../../core/import/fold.ts';
import type { ErasureResult } from '../../core/store.ts';
import type { RunKey } from './contents.ts';
import type { Database } from './database.ts';
import { eraseEvents } from './events.ts';
import { countChange, readViews, replaceViews } from './imports.ts';
import { releaseUses, trim } from './purge.ts';
import { applyWords, createPending } from './search.ts';

/**
 * Drops the words of a run in the transaction that is open. Its views become what its events still say without
 * payloads, by the same fold as a rebuild, so I11 holds for an erased run too.
 */
export function eraseRecord(db: Database, projectId: string, run: RunKey): ErasureResult {
  const before = readViews(db, run);
  const { count, bare } = eraseEvents(db, run);
  const { tips, contents } = releaseUses(db, run);
  const pending = createPending();
  if (bare.length > 0) replaceViews(db, run, before, foldEvents(projectId, bare, new Map()), pending);
  // Notes and labels are words about the run that people wrote; a pin holds none and still keeps the run.
  db.run("DELETE FROM annotations WHERE project_key = ? AND run_id = ? AND kind <> 'pin'", run.project, run.id);
  const { dropped, shared } = trim(db, tips, contents, pending.words);
  countChange(db);
  applyWords(db, run.project, pending.words);
  return { runs: 1, events: count, contents: dropped, shared };
}
