/*
 * What of the ledger concerns all projects. A role of one project may ask for the platform's limit and sum, since the limit
 * binds it too; it learns nothing else of other projects.
 */

/** Functions that every role of the application may call. */
export const grantedBudgetFunctions: readonly string[] = [
  'platform_budget(float8)',
  'note_platform_alert(text, float8, float8, float8, float8, float8, float8)',
];

/** Functions only for a role that serves all projects. */
export const keeperBudgetFunctions: readonly string[] = [
  'put_platform_limit(float8, float8)',
  'put_platform_stop(boolean, float8)',
  'budgets_expired(float8, int4)',
  'claim_budget_alerts(float8, float8, int4)',
  'sent_platform_alert(text, float8)',
];

const open = 'a.is_sent = 0 AND a.claimed_until_ms <= now_ms';

/** Statements that make the functions, with the one that makes a function about all projects. */
export function budgetFunctionStatements(keeperFunction: (head: string, body: string) => string): string[] {
  return [
    keeperFunction(
      'platform_budget(since_ms float8) RETURNS TABLE (nano_usd_max float8, tokens_max float8, is_stopped int2, nano_usd float8, tokens float8)',
      // Whoever is decided about by a sum over all projects keeps others from adding to it until the end of the transaction.
      `IF EXISTS (SELECT FROM tachograph.budget_limits WHERE project_key = 0) THEN
         PERFORM pg_advisory_xact_lock(hashtext('tachograph.platform-budget'));
       END IF;
       RETURN QUERY SELECT l.nano_usd_max, l.tokens_max, (SELECT count(*) FROM tachograph.budget_stops WHERE project_key = 0)::int2,
         CASE WHEN l.layer IS NOT NULL THEN (SELECT coalesce(sum(e.nano_usd), 0) FROM tachograph.budget_entries e WHERE e.counts_at_ms >= since_ms) END,
         CASE WHEN l.layer IS NOT NULL THEN (SELECT coalesce(sum(e.tokens), 0) FROM tachograph.budget_entries e WHERE e.counts_at_ms >= since_ms) END
       FROM (SELECT 1) one LEFT JOIN tachograph.budget_limits l ON l.project_key = 0`,
    ),
    keeperFunction(
      'note_platform_alert(day text, threshold float8, at_ms float8, used_nano_usd float8, used_tokens float8, nano_usd_max float8, tokens_max float8) RETURNS void',
      `INSERT INTO tachograph.budget_alerts VALUES (0, 'platform', '', $1, $2, $3, $4, $5, $6, $7, 0, 0) ON CONFLICT DO NOTHING`,
    ),
    keeperFunction(
      'put_platform_limit(nano_usd_max float8, tokens_max float8) RETURNS void',
      `DELETE FROM tachograph.budget_limits WHERE project_key = 0;
       IF $1 IS NOT NULL OR $2 IS NOT NULL THEN
         INSERT INTO tachograph.budget_limits VALUES (0, 'platform', '', $1, $2);
       END IF`,
    ),
    keeperFunction(
      'put_platform_stop(is_on boolean, at_ms float8) RETURNS void',
      `DELETE FROM tachograph.budget_stops WHERE project_key = 0 AND NOT is_on;
       INSERT INTO tachograph.budget_stops SELECT 0, $2 WHERE is_on ON CONFLICT DO NOTHING`,
    ),
    keeperFunction(
      'budgets_expired(now_ms float8, most int4) RETURNS TABLE (project_id text, reservation_id text)',
      `RETURN QUERY SELECT p.id::text, o.reservation_id::text FROM tachograph.budget_open o JOIN tachograph.projects p ON p.key = o.project_key
         WHERE o.expires_at_ms <= now_ms ORDER BY o.expires_at_ms LIMIT most`,
    ),
    keeperFunction(
      `claim_budget_alerts(now_ms float8, until_ms float8, most int4) RETURNS TABLE (project_id text, layer text, scope text, day text, threshold float8,
         at_ms float8, used_nano_usd float8, used_tokens float8, nano_usd_max float8, tokens_max float8)`,
      `RETURN QUERY WITH free AS (
           SELECT a.ctid FROM tachograph.budget_alerts a WHERE ${open} ORDER BY a.at_ms LIMIT most FOR UPDATE SKIP LOCKED)
         UPDATE tachograph.budget_alerts a SET claimed_until_ms = until_ms FROM free f WHERE a.ctid = f.ctid AND ${open}
         RETURNING (SELECT p.id FROM tachograph.projects p WHERE p.key = a.project_key)::text, a.layer::text, a.scope::text, a.day::text, a.threshold,
           a.at_ms, a.used_nano_usd, a.used_tokens, a.nano_usd_max, a.tokens_max`,
    ),
    keeperFunction(
      'sent_platform_alert(of_day text, of_threshold float8) RETURNS void',
      `UPDATE tachograph.budget_alerts SET is_sent = 1 WHERE project_key = 0 AND day = of_day AND threshold = of_threshold`,
    ),
  ];
}
