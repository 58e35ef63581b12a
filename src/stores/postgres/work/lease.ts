import type { RunStatus } from '../../../core/model/run.ts';
import type { ClaimedRun, ClaimRequest, LeaseRef, LeaseState, WorkChange, WorkRow } from '../../../core/work/work.ts';
import { isLeased } from '../../../core/work/state.ts';
import { cellToBytes } from '../../sql/value.ts';
import { compareClaims, goneLease, rowToWork } from '../../sql/work/work-row.ts';
import type { Database, Transaction } from '../database.ts';
import { type Cell, column } from '../driver/cell.ts';
import { changeStatement } from './change.ts';
import { callOf } from './place.ts';

const roomMax = 1_000_000;
const toRoom = (room: number): number => Math.max(0, Math.min(roomMax, Math.floor(room)));

function pickValues(request: ClaimRequest): Cell[] {
  const { roomByAgent, limit, projectRunsMax, runsMaxByAgent } = request;
  return [
    column('text', [...roomByAgent.keys()]),
    column('int4', [...roomByAgent.values()].map(toRoom)),
    toRoom(limit),
    projectRunsMax === null ? null : toRoom(projectRunsMax),
    column('text', [...runsMaxByAgent.keys()]),
    column('int4', [...runsMaxByAgent.values()].map(toRoom)),
  ];
}

/**
 * Locks runs that wait, lets `plan` say what becomes of them, and writes that: two round trips. Gives those that are under a
 * lease by it, as they are then.
 */
export async function claimRows(
  tx: Transaction,
  request: ClaimRequest,
  plan: (rows: readonly WorkRow[], nowMs: number) => readonly WorkChange[],
): Promise<readonly ClaimedRun[]> {
  const values = pickValues(request);
  const [picked] = await tx.askAll([
    { sql: `SELECT (p.run).*, p.sealed, p.now_ms FROM (${callOf('work_pick', values)}) p`, values },
  ]);
  const sealedById = new Map<string, Uint8Array | null>();
  const rows = picked!.rows.map((cells) => {
    const row = rowToWork(tx.projectId, cells);
    sealedById.set(row.runId, cells['sealed'] === null ? null : cellToBytes(cells['sealed']));
    return row;
  });
  if (rows.length === 0) return [];
  rows.sort(compareClaims);
  const nowMs = picked!.rows.at(-1)!['now_ms'] as number;
  const changes = plan(rows, nowMs);
  if (changes.length === 0) return [];
  const { statement, read } = changeStatement(changes);
  const [answer] = await tx.finish([statement]);
  const made = read(answer!.rows);
  const rowById = new Map(rows.map((row) => [row.runId, row]));
  return changes.flatMap(({ runId, next }, index) => {
    const row = rowById.get(runId);
    if (!made[index] || row === undefined || !isLeased(next.state)) return [];
    return { row: { ...row, ...next }, sealed: sealedById.get(runId) ?? null, nowMs };
  });
}

/** Prolongs leases that are in force; how each stands, in the given order. */
export async function beatLeases(
  { db, projectId }: { readonly db: Database; readonly projectId: string },
  leases: readonly LeaseRef[],
  leaseMs: number,
): Promise<readonly LeaseState[]> {
  const ordered = leases.toSorted((a, b) => (a.runId < b.runId ? -1 : 1));
  const values = [
    column(
      'text',
      ordered.map(({ runId }) => runId),
    ),
    column(
      'int8',
      ordered.map(({ leaseEpoch }) => leaseEpoch),
    ),
    leaseMs,
  ];
  const [answer] = await db.call(projectId, [{ sql: callOf('work_beat', values), values }]);
  const rowByLease = new Map(answer!.rows.map((row) => [`${row['run'] as string} ${row['epoch'] as number}`, row]));
  return leases.map(({ runId, leaseEpoch }) => {
    const row = rowByLease.get(`${runId} ${leaseEpoch}`);
    if (row === undefined) return { runId, leaseEpoch, ...goneLease };
    return {
      runId,
      leaseEpoch,
      isHeld: row['is_held'] === 1,
      state: row['status'] as RunStatus,
      leaseExpiresAtMs: row['until_ms'] as number | null,
    };
  });
}
