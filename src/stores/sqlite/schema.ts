import { TachographError } from '../../core/error.ts';
import { wordsVersion } from '../../core/query/words.ts';
import { usageColumns } from '../sql/view-row.ts';
import type { Database } from './database.ts';
import { rebuildWords } from './search.ts';
import { budgetTables } from './work/budget-tables.ts';
import { workTables } from './work/tables.ts';

/** Raised when an older library can no longer work with the file. */
export const schemaMajor = 2;
/** Raised with every migration that an older library need not know. */
export const schemaMinor = 2;

const usage = usageColumns.map((name) => `${name} INTEGER`).join(', ');

/*
 *   projects ─┬─ runs ─┬─ run_views          what is filtered | the rest of the view, as JSON
 *             │        ├─ run_labels
 *             │        ├─ steps ── step_views
 *             │        ├─ attempts
 *             │        ├─ writers ── events     (run, seq) and (run, writer, n) are unique
 *             │        ├─ event_packs  attempt_packs  step_packs   rows of ended runs, moved here while nothing else is to do
 *             │        ├─ packing  sealing      ended runs still to be packed, to be sealed
 *             │        ├─ content_use ─┐        which contents a run brought or names
 *             │        └─ context_use ─┼─┐      which context tips its steps name
 *             ├─ contents ─────────────┘ │      once per epoch; bytes in content_bytes, later in content_blocks
 *             ├─ nodes ──────────────────┘      contexts as a tree: a node and its parent
 *             ├─ documents                     distinct words of contents: an answer has the same as output and as message
 *             ├─ word_tables                   one full-text index, words_<key>, for each epoch
 *             ├─ annotations   seals   orphans
 *             ├─ erasure_counts  erasures      how often words went, and of which runs
 *             ├─ work …  budget …              runs as work and their budgets: work/tables.ts, work/budget-tables.ts
 *   journal_positions   changes
 */
