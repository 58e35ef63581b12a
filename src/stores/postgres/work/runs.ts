import { positionToCursor } from '../../../core/query/cursor.ts';
import { pageToBounds } from '../../../core/query/page.ts';
import type { Page, PageRequest } from '../../../core/store.ts';
import { toDueAtMs } from '../../../core/work/transition.ts';
import type { RunStatus } from '../../../core/model/run.ts';
import type { StaleCursor, StaleRun, WorkCount, WorkFilter, WorkRow } from '../../../core/work/work.ts';
import { deadCondition, endedList, filterToConditions, leasedList, rowToWork } from '../../sql/work/work-row.ts';
import type { Session } from '../database.ts';
import { type Cell, column } from '../driver/cell.ts';
import { ours, type WorkPlace } from './place.ts';

/** One run, or `null`. */
export async function getRow(db: Session, runId: string): Promise<WorkRow | null> {
  const row = await db.get(`SELECT * FROM work WHERE ${ours} AND run_id = $1`, runId);
  return row === undefined ? null : rowToWork(db.projectId, row);
}

/** A page of runs by id from the newest, which is the order they were created in. */
export async function listRows(db: Session, filter: WorkFilter, page: PageRequest): Promise<Page<WorkRow>> {
  const { after, offset, limit, limitCorrected } = pageToBounds(page);
  const values: Cell[] = [];
  const place = (cell: Cell): string => `$${values.push(cell)}`;
  const conditions = filterToConditions(filter).map(
    ({ column: name, values: asked }) => `${name} = ANY (${place(column('text', asked))}::text[])`,
  );
  if (filter.isDead !== undefined) conditions.push(filter.isDead ? deadCondition : `NOT ${deadCondition}`);
  // The conditions of partial indexes, said for them.
  if (filter.isDead === true) conditions.push(`state = 'failed'`);
  if (filter.states?.every((state) => leasedList.includes(`'${state}'`)) === true)
    conditions.push('lease_expires_at_ms IS NOT NULL');
  if (after !== null) conditions.push(`run_id < ${place(after.id)}`);
  const rows = await db.all(
    `SELECT * FROM work WHERE ${[ours, ...conditions].join(' AND ')} ORDER BY run_id DESC LIMIT ${limit + 1} OFFSET ${offset}`,
    ...values,
  );
  const items = rows.slice(0, limit).map((row) => rowToWork(db.projectId, row));
  const last = items.at(-1);
  const nextCursor =
    rows.length > limit && last !== undefined ? positionToCursor({ timeMs: last.createdAtMs, id: last.runId }) : null;
  return { items, nextCursor, limit, limitCorrected };
}

/** Runs by agent and state. */
export async function countRows(db: Session): Promise<WorkCount[]> {
  const rows = await db.all(
    `SELECT agent_id, state, count(*)::float8 AS count, min(queue_at_ms) FILTER (WHERE queue_at_ms <= n.now
       AND (timeout_at_ms IS NULL OR timeout_at_ms > n.now) AND (start_deadline_at_ms IS NULL OR start_deadline_at_ms > n.now OR state <> 'pending')) AS oldest
     FROM work CROSS JOIN (SELECT work_now() AS now) n WHERE ${ours} GROUP BY agent_id, state ORDER BY agent_id, state`,
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
export async function listOpenBelow(db: Session, runId: string): Promise<WorkRow[]> {
  const seen = new Set([runId]);
  const open: WorkRow[] = [];
  let parents = [runId];
  for (let depth = 0; depth < depthMax && parents.length > 0; depth += 1) {
    const rows = await db.all(
      `SELECT *, state IN ${endedList} AS is_over FROM work WHERE ${ours} AND parent_run_id = ANY ($1::text[]) ORDER BY run_id`,
      column('text', parents),
    );
    const fresh = rows.filter((row) => !seen.has(row['run_id'] as string));
    parents = fresh.map((row) => row['run_id'] as string);
    for (const id of parents) seen.add(id);
    open.push(...fresh.filter((row) => row['is_over'] !== 1).map((row) => rowToWork(db.projectId, row)));
  }
  return open;
}

interface Due extends StaleCursor {
  readonly projectId: string;
}

async function listDue(place: WorkPlace, limit: number, after: StaleCursor): Promise<Due[]> {
  const rows = await place.read(place.ownProjectId).all(
    place.isForAll
      ? 'SELECT * FROM work_stale($1, $2, $3)'
      : `SELECT current_setting('tachograph.project') AS project_id, run_id, due_at_ms AS due_ms FROM work
           WHERE ${ours} AND due_at_ms <= work_now() AND (due_at_ms, run_id) > ($2, $3) ORDER BY due_at_ms, run_id LIMIT $1`,
    limit,
    after.dueAtMs,
    after.runId,
  );
  return rows.map((row) => ({
    projectId: row['project_id'] as string,
    runId: row['run_id'] as string,
    dueAtMs: row['due_ms'] as number,
  }));
}

/** The rows of due runs that are still due then, in their order. */
async function readDue(place: WorkPlace, due: readonly Due[]): Promise<StaleRun[]> {
  const foundByRun = new Map<string, StaleRun>();
  for (const [projectId, some] of Map.groupBy(due, (each) => each.projectId)) {
    const rows = await place.read(projectId).all(
      `SELECT *, work_now() AS now_ms FROM work WHERE ${ours} AND run_id = ANY ($1::text[])`,
      column(
        'text',
        some.map(({ runId }) => runId),
      ),
    );
    for (const row of rows)
      foundByRun.set(`${projectId}/${row['run_id'] as string}`, {
        row: rowToWork(projectId, row),
        nowMs: row['now_ms'] as number,
      });
  }
  return due.flatMap(({ projectId, runId, dueAtMs }) => {
    const found = foundByRun.get(`${projectId}/${runId}`);
    return found === undefined || toDueAtMs(found.row) !== dueAtMs ? [] : found;
  });
}

const beginning: StaleCursor = { dueAtMs: Number.NEGATIVE_INFINITY, runId: '' };

/** Runs of all projects that are due, oldest deadline first, past a place. */
export async function listStaleRows(
  place: WorkPlace,
  limit: number,
  after: StaleCursor | null,
): Promise<readonly StaleRun[]> {
  const stale: StaleRun[] = [];
  let from = after ?? beginning;
  // What changed while it was read is left out, and others come in its place.
  while (stale.length < limit) {
    const due = await listDue(place, limit - stale.length, from);
    stale.push(...(await readDue(place, due)));
    if (due.length === 0) break;
    from = due.at(-1)!;
  }
  return stale;
}

/** Projects with a run that may be claimed now. */
export async function listWaiting(place: WorkPlace): Promise<readonly string[]> {
  const session = place.read(place.ownProjectId);
  if (place.isForAll)
    return (await session.all('SELECT id FROM work_waiting() AS id')).map((row) => row['id'] as string);
  const row = await session.get(`SELECT 1 AS one FROM work WHERE ${ours} AND queue_at_ms <= work_now() LIMIT 1`);
  return row === undefined ? [] : [place.ownProjectId];
}
