import type { Memo } from '../../../core/work/memo.ts';
import type { LeaseRef, Signal } from '../../../core/work/work.ts';
import type { SqlRow, SqlValue } from '../../sql/value.ts';
import { cellToBytes } from '../../sql/value.ts';
import { memoColumns, memoToCells, rowToMemo, rowToSignal } from '../../sql/work/memo-row.ts';
import { leasedList } from '../../sql/work/work-row.ts';
import type { Session, Transaction } from '../database.ts';
import { column } from '../driver/cell.ts';
import type { Statement } from '../driver/exchange.ts';
import { insertRows, replacing, type Row } from '../driver/rows.ts';
import { toName } from '../driver/run-row.ts';
import { inOrder, memosToLists } from './change.ts';
import { callOf, ours } from './place.ts';

/** The sealed order of a run, or `null`. */
export async function readOrder(db: Session, runId: string): Promise<Uint8Array | null> {
  const row = await db.get(`SELECT sealed FROM work_orders WHERE ${ours} AND run_id = $1`, runId);
  return row === undefined ? null : cellToBytes(row['sealed']);
}

/** What a run remembers, in the order it was begun. */
export async function listMemos(db: Session, runId: string): Promise<Memo[]> {
  const rows = await db.all(
    `SELECT * FROM work_memos WHERE ${ours} AND run_id = $1 ORDER BY sequence, name_key`,
    runId,
  );
  return rows.map(rowToMemo);
}

function memoToRow(memo: Memo): Row {
  const cells = memoToCells(memo);
  return {
    name_key: toName(memo.name),
    ...Object.fromEntries(memoColumns.map((name, index): [string, SqlValue] => [name, cells[index]!])),
  };
}

function memoToInsert(memo: Memo): Statement {
  const row = memoToRow(memo);
  return insertRows('work_memos', [row], replacing(['run_id', 'name_key', 'occurrence'], row));
}

// Locked, so that the lease is in force until the end of the transaction as far as others can take it away.
const lockLease = ({ runId, leaseEpoch }: LeaseRef): Statement => ({
  sql: `SELECT run_id FROM work WHERE ${ours} AND run_id = $1 AND lease_epoch = $2 AND state IN ${leasedList}
    AND lease_expires_at_ms > work_now() FOR UPDATE`,
  values: [runId, leaseEpoch],
});

/** Memos to be written under a lease. */
export interface MemoWrite {
  readonly lease: LeaseRef;
  readonly memos: readonly Memo[];
}

// A statement replaces a row once: of two under one name the later stands.
const lastOfEach = (memos: readonly Memo[]): readonly Memo[] => [
  ...new Map(memos.map((memo) => [`${memo.occurrence} ${memo.name}`, memo])).values(),
];

/**
 * Memos under leases as one call, and for each whether they were written. With several leases `null` where that cannot be
 * said now and nothing was written: the row may be another's for a moment.
 */
export function keepStatement(writes: readonly MemoWrite[]): {
  readonly statement: Statement;
  readonly read: (rows: readonly SqlRow[]) => (boolean | null)[];
} {
  const placed = inOrder(writes, ({ lease }) => lease.runId);
  const values = [
    column(
      'text',
      placed.map(([{ lease }]) => lease.runId),
    ),
    column(
      'int8',
      placed.map(([{ lease }]) => lease.leaseEpoch),
    ),
    ...memosToLists(placed.map(([{ memos }]) => lastOfEach(memos))),
  ];
  return {
    statement: { sql: callOf('work_keep', values), values },
    read(rows) {
      const kept = writes.map((): boolean | null => (writes.length === 1 ? false : null));
      for (const row of rows) kept[placed[(row['work_keep'] as number) - 1]![1]] = true;
      return kept;
    },
  };
}

/** Takes the oldest signal of a name while the lease is held, and writes the memo made of it. */
export async function takeSignal(
  tx: Transaction,
  taken: { readonly lease: LeaseRef; readonly name: string; readonly toMemo: (signal: Signal) => Memo },
): Promise<Signal | null> {
  const { lease, name, toMemo } = taken;
  const [held, found] = await tx.askAll([
    lockLease(lease),
    {
      sql: `SELECT * FROM work_signals WHERE ${ours} AND run_id = $1 AND name = $2 AND sealed IS NOT NULL ORDER BY place LIMIT 1`,
      values: [lease.runId, name],
    },
  ]);
  const [row] = found!.rows;
  if (held!.rows.length === 0 || row === undefined) return null;
  const signal = rowToSignal(row);
  await tx.finish([
    memoToInsert(toMemo(signal)),
    {
      sql: `UPDATE work_signals SET sealed = NULL WHERE ${ours} AND run_id = $1 AND id_key = $2`,
      values: [lease.runId, toName(signal.id)],
    },
  ]);
  return signal;
}

/** Statements that forget order, memos and signals of runs. */
export function dropWords(runIds: readonly string[]): Statement[] {
  const runs = column('text', runIds);
  return ['work_orders', 'work_memos', 'work_signals'].map((table) => ({
    sql: `DELETE FROM ${table} WHERE ${ours} AND run_id = ANY ($1::text[])`,
    values: [runs],
  }));
}
