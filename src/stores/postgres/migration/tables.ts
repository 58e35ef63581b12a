import { usageColumns } from '../../sql/view-row.ts';
import { budgetIndexes, budgetTables } from './budget-tables.ts';
import { workBytesColumns, workIndexes, workTables } from './work-tables.ts';

/*
 *   projects ─┬─ runs ── run_labels            what is filtered as columns, the rest of the view as JSON text
 *             ├─ packing  sealing  leaving      runs still to be packed, to be sealed, to be cleared of what they left
 *             ├─ annotations  seals  changes  journal_positions  word_queue
 *             ├─ project_records  access_keys  ended_sessions   projects, keys and sessions as they are managed
 *             ├─ erasures                      which runs lost words; how often is a slot of changes
 *             ├─ work …                        runs as work: work-tables.ts
 *             ├─ budget …                      the ledger of budgets: budget-tables.ts
 *             │
 *             │  by week, a partition each:
 *             ├─ writers  event_packs           events of one import are one row, compressed
 *             ├─ steps  attempts  attempt_packs
 *             ├─ contents  content_blocks  nodes        once per week; contexts as a tree
 *             ├─ content_use  context_use              which contents and context tips a run names
 *             └─ words  error_words             full text, beside the import
 *
 * Every row carries its project, every unique index begins with it. Numbers from outside are float8: they hold what a
 * JavaScript number holds and no more.
 */

const text = 'text COLLATE "C"';
const usage = usageColumns.map((name) => `${name} float8`).join(', ');
const ofProject = 'project_key int4 NOT NULL';
const ofWeek = `${ofProject}, epoch int4 NOT NULL`;
const ofRun = `${ofWeek}, run_key int8 NOT NULL`;

/** Tables that rest in one part, with their columns. */
const plainTables: Readonly<Record<string, string>> = {
  changes: `${ofProject}, slot int2 NOT NULL, count int8 NOT NULL, PRIMARY KEY (project_key, slot)`,
  journal_positions: `${ofProject}, file ${text} NOT NULL, bytes float8 NOT NULL, PRIMARY KEY (project_key, file)`,
  runs: `${ofWeek}, key int8 NOT NULL, id ${text} NOT NULL, agent_id ${text} NOT NULL, kind ${text} NOT NULL, caller_id ${text},
    channel_id ${text}, session_id ${text}, parent_run_id ${text}, status ${text} NOT NULL, end_reason ${text}, model ${text},
    dry_run int2 NOT NULL, has_error int2 NOT NULL, sort_ms float8 NOT NULL, started_at_ms float8, created_at_ms float8 NOT NULL,
    finished_at_ms float8, duration_ms float8, step_count float8 NOT NULL, error_count float8 NOT NULL, unpriced float8 NOT NULL,
    cost_known_nano_usd float8 NOT NULL, ${usage}, written_at_ms float8 NOT NULL, view ${text} NOT NULL, long_texts ${text},
    PRIMARY KEY (project_key, key), UNIQUE (project_key, id)`,
  run_labels: `${ofProject}, run_key int8 NOT NULL, name ${text} NOT NULL, value ${text} NOT NULL, sort_ms float8 NOT NULL,
    PRIMARY KEY (project_key, run_key, name)`,
  packing: `${ofRun}, PRIMARY KEY (project_key, run_key)`,
  sealing: `${ofRun}, PRIMARY KEY (project_key, run_key)`,
  leaving: `${ofRun}, PRIMARY KEY (project_key, epoch, run_key)`,
  annotations: `${ofProject}, id ${text} NOT NULL, run_id ${text} NOT NULL, step_id ${text}, kind ${text} NOT NULL, name ${text},
    value ${text}, author ${text}, created_at_ms float8 NOT NULL, updated_at_ms float8 NOT NULL, PRIMARY KEY (project_key, id)`,
  seals: `${ofProject}, number float8 NOT NULL, run_id ${text} NOT NULL, seal ${text} NOT NULL, PRIMARY KEY (project_key, number)`,
  project_records: `${ofProject}, name ${text} NOT NULL, status ${text} NOT NULL, mode ${text} NOT NULL, canary_percent float8,
    retention_days float8, created_at_ms float8 NOT NULL, PRIMARY KEY (project_key)`,
  access_keys: `${ofProject}, id ${text} NOT NULL, name ${text} NOT NULL, scopes ${text} NOT NULL, created_at_ms float8 NOT NULL,
    expires_at_ms float8, revoked_at_ms float8, hash ${text} NOT NULL, PRIMARY KEY (project_key, id)`,
  erasures: `${ofProject}, run_id ${text} NOT NULL, number int8 NOT NULL, PRIMARY KEY (project_key, run_id)`,
  ended_sessions: `${ofProject}, id ${text} NOT NULL, expires_at_ms float8 NOT NULL, PRIMARY KEY (project_key, id)`,
  word_queue: `${ofWeek}, key int8 NOT NULL DEFAULT nextval('tachograph.keys'), content_id bytea NOT NULL, PRIMARY KEY (project_key, key)`,
  ...workTables,
  ...budgetTables,
};

