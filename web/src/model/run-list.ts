import type { RunView } from '../api/wire.ts';

/** Newest first; ties in time are broken by id, as the server does. */
export function compareRuns(a: RunView, b: RunView): number {
  const time = (b.startedAtMs ?? b.createdAtMs) - (a.startedAtMs ?? a.createdAtMs);
  return time !== 0 ? time : a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}

/** Replaces runs that are in the list by their newer form. The same list comes back when nothing changed. */
export function patchRuns(runs: readonly RunView[], changedById: ReadonlyMap<string, RunView>): readonly RunView[] {
  if (changedById.size === 0 || !runs.some((run) => changedById.has(run.id))) return runs;
  return runs.map((run) => {
    const changed = changedById.get(run.id);
    return changed !== undefined && changed.lastSeq >= run.lastSeq ? changed : run;
  });
}

/** A list with a freshly read first page merged in: newer forms replace, unknown ones are added in order. */
export function mergeNewest(runs: readonly RunView[], fresh: readonly RunView[]): readonly RunView[] {
  const freshById = new Map(fresh.map((run) => [run.id, run]));
  const known = new Set(runs.map((run) => run.id));
  const added = fresh.filter((run) => !known.has(run.id));
  const patched = patchRuns(runs, freshById);
  return added.length === 0 ? patched : [...patched, ...added].sort(compareRuns);
}
