import { isLeased } from '../../../core/work/state.ts';
import type { ClaimedRun, ClaimRequest, LeaseRef, LeaseState, WorkChange, WorkRow } from '../../../core/work/work.ts';
import { cellToBytes } from '../../sql/value.ts';
import { compareClaims, goneLease } from '../../sql/work/work-row.ts';
import type { Database } from '../database.ts';
import { findProject } from '../runs.ts';
import { changeRun, isHeld } from './change.ts';
import { leaseToCells, type Reading } from './clock.ts';
import { cellsToRow, findRow } from './place.ts';

// What is past its time is the reaper's. The parameters are the project, an agent, and three times the wall clock.
const nextOfAgent = `SELECT * FROM work WHERE project_key = ? AND agent_id = ? AND queue_at_ms IS NOT NULL AND queue_at_ms <= ?
  AND (timeout_at_ms IS NULL OR timeout_at_ms > ?) AND (start_deadline_at_ms IS NULL OR start_deadline_at_ms > ? OR state <> 'pending')
  ORDER BY rank, queue_at_ms, run_id LIMIT ?`;
const countLeased = 'SELECT count(*) AS count FROM work WHERE project_key = ? AND lease_until IS NOT NULL';

function selectClaims(db: Database, project: number, request: ClaimRequest, at: Reading): WorkRow[] {
  const { projectId, roomByAgent, projectRunsMax, runsMaxByAgent } = request;
  const count = (sql: string, ...values: string[]): number => db.get(sql, project, ...values)!['count'] as number;
  const most = projectRunsMax === null ? request.limit : Math.min(request.limit, projectRunsMax - count(countLeased));
  if (most <= 0) return [];
  const { nowMs } = at;
  const rows = [...roomByAgent].flatMap(([agentId, asked]) => {
    const runsMax = runsMaxByAgent.get(agentId);
    const room =
      runsMax === undefined ? asked : Math.min(asked, runsMax - count(`${countLeased} AND agent_id = ?`, agentId));
    if (room <= 0) return [];
    return db.all(nextOfAgent, project, agentId, nowMs, nowMs, nowMs, Math.min(room, most));
  });
  return rows
    .map((row) => cellsToRow(projectId, row, at))
    .sort(compareClaims)
    .slice(0, most);
}

/** Takes runs that wait, by what `plan` makes of them; those that are under a lease by it, as they are then. */
export function claimRuns(
  db: Database,
  claim: {
    readonly request: ClaimRequest;
    readonly plan: (rows: readonly WorkRow[], nowMs: number) => readonly WorkChange[];
  },
  at: Reading,
): ClaimedRun[] {
  const { projectId } = claim.request;
  const project = findProject(db, projectId);
  if (project === null) return [];
  const rows = selectClaims(db, project, claim.request, at);
  if (rows.length === 0) return [];
  const rowById = new Map(rows.map((row) => [row.runId, row]));
  return claim.plan(rows, at.nowMs).flatMap((change) => {
    const row = rowById.get(change.runId);
    if (!changeRun(db, projectId, change, at) || row === undefined || !isLeased(change.next.state)) return [];
    const order = db.get(
      'SELECT o.sealed FROM work w CROSS JOIN work_orders o ON o.work_key = w.key WHERE w.project_key = ? AND w.run_id = ?',
      project,
      change.runId,
    );
    const sealed = order === undefined ? null : cellToBytes(order['sealed']);
    return { row: { ...row, ...change.next }, sealed, nowMs: at.nowMs };
  });
}

/** Prolongs a lease that is in force. */
export function beatLease(
  db: Database,
  lease: LeaseRef & { readonly projectId: string },
  { at, leaseMs }: { readonly at: Reading; readonly leaseMs: number },
): LeaseState {
  const { projectId, runId, leaseEpoch } = lease;
  const found = findRow(db, { id: projectId, key: findProject(db, projectId) }, runId, at);
  if (found === null) return { runId, leaseEpoch, ...goneLease };
  const { row } = found;
  if (!isHeld(found, leaseEpoch, at))
    return { runId, leaseEpoch, isHeld: false, state: row.state, leaseExpiresAtMs: row.leaseExpiresAtMs };
  const leaseExpiresAtMs = at.nowMs + leaseMs;
  db.run(
    'UPDATE work SET lease_expires_at_ms = ?, lease_until = ?, lease_ms = ? WHERE key = ?',
    ...leaseToCells(leaseExpiresAtMs, at),
    found.key,
  );
  return { runId, leaseEpoch, isHeld: true, state: row.state, leaseExpiresAtMs };
}
