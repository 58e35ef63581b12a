/*
 *   work ─┬─ work_keys      the run that the key of an event has
 *         ├─ work_orders    what its worker needs word for word, encrypted, until it ends
 *         ├─ work_memos     what it remembers of its steps, encrypted, until it ends
 *         ├─ work_signals   messages to it; one that was taken stays as its id
 *         └─ work_entries   journal entries of its changes that wait to be filed, by run in order
 *   work_agents  work_schedules  work_workers
 *
 * A row of work is changed three times in its life, each time in columns that indexes hold, so it has few indexes and is
 * narrow. Two of them are about all projects and not unique: what is due, and nothing else.
 */

const text = 'text COLLATE "C"';
const ofProject = 'project_key int4 NOT NULL';
const ofRun = `${ofProject}, run_id ${text} NOT NULL`;

/** Tables of runs as work, with their columns. */
export const workTables: Readonly<Record<string, string>> = {
  work: `${ofRun}, agent_id ${text} NOT NULL, kind ${text} NOT NULL, rank int4 NOT NULL, created_at_ms float8 NOT NULL,
    attempts_max int4 NOT NULL, attempt_timeout_ms float8, parent_run_id ${text}, root_run_id ${text} NOT NULL, trace_id ${text} NOT NULL,
    shadow int2 NOT NULL, dry_run int2 NOT NULL, input_digest bytea NOT NULL, is_redrivable int2 NOT NULL, state ${text} NOT NULL,
    end_reason ${text}, error_code ${text}, queue_at_ms float8, attempts int4 NOT NULL, lease_epoch int8 NOT NULL, worker_id ${text},
    lease_expires_at_ms float8, started_at_ms float8, finished_at_ms float8, start_deadline_at_ms float8, attempt_deadline_at_ms float8,
    timeout_at_ms float8, asked_at_ms float8, answer_due_at_ms float8, waiting_for ${text}, handler_version ${text},
    due_at_ms float8, key_digest bytea, PRIMARY KEY (project_key, run_id)`,
  work_keys: `${ofProject}, digest bytea NOT NULL, run_id ${text} NOT NULL, PRIMARY KEY (project_key, digest)`,
  work_orders: `${ofRun}, sealed bytea NOT NULL, PRIMARY KEY (project_key, run_id)`,
  work_entries: `${ofRun}, key int8 NOT NULL DEFAULT nextval('tachograph.keys'), epoch int4 NOT NULL, entries bytea NOT NULL,
    PRIMARY KEY (project_key, run_id, key)`,
  work_memos: `${ofRun}, name_key ${text} NOT NULL, name ${text} NOT NULL, occurrence int4 NOT NULL, kind ${text} NOT NULL,
    input_digest bytea NOT NULL, status ${text} NOT NULL, sequence int4 NOT NULL, step_id ${text}, lease_epoch int8 NOT NULL,
    handler_version ${text}, sealed bytea, PRIMARY KEY (project_key, run_id, name_key, occurrence)`,
  work_signals: `${ofRun}, id_key ${text} NOT NULL, id ${text} NOT NULL, place int8 NOT NULL DEFAULT nextval('tachograph.keys'),
    name ${text} NOT NULL, sealed bytea, sent_at_ms float8 NOT NULL, PRIMARY KEY (project_key, run_id, id_key)`,
  work_agents: `${ofProject}, id_key ${text} NOT NULL, id ${text} NOT NULL, body ${text} NOT NULL, PRIMARY KEY (project_key, id_key)`,
  work_schedules: `${ofProject}, id_key ${text} NOT NULL, id ${text} NOT NULL, is_paused int2 NOT NULL, next_at_ms float8,
    last_at_ms float8, sealed bytea NOT NULL, body ${text} NOT NULL, PRIMARY KEY (project_key, id_key)`,
  work_workers: `${ofProject}, id_key ${text} NOT NULL, id ${text} NOT NULL, seen_at_ms float8 NOT NULL, body ${text} NOT NULL,
    PRIMARY KEY (project_key, id_key)`,
};

/** Indexes of these tables. */
export const workIndexes: Readonly<Record<string, string>> = {
  work_queue: 'work (project_key, agent_id, rank, queue_at_ms, run_id) WHERE queue_at_ms IS NOT NULL',
  work_due: 'work (due_at_ms, run_id) WHERE due_at_ms IS NOT NULL',
  work_leased: 'work (project_key, agent_id) WHERE lease_expires_at_ms IS NOT NULL',
  work_by_parent: 'work (project_key, parent_run_id) WHERE parent_run_id IS NOT NULL',
  work_failed: `work (project_key, run_id) WHERE state = 'failed'`,
  work_schedules_due: 'work_schedules (next_at_ms) WHERE next_at_ms IS NOT NULL AND is_paused = 0',
};

/** Columns whose bytes are encrypted or mostly digests: compressing them again gains nothing. */
export const workBytesColumns = [
  ['work_orders', 'sealed'],
  ['work_memos', 'sealed'],
  ['work_signals', 'sealed'],
] as const;

/** Tables of runs as work about which the owner's functions answer. */
export const keptWorkTables = ['work', 'work_entries', 'work_schedules'] as const;
