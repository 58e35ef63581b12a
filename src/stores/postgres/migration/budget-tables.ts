/*
 * The ledger of budgets. Entries are written once and never changed; their sum is what was spent.
 *
 *   budget_entries ── budget_open     reservations without an end, to be found when they expire
 *   budget_limits  budget_stops  budget_alerts
 *
 * Project 0 is the platform: it has limits, a stop and alerts. No project has this key, so that no transaction of one sees
 * these rows; functions of the owner answer with sums over all projects and nothing else of them.
 */

const text = 'text COLLATE "C"';
const ofProject = 'project_key int4 NOT NULL';

/** Tables of the ledger, with their columns. */
export const budgetTables: Readonly<Record<string, string>> = {
  budget_entries: `${ofProject}, key int8 NOT NULL DEFAULT nextval('tachograph.keys'), reservation_id ${text} NOT NULL, kind ${text} NOT NULL,
    run_id ${text} NOT NULL, root_run_id ${text} NOT NULL, step_id ${text}, agent_id ${text} NOT NULL, caller ${text}, at_ms float8 NOT NULL, counts_at_ms float8 NOT NULL,
    nano_usd float8, tokens float8 NOT NULL, PRIMARY KEY (project_key, key), UNIQUE (project_key, reservation_id, kind)`,
  budget_open: `${ofProject}, reservation_id ${text} NOT NULL, expires_at_ms float8 NOT NULL, PRIMARY KEY (project_key, reservation_id)`,
  budget_limits: `${ofProject}, layer ${text} NOT NULL, scope ${text} NOT NULL, nano_usd_max float8, tokens_max float8,
    PRIMARY KEY (project_key, layer, scope)`,
  budget_stops: `${ofProject}, at_ms float8 NOT NULL, PRIMARY KEY (project_key)`,
  budget_alerts: `${ofProject}, layer ${text} NOT NULL, scope ${text} NOT NULL, day ${text} NOT NULL, threshold float8 NOT NULL,
    at_ms float8 NOT NULL, used_nano_usd float8 NOT NULL, used_tokens float8 NOT NULL, nano_usd_max float8, tokens_max float8,
    claimed_until_ms float8 NOT NULL, is_sent int2 NOT NULL, PRIMARY KEY (project_key, layer, scope, day, threshold)`,
};

const sums = 'INCLUDE (nano_usd, tokens)';

/** Indexes of these tables: each sum is read from one of them alone. */
export const budgetIndexes: Readonly<Record<string, string>> = {
  budget_entries_by_time: `budget_entries (counts_at_ms) ${sums}`,
  budget_entries_by_project: `budget_entries (project_key, counts_at_ms) ${sums}`,
  budget_entries_by_agent: `budget_entries (project_key, agent_id, counts_at_ms) ${sums}`,
  budget_entries_by_caller: `budget_entries (project_key, caller, counts_at_ms) ${sums} WHERE caller IS NOT NULL`,
  budget_entries_by_run: `budget_entries (project_key, run_id, counts_at_ms) ${sums}`,
  budget_open_by_expiry: 'budget_open (expires_at_ms)',
  budget_alerts_unsent: 'budget_alerts (claimed_until_ms) WHERE is_sent = 0',
};

/** Tables about which the owner's functions answer. */
export const keptBudgetTables = [
  'budget_entries',
  'budget_open',
  'budget_limits',
  'budget_stops',
  'budget_alerts',
] as const;
