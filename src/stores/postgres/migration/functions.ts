import { budgetFunctionStatements, grantedBudgetFunctions, keeperBudgetFunctions } from './budget-functions.ts';
import { partitionPolicyOf } from './policies.ts';
import { weekTableNames } from './tables.ts';
import { grantedWorkFunctions, keeperWorkFunctions, workFunctionStatements } from './work-functions.ts';

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const list = (items: readonly string[]): string => `ARRAY[${items.map(quoted).join(', ')}]`;

// 2016 to ten weeks from now. What a forged journal names beyond that rests in the partition for all others.
const firstEpoch = 2400;
const weeksAhead = 10;
const weeksMax = 400;
const nowEpoch = '(floor((extract(epoch FROM now()) - 345600) / 604800))::int4';

/** Functions of the owner: they run with the owner's rights and answer with names and counts only. */
const asOwner = 'SECURITY DEFINER SET search_path = pg_catalog, pg_temp';

// Local to the transaction, and off again before anybody else has a say in it.
const seeAll = `PERFORM set_config('tachograph.keeper', 'on', true);`;
const seeOne = `PERFORM set_config('tachograph.keeper', 'off', true);`;

function keeperFunction(head: string, body: string): string {
  return `CREATE OR REPLACE FUNCTION tachograph.${head} LANGUAGE plpgsql ${asOwner} AS $function$
    #variable_conflict use_column
    BEGIN ${seeAll} ${body}; ${seeOne} RETURN; END $function$`;
}

// Asked of the catalogue's rows: names that were looked up before the wait for a lock are remembered as missing.
const isThere = `EXISTS (SELECT FROM pg_class WHERE relnamespace = 'tachograph'::regnamespace AND relname = 'writers_e' || week)`;

const ensureEpoch = `
CREATE OR REPLACE FUNCTION tachograph.ensure_epoch(week int4) RETURNS boolean LANGUAGE plpgsql
  ${asOwner} SET lock_timeout = '2s' AS $function$
DECLARE
  tables text[] := ${list(weekTableNames)};
  rules text[] := ${list(weekTableNames.map((name) => partitionPolicyOf(name).using))};
  checks text[] := ${list(weekTableNames.map((name) => partitionPolicyOf(name).check))};
  part text;
BEGIN
  IF week < ${firstEpoch} OR week > ${nowEpoch} + ${weeksAhead} THEN RETURN false; END IF;
  IF ${isThere} THEN RETURN true; END IF;
  PERFORM pg_advisory_xact_lock(hashtext('tachograph.epochs'));
  IF ${isThere} THEN RETURN true; END IF;
  IF (SELECT count(*) FROM pg_inherits WHERE inhparent = 'tachograph.writers'::regclass) > ${weeksMax} THEN RETURN false; END IF;
  FOR i IN REVERSE array_length(tables, 1)..1 LOOP
    part := tables[i] || '_e' || week;
    EXECUTE format('CREATE TABLE tachograph.%I (LIKE tachograph.%I INCLUDING ALL)', part, tables[i]);
    EXECUTE format('ALTER TABLE tachograph.%I ENABLE ROW LEVEL SECURITY', part);
    EXECUTE format('ALTER TABLE tachograph.%I FORCE ROW LEVEL SECURITY', part);
    EXECUTE format('CREATE POLICY of_project ON tachograph.%I USING (%s) WITH CHECK (%s)', part, rules[i], checks[i]);
    EXECUTE format('ALTER TABLE tachograph.%I ATTACH PARTITION tachograph.%I FOR VALUES FROM (%s) TO (%s)', tables[i], part, week, week + 1);
  END LOOP;
  RETURN true;
EXCEPTION
  -- Somebody waits for long, or rows of the week rest in the partition for all others: they go on resting there.
  WHEN lock_not_available OR check_violation THEN RETURN false;
END $function$`;

const dropEpoch = `
CREATE OR REPLACE FUNCTION tachograph.drop_epoch(week int4) RETURNS boolean LANGUAGE plpgsql
  ${asOwner} SET lock_timeout = '100ms' AS $function$
DECLARE
  tables text[] := ${list(weekTableNames)};
BEGIN
  ${seeAll}
  IF week >= ${nowEpoch} OR NOT ${isThere} THEN RETURN false; END IF;
  IF EXISTS (SELECT FROM tachograph.runs WHERE epoch = week) THEN RETURN false; END IF;
  FOR i IN 1..array_length(tables, 1) LOOP
    EXECUTE format('LOCK TABLE ONLY tachograph.%I IN ACCESS EXCLUSIVE MODE', tables[i]);
  END LOOP;
  -- Whoever was importing into the week has finished now, so it is looked at once more.
  IF EXISTS (SELECT FROM tachograph.runs WHERE epoch = week) THEN RETURN false; END IF;
  FOR i IN 1..array_length(tables, 1) LOOP
    EXECUTE format('DROP TABLE IF EXISTS tachograph.%I', tables[i] || '_e' || week);
  END LOOP;
  DELETE FROM tachograph.leaving WHERE epoch = week;
  DELETE FROM tachograph.word_queue WHERE epoch = week;
  ${seeOne}
  RETURN true;
EXCEPTION WHEN lock_not_available THEN RETURN false;
END $function$`;

