import type { JournalEntry } from '../../../core/journal.ts';
import { pageToBounds } from '../../../core/query/page.ts';
import type { BudgetAlert, BudgetLedger } from '../../../core/work/budget-ledger.ts';
import type { Standing } from '../../../core/work/budget/admission.ts';
import type { BudgetEntry } from '../../../core/work/budget/entry.ts';
import { nextRelease } from '../../../core/work/budget/entry.ts';
import type { BindingLimit, Spender } from '../../../core/work/budget/limit.ts';
import { limitsOf, windowStartMs } from '../../../core/work/budget/limit.ts';
import type { LedgerView } from '../../../core/work/budget/plan.ts';
import { checkAmount, checkLimit, checkOrder, planReserve, planSettle } from '../../../core/work/budget/plan.ts';
import {
  alertColumns,
  alertToCells,
  columnByLayer,
  entryColumns,
  entryRowsToPage,
  entryToCells,
  rowToAlert,
  rowToEntry,
  rowToLimit,
  sumsToStanding,
} from '../../sql/budget-row.ts';
import type { SqlRow } from '../../sql/value.ts';
import { idToCell } from '../../sql/value.ts';
import type { Database } from '../database.ts';

/** How a store lends its database to the ledger: reads as they are, writes in one immediate transaction each. */
export interface BudgetPlace {
  read<T>(fn: (db: Database) => T): Promise<T>;
  write<T>(fn: (db: Database) => T): Promise<T>;
  /** Keeps events until they are filed, in the transaction that is under way. */
  keepEntries(db: Database, projectId: string, entries: readonly JournalEntry[]): void;
  nowMs(): number;
}

/** No project has an empty name. */
const platform = '';

const names = entryColumns.join(', ');
const marks = (count: number): string => Array.from({ length: count }, () => '?').join(', ');
const addEntry = `INSERT INTO budget_entries (project_id, ${names}) VALUES (${marks(entryColumns.length + 1)})`;
const addAlert = `INSERT INTO budget_alerts (project_id, ${alertColumns.join(', ')}, claimed_until_ms, is_sent)
  VALUES (${marks(alertColumns.length + 1)}, 0, 0) ON CONFLICT DO NOTHING`;
const sums = 'SELECT coalesce(sum(nano_usd), 0) AS nano_usd, coalesce(sum(tokens), 0) AS tokens FROM budget_entries';

function toStanding(db: Database, projectId: string, binding: BindingLimit, nowMs: number): Standing {
  const { layer } = binding.limit;
  const sinceMs = windowStartMs(layer, nowMs);
  const column = columnByLayer[layer];
  let row: SqlRow | undefined;
  if (layer === 'platform') row = db.get(`${sums} WHERE counts_at_ms >= ?`, sinceMs);
  else if (column === null) row = db.get(`${sums} WHERE project_id = ? AND counts_at_ms >= ?`, projectId, sinceMs);
  else {
    const sql = `${sums} WHERE project_id = ? AND ${column} = ? AND counts_at_ms >= ?`;
    row = db.get(sql, projectId, binding.scope, sinceMs);
  }
  return sumsToStanding(binding, row);
}

const limitsSql = 'SELECT * FROM budget_limits WHERE project_id = ? ORDER BY layer, scope';
const readLimits = (db: Database, projectId: string) => db.all(limitsSql, projectId).map(rowToLimit);

function readView(db: Database, of: { projectId: string; spender: Spender; nowMs: number }): LedgerView {
  const { projectId, spender, nowMs } = of;
  const limits = [...readLimits(db, platform), ...readLimits(db, projectId)];
  const standings = limitsOf(spender, limits).map((binding) => toStanding(db, projectId, binding, nowMs));
  const stop = db.get('SELECT 1 FROM budget_stops WHERE project_id IN (?, ?) LIMIT 1', platform, projectId);
  return { projectId, nowMs, isStopped: stop !== undefined, standings };
}

