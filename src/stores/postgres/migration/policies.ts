import { keptBudgetTables } from './budget-tables.ts';
import { tableNames, weekTableNames } from './tables.ts';
import { keptWorkTables } from './work-tables.ts';

/*
 * Who sees what. A transaction says which project it is for (`tachograph.project`); without that no row is seen or
 * written, by the owner of the tables neither. Some questions concern all projects: which there are, which runs wait for a
 * seal, whether a week is empty. Functions of the owner answer those, and only they turn `tachograph.keeper` on, for the
 * policies that are the owner's alone.
 */

const ofProject = 'project_key = (SELECT tachograph.project_key())';

/*
 * Under a policy an index is used only for operators that are known to leak nothing, and `@@` is none, so that a search
 * would read every row of the week (80 ms instead of 1 at 20,000 documents, 2026-11-21). What stands in the policy itself
 * may use the index: so the words that are looked for are a setting of the transaction. Without it nothing is excluded.
 */
const ofSearch = `words @@ coalesce(nullif(current_setting('tachograph.words', true), ''), '!''- -''')::tsquery`;

const searched: ReadonlySet<string> = new Set(['words', 'error_words']);

function usingOf(table: string): string {
  if (table === 'projects') return `id = current_setting('tachograph.project', true)`;
  return searched.has(table) ? `${ofProject} AND ${ofSearch}` : ofProject;
}

const checkOf = (table: string): string => (table === 'projects' ? usingOf(table) : ofProject);

/** Tables about which the owner's functions answer. */
const keptTables = [
  'projects',
  'project_records',
  'access_keys',
  'runs',
  'sealing',
  'journal_positions',
  'changes',
  'leaving',
  'word_queue',
  ...keptWorkTables,
  ...keptBudgetTables,
] as const;

function policyOnce(table: string, name: string, rule: string): string {
  return `DO $policy$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_policies WHERE schemaname = 'tachograph' AND tablename = '${table}' AND policyname = '${name}') THEN
      CREATE POLICY ${name} ON tachograph.${table} ${rule};
    END IF;
  END $policy$`;
}

/** Statements that force row-level security on a table, also for its owner. */
export function policyStatements(): string[] {
  const partitions = weekTableNames.map((name) => `${name}_other`);
  const tables = [
    ...tableNames.map((name) => [name, name] as const),
    ...partitions.map((name) => [name, name.slice(0, -'_other'.length)] as const),
  ];
  return [
    // Not in SQL, whose functions are planned anew in each statement: 33 instead of 5 µs, for each table that is named.
    `CREATE OR REPLACE FUNCTION tachograph.project_key() RETURNS int4 LANGUAGE plpgsql STABLE PARALLEL SAFE
       AS $$ BEGIN RETURN (SELECT key FROM tachograph.projects WHERE id = current_setting('tachograph.project', true)); END $$`,
    ...tables.flatMap(([table, like]) => [
      `ALTER TABLE tachograph.${table} ENABLE ROW LEVEL SECURITY`,
      `ALTER TABLE tachograph.${table} FORCE ROW LEVEL SECURITY`,
      policyOnce(table, 'of_project', `USING (${usingOf(like)}) WITH CHECK (${checkOf(like)})`),
    ]),
    ...keptTables.map((table) =>
      policyOnce(table, 'of_keeper', `TO CURRENT_USER USING (current_setting('tachograph.keeper', true) = 'on')`),
    ),
  ];
}

/** The policy of a table as its partitions get it, in a function that makes them. */
export function partitionPolicyOf(table: string): { using: string; check: string } {
  return { using: usingOf(table), check: checkOf(table) };
}
