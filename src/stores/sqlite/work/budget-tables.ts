/*
 * The ledger of budgets. Entries are written once and never changed; their sum is what was spent. The empty project is the
 * platform, which has limits, a stop and alerts, and no entries of its own.
 *
 *   budget_entries ── budget_open     reservations without an end, to be found when they expire
 *   budget_limits  budget_stops  budget_alerts
 */

/** Tables of the ledger. */
export const budgetTables = `
CREATE TABLE budget_entries (
  key INTEGER PRIMARY KEY, project_id TEXT NOT NULL, reservation_id BLOB NOT NULL, kind TEXT NOT NULL, run_id TEXT NOT NULL,
  root_run_id TEXT NOT NULL,   step_id TEXT, agent_id TEXT NOT NULL, caller TEXT, at_ms INTEGER NOT NULL, counts_at_ms INTEGER NOT NULL,
  nano_usd INTEGER, tokens INTEGER NOT NULL, UNIQUE (project_id, reservation_id, kind));
CREATE INDEX budget_entries_by_time ON budget_entries (counts_at_ms, nano_usd, tokens);
CREATE INDEX budget_entries_by_project ON budget_entries (project_id, counts_at_ms, nano_usd, tokens);
CREATE INDEX budget_entries_by_agent ON budget_entries (project_id, agent_id, counts_at_ms, nano_usd, tokens);
CREATE INDEX budget_entries_by_caller ON budget_entries (project_id, caller, counts_at_ms, nano_usd, tokens) WHERE caller IS NOT NULL;
CREATE INDEX budget_entries_by_run ON budget_entries (project_id, run_id, counts_at_ms, nano_usd, tokens);
CREATE TABLE budget_open (
  project_id TEXT NOT NULL, reservation_id BLOB NOT NULL, expires_at_ms INTEGER NOT NULL,
  PRIMARY KEY (project_id, reservation_id)) WITHOUT ROWID;
CREATE INDEX budget_open_by_expiry ON budget_open (expires_at_ms);
CREATE TABLE budget_limits (
  project_id TEXT NOT NULL, layer TEXT NOT NULL, scope TEXT NOT NULL, nano_usd_max INTEGER, tokens_max INTEGER,
  PRIMARY KEY (project_id, layer, scope)) WITHOUT ROWID;
CREATE TABLE budget_stops (project_id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE budget_alerts (
  project_id TEXT NOT NULL, layer TEXT NOT NULL, scope TEXT NOT NULL, day TEXT NOT NULL, threshold REAL NOT NULL, at_ms INTEGER NOT NULL,
  used_nano_usd INTEGER NOT NULL, used_tokens INTEGER NOT NULL, nano_usd_max INTEGER, tokens_max INTEGER,
  claimed_until_ms INTEGER NOT NULL, is_sent INTEGER NOT NULL, PRIMARY KEY (project_id, layer, scope, day, threshold)) WITHOUT ROWID;
CREATE INDEX budget_alerts_unsent ON budget_alerts (claimed_until_ms) WHERE is_sent = 0;
`;
