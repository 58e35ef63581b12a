import type { RunView } from '../../core/model/run.ts';
import type { Store } from '../../core/store.ts';

interface Place {
  readonly store: Store;
  readonly projectId: string;
}

/** Runs of one process: they share its session and its environment, down to the process id. */
async function runsOfProcess({ store, projectId }: Place, run: RunView): Promise<RunView[]> {
  if (run.sessionId === null || run.environmentId === null) return [];
  const runs: RunView[] = [];
  for (let cursor: string | null = null; ;) {
    const filter = { sessionId: run.sessionId, includeDryRun: true };
    const page = await store.listRuns(projectId, filter, { limit: 500, ...(cursor === null ? {} : { cursor }) });
    runs.push(...page.items.filter(({ environmentId }) => environmentId === run.environmentId));
    cursor = page.nextCursor;
    if (cursor === null) return runs;
  }
}

async function addChildren(place: Place, run: RunView, into: Map<string, RunView>): Promise<void> {
  for (const child of await place.store.listChildren(place.projectId, run.id)) {
    if (into.has(child.id)) continue;
    into.set(child.id, child);
    await addChildren(place, child, into);
  }
}

/** Everything that the program of a run recorded: the run first, then what else its process ran, and all runs below. */
export async function findProgramRuns(place: Place, run: RunView): Promise<readonly RunView[]> {
  const byId = new Map([[run.id, run]]);
  for (const other of await runsOfProcess(place, run)) byId.set(other.id, other);
  for (const one of [...byId.values()]) await addChildren(place, one, byId);
  const [first, ...others] = [...byId.values()];
  return [first!, ...others.sort((a, b) => a.createdAtMs - b.createdAtMs)];
}
