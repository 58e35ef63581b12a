import { TachographError } from '../../core/error.ts';
import type { EndReason } from '../../core/model/run.ts';
import { isTerminal } from '../../core/model/run.ts';
import { isLeased } from '../../core/work/state.ts';
import { toEnd } from '../../core/work/transition.ts';
import type { WorkRow } from '../../core/work/work.ts';
import type { RuntimeParts } from '../parts.ts';
import { storeTimeOf } from '../store-time.ts';
import { tellParents } from './child-end.ts';
import { closeSteps, findOpenSteps } from './open-steps.ts';

/** How a run is cancelled. */
export interface CancelOptions {
  /** Said in the record. */
  readonly reason?: string;
  readonly endReason?: Extract<EndReason, 'cancelled' | 'killed' | 'preempted'>;
}

/** What a cancelling did. */
export interface Cancelled {
  /** False: the run had ended before. */
  readonly isCancelled: boolean;
  readonly row: WorkRow;
  /** Runs below it that were cancelled with it. */
  readonly children: number;
}

/** A run may change under our hands this often before we say so. */
const triesMax = 20;

/** A run as it is, or `run-not-found`. */
export async function findRow({ work }: RuntimeParts, projectId: string, runId: string): Promise<WorkRow> {
  const row = await work.get(projectId, runId);
  if (row !== null) return row;
  throw new TachographError('run-not-found', `There is no scheduled run ${runId} in project ${projectId}.`);
}

async function tryEnd(parts: RuntimeParts, row: WorkRow, options: CancelOptions): Promise<boolean> {
  const { projectId, runId } = row;
  const { endReason = 'cancelled', reason } = options;
  const nowMs = await storeTimeOf(parts.work, parts.clock).nowMs();
  const failure = reason === undefined ? null : { code: endReason, message: reason };
  const change = toEnd(row, { endReason, nowMs, failure });
  if (change.type !== 'run-end') return false;
  const open = isLeased(row.state)
    ? await findOpenSteps(parts, projectId, [row])
    : new Map<string, readonly string[]>();
  const scribe = parts.scribeOf(projectId);
  const [isMade] = await parts.work.change(projectId, [
    {
      runId,
      expected: { state: row.state, leaseEpoch: row.leaseEpoch, isHeld: false },
      next: change.next,
      entries: [scribe.change(row, change, nowMs)],
    },
  ]);
  if (isMade !== true) return false;
  // A guess on behalf of a worker that may be gone: the end that it gives takes its place.
  const stepIds = open.get(runId) ?? [];
  await closeSteps(
    parts,
    projectId,
    stepIds.map((stepId) => scribe.interrupt(row, stepId)),
  );
  await tellParents(parts, projectId, [row]);
  return true;
}

async function endOne(
  parts: RuntimeParts,
  projectId: string,
  run: { readonly runId: string; readonly options: CancelOptions },
): Promise<{ readonly isCancelled: boolean; readonly row: WorkRow }> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const row = await findRow(parts, projectId, run.runId);
    if (isTerminal(row.state)) return { isCancelled: false, row };
    if (await tryEnd(parts, row, run.options))
      return { isCancelled: true, row: await findRow(parts, projectId, run.runId) };
  }
  throw new TachographError(
    'store-busy',
    `Run ${run.runId} changed ${triesMax} times while it was cancelled: try again.`,
  );
}

/** Generations of children are listed again until none is open: a run that ends may have started one in the meantime. */
const roundsMax = 5;

/** Cancels a run, and those below it. Idempotent: a run that has ended stays as it is, and so does nothing below it. */
export async function cancelRun(
  parts: RuntimeParts,
  projectId: string,
  run: { readonly runId: string; readonly options: CancelOptions },
): Promise<Cancelled> {
  const ended = await endOne(parts, projectId, run);
  let children = 0;
  for (let round = 0; round < roundsMax; round += 1) {
    const open = await parts.work.listOpenDescendants(projectId, run.runId);
    if (open.length === 0 || !isCancelledState(ended.row)) break;
    for (const { runId } of open) {
      const { isCancelled } = await endOne(parts, projectId, { runId, options: run.options });
      if (isCancelled) children += 1;
    }
  }
  return { ...ended, children };
}

const isCancelledState = ({ state }: WorkRow): boolean => state === 'cancelled';