function readEntries(db: Database, projectId: string, reservationId: string): BudgetEntry[] {
  const sql = 'SELECT * FROM budget_entries WHERE project_id = ? AND reservation_id = ? ORDER BY key';
  return db.all(sql, projectId, idToCell(reservationId)).map(rowToEntry);
}

function noteAlerts(db: Database, alerts: readonly BudgetAlert[]): void {
  for (const alert of alerts) db.run(addAlert, alert.projectId ?? platform, ...alertToCells(alert));
}

/** The ends of reservations. */
function createEnds(place: BudgetPlace): Pick<BudgetLedger, 'settle' | 'release' | 'expire'> {
  const end = (db: Database, projectId: string, entry: BudgetEntry, entries: readonly JournalEntry[]): void => {
    db.run(addEntry, projectId, ...entryToCells(entry));
    const sql = 'DELETE FROM budget_open WHERE project_id = ? AND reservation_id = ?';
    db.run(sql, projectId, idToCell(entry.reservationId));
    if (entries.length > 0) place.keepEntries(db, projectId, entries);
  };
  return {
    settle: (projectId, { reservationId, spent, entries: events }) =>
      place.write((db) => {
        checkAmount(spent);
        const entries = readEntries(db, projectId, reservationId);
        if (entries.length === 0) return false;
        const view = readView(db, { projectId, spender: entries[0]!, nowMs: place.nowMs() });
        const plan = planSettle(view, entries, spent);
        if (plan === null) return false;
        end(db, projectId, plan.entry!, events);
        noteAlerts(db, plan.alerts);
        return true;
      }),
    release: (projectId, { reservationId, entries: events }) =>
      place.write((db) => {
        const entry = nextRelease(readEntries(db, projectId, reservationId), 'release', place.nowMs());
        if (entry !== null) end(db, projectId, entry, events);
        return entry !== null;
      }),
    expire: (limit, toEntries) =>
      place.write((db) => {
        const nowMs = place.nowMs();
        const due = db.all(
          `SELECT e.* FROM budget_open o JOIN budget_entries e ON e.project_id = o.project_id
             AND e.reservation_id = o.reservation_id AND e.kind = 'reserve'
           WHERE o.expires_at_ms <= ? ORDER BY o.expires_at_ms LIMIT ?`,
          nowMs,
          limit,
        );
        for (const row of due) {
          const projectId = String(row['project_id']);
          const entry = nextRelease([rowToEntry(row)], 'expire', nowMs)!;
          end(db, projectId, entry, toEntries(entry, projectId));
        }
        return due.length;
      }),
  };
}

/** Limits and stops. */
function createRules({
  read,
  write,
  nowMs,
}: BudgetPlace): Pick<BudgetLedger, 'listLimits' | 'putLimit' | 'setStop' | 'stops'> {
  return {
    listLimits: (projectId) => read((db) => readLimits(db, projectId ?? platform)),
    putLimit: (projectId, limit) =>
      write((db) => {
        checkLimit(projectId, limit);
        const { layer, scope, nanoUsdMax, tokensMax } = limit;
        const place = [projectId ?? platform, layer, scope] as const;
        if (nanoUsdMax === null && tokensMax === null)
          db.run('DELETE FROM budget_limits WHERE project_id = ? AND layer = ? AND scope = ?', ...place);
        else db.run('INSERT OR REPLACE INTO budget_limits VALUES (?, ?, ?, ?, ?)', ...place, nanoUsdMax, tokensMax);
      }),
    setStop: (projectId, isStopped) =>
      write((db) => {
        const id = projectId ?? platform;
        if (isStopped) db.run('INSERT OR IGNORE INTO budget_stops VALUES (?, ?)', id, nowMs());
        else db.run('DELETE FROM budget_stops WHERE project_id = ?', id);
      }),
    stops: (projectId) =>
      read((db) => {
        const rows = db.all('SELECT project_id FROM budget_stops WHERE project_id IN (?, ?)', platform, projectId);
        const isOn = (id: string): boolean => rows.some((row) => row['project_id'] === id);
        return { platform: isOn(platform), project: projectId !== platform && isOn(projectId) };
      }),
  };
}

