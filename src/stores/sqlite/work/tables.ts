/*
 *   work ─┬─ work_keys      the run that the key of an event has
 *         ├─ work_orders    what its worker needs word for word, encrypted, until it ends
 *         ├─ work_memos     what it remembers of its steps, encrypted, until it ends
 *         ├─ work_signals   messages to it; one that was taken stays as its id
 *         └─ work_entries   journal entries of its changes that wait to be filed, in order
 *   work_agents  work_schedules  work_workers
 *
 * `due_at_ms` leaves the lease out: that one is measured by another clock (lease.ts).
 */

/** Tables of runs as work. */
export const workTables = `
CREATE TABLE work (
  key INTEGER PRIMARY KEY, project_key INTEGER NOT NULL, run_id TEXT NOT NULL, agent_id TEXT NOT NULL, kind TEXT NOT NULL,
  rank INTEGER NOT NULL, created_at_ms INTEGER NOT NULL, attempts_max INTEGER NOT NULL, attempt_timeout_ms INTEGER, parent_run_id TEXT,
  root_run_id TEXT NOT NULL, trace_id TEXT NOT NULL, shadow INTEGER NOT NULL, dry_run INTEGER NOT NULL, input_digest BLOB NOT NULL,
  is_redrivable INTEGER NOT NULL, state TEXT NOT NULL, end_reason TEXT, error_code TEXT, queue_at_ms INTEGER, attempts INTEGER NOT NULL,
  lease_epoch INTEGER NOT NULL, worker_id TEXT, lease_expires_at_ms INTEGER, started_at_ms INTEGER, finished_at_ms INTEGER,
  start_deadline_at_ms INTEGER, attempt_deadline_at_ms INTEGER, timeout_at_ms INTEGER, asked_at_ms INTEGER, answer_due_at_ms INTEGER,
  waiting_for TEXT, handler_version TEXT, due_at_ms INTEGER, lease_until REAL, lease_ms REAL, key_digest BLOB,
  UNIQUE (project_key, run_id));
CREATE INDEX work_queue ON work (project_key, agent_id, rank, queue_at_ms, run_id) WHERE queue_at_ms IS NOT NULL;
CREATE INDEX work_due ON work (due_at_ms, run_id) WHERE due_at_ms IS NOT NULL;
CREATE INDEX work_leased ON work (project_key, agent_id) WHERE lease_until IS NOT NULL;
CREATE INDEX work_by_parent ON work (project_key, parent_run_id) WHERE parent_run_id IS NOT NULL;
CREATE INDEX work_failed ON work (project_key, run_id) WHERE state = 'failed';
CREATE TABLE work_keys (
  project_key INTEGER NOT NULL, digest BLOB NOT NULL, run_id TEXT NOT NULL, PRIMARY KEY (project_key, digest)) WITHOUT ROWID;
CREATE TABLE work_orders (work_key INTEGER PRIMARY KEY, sealed BLOB NOT NULL);
CREATE TABLE work_entries (key INTEGER PRIMARY KEY AUTOINCREMENT, project_key INTEGER NOT NULL, run_id TEXT NOT NULL, entries BLOB NOT NULL);
CREATE INDEX work_entries_by_run ON work_entries (project_key, run_id, key);
CREATE TABLE work_memos (
  work_key INTEGER NOT NULL, run_id TEXT NOT NULL, name TEXT NOT NULL, occurrence INTEGER NOT NULL, kind TEXT NOT NULL,
  input_digest BLOB NOT NULL, status TEXT NOT NULL, sequence INTEGER NOT NULL, step_id TEXT, lease_epoch INTEGER NOT NULL,
  handler_version TEXT, sealed BLOB, PRIMARY KEY (work_key, name, occurrence));
CREATE TABLE work_signals (
  place INTEGER PRIMARY KEY, work_key INTEGER NOT NULL, run_id TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, sealed BLOB,
  sent_at_ms INTEGER NOT NULL, UNIQUE (work_key, id));
CREATE TABLE work_agents (project_key INTEGER NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (project_key, id)) WITHOUT ROWID;
CREATE TABLE work_schedules (
  project_key INTEGER NOT NULL, id TEXT NOT NULL, is_paused INTEGER NOT NULL, next_at_ms INTEGER, last_at_ms INTEGER, sealed BLOB NOT NULL,
  body TEXT NOT NULL, PRIMARY KEY (project_key, id)) WITHOUT ROWID;
CREATE INDEX work_schedules_due ON work_schedules (next_at_ms) WHERE next_at_ms IS NOT NULL AND is_paused = 0;
CREATE TABLE work_workers (
  project_key INTEGER NOT NULL, id TEXT NOT NULL, seen_at_ms INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (project_key, id)) WITHOUT ROWID;
`;