/*
 * Of a table that was just filled the planner knows nothing and takes every index for as good as the next: packing a run
 * took 10 s (2026-11-21). The server's own collector comes by once a minute; this is for the minute before.
 */
const analyzeEpoch = `
CREATE OR REPLACE FUNCTION tachograph.analyze_epoch(week int4) RETURNS void LANGUAGE plpgsql
  ${asOwner} SET lock_timeout = '100ms' AS $function$
DECLARE
  name text;
BEGIN
  FOR name IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'tachograph'::regnamespace AND c.relkind = 'r'
    AND (NOT c.relispartition OR right(c.relname, length('_e' || week)) = '_e' || week)
    AND pg_relation_size(c.oid) > 3 * 8192 * greatest(c.relpages, 1) LOOP
    EXECUTE format('ANALYZE tachograph.%I', name);
  END LOOP;
EXCEPTION WHEN lock_not_available THEN RETURN;
END $function$`;

/** Functions that the role of the application may call, with their arguments. */
export const grantedFunctions: readonly string[] = [
  'project_key()',
  'schema_version()',
  'ensure_epoch(int4)',
  'drop_epoch(int4)',
  'analyze_epoch(int4)',
  ...grantedWorkFunctions,
  ...grantedBudgetFunctions,
];

/** Functions about all projects: only for a role that serves all of them. */
export const keeperFunctions: readonly string[] = [
  'project_ids()',
  'all_records()',
  'has_keys()',
  'seals_due(int4)',
  'all_positions()',
  'forget_position(text)',
  'change_count()',
  ...keeperWorkFunctions,
  ...keeperBudgetFunctions,
];

/** Statements that make functions and the view. */
export function functionStatements(version: number): string[] {
  return [
    ensureEpoch,
    dropEpoch,
    analyzeEpoch,
    keeperFunction(
      'project_ids() RETURNS SETOF text',
      // A project that is only managed has nothing recorded yet.
      `RETURN QUERY SELECT p.id::text FROM tachograph.projects p
         WHERE EXISTS (SELECT FROM tachograph.changes c WHERE c.project_key = p.key) ORDER BY p.id`,
    ),
    keeperFunction(
      `all_records() RETURNS TABLE (id text, name text, status text, mode text, canary_percent float8, retention_days float8, created_at_ms float8)`,
      `RETURN QUERY SELECT p.id::text, r.name::text, r.status::text, r.mode::text, r.canary_percent, r.retention_days, r.created_at_ms
         FROM tachograph.project_records r JOIN tachograph.projects p ON p.key = r.project_key`,
    ),
    keeperFunction(
      'has_keys() RETURNS SETOF boolean',
      'RETURN QUERY SELECT EXISTS (SELECT FROM tachograph.access_keys)',
    ),
    keeperFunction(
      'seals_due(most int4) RETURNS TABLE (project_id text, run_id text)',
      `RETURN QUERY SELECT p.id::text, r.id::text FROM tachograph.sealing s
         JOIN tachograph.runs r ON r.project_key = s.project_key AND r.key = s.run_key
         JOIN tachograph.projects p ON p.key = s.project_key ORDER BY s.run_key LIMIT most`,
    ),
    keeperFunction(
      'all_positions() RETURNS TABLE (file text, bytes float8)',
      `RETURN QUERY SELECT j.file::text, max(j.bytes) FROM tachograph.journal_positions j GROUP BY j.file ORDER BY j.file`,
    ),
    keeperFunction(
      'forget_position(name text) RETURNS void',
      'DELETE FROM tachograph.journal_positions WHERE file = name',
    ),
    keeperFunction(
      'change_count() RETURNS SETOF float8',
      'RETURN QUERY SELECT coalesce(sum(c.count), 0)::float8 FROM tachograph.changes c',
    ),
    ...workFunctionStatements(keeperFunction),
    ...budgetFunctionStatements(keeperFunction),
    `CREATE OR REPLACE VIEW tachograph.run_list WITH (security_invoker = true) AS
       SELECT p.id AS project, r.id AS run, r.agent_id AS agent, r.kind, r.status, r.end_reason, r.model, r.caller_id AS caller, r.session_id AS session,
         r.dry_run = 1 AS dry_run, to_timestamp(r.sort_ms / 1000) AS started_at, to_timestamp(r.finished_at_ms / 1000) AS finished_at, r.duration_ms,
         r.step_count AS steps, r.error_count AS errors, r.input_total AS input_tokens, r.output_total AS output_tokens,
         CASE WHEN r.unpriced = 0 THEN r.cost_known_nano_usd / 1e9 END AS cost_usd
       FROM tachograph.runs r JOIN tachograph.projects p ON p.key = r.project_key`,
    ...[...grantedFunctions, ...keeperFunctions]
      .filter((name) => name !== 'schema_version()')
      .map((name) => `REVOKE ALL ON FUNCTION tachograph.${name} FROM PUBLIC`),
    // Last: whoever reads it knows that all before it was done.
    `CREATE OR REPLACE FUNCTION tachograph.schema_version() RETURNS int4 LANGUAGE sql IMMUTABLE AS $$ SELECT ${version} $$`,
  ];
}
