import { sql } from 'kysely';
import { TachographError } from '../../core/error.ts';
import type { RunView } from '../../core/model/run.ts';
import { runTimeMs } from '../../core/query/cursor.ts';
import { checkRunFilter, exactFields } from '../../core/query/filter.ts';
import { pageToBounds, runsToPage } from '../../core/query/page.ts';
import { isTextGiven } from '../../core/query/text-query.ts';
import type { OpenRun, Page, PageRequest, RunFilter } from '../../core/store.ts';
import { createPostgresBuilder, createRunQueries, type RunSelection } from '../sql/run-query.ts';
import type { SqlRow } from '../sql/value.ts';
import { cellToText, parseStored } from '../sql/value.ts';
import type { RunKey, Uses } from './contents.ts';
import type { Database, Session } from './database.ts';
import { column } from './driver/cell.ts';
import type { Statement } from './driver/exchange.ts';
import { insertRows, replacing } from './driver/rows.ts';
import { runToRow, toName, toRun } from './driver/run-row.ts';
import { textToRunKeys } from './search.ts';

const ours = 'project_key = (SELECT project_key())';

/** Key of a run, or `null`. */
export async function findRunKey(db: Session, runId: string): Promise<RunKey | null> {
  const row = await db.get(`SELECT key, epoch FROM runs WHERE ${ours} AND id = $1`, runId);
  return row === undefined ? null : { id: runId, key: row['key'] as number, epoch: row['epoch'] as number };
}

/** Key of a run, or `run-not-found`; a run of another project is not found. */
export async function runKeyOf(db: Session, runId: string): Promise<RunKey> {
  const run = await findRunKey(db, runId);
  if (run === null) throw new TachographError('run-not-found', `There is no run ${runId} in project ${db.projectId}.`);
  return run;
}

/** The view of a run, or `run-not-found`. */
export async function readRun(db: Session, runId: string): Promise<RunView> {
  const row = await db.get(`SELECT * FROM runs WHERE ${ours} AND id = $1`, runId);
  if (row === undefined)
    throw new TachographError('run-not-found', `There is no run ${runId} in project ${db.projectId}.`);
  return toRun(db, row);
}

/** A run to be written, beside what was there. */
export interface RunChange {
  readonly run: RunKey;
  readonly view: RunView;
  readonly before: RunView | null;
}

const labelsOf = (view: RunView): string => JSON.stringify([runTimeMs(view), view.labels]);

function labelStatements(changes: readonly RunChange[]): Statement[] {
  const changed = changes.filter(({ view, before }) =>
    before === null ? Object.keys(view.labels).length > 0 : labelsOf(before) !== labelsOf(view),
  );
  // Kept with the run's time, so that a list by label is one walk along an index.
  const rows = changed.flatMap(({ run, view }) =>
    Object.entries(view.labels).map(([name, value]) => ({
      run_key: run.key,
      name: toName(name),
      value: toName(String(value)),
      sort_ms: runTimeMs(view),
    })),
  );
  const stale = changed.filter(({ before }) => before !== null).map(({ run }) => run.key);
  const statements: Statement[] = [];
  if (stale.length > 0)
    statements.push({
      sql: `DELETE FROM run_labels WHERE ${ours} AND run_key = ANY ($1::int8[])`,
      values: [column('int8', stale)],
    });
  if (rows.length > 0) statements.push(insertRows('run_labels', rows));
  return statements;
}

/** Statements that write runs in place of the old ones, with their labels. */
export function runsToInsert(changes: readonly RunChange[]): Statement[] {
  const rows = changes.map(({ run, view }) => runToRow(run, view));
  const [first] = rows;
  if (first === undefined) return [];
  const { key: _key, epoch: _epoch, ...changing } = first;
  return [insertRows('runs', rows, replacing(['id'], changing)), ...labelStatements(changes)];
}

/** Notes which contents a run names itself. */
export function useRun({ run, view }: Pick<RunChange, 'run' | 'view'>, uses: Uses): void {
  for (const id of [view.inputsId, view.outputId, view.environmentId]) uses.content(run, id, null);
}

