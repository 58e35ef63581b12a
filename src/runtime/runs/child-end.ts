import type { WorkRow } from '../../core/work/work.ts';
import { signalPlace } from '../handler/waiting.ts';
import type { RuntimeParts } from '../parts.ts';
import { wakeHubOf } from '../wake.ts';

/** The signal that tells a run of the end of one that it started. */
export const childEndSignal = (childId: string): string => `run-end/${childId}`;

/** Tells the parents of runs that have ended. What fails here is made up for by the parent's own looking. */
export async function tellParents(
  parts: RuntimeParts,
  projectId: string,
  ended: readonly Pick<WorkRow, 'runId' | 'parentRunId'>[],
): Promise<void> {
  const children = ended.filter(({ parentRunId }) => parentRunId !== null);
  if (children.length === 0) return;
  const sentAtMs = await parts.work.nowMs();
  for (const { runId, parentRunId } of children) {
    const id = childEndSignal(runId);
    const sealed = parts.secretsOf(projectId).seal('null', signalPlace(parentRunId!, id));
    await parts.work.putSignal(projectId, { id, runId: parentRunId!, name: id, sealed, sentAtMs });
  }
  wakeHubOf(parts.work).fire();
}
