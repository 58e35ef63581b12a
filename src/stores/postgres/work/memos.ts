import type { Memo } from '../../../core/work/memo.ts';
import type { LeaseRef, Signal } from '../../../core/work/work.ts';
import type { SqlValue } from '../../sql/value.ts';
import { cellToBytes } from '../../sql/value.ts';
import { memoColumns, memoToCells, rowToMemo, rowToSignal } from '../../sql/work/memo-row.ts';
import { leasedList } from '../../sql/work/work-row.ts';
import type { Session, Transaction } from '../database.ts';
import { column } from '../driver/cell.ts';
import type { Statement } from '../driver/exchange.ts';
import { insertRows, replacing, type Row } from '../driver/rows.ts';
import { toName } from '../driver/run-row.ts';
import { ours } from './place.ts';

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

function memosToInsert(memos: readonly Memo[]): Statement[] {
  // A statement replaces a row once: of two under one name the later stands.
  const memoByKey = new Map(memos.map((memo) => [`${memo.runId} ${memo.occurrence} ${memo.name}`, memo]));
  const rows = [...memoByKey.values()].map(memoToRow);
  const [first] = rows;
  return first === undefined
    ? []
    : [insertRows('work_memos', rows, replacing(['run_id', 'name_key', 'occurrence'], first))];
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

/** Writes memos while the lease is held; else `false` and nothing. */
export async function putMemos(tx: Transaction, { lease, memos }: MemoWrite): Promise<boolean> {
  const [held] = await tx.askAll([lockLease(lease)]);
  if (held!.rows.length === 0) return false;
  await tx.finish(memosToInsert(memos));
  return true;
}

// Rows that others hold are left out: whoever waits for one of them must not hold the rest meanwhile.
const lockLeases = (leases: readonly LeaseRef[]): Statement => ({
  sql: `SELECT run_id, lease_epoch FROM work WHERE ${ours} AND state IN ${leasedList} AND lease_expires_at_ms > work_now()
    AND (run_id, lease_epoch) IN (SELECT * FROM unnest($1::text[], $2::int8[])) FOR UPDATE SKIP LOCKED`,
  values: [
    column(
      'text',
      leases.map(({ runId }) => runId),
    ),
    column(
      'int8',
      leases.map(({ leaseEpoch }) => leaseEpoch),
    ),
  ],
});

/** Writes memos of several runs: for each whether it was; `null` where that cannot be said now, and nothing was written. */
export async function putMemosOfMany(tx: Transaction, writes: readonly MemoWrite[]): Promise<(true | null)[]> {
  const [locked] = await tx.askAll([lockLeases(writes.map(({ lease }) => lease))]);
  const held = new Set(locked!.rows.map((row) => `${String(row['run_id'])} ${Number(row['lease_epoch'])}`));
  const answers = writes.map(({ lease }) => (held.has(`${lease.runId} ${lease.leaseEpoch}`) ? true : null));
  await tx.finish(memosToInsert(writes.flatMap(({ memos }, index) => (answers[index] === true ? memos : []))));
  return answers;
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
    ...memosToInsert([toMemo(signal)]),
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