/** Tables with a partition for each week, with their columns. */
const weekTables: Readonly<Record<string, string>> = {
  writers: `${ofRun}, id ${text} NOT NULL, place int8 NOT NULL DEFAULT nextval('tachograph.keys'), n float8 NOT NULL, hash bytea NOT NULL,
    missing ${text} NOT NULL, PRIMARY KEY (project_key, epoch, run_key, id)`,
  event_packs: `${ofRun}, first_seq int8 NOT NULL, last_seq int8 NOT NULL, packed bytea NOT NULL, proofs bytea NOT NULL,
    PRIMARY KEY (project_key, epoch, run_key, first_seq)`,
  steps: `${ofRun}, number int8 NOT NULL, id uuid NOT NULL, kind ${text} NOT NULL, status ${text} NOT NULL, model ${text},
    requested_model ${text}, started_at_ms float8 NOT NULL, duration_ms float8, cost_nano_usd float8, has_usage int2 NOT NULL, ${usage},
    view ${text} NOT NULL, PRIMARY KEY (project_key, epoch, run_key, number), UNIQUE (project_key, epoch, run_key, id)`,
  attempts: `${ofRun}, step_id uuid NOT NULL, number int8 NOT NULL, started_at_ms float8 NOT NULL, view ${text} NOT NULL,
    PRIMARY KEY (project_key, epoch, run_key, step_id, number)`,
  attempt_packs: `${ofRun}, key int8 NOT NULL DEFAULT nextval('tachograph.keys'), first_step int8 NOT NULL, last_step int8 NOT NULL,
    packed bytea NOT NULL, PRIMARY KEY (project_key, epoch, run_key, key)`,
  contents: `${ofWeek}, id bytea NOT NULL, kind ${text} NOT NULL, salt bytea NOT NULL, size int4 NOT NULL, document bytea, is_packed int2 NOT NULL,
    bytes bytea, block_key int8, block_at int4, PRIMARY KEY (project_key, epoch, id)`,
  content_blocks: `${ofWeek}, key int8 NOT NULL, packed bytea NOT NULL, PRIMARY KEY (project_key, epoch, key)`,
  nodes: `${ofWeek}, id bytea NOT NULL, parent_id bytea NOT NULL, content_id bytea NOT NULL, depth float8 NOT NULL,
    PRIMARY KEY (project_key, epoch, id)`,
  content_use: `${ofRun}, content_id bytea NOT NULL, step_id uuid, PRIMARY KEY (project_key, epoch, run_key, content_id)`,
  context_use: `${ofRun}, node_id bytea NOT NULL, PRIMARY KEY (project_key, epoch, run_key, node_id)`,
  words: `${ofWeek}, document bytea NOT NULL, part int4 NOT NULL, is_long boolean NOT NULL, words tsvector NOT NULL,
    key int8 NOT NULL DEFAULT nextval('tachograph.keys'),
    PRIMARY KEY (project_key, epoch, document, part)`,
  error_words: `${ofRun}, step_id uuid NOT NULL, words tsvector NOT NULL, PRIMARY KEY (project_key, epoch, run_key, step_id)`,
};

