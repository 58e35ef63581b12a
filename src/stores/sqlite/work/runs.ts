import type { RunStatus } from '../../../core/model/run.ts';
import { positionToCursor } from '../../../core/query/cursor.ts';
import { pageToBounds } from '../../../core/query/page.ts';
import type { Page, PageRequest } from '../../../core/store.ts';
import type { StaleCursor, StaleRun, WorkCount, WorkFilter, WorkRow } from '../../../core/work/work.ts';
import type { SqlValue } from '../../sql/value.ts';
import { deadCondition, endedList, filterToConditions } from '../../sql/work/work-row.ts';
import type { Database } from '../database.ts';
import { isOutSql, type Reading } from './clock.ts';
import { cellsToRow } from './place.ts';

/** A project as questions name it. */
export interface AskedProject {
  readonly id: string;
  readonly key: number;
}

const marks = (values: readonly unknown[]): string => values.map(() => '?').join(', ');

/** A page of runs by id from the newest, which is the order they were created in. */
export function listRows(
  db: Database,
  project: AskedProject,
  asked: { readonly filter: WorkFilter; readonly page: PageRequest; readonly at: Reading },
): Page<WorkRow> {
  const { filter, at } = asked;
  const { after, offset, limit, limitCorrected } = pageToBounds(asked.page);
  const conditions = filterToConditions(filter);
  const sql = ['project_key = ?', ...conditions.map(({ column, values }) => `${column} IN (${marks(values)})`)];
  const values: SqlValue[] = [project.key, ...conditions.flatMap((condition) => condition.values)];
  if (filter.isDead !== undefined) sql.push(filter.isDead ? deadCondition : `NOT ${deadCondition}`);
  if (after !== null) {
    sql.push('run_id < ?');
    values.push(after.id);
  }
  const rows = db.all(
    `SELECT * FROM work WHERE ${sql.join(' AND ')} ORDER BY run_id DESC LIMIT ? OFFSET ?`,
    ...values,
    limit + 1,
    offset,
  );
  const items = rows.slice(0, limit).map((row) => cellsToRow(project.id, row, at));
  const last = items.at(-1);
  const nextCursor =
    rows.length > limit && last !== undefined ? positionToCursor({ timeMs: last.createdAtMs, id: last.runId }) : null;
  return { items, nextCursor, limit, limitCorrected };
}

/** Runs by agent and state. */
export function countRows(db: Database, project: AskedProject, { nowMs }: Reading): WorkCount[] {
  const rows = db.all(
    `SELECT agent_id, state, count(*) AS count, min(queue_at_ms) FILTER (WHERE queue_at_ms <= ? AND (timeout_at_ms IS NULL OR timeout_at_ms > ?)
       AND (start_deadline_at_ms IS NULL OR start_deadline_at_ms > ? OR state <> 'pending')) AS oldest
     FROM work WHERE project_key = ? GROUP BY agent_id, state ORDER BY agent_id, state`,
    nowMs,
    nowMs,
    nowMs,
    project.key,
  );
  return rows.map((row) => ({
    agentId: row['agent_id'] as string,
    state: row['state'] as RunStatus,
    count: row['count'] as number,
    oldestQueueAtMs: row['oldest'] as number | null,
  }));
}

const depthMax = 32;

/** Runs below one that have not ended, nearest first. */
export function listOpenBelow(db: Database, project: AskedProject, runId: string, at: Reading): WorkRow[] {
  const seen = new Set([runId]);
  const open: WorkRow[] = [];
  let parents = [runId];
  for (let depth = 0; depth < depthMax && parents.length > 0; depth += 1) {
    const rows = parents.flatMap((parent) =>
      db.all(
        `SELECT *, state IN ${endedList} AS is_over FROM work WHERE project_key = ? AND parent_run_id = ? ORDER BY run_id`,
        project.key,
        parent,
      ),
    );
    const fresh = rows.filter((row) => !seen.has(row['run_id'] as string));
    parents = fresh.map((row) => row['run_id'] as string);
    for (const id of parents) seen.add(id);
    open.push(...fresh.filter((row) => row['is_over'] !== 1).map((row) => cellsToRow(project.id, row, at)));
  }
  return open;
}

// A lease that has run out is due when it ended, or now where the wall clock has stepped back since. Parameters: the
// machine's clock twice, the wall clock.
const leaseDue = `CASE WHEN ${isOutSql} THEN min(lease_expires_at_ms, ?) ELSE 9e15 END`;
const stale = `SELECT * FROM (
    SELECT w.*, p.id AS project_id, min(coalesce(w.due_at_ms, 9e15), ${leaseDue}) AS due FROM work w CROSS JOIN projects p ON p.key = w.project_key
      WHERE w.due_at_ms <= ?
    UNION ALL
    SELECT w.*, p.id AS project_id, ${leaseDue} AS due FROM work w CROSS JOIN projects p ON p.key = w.project_key
      WHERE w.lease_until IS NOT NULL AND (w.due_at_ms IS NULL OR w.due_at_ms > ?))
  WHERE due <= ? AND (due, run_id) > (?, ?) ORDER BY due, run_id LIMIT ?`;

/** Runs of all projects that are due, oldest deadline first, past a place. */
export function listStaleRows(
  db: Database,
  asked: { readonly limit: number; readonly after: StaleCursor | null; readonly at: Reading },
): StaleRun[] {
  const { limit, after, at } = asked;
  const { nowMs, machineMs } = at;
  const clocks = [machineMs, machineMs, nowMs];
  const from = [after?.dueAtMs ?? -9e15, after?.runId ?? ''];
  const rows = db.all(stale, ...clocks, nowMs, ...clocks, nowMs, nowMs, ...from, limit);
  return rows.map((row) => ({ row: cellsToRow(row['project_id'] as string, row, at), nowMs }));
}

const head = `SELECT project_key, agent_id, rank, queue_at_ms FROM work WHERE queue_at_ms IS NOT NULL`;
const firstOf = 'ORDER BY project_key, agent_id, rank, queue_at_ms LIMIT 1';

/** Projects with a run that may be claimed now: from one agent and priority to the next, so that what waits in great number, or for later, is not walked. */
export function listWaiting(db: Database, nowMs: number): string[] {
  const found: string[] = [];
  let row = db.get(`${head} ${firstOf}`);
  while (row !== undefined) {
    const { project_key: project, agent_id: agent, rank } = row;
    if ((row['queue_at_ms'] as number) <= nowMs) {
      found.push(db.get('SELECT id FROM projects WHERE key = ?', project!)!['id'] as string);
      row = db.get(`${head} AND project_key > ? ${firstOf}`, project!);
    } else row = db.get(`${head} AND (project_key, agent_id, rank) > (?, ?, ?) ${firstOf}`, project!, agent!, rank!);
  }
  return found.sort();
}