const tables = `
CREATE TABLE changes (one INTEGER PRIMARY KEY CHECK (one = 1), count INTEGER NOT NULL, words_version INTEGER NOT NULL);
INSERT INTO changes VALUES (1, 0, ${wordsVersion});
CREATE TABLE projects (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
CREATE TABLE journal_positions (file TEXT PRIMARY KEY, bytes INTEGER NOT NULL);

CREATE TABLE runs (
  key INTEGER PRIMARY KEY, project_key INTEGER NOT NULL, epoch INTEGER NOT NULL, id TEXT NOT NULL,
  agent_id TEXT NOT NULL, kind TEXT NOT NULL, caller_id TEXT, channel_id TEXT, session_id TEXT, parent_run_id TEXT,
  status TEXT NOT NULL, end_reason TEXT, model TEXT, dry_run INTEGER NOT NULL, has_error INTEGER NOT NULL,
  sort_ms INTEGER NOT NULL, started_at_ms INTEGER, created_at_ms INTEGER NOT NULL, finished_at_ms INTEGER,
  duration_ms REAL, step_count INTEGER NOT NULL, error_count INTEGER NOT NULL, unpriced INTEGER NOT NULL,
  cost_known_nano_usd INTEGER NOT NULL, ${usage},
  UNIQUE (project_key, id));
CREATE INDEX runs_by_time ON runs (project_key, sort_ms, dry_run);
CREATE INDEX runs_by_agent ON runs (project_key, agent_id, sort_ms, dry_run);
CREATE INDEX runs_by_status ON runs (project_key, status, sort_ms, dry_run);
CREATE INDEX runs_by_parent ON runs (project_key, parent_run_id, sort_ms, dry_run);
CREATE INDEX runs_by_caller ON runs (project_key, caller_id, sort_ms, dry_run) WHERE caller_id IS NOT NULL;
CREATE INDEX runs_by_channel ON runs (project_key, channel_id, sort_ms, dry_run) WHERE channel_id IS NOT NULL;
CREATE INDEX runs_by_session ON runs (project_key, session_id, sort_ms, dry_run) WHERE session_id IS NOT NULL;
CREATE INDEX runs_by_model ON runs (project_key, model, sort_ms, dry_run) WHERE model IS NOT NULL;
CREATE INDEX runs_by_reason ON runs (project_key, end_reason, sort_ms, dry_run) WHERE end_reason IS NOT NULL;
CREATE INDEX runs_with_error ON runs (project_key, sort_ms, dry_run) WHERE has_error = 1;
CREATE INDEX runs_by_finish ON runs (project_key, finished_at_ms) WHERE finished_at_ms IS NOT NULL;
CREATE INDEX runs_by_epoch ON runs (project_key, epoch);
CREATE TABLE run_views (key INTEGER PRIMARY KEY, view TEXT NOT NULL);
CREATE TABLE run_labels (
  run_key INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, project_key INTEGER NOT NULL, sort_ms INTEGER NOT NULL,
  PRIMARY KEY (run_key, name)) WITHOUT ROWID;
CREATE INDEX run_labels_by_value ON run_labels (project_key, name, value, sort_ms);

CREATE TABLE steps (
  key INTEGER PRIMARY KEY, run_key INTEGER NOT NULL, id BLOB NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL,
  status TEXT NOT NULL, model TEXT, requested_model TEXT, started_at_ms INTEGER NOT NULL, duration_ms REAL,
  cost_nano_usd INTEGER, has_usage INTEGER NOT NULL, ${usage},
  UNIQUE (run_key, number));
CREATE INDEX steps_by_id ON steps (id);
CREATE TABLE step_views (key INTEGER PRIMARY KEY, view TEXT NOT NULL);
CREATE TABLE attempts (
  key INTEGER PRIMARY KEY, run_key INTEGER NOT NULL, step_id BLOB NOT NULL, number INTEGER NOT NULL,
  started_at_ms INTEGER NOT NULL, view TEXT NOT NULL,
  UNIQUE (run_key, step_id, number));

CREATE TABLE writers (
  key INTEGER PRIMARY KEY, run_key INTEGER NOT NULL, id TEXT NOT NULL, n INTEGER NOT NULL, hash BLOB NOT NULL,
  missing TEXT NOT NULL, UNIQUE (run_key, id));
CREATE TABLE events (
  key INTEGER PRIMARY KEY, run_key INTEGER NOT NULL, seq INTEGER NOT NULL, writer_key INTEGER NOT NULL,
  n INTEGER NOT NULL, type TEXT NOT NULL, time_ms INTEGER NOT NULL, step_id BLOB, attempt INTEGER, facts TEXT,
  payload TEXT, proof BLOB NOT NULL,
  UNIQUE (run_key, seq), UNIQUE (writer_key, n));
CREATE TABLE event_packs (
  key INTEGER PRIMARY KEY, run_key INTEGER NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
  packed BLOB NOT NULL, proofs BLOB NOT NULL, UNIQUE (run_key, first_seq));
CREATE TABLE attempt_packs (
  key INTEGER PRIMARY KEY, run_key INTEGER NOT NULL, first_step INTEGER NOT NULL, last_step INTEGER NOT NULL, packed BLOB NOT NULL);
CREATE INDEX attempt_packs_by_run ON attempt_packs (run_key, first_step);
CREATE TABLE packing (run_key INTEGER PRIMARY KEY);
CREATE TABLE sealing (run_key INTEGER PRIMARY KEY);

CREATE TABLE contents (
  key INTEGER PRIMARY KEY, project_key INTEGER NOT NULL, epoch INTEGER NOT NULL, id BLOB NOT NULL, kind TEXT,
  salt BLOB, size INTEGER, document_key INTEGER, block_key INTEGER, block_at INTEGER, UNIQUE (project_key, epoch, id));
CREATE INDEX contents_by_document ON contents (document_key) WHERE document_key IS NOT NULL;
CREATE TABLE word_tables (key INTEGER PRIMARY KEY, project_key INTEGER NOT NULL, epoch INTEGER NOT NULL, is_leaving INTEGER NOT NULL);
CREATE UNIQUE INDEX word_tables_by_epoch ON word_tables (project_key, epoch) WHERE is_leaving = 0;
CREATE TABLE documents (
  key INTEGER PRIMARY KEY, project_key INTEGER NOT NULL, epoch INTEGER NOT NULL, hash BLOB NOT NULL, UNIQUE (project_key, epoch, hash));
CREATE INDEX contents_by_block ON contents (block_key) WHERE block_key IS NOT NULL;
CREATE TABLE content_bytes (key INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE content_blocks (key INTEGER PRIMARY KEY, packed BLOB NOT NULL);
CREATE TABLE nodes (
  key INTEGER PRIMARY KEY, project_key INTEGER NOT NULL, epoch INTEGER NOT NULL, id BLOB NOT NULL,
  parent_key INTEGER, content_key INTEGER, depth INTEGER NOT NULL, UNIQUE (project_key, epoch, id));
CREATE INDEX nodes_by_parent ON nodes (parent_key);
CREATE INDEX nodes_by_content ON nodes (content_key);
CREATE TABLE content_use (
  run_key INTEGER NOT NULL, content_key INTEGER NOT NULL, step_key INTEGER, PRIMARY KEY (run_key, content_key)) WITHOUT ROWID;
CREATE INDEX content_use_by_content ON content_use (content_key);
CREATE TABLE context_use (
  run_key INTEGER NOT NULL, node_key INTEGER NOT NULL, PRIMARY KEY (run_key, node_key)) WITHOUT ROWID;
CREATE INDEX context_use_by_node ON context_use (node_key);
CREATE TABLE orphans (
  key INTEGER PRIMARY KEY, project_key INTEGER NOT NULL, epoch INTEGER NOT NULL, content_key INTEGER, node_key INTEGER);
CREATE INDEX orphans_by_epoch ON orphans (project_key, epoch);

CREATE TABLE annotations (
  project_key INTEGER NOT NULL, id TEXT NOT NULL, run_id TEXT NOT NULL, step_id TEXT, kind TEXT NOT NULL, name TEXT,
  value TEXT, author TEXT, created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL, PRIMARY KEY (project_key, id));
CREATE INDEX annotations_by_run ON annotations (project_key, run_id);
CREATE TABLE seals (
  project_key INTEGER NOT NULL, number INTEGER NOT NULL, run_id TEXT NOT NULL, seal TEXT NOT NULL, PRIMARY KEY (project_key, number));
CREATE INDEX seals_by_run ON seals (project_key, run_id, number);
`;