const indexes: Readonly<Record<string, string>> = {
  runs_by_time: 'runs (project_key, sort_ms, id)',
  runs_by_agent: 'runs (project_key, agent_id, sort_ms, dry_run)',
  runs_by_status: 'runs (project_key, status, sort_ms, dry_run)',
  runs_by_parent: 'runs (project_key, parent_run_id, sort_ms, dry_run)',
  runs_by_caller: 'runs (project_key, caller_id, sort_ms, dry_run) WHERE caller_id IS NOT NULL',
  runs_by_channel: 'runs (project_key, channel_id, sort_ms, dry_run) WHERE channel_id IS NOT NULL',
  runs_by_session: 'runs (project_key, session_id, sort_ms, dry_run) WHERE session_id IS NOT NULL',
  runs_by_model: 'runs (project_key, model, sort_ms, dry_run) WHERE model IS NOT NULL',
  runs_by_reason: 'runs (project_key, end_reason, sort_ms, dry_run) WHERE end_reason IS NOT NULL',
  runs_with_error: 'runs (project_key, sort_ms, dry_run) WHERE has_error = 1',
  runs_by_finish: 'runs (project_key, finished_at_ms, id) WHERE finished_at_ms IS NOT NULL',
  runs_by_epoch: 'runs (epoch, project_key)',
  run_labels_by_value: 'run_labels (project_key, name, value, sort_ms)',
  annotations_by_run: 'annotations (project_key, run_id)',
  erasures_by_number: 'erasures (project_key, number)',
  seals_by_run: 'seals (project_key, run_id, number)',
  contents_by_document: 'contents (project_key, epoch, document) WHERE document IS NOT NULL',
  contents_by_block: 'contents (project_key, epoch, block_key) WHERE block_key IS NOT NULL',
  nodes_by_parent: 'nodes (project_key, epoch, parent_id)',
  nodes_by_content: 'nodes (project_key, epoch, content_id)',
  content_use_by_content: 'content_use (project_key, epoch, content_id)',
  context_use_by_node: 'context_use (project_key, epoch, node_id)',
  words_by_word: 'words USING gin (words)',
  words_of_long: 'words USING gin (words) WHERE is_long',
  error_words_by_word: 'error_words USING gin (words)',
  ...workIndexes,
  ...budgetIndexes,
};

/** Names of the tables with a partition for each week. */
export const weekTableNames: readonly string[] = Object.keys(weekTables);

/** Names of all tables that hold rows of projects, their list included. */
export const tableNames: readonly string[] = ['projects', ...Object.keys(plainTables), ...weekTableNames];

/** Tables whose bytes are compressed already, and the columns with them. */
const bytesColumns = [
  ['event_packs', 'packed'],
  ['event_packs', 'proofs'],
  ['attempt_packs', 'packed'],
  ['contents', 'bytes'],
  ['content_blocks', 'packed'],
  ...workBytesColumns,
] as const;

/** Statements that make the tables. Each does nothing when it was done before. */
export function tableStatements(): string[] {
  const make = (name: string, columns: string, tail: string): string =>
    `CREATE TABLE IF NOT EXISTS tachograph.${name} (${columns}) ${tail}`;
  // Most updates of a run or step change no indexed column: with room in the page they cost no index entry.
  const roomy = 'WITH (fillfactor = 80)';
  return [
    'CREATE SCHEMA IF NOT EXISTS tachograph',
    'CREATE SEQUENCE IF NOT EXISTS tachograph.keys',
    make('projects', `key int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id ${text} NOT NULL UNIQUE`, ''),
    ...Object.entries(plainTables).map(([name, columns]) => make(name, columns, name === 'runs' ? roomy : '')),
    ...Object.entries(weekTables).map(([name, columns]) => make(name, columns, 'PARTITION BY RANGE (epoch)')),
    ...bytesColumns.map(([table, name]) => `ALTER TABLE tachograph.${table} ALTER COLUMN ${name} SET STORAGE EXTERNAL`),
    ...weekTableNames.map(
      (name) => `CREATE TABLE IF NOT EXISTS tachograph.${name}_other PARTITION OF tachograph.${name} DEFAULT`,
    ),
    ...Object.entries(indexes).map(([name, on]) => `CREATE INDEX IF NOT EXISTS ${name} ON tachograph.${on}`),
  ];
}

const typesByTable = new Map<string, ReadonlyMap<string, string>>();

/** The type of each column of a table. */
export function columnTypesOf(table: string): ReadonlyMap<string, string> {
  let types = typesByTable.get(table);
  if (types === undefined) {
    const columns = plainTables[table] ?? weekTables[table] ?? '';
    const found = columns.matchAll(/(\w+) (int2|int4|int8|float8|text|bytea|uuid|tsvector|boolean)\b/g);
    types = new Map([...found].map(([, name, type]) => [name!, type!]));
    typesByTable.set(table, types);
  }
  return types;
}