const queries = createRunQueries(createPostgresBuilder(), 'runs');

function toNames(filter: RunFilter): RunFilter {
  const fields = exactFields.flatMap((field) => {
    const value = filter[field];
    return value === undefined ? [] : [[field, toName(value)] as const];
  });
  const labels = Object.entries(filter.labels ?? {}).map(([name, value]) => [toName(name), toName(value)] as const);
  return { ...filter, ...Object.fromEntries(fields), labels: Object.fromEntries(labels) };
}

/** `null` when no run can match. */
async function toSelection(db: Database, projectId: string, filter: RunFilter): Promise<RunSelection | null> {
  const { text } = checkRunFilter(filter);
  const selection = { project: sql<number>`(select project_key())`, projectId, filter: toNames(filter) };
  if (!isTextGiven(text)) return { ...selection, textKeys: null };
  const keys = await textToRunKeys(db, projectId, text);
  if (keys.length === 0) return null;
  return { ...selection, textKeys: sql`select unnest(${`{${keys.join(',')}}`}::int8[])` };
}

/** A page of runs, newest first. */
export async function listRuns(
  db: Database,
  projectId: string,
  filter: RunFilter,
  page: PageRequest,
): Promise<Page<RunView>> {
  const bounds = pageToBounds(page);
  const selection = await toSelection(db, projectId, filter);
  if (selection === null) return runsToPage([], bounds);
  const query = queries.list(selection, bounds);
  const session = db.read(projectId);
  const rows = await session.all(query.sql, ...query.values);
  return runsToPage(
    rows.map((row) => toRun(session, row)),
    bounds,
  );
}

/** How many runs a filter lets pass. */
export async function countRuns(db: Database, projectId: string, filter: RunFilter): Promise<number> {
  const selection = await toSelection(db, projectId, filter);
  if (selection === null) return 0;
  const query = queries.count(selection);
  return (await db.read(projectId).get(query.sql, ...query.values))!['count'] as number;
}

/** Ids of runs that start with a prefix, in order. */
export async function findRunIds(db: Session, prefix: string, limit: number): Promise<string[]> {
  // A range, not a pattern: no character of the prefix has a meaning.
  const rows = await db.all(
    `SELECT id FROM runs WHERE ${ours} AND id >= $1 AND id < $2 ORDER BY id LIMIT $3`,
    prefix,
    `${prefix}\u{10ffff}`,
    Math.max(0, limit),
  );
  return rows.map((row) => row['id'] as string);
}

/** Child runs, oldest first. */
export async function listChildren(db: Session, parentRunId: string): Promise<RunView[]> {
  if (parentRunId === '') return [];
  const rows = await db.all(
    `SELECT * FROM runs WHERE ${ours} AND parent_run_id = $1 ORDER BY sort_ms, id`,
    toName(parentRunId),
  );
  return rows.map((row) => toRun(db, row));
}

const chainMax = 32;

/** Root first, the run last, at most the nearest 32; a cycle is walked once. */
export async function parentChain(db: Session, runId: string): Promise<RunView[]> {
  const rows = await db.all(
    `WITH RECURSIVE chain (key, parent_run_id, place) AS (
       SELECT key, parent_run_id, 1 FROM runs WHERE ${ours} AND id = $1
       UNION ALL
       SELECT r.key, r.parent_run_id, chain.place + 1 FROM chain JOIN runs r ON r.${ours} AND r.id = chain.parent_run_id
       WHERE chain.place < ${chainMax})
     SELECT c.place, r.* FROM chain c JOIN runs r ON r.${ours} AND r.key = c.key ORDER BY c.place`,
    runId,
  );
  if (rows.length === 0)
    throw new TachographError('run-not-found', `There is no run ${runId} in project ${db.projectId}.`);
  const chain: RunView[] = [];
  const seen = new Set<string>();
  for (const view of rows.map((row) => toRun(db, row))) {
    if (seen.has(view.id)) break;
    seen.add(view.id);
    chain.push(view);
  }
  return chain.reverse();
}