function createAlerts({ write, nowMs }: BudgetPlace): Pick<BudgetLedger, 'claimAlerts' | 'markAlertSent'> {
  return {
    claimAlerts: (limit, claimMs) =>
      write((db) => {
        const now = nowMs();
        const rows = db.all(
          `UPDATE budget_alerts SET claimed_until_ms = ? WHERE is_sent = 0 AND claimed_until_ms <= ?
             AND (project_id, layer, scope, day, threshold) IN (SELECT project_id, layer, scope, day, threshold
               FROM budget_alerts WHERE is_sent = 0 AND claimed_until_ms <= ? ORDER BY at_ms LIMIT ?) RETURNING *`,
          now + claimMs,
          now,
          now,
          limit,
        );
        return rows.map(rowToAlert).sort((a, b) => a.atMs - b.atMs || a.threshold - b.threshold);
      }),
    markAlertSent: ({ projectId, layer, scope, day, threshold }) =>
      write((db) => {
        const of = 'project_id = ? AND layer = ? AND scope = ? AND day = ? AND threshold = ?';
        db.run(`UPDATE budget_alerts SET is_sent = 1 WHERE ${of}`, projectId ?? platform, layer, scope, day, threshold);
      }),
  };
}

/** The ledger in the store's own file: every order is one immediate transaction, so that no two are decided at once. */
export function createSqliteBudgets(place: BudgetPlace): BudgetLedger {
  const { read, write, nowMs } = place;
  return {
    reserve: (projectId, order) =>
      write((db) => {
        checkOrder(order);
        const plan = planReserve(readView(db, { projectId, spender: order, nowMs: nowMs() }), order);
        noteAlerts(db, plan.alerts);
        if (plan.entry !== null) {
          db.run(addEntry, projectId, ...entryToCells(plan.entry));
          db.run(
            'INSERT INTO budget_open VALUES (?, ?, ?)',
            projectId,
            idToCell(order.reservationId),
            plan.expiresAtMs,
          );
          if (order.entries.length > 0) place.keepEntries(db, projectId, order.entries);
        }
        return { refusal: plan.refusal };
      }),
    ...createEnds(place),
    balance: (projectId, spender) =>
      read((db) => {
        const now = nowMs();
        const bindings = limitsOf(spender, readLimits(db, projectId));
        return bindings.map((binding) => toStanding(db, projectId, binding, now));
      }),
    platformBalance: () =>
      read((db) => {
        const [limit] = readLimits(db, platform);
        return limit === undefined ? null : toStanding(db, platform, { limit, scope: '' }, nowMs());
      }),
    ...createRules(place),
    listEntries: (projectId, filter, page) =>
      read((db) => {
        const bounds = pageToBounds(page);
        const rules: [string, string | number | Uint8Array][] = [['project_id = ?', projectId]];
        if (bounds.after !== null) rules.push(['key < ?', bounds.after.timeMs]);
        if (filter.runId !== undefined) rules.push(['run_id = ?', filter.runId]);
        if (filter.reservationId !== undefined) rules.push(['reservation_id = ?', idToCell(filter.reservationId)]);
        if (filter.sinceMs !== undefined) rules.push(['at_ms >= ?', filter.sinceMs]);
        const sql = `SELECT * FROM budget_entries WHERE ${rules.map(([rule]) => rule).join(' AND ')} ORDER BY key DESC LIMIT ?`;
        return entryRowsToPage(db.all(sql, ...rules.map(([, value]) => value), bounds.limit + 1), bounds);
      }),
    ...createAlerts(place),
  };
}
