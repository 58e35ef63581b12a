import type { JournalEntry } from '../../core/journal.ts';
import type { WorkRow } from '../../core/work/work.ts';
import type { RuntimeParts } from '../parts.ts';

const pageMax = 500;

async function listOpenSteps({ store }: RuntimeParts, projectId: string, runId: string): Promise<string[]> {
  const { counts } = await store.getRun(projectId, runId);
  const open: string[] = [];
  let fromNumber = 1;
  while (open.length < counts.openSteps) {
    const steps = await store.listSteps(projectId, runId, { fromNumber, limit: pageMax });
    open.push(...steps.filter(({ status }) => status === 'in_progress').map(({ id }) => id));
    if (steps.length < pageMax) break;
    fromNumber += pageMax;
  }
  return open;
}

/** The steps that are open in the record of these runs, by run. A run whose record cannot be read has none here. */
export async function findOpenSteps(
  parts: RuntimeParts,
  projectId: string,
  rows: readonly Pick<WorkRow, 'runId'>[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const openByRun = new Map<string, readonly string[]>();
  for (const { runId } of rows) {
    try {
      await parts.work.file(projectId, runId);
      openByRun.set(runId, await listOpenSteps(parts, projectId, runId));
    } catch (error) {
      // The run's state matters more than how its steps look.
      parts.onError(error);
    }
  }
  return openByRun;
}

/** Writes ends of steps that nobody is there to end. */
export async function closeSteps(
  parts: RuntimeParts,
  projectId: string,
  entries: readonly JournalEntry[],
): Promise<void> {
  if (entries.length > 0) await parts.store.importBatch({ projectId, entries, position: null });
}
