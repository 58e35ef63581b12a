import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
  type SelectQueryBuilder,
  sql,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { PageBounds } from '../../core/query/page.ts';
import { wantedDryRun } from '../../core/query/filter.ts';
import type { RunFilter } from '../../core/store.ts';
import type { SqlValue } from './value.ts';

interface Runs {
  key: number;
  project_key: number;
  id: string;
  agent_id: string;
  kind: string;
  caller_id: string | null;
  channel_id: string | null;
  session_id: string | null;
  parent_run_id: string | null;
  status: string;
  end_reason: string | null;
  model: string | null;
  dry_run: number;
  has_error: number;
  sort_ms: number;
}

interface Tables {
  runs: Runs;
  run_views: { key: number; view: string };
  run_labels: { run_key: number; name: string; value: string; project_key: number; sort_ms: number };
}

/** A statement with its values, ready for a driver. */
export interface Query {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** Builds statements about runs in one dialect. It never talks to a database. */
export interface RunQueries {
  /** Runs with their views, newest first, one more than the page holds. */
  list(of: RunSelection, bounds: PageBounds): Query;
  count(of: RunSelection): Query;
}

/** Which runs of a project. */
export interface RunSelection {
  /** Its key, or a subquery giving it. */
  readonly project: number | RawBuilder<number>;
  readonly projectId: string;
  readonly filter: RunFilter;
  /** A subquery giving the keys of the runs in which the filter's text occurs; `null` without a text. */
  readonly textKeys: RawBuilder<unknown> | null;
}

/** The builder of SQLite's dialect. */
export function createSqliteBuilder(): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
}

/** The builder of PostgreSQL's dialect. */
export function createPostgresBuilder(): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });
}

type RunsBuilder<T> = SelectQueryBuilder<Tables, 'runs', T>;

const columnByField = {
  agentId: 'agent_id',
  callerId: 'caller_id',
  channelId: 'channel_id',
  sessionId: 'session_id',
  model: 'model',
  kind: 'kind',
} as const;

/** Runs, walked along the first label when there is one, and the column by which they are in order then. */
function startFrom(
  builder: Kysely<Tables>,
  { project, filter }: RunSelection,
): { query: RunsBuilder<object>; time: RawBuilder<number> } {
  const [label] = Object.entries(filter.labels ?? {});
  const runs = builder.selectFrom('runs').where('runs.project_key', '=', project);
  if (label === undefined) return { query: runs, time: sql.ref('runs.sort_ms') };
  const labelled = runs
    .innerJoin('run_labels as label', 'label.run_key', 'runs.key')
    .where('label.project_key', '=', project)
    .where('label.name', '=', label[0])
    .where('label.value', '=', label[1]);
  return { query: labelled as unknown as RunsBuilder<object>, time: sql.ref('label.sort_ms') };
}

function narrow(
  start: { query: RunsBuilder<object>; time: RawBuilder<number> },
  { filter, textKeys }: RunSelection,
): RunsBuilder<object> {
  let narrowed = start.query;
  const dryRun = wantedDryRun(filter);
  if (dryRun !== null) narrowed = narrowed.where('runs.dry_run', '=', dryRun ? 1 : 0);
  if (filter.status !== undefined && filter.status.length > 0)
    narrowed = narrowed.where('runs.status', 'in', [...filter.status]);
  if (filter.endReason !== undefined && filter.endReason.length > 0)
    narrowed = narrowed.where('runs.end_reason', 'in', [...filter.endReason]);
  for (const field of Object.keys(columnByField) as (keyof typeof columnByField)[]) {
    const value = filter[field];
    if (value !== undefined) narrowed = narrowed.where(`runs.${columnByField[field]}`, '=', value);
  }
  if (filter.topLevelOnly === true) narrowed = narrowed.where('runs.parent_run_id', 'is', null);
  // As a literal: a partial index is chosen when the statement is prepared, before values are known.
  if (filter.hasError !== undefined)
    narrowed = narrowed.where(sql<boolean>`runs.has_error = ${sql.raw(filter.hasError ? '1' : '0')}`);
  if (filter.sinceMs !== undefined) narrowed = narrowed.where(start.time, '>=', filter.sinceMs);
  if (filter.untilMs !== undefined) narrowed = narrowed.where(start.time, '<', filter.untilMs);
  for (const [name, value] of Object.entries(filter.labels ?? {}).slice(1)) {
    narrowed = narrowed.where(
      sql<boolean>`exists (select 1 from run_labels l where l.run_key = runs.key and l.name = ${name} and l.value = ${value})`,
    );
  }
  if (textKeys !== null) narrowed = narrowed.where(sql<boolean>`runs.key in (${textKeys})`);
  return narrowed;
}

/** Where the JSON part of a run stands: beside its columns, or in a table of its own. */
type ViewPlace = 'runs' | 'run_views';

/** Statements about runs, in the dialect of a builder. */
export function createRunQueries(builder: Kysely<Tables>, viewsIn: ViewPlace = 'run_views'): RunQueries {
  const compile = (query: { compile(): { sql: string; parameters: readonly unknown[] } }): Query => {
    const compiled = query.compile();
    return { sql: compiled.sql, values: compiled.parameters as readonly SqlValue[] };
  };
  return {
    list(of, bounds) {
      const start = startFrom(builder, of);
      const narrowed = narrow(start, of);
      const viewed = viewsIn === 'runs' ? narrowed : narrowed.innerJoin('run_views', 'run_views.key', 'runs.key');
      let query = viewed
        .selectAll('runs')
        .select([sql<string>`${sql.ref(`${viewsIn}.view`)}`.as('view'), sql<string>`${of.projectId}`.as('project_id')])
        .orderBy(start.time, 'desc')
        .orderBy('runs.id', 'desc')
        .limit(bounds.limit + 1);
      if (bounds.offset > 0) query = query.offset(bounds.offset);
      const { after } = bounds;
      if (after !== null) query = query.where(sql<boolean>`(${start.time}, runs.id) < (${after.timeMs}, ${after.id})`);
      return compile(query);
    },
    count: (of) => compile(narrow(startFrom(builder, of), of).select(sql<number>`count(*)`.as('count'))),
  };
}