/* Projects and keys as they are managed; `projects` above only gives each a small number. */
const directoryTables = `
CREATE TABLE project_records (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, status TEXT NOT NULL, mode TEXT NOT NULL, canary_percent INTEGER,
  retention_days INTEGER, created_at_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE keys (
  project_id TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER, revoked_at_ms INTEGER, hash TEXT NOT NULL, PRIMARY KEY (project_id, id)) WITHOUT ROWID;
`;

/*
 * Smaller (2026-11-21): views of steps of ended runs go into packs, which takes 130 instead of 460 bytes a step; and what
 * is found by its digest is found by the first 8 bytes of it, since whole digests in an index cost as much as their rows.
 * Whether a digest is there already is asked by the one that writes, under the lock.
 */
const smallerTables = `
ALTER TABLE steps ADD COLUMN pack_key INTEGER;
CREATE TABLE step_packs (key INTEGER PRIMARY KEY, run_key INTEGER NOT NULL, packed BLOB NOT NULL);
CREATE INDEX step_packs_by_run ON step_packs (run_key);

CREATE TABLE contents_2 (
  key INTEGER PRIMARY KEY, project_key INTEGER NOT NULL, epoch INTEGER NOT NULL, id BLOB NOT NULL, kind TEXT,
  salt BLOB, size INTEGER, document_key INTEGER, block_key INTEGER, block_at INTEGER);
INSERT INTO contents_2 SELECT key, project_key, epoch, id, kind, salt, size, document_key, block_key, block_at FROM contents ORDER BY key;
DROP TABLE contents;
ALTER TABLE contents_2 RENAME TO contents;
CREATE INDEX contents_by_id ON contents (project_key, epoch, substr(id, 1, 8));
CREATE INDEX contents_by_document ON contents (document_key) WHERE document_key IS NOT NULL;
CREATE INDEX contents_by_block ON contents (block_key) WHERE block_key IS NOT NULL;

CREATE TABLE nodes_2 (
  key INTEGER PRIMARY KEY, project_key INTEGER NOT NULL, epoch INTEGER NOT NULL, id BLOB NOT NULL,
  parent_key INTEGER, content_key INTEGER, depth INTEGER NOT NULL);
INSERT INTO nodes_2 SELECT key, project_key, epoch, id, parent_key, content_key, depth FROM nodes ORDER BY key;
DROP TABLE nodes;
ALTER TABLE nodes_2 RENAME TO nodes;
CREATE INDEX nodes_by_id ON nodes (project_key, epoch, substr(id, 1, 8));
CREATE INDEX nodes_by_parent ON nodes (parent_key);
CREATE INDEX nodes_by_content ON nodes (content_key);

CREATE TABLE documents_2 (
  key INTEGER PRIMARY KEY, project_key INTEGER NOT NULL, epoch INTEGER NOT NULL, hash BLOB NOT NULL);
INSERT INTO documents_2 SELECT key, project_key, epoch, hash FROM documents ORDER BY key;
DROP TABLE documents;
ALTER TABLE documents_2 RENAME TO documents;
CREATE INDEX documents_by_hash ON documents (project_key, epoch, substr(hash, 1, 8));

INSERT INTO packing SELECT key FROM runs WHERE finished_at_ms IS NOT NULL ON CONFLICT DO NOTHING;
`;

