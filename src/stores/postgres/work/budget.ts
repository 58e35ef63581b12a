import type { JournalEntry } from '../../../core/journal.ts';
import { pageToBounds } from '../../../core/query/page.ts';
import type { BudgetAlert, BudgetLedger } from '../../../core/work/budget-ledger.ts';
import type { Standing } from '../../../core/work/budget/admission.ts';
import type { BudgetEntry } from '../../../core/work/budget/entry.ts';
import { nextRelease } from '../../../core/work/budget/entry.ts';
import type { BindingLimit, BudgetLimit, Spender } from '../../../core/work/budget/limit.ts';
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
import type { SqlRow, SqlValue } from '../../sql/value.ts';
import type { Session, Transaction } from '../database.ts';
import type { Statement } from '../driver/exchange.ts';
import { ensureProject } from '../import/lock.ts';
import { entriesToFrame } from '../../sql/work/entry-frame.ts';
import type { WorkPlace } from './place.ts';
import { ours } from './place.ts';

/** How a store lends its database to the ledger. */
export interface BudgetPlace {
  /** Whether the store serves all projects. */
  readonly isForAll: boolean;
  readAll<T>(fn: (db: Session) => Promise<T>): Promise<T>;
  read<T>(projectId: string, fn: (db: Session) => Promise<T>): Promise<T>;
  write<T>(projectId: string, fn: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Puts events to be filed into the transaction that is under way. */
  keepEntries(tx: Transaction, entries: readonly JournalEntry[]): void;
  /** Takes the place of the database's clock, for tests. */
  readonly nowMs?: () => number;
}

/** The place of runs as work, as the ledger needs it: its events wait with those of the runs. */
export function workToBudgetPlace(place: WorkPlace): BudgetPlace {
  return {
    isForAll: place.isForAll,
    readAll: (fn) => fn(place.read(place.ownProjectId)),
    read: (projectId, fn) => fn(place.read(projectId)),
    write: place.change,
    keepEntries(tx, entries) {
      const { epoch, event } = entries[0]!;
      tx.put(
        'INSERT INTO work_entries (project_key, run_id, epoch, entries) VALUES ((SELECT project_key()), $1, $2, $3)',
        ...[event.header.runId, epoch, entriesToFrame(entries)],
      );
    },
  };
}
const names = entryColumns.join(', ');
const marks = (count: number, from = 1): string => Array.from({ length: count }, (_, at) => `$${at + from}`).join(', ');

const addEntry = `INSERT INTO budget_entries (project_key, ${names}) VALUES ((SELECT project_key()), ${marks(entryColumns.length)})`;
const addAlert = `INSERT INTO budget_alerts (project_key, ${alertColumns.join(', ')}, claimed_until_ms, is_sent)
  VALUES ((SELECT project_key()), ${marks(alertColumns.length)}, 0, 0) ON CONFLICT DO NOTHING`;
const addPlatformAlert = `SELECT note_platform_alert(${marks(7)})`;
const dropOpen = `DELETE FROM budget_open WHERE ${ours} AND reservation_id = $1`;
const limitsSql = `SELECT * FROM budget_limits WHERE ${ours} ORDER BY layer, scope`;
const sums = `SELECT coalesce(sum(nano_usd), 0) AS nano_usd, coalesce(sum(tokens), 0) AS tokens FROM budget_entries WHERE ${ours}`;

/** One order of a project is decided at a time: whoever holds this until its end sees all that were before. */
const lock: Statement = {
  sql: `SELECT pg_advisory_xact_lock(hashtext('tachograph.budget'), (SELECT project_key()))`,
};

const clock = `coalesce($1::float8, work_now())`;

/** The platform as the owner's function tells it, with the time. */
const platformSql = `SELECT n.now_ms, b.* FROM (SELECT ${clock} AS now_ms) n,
  LATERAL platform_budget(floor(n.now_ms / 86400000) * 86400000) b`;

function cellsOf(entry: BudgetEntry): SqlValue[] {
  return [entry.reservationId, ...entryToCells(entry).slice(1)];
}

function toSum({ limit, scope }: BindingLimit, nowMs: number): Statement {
  const sinceMs = windowStartMs(limit.layer, nowMs);
  const column = columnByLayer[limit.layer];
  return column === null
    ? { sql: `${sums} AND counts_at_ms >= $1`, values: [sinceMs] }
    : { sql: `${sums} AND ${column} = $1 AND counts_at_ms >= $2`, values: [scope, sinceMs] };
}

/** The platform's limit and how it stands; `null` without one. */
function toPlatform(row: SqlRow): Standing | null {
  const limit: BudgetLimit = rowToLimit({ ...row, layer: 'platform', scope: '' });
  if (limit.nanoUsdMax === null && limit.tokensMax === null) return null;
  return sumsToStanding({ limit, scope: '' }, row);
}

/** Takes the lock, then sees what the ledger has; with the entries of a reservation where one is named. */
async function readView(
  tx: Transaction,
  of: { readonly nowMs: number | null; readonly spender: Spender | null; readonly reservationId: string },
): Promise<{ readonly view: LedgerView; readonly entries: readonly BudgetEntry[] }> {
  const [, , ownEntries, platform, limitRows, stops] = await tx.askAll([
    ensureProject,
    lock,
    {
      sql: `SELECT * FROM budget_entries WHERE ${ours} AND reservation_id = $1 ORDER BY key`,
      values: [of.reservationId],
    },
    { sql: platformSql, values: [of.nowMs] },
    { sql: limitsSql },
    { sql: `SELECT 1 AS one FROM budget_stops WHERE ${ours}` },
  ]);
  const entries = ownEntries!.rows.map(rowToEntry);
  const row = platform!.rows[0]!;
  const nowMs = row['now_ms'] as number;
  const spender = of.spender ?? entries[0] ?? null;
  const bindings = spender === null ? [] : limitsOf(spender, limitRows!.rows.map(rowToLimit));
  const found = bindings.length === 0 ? [] : await tx.askAll(bindings.map((binding) => toSum(binding, nowMs)));
  const own = bindings.map((binding, index) => sumsToStanding(binding, found[index]!.rows[0]));
  const above = toPlatform(row);
  const isStopped = row['is_stopped'] !== 0 || stops!.rows.length > 0;
  const standings = above === null ? own : [above, ...own];
  return { view: { projectId: tx.projectId, nowMs, isStopped, standings }, entries };
}

function putAlerts(tx: Transaction, alerts: readonly BudgetAlert[]): void {
  for (const alert of alerts) {
    const cells = alertToCells(alert);
    if (alert.projectId === null) tx.put(addPlatformAlert, ...cells.slice(2));
    else tx.put(addAlert, ...cells);
  }
}

/** The ends of reservations. */
function createEnds(place: BudgetPlace): Pick<BudgetLedger, 'settle' | 'release' | 'expire'> {
  const nowMs = place.nowMs ?? (() => null);
  const put = (tx: Transaction, entry: BudgetEntry, entries: readonly JournalEntry[]): void => {
    tx.put(addEntry, ...cellsOf(entry));
    tx.put(dropOpen, entry.reservationId);
    if (entries.length > 0) place.keepEntries(tx, entries);
  };
  const look = (tx: Transaction, reservationId: string) =>
    readView(tx, { nowMs: nowMs(), spender: null, reservationId });
  const listDue = (limit: number): Promise<readonly SqlRow[]> =>
    place.readAll((db) =>
      place.isForAll
        ? db.all(`SELECT * FROM budgets_expired(${clock}, $2)`, nowMs(), limit)
        : db.all(
            `SELECT current_setting('tachograph.project') AS project_id, reservation_id FROM budget_open
             WHERE ${ours} AND expires_at_ms <= ${clock} ORDER BY expires_at_ms LIMIT $2`,
            nowMs(),
            limit,
          ),
    );
  return {
    settle: (projectId, { reservationId, spent, entries: events }) =>
      place.write(projectId, async (tx) => {
        checkAmount(spent);
        const { view, entries } = await look(tx, reservationId);
        const plan = planSettle(view, entries, spent);
        if (plan === null) return false;
        put(tx, plan.entry!, events);
        putAlerts(tx, plan.alerts);
        return true;
      }),
    release: (projectId, { reservationId, entries: events }) =>
      place.write(projectId, async (tx) => {
        const { view, entries } = await look(tx, reservationId);
        const entry = nextRelease(entries, 'release', view.nowMs);
        if (entry !== null) put(tx, entry, events);
        return entry !== null;
      }),
    async expire(limit, toEntries) {
      let count = 0;
      for (const row of await listDue(limit)) {
        const projectId = row['project_id'] as string;
        const isDone = await place.write(projectId, async (tx) => {
          const { view, entries } = await look(tx, row['reservation_id'] as string);
          // Another process may have been quicker.
          const entry = nextRelease(entries, 'expire', view.nowMs);
          if (entry !== null) put(tx, entry, toEntries(entry, projectId));
          return entry !== null;
        });
        if (isDone) count += 1;
      }
      return count;
    },
  };
}

/** Limits and stops. */
function createRules(
  place: BudgetPlace,
): Pick<BudgetLedger, 'listLimits' | 'putLimit' | 'setStop' | 'stops' | 'platformBalance'> {
  const { read, readAll, write } = place;
  const nowMs = place.nowMs ?? (() => null);
  const readPlatform = (): Promise<SqlRow> => readAll(async (db) => (await db.get(platformSql, nowMs()))!);
  return {
    platformBalance: async () => toPlatform(await readPlatform()),
    async listLimits(projectId) {
      if (projectId !== null) return read(projectId, async (db) => (await db.all(limitsSql)).map(rowToLimit));
      const standing = toPlatform(await readPlatform());
      return standing === null ? [] : [standing.limit];
    },
    async putLimit(projectId, limit) {
      checkLimit(projectId, limit);
      const { layer, scope, nanoUsdMax, tokensMax } = limit;
      if (projectId === null)
        return void (await readAll((db) => db.all('SELECT put_platform_limit($1, $2)', nanoUsdMax, tokensMax)));
      await write(projectId, async (tx) => {
        tx.put(ensureProject.sql);
        if (nanoUsdMax === null && tokensMax === null)
          tx.put(`DELETE FROM budget_limits WHERE ${ours} AND layer = $1 AND scope = $2`, layer, scope);
        else
          tx.put(
            `INSERT INTO budget_limits VALUES ((SELECT project_key()), $1, $2, $3, $4) ON CONFLICT (project_key, layer, scope)
             DO UPDATE SET nano_usd_max = excluded.nano_usd_max, tokens_max = excluded.tokens_max`,
            ...[layer, scope, nanoUsdMax, tokensMax],
          );
      });
    },
    async setStop(projectId, isStopped) {
      if (projectId === null)
        return void (await readAll((db) =>
          db.all(`SELECT put_platform_stop($2, ${clock})`, nowMs(), isStopped ? 'true' : 'false'),
        ));
      await write(projectId, async (tx) => {
        tx.put(ensureProject.sql);
        if (isStopped)
          tx.put(`INSERT INTO budget_stops VALUES ((SELECT project_key()), ${clock}) ON CONFLICT DO NOTHING`, nowMs());
        else tx.put(`DELETE FROM budget_stops WHERE ${ours}`);
      });
    },
    async stops(projectId) {
      const platform = await readPlatform();
      const own = await read(projectId, (db) => db.get(`SELECT 1 AS one FROM budget_stops WHERE ${ours}`));
      return { platform: platform['is_stopped'] !== 0, project: own !== undefined };
    },
  };
}

function createAlerts(place: BudgetPlace): Pick<BudgetLedger, 'claimAlerts' | 'markAlertSent'> {
  const nowMs = place.nowMs ?? (() => null);
  const now = `(SELECT ${clock} AS now_ms) n`;
  const ownAlerts = `UPDATE budget_alerts a SET claimed_until_ms = n.now_ms + $2 FROM ${now} WHERE ${ours} AND is_sent = 0
    AND claimed_until_ms <= n.now_ms AND (layer, scope, day, threshold) IN (SELECT layer, scope, day, threshold FROM budget_alerts
      WHERE ${ours} AND is_sent = 0 AND claimed_until_ms <= ${clock} ORDER BY at_ms LIMIT $3)
    RETURNING current_setting('tachograph.project') AS project_id, a.*`;
  const allAlerts = `SELECT a.* FROM ${now}, LATERAL claim_budget_alerts(n.now_ms, n.now_ms + $2, $3) a`;
  return {
    async claimAlerts(limit, claimMs) {
      const sql = place.isForAll ? allAlerts : ownAlerts;
      const rows = await place.readAll((db) => db.all(sql, nowMs(), claimMs, limit));
      return rows.map(rowToAlert).sort((a, b) => a.atMs - b.atMs || a.threshold - b.threshold);
    },
    async markAlertSent({ projectId, layer, scope, day, threshold }) {
      if (projectId === null)
        return void (await place.readAll((db) => db.all('SELECT sent_platform_alert($1, $2)', day, threshold)));
      await place.write(projectId, async (tx) =>
        tx.put(
          `UPDATE budget_alerts SET is_sent = 1 WHERE ${ours} AND layer = $1 AND scope = $2 AND day = $3 AND threshold = $4`,
          ...[layer, scope, day, threshold],
        ),
      );
    },
  };
}

/**
 * The ledger in PostgreSQL, for any number of processes: an order takes the lock of its project, and that of the platform
 * where the platform has a limit, until its transaction ends.
 */
export function createPostgresBudgets(place: BudgetPlace): BudgetLedger {
  const { read, write } = place;
  const nowMs = place.nowMs ?? (() => null);
  return {
    reserve: (projectId, order) =>
      write(projectId, async (tx) => {
        checkOrder(order);
        const { view } = await readView(tx, { nowMs: nowMs(), spender: order, reservationId: order.reservationId });
        const plan = planReserve(view, order);
        putAlerts(tx, plan.alerts);
        if (plan.entry !== null) {
          tx.put(addEntry, ...cellsOf(plan.entry));
          tx.put(
            'INSERT INTO budget_open VALUES ((SELECT project_key()), $1, $2)',
            order.reservationId,
            plan.expiresAtMs,
          );
          if (order.entries.length > 0) place.keepEntries(tx, order.entries);
        }
        return { refusal: plan.refusal };
      }),
    ...createEnds(place),
    balance: (projectId, spender) =>
      read(projectId, async (db) => {
        const now = (await db.get(`SELECT ${clock} AS now_ms`, nowMs()))!['now_ms'] as number;
        const bindings = limitsOf(spender, (await db.all(limitsSql)).map(rowToLimit));
        const found = await Promise.all(
          bindings.map((binding) => {
            const { sql, values = [] } = toSum(binding, now);
            return db.get(sql, ...values);
          }),
        );
        return bindings.map((binding, index) => sumsToStanding(binding, found[index]));
      }),
    ...createRules(place),
    listEntries: (projectId, filter, page) =>
      read(projectId, async (db) => {
        const bounds = pageToBounds(page);
        const rules: [string, string | number][] = [];
        if (bounds.after !== null) rules.push(['key <', bounds.after.timeMs]);
        if (filter.runId !== undefined) rules.push(['run_id =', filter.runId]);
        if (filter.reservationId !== undefined) rules.push(['reservation_id =', filter.reservationId]);
        if (filter.sinceMs !== undefined) rules.push(['at_ms >=', filter.sinceMs]);
        const where = rules.map(([rule], index) => ` AND ${rule} $${index + 2}`).join('');
        const sql = `SELECT * FROM budget_entries WHERE ${ours}${where} ORDER BY key DESC LIMIT $1`;
        return entryRowsToPage(await db.all(sql, bounds.limit + 1, ...rules.map(([, value]) => value)), bounds);
      }),
    ...createAlerts(place),
  };
}