/** Runs finished before a moment, oldest end first. */
export async function listFinishedBefore(db: Session, beforeMs: number, limit: number): Promise<RunView[]> {
  if (!(limit > 0)) return [];
  const rows = await db.all(
    `SELECT * FROM runs WHERE ${ours} AND finished_at_ms IS NOT NULL AND finished_at_ms < $1 ORDER BY finished_at_ms, id LIMIT $2`,
    beforeMs,
    Math.floor(limit),
  );
  return rows.map((row) => toRun(db, row));
}

/** The newest run of each agent, dry runs left out; agents without one have no entry. */
export async function lastRunPerAgent(
  db: Session,
  agentIds: readonly string[],
  includeFailed: boolean,
): Promise<Map<string, RunView>> {
  if (agentIds.length === 0) return new Map();
  const ofAgent = `${ours} AND agent_id = a.id COLLATE "C" AND dry_run + 0 = 0 ${includeFailed ? '' : "AND status = 'completed'"}`;
  /*
   * A probe per agent in one statement, where one GROUP BY takes 29 ms. As a sum, dry_run is no condition of the index: in
   * that PostgreSQL 18 would skip from time to time, which makes ready for more than it finds here (6.5 instead of 15 ms for
   * 500 agents, 2026-11-21).
   */
  const rows = await db.all(
    `SELECT r.* FROM unnest($1::text[]) AS a (id)
     CROSS JOIN LATERAL (SELECT sort_ms FROM runs WHERE ${ofAgent} ORDER BY sort_ms DESC LIMIT 1) k
     CROSS JOIN LATERAL (SELECT * FROM runs WHERE ${ofAgent} AND sort_ms = k.sort_ms ORDER BY id DESC LIMIT 1) r`,
    column('text', [...new Set(agentIds)].map(toName)),
  );
  return new Map(rows.map((row) => toRun(db, row)).map((run) => [run.agentId, run]));
}

/** Agents that have run, dry runs not counted, the latest first. */
export async function listAgents(db: Session): Promise<{ agentId: string; runs: number; lastStartedAtMs: number }[]> {
  const rows = await db.all(
    `SELECT agent_id, count(*) AS runs, max(sort_ms) AS last_ms, max(long_texts) AS long_texts FROM runs WHERE ${ours} AND dry_run = 0
     GROUP BY agent_id ORDER BY last_ms DESC, agent_id`,
  );
  return rows.map((row) => ({
    agentId: longAgentOf(row) ?? (row['agent_id'] as string),
    runs: row['runs'] as number,
    lastStartedAtMs: row['last_ms'] as number,
  }));
}

function longAgentOf(row: SqlRow): string | null {
  const whole = cellToText(parseStored(cellToText(row['long_texts']) ?? '{}')['agent_id']);
  return whole !== null && toName(whole) === row['agent_id'] ? whole : null;
}

/** Recorded runs that have not ended, oldest first, with who writes them and what is open in them. */
export async function listOpenRuns(db: Session): Promise<OpenRun[]> {
  const rows = await db.all(
    `SELECT r.*,
       (SELECT string_agg(w.id, ' ' ORDER BY w.place) FROM writers w WHERE w.${ours} AND w.epoch = r.epoch AND w.run_key = r.key) AS writer_ids,
       (SELECT string_agg(s.id::text, ' ' ORDER BY s.number) FROM steps s
        WHERE s.${ours} AND s.epoch = r.epoch AND s.run_key = r.key AND s.status = 'in_progress') AS step_ids
     FROM runs r WHERE r.${ours} AND r.status IN ('pending', 'running', 'waiting_tool', 'waiting_approval') ORDER BY r.sort_ms, r.id`,
  );
  const listOf = (cell: unknown): string[] => (cellToText(cell) ?? '').split(' ').filter((id) => id !== '');
  return rows.map((row) => {
    const [writerIds, openStepIds] = [listOf(row['writer_ids']), listOf(row['step_ids'])];
    return { run: toRun(db, row), writerIds, openStepIds };
  });
}