/* How often words of a project were erased, and of which runs; sessions of pages that were ended before their time. */
const endingTables = `
CREATE TABLE erasure_counts (project_key INTEGER PRIMARY KEY, count INTEGER NOT NULL);
CREATE TABLE erasures (
  project_key INTEGER NOT NULL, run_id TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (project_key, run_id)) WITHOUT ROWID;
CREATE INDEX erasures_by_number ON erasures (project_key, number);
CREATE TABLE ended_sessions (
  project_id TEXT NOT NULL, id TEXT NOT NULL, expires_at_ms INTEGER NOT NULL, PRIMARY KEY (project_id, id)) WITHOUT ROWID;
`;

interface Migration {
  readonly major: number;
  readonly minor: number;
  readonly sql: string;
}

/** In order; one that has been published is never changed. */
const migrations: readonly Migration[] = [
  { major: 1, minor: 2, sql: tables },
  { major: 1, minor: 3, sql: directoryTables },
  { major: 2, minor: 0, sql: smallerTables },
  { major: 2, minor: 1, sql: endingTables },
  { major: 2, minor: 2, sql: workTables + budgetTables },
];

const toVersion = (of: { major: number; minor: number }): number => of.major * 1000 + of.minor;

/** 'TACH': tells our files from those of other programs. */
const applicationId = 0x54414348;

function checkOwner(db: Database): void {
  const owner = db.get('PRAGMA application_id')!['application_id'] as number;
  const { count } = db.get('SELECT count(*) AS count FROM sqlite_schema') as { count: number };
  if (owner === applicationId || (owner === 0 && count === 0)) return;
  throw new TachographError(
    'store-broken',
    `The file ${db.path} is a database of another program; choose another path for the store.`,
  );
}

function readVersion(db: Database): number {
  const version = db.get('PRAGMA user_version')!['user_version'] as number;
  const major = Math.floor(version / 1000);
  if (major > schemaMajor) {
    throw new TachographError(
      'store-newer',
      `The store ${db.path} has schema ${major}.${version % 1000}, this library knows ${schemaMajor}.${schemaMinor}: update tachograph to open it. Recording goes on meanwhile.`,
    );
  }
  // What was never published is not migrated: its seals are of another form, and nothing that is kept depends on it.
  if (version > 0 && version < toVersion(migrations[0]!)) {
    throw new TachographError(
      'store-broken',
      `The store ${db.path} has schema ${major}.${version % 1000}, which only try-out versions wrote; ${schemaMajor}.${schemaMinor} cannot read it. Move it aside, with its -wal and -shm files and the keys folder beside it, and start again.`,
    );
  }
  return version;
}

/**
 * Brings a database to the present schema, one transaction for each step, so that a killed migration is done again.
 * A newer minor version is left as it is and used; a newer major one is refused.
 */
export function migrate(db: Database): void {
  checkOwner(db);
  for (const migration of migrations) {
    if (readVersion(db) >= toVersion(migration)) continue;
    db.transaction(() => {
      // Another process may have been quicker while this one waited for the lock.
      if (readVersion(db) >= toVersion(migration)) return;
      db.exec(migration.sql);
      db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${toVersion(migration)};`);
    });
  }
  const stored = db.get('SELECT words_version AS version FROM changes')!['version'];
  if (stored !== wordsVersion) rebuildWords(db, wordsVersion);
}
