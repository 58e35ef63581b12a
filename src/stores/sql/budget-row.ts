import { positionToCursor } from '../../core/query/cursor.ts';
import type { PageBounds } from '../../core/query/page.ts';
import type { Page } from '../../core/store.ts';
import type { BudgetAlert } from '../../core/work/budget-ledger.ts';
import type { Standing, Threshold } from '../../core/work/budget/admission.ts';
import type { BudgetEntry, EntryKind } from '../../core/work/budget/entry.ts';
import type { BindingLimit, BudgetLayer, BudgetLimit } from '../../core/work/budget/limit.ts';
import type { SqlRow, SqlValue } from './value.ts';
import { cellToId, cellToNumber, cellToText, idToCell } from './value.ts';

/** Columns of an entry of the ledger, its project left out. */
export const entryColumns = [
  ...['reservation_id', 'kind', 'run_id', 'root_run_id', 'step_id', 'agent_id', 'caller'],
  ...['at_ms', 'counts_at_ms', 'nano_usd', 'tokens'],
] as const;

/** Column of the spender that a layer's limits go by; `null` for those of a whole project or more. */
export const columnByLayer: Readonly<Record<BudgetLayer, 'agent_id' | 'caller' | 'run_id' | null>> = {
  platform: null,
  project: null,
  agent: 'agent_id',
  caller: 'caller',
  run: 'run_id',
};

/** An entry as it is stored, in the order of `entryColumns`. */
export function entryToCells(entry: BudgetEntry): SqlValue[] {
  return [
    idToCell(entry.reservationId),
    entry.kind,
    entry.runId,
    entry.rootRunId,
    entry.stepId,
    entry.agentId,
    entry.caller,
    entry.atMs,
    entry.countsAtMs,
    entry.amount.nanoUsd,
    entry.amount.tokens,
  ];
}

/** An entry as the ledger gives it. */
export function rowToEntry(row: SqlRow): BudgetEntry {
  return {
    reservationId: cellToId(row['reservation_id']),
    kind: cellToText(row['kind']) as EntryKind,
    runId: cellToText(row['run_id']) ?? '',
    rootRunId: cellToText(row['root_run_id']) ?? '',
    stepId: cellToText(row['step_id']),
    agentId: cellToText(row['agent_id']) ?? '',
    caller: cellToText(row['caller']),
    atMs: cellToNumber(row['at_ms']) ?? 0,
    countsAtMs: cellToNumber(row['counts_at_ms']) ?? 0,
    amount: { nanoUsd: cellToNumber(row['nano_usd']), tokens: cellToNumber(row['tokens']) ?? 0 },
  };
}

/** A limit as it is stored. */
export function rowToLimit(row: SqlRow): BudgetLimit {
  return {
    layer: cellToText(row['layer']) as BudgetLayer,
    scope: cellToText(row['scope']) ?? '',
    nanoUsdMax: cellToNumber(row['nano_usd_max']),
    tokensMax: cellToNumber(row['tokens_max']),
  };
}

/** A limit with the sums that a store found for it. */
export function sumsToStanding(binding: BindingLimit, sums: SqlRow | undefined): Standing {
  const { nano_usd: nanoUsd, tokens } = sums ?? {};
  return { ...binding, used: { nanoUsd: cellToNumber(nanoUsd) ?? 0, tokens: cellToNumber(tokens) ?? 0 } };
}

/** Columns of an alert behind its project. */
export const alertColumns = [
  ...['layer', 'scope', 'day', 'threshold', 'at_ms'],
  ...['used_nano_usd', 'used_tokens', 'nano_usd_max', 'tokens_max'],
] as const;

/** An alert as it is stored, in the order of `alertColumns`. */
export function alertToCells(alert: BudgetAlert): SqlValue[] {
  const { layer, scope, day, threshold, atMs, used, nanoUsdMax, tokensMax } = alert;
  return [layer, scope, day, threshold, atMs, used.nanoUsd, used.tokens, nanoUsdMax, tokensMax];
}

/** An alert as it is told; the platform's has no project. */
export function rowToAlert(row: SqlRow): BudgetAlert {
  const limit = rowToLimit(row);
  const { layer, scope } = limit;
  const projectId = layer === 'platform' ? null : cellToText(row['project_id']);
  const threshold = cellToNumber(row['threshold']) as Threshold;
  const day = cellToText(row['day']) ?? '';
  return {
    ...{ id: JSON.stringify([projectId, layer, scope, day, threshold]), projectId, threshold, day },
    ...limit,
    atMs: cellToNumber(row['at_ms']) ?? 0,
    used: {
      nanoUsd: cellToNumber(row['used_nano_usd']) ?? 0,
      tokens: cellToNumber(row['used_tokens']) ?? 0,
    },
  };
}

/** A page from up to one row more than it has. Its place is the number of its last entry. */
export function entryRowsToPage(rows: readonly SqlRow[], { limit, limitCorrected }: PageBounds): Page<BudgetEntry> {
  const last = rows.length > limit ? cellToNumber(rows[limit - 1]!['key']) : null;
  return {
    items: rows.slice(0, limit).map(rowToEntry),
    nextCursor: last === null ? null : positionToCursor({ timeMs: last, id: 'entry' }),
    limit,
    limitCorrected,
  };
}
