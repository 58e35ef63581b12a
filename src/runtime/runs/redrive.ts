import { TachographError } from '../../core/error.ts';
import type { Memo } from '../../core/work/memo.ts';
import { orderPlace } from '../../core/work/creation.ts';
import type { RunRequest } from '../../core/work/request.ts';
import type { WorkRow } from '../../core/work/work.ts';
import type { RuntimeParts } from '../parts.ts';
import { findRow } from './cancel.ts';
import type { CreatedRun } from './creation.ts';
import { toCreation, writeCreation } from './creation.ts';
import type { FullOrder } from './order.ts';
import { carryMemos, joinMemos, landMemos, openOrder } from './order.ts';

/** How a dead run is driven again. */
export interface RedriveOptions {
  /** Steps from this place on are done anew (their `sequence`, from 0); left out, only those that were not done. */
  readonly fromStep?: number;
  /** One key, one run: as that of a creation. Left out, a run is driven again once from each place. */
  readonly idempotencyKey?: string;
  /** Of the new run; as the old one's when left out. */
  readonly timeoutSeconds?: number | null;
  readonly attemptsMax?: number;
}

async function findTimeout(parts: RuntimeParts, row: WorkRow): Promise<number | null> {
  await parts.work.file(row.projectId, row.runId);
  const { work } = await parts.store.getRun(row.projectId, row.runId);
  if (work === null || work.timeoutAtMs === null) return null;
  return Math.max(1, Math.round((work.timeoutAtMs - row.createdAtMs) / 1000));
}

function toRequest(row: WorkRow, order: FullOrder): RunRequest {
  const { name, sessionId, callerId, channelId, endUserId, parentStepId } = order;
  const given = Object.entries({ name, sessionId, callerId, channelId, endUserId, parentStepId });
  return {
    agentId: row.agentId,
    kind: row.kind,
    input: order.input,
    labels: { ...order.labels, 'redrive-of': row.runId },
    triggerType: 'redrive',
    triggerRef: row.runId,
    priority: row.priority,
    attemptsMax: row.attemptsMax,
    attemptTimeoutSeconds: row.attemptTimeoutMs === null ? null : row.attemptTimeoutMs / 1000,
    shadow: row.shadow,
    dryRun: row.dryRun,
    isRedrivable: true,
    ...Object.fromEntries(given.filter(([, value]) => value !== null)),
  };
}

function keepMemos(memos: readonly Memo[], fromStep: number | undefined): Memo[] {
  if (fromStep !== undefined) return memos.filter(({ sequence }) => sequence < fromStep);
  // A call in doubt stays in doubt: it is repeated only by the word of whoever names a place before it.
  return memos.filter(({ status }) => status !== 'failed');
}

/**
 * Drives a failed run again, as a new run with the same input that remembers what the old one had done. The old run stays as
 * it ended (I7). `E-RUN-006` for a run that did not fail, `work-missing` when its input was not kept: it must have been
 * created as redrivable.
 */
export async function redriveRun(
  parts: RuntimeParts,
  projectId: string,
  run: { readonly runId: string; readonly options: RedriveOptions },
): Promise<CreatedRun> {
  const { runId, options } = run;
  const row = await findRow(parts, projectId, runId);
  if (row.state !== 'failed')
    throw new TachographError('E-RUN-006', `Run ${runId} is ${row.state}: only a failed run can be driven again.`);
  const secrets = parts.secretsOf(projectId);
  const sealed = await parts.work.readOrder(projectId, runId);
  if (sealed === null)
    throw new TachographError(
      'work-missing',
      `The input of run ${runId} was not kept: create runs with isRedrivable to drive them again when they fail.`,
    );
  const order = openOrder(secrets, runId, sealed);
  const landed = landMemos(secrets, runId, order.carried?.memos ?? []);
  const memos = joinMemos(landed, await parts.work.listMemos(projectId, runId));
  const { fromStep, idempotencyKey, timeoutSeconds, attemptsMax } = options;
  const creation = await toCreation(parts, projectId, {
    ...toRequest(row, order),
    timeoutSeconds: timeoutSeconds === undefined ? await findTimeout(parts, row) : timeoutSeconds,
    ...(attemptsMax === undefined ? {} : { attemptsMax }),
    idempotencyKey: idempotencyKey ?? `redrive/${runId}/${fromStep ?? 'undone'}`,
  });
  const next: FullOrder = {
    ...(JSON.parse(secrets.open(creation.sealed, orderPlace(creation.row.runId))) as FullOrder),
    carried: {
      keyRunId: order.carried?.keyRunId ?? runId,
      memos: carryMemos(secrets, keepMemos(memos, fromStep)),
    },
  };
  const again = secrets.seal(JSON.stringify(next), orderPlace(creation.row.runId));
  return await writeCreation(parts, projectId, { ...creation, sealed: again });
}
