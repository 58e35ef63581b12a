import { toDueAtMs } from '../../../core/work/transition.ts';
import type { JournalEntry } from '../../../core/journal.ts';
import type { Memo } from '../../../core/work/memo.ts';
import { isLeased, isTerminal } from '../../../core/work/state.ts';
import type { CreationAnswer, WorkChange, WorkCreation } from '../../../core/work/work.ts';
import { bytesToHex, hexToBytes } from '../../sql/value.ts';
import { entriesToFrame } from '../../sql/work/entry-frame.ts';
import { memoColumns, memoToCells } from '../../sql/work/memo-row.ts';
import { stateColumns, stateToCells, workColumns, workToCells } from '../../sql/work/work-row.ts';
import type { Database } from '../database.ts';
import { projectKeyOf } from '../runs.ts';
import { isInForce, leaseToCells, type Reading } from './clock.ts';
import { findRow, type FoundRow } from './place.ts';

const marks = (count: number): string => Array.from({ length: count }, () => '?').join(', ');

/** Puts entries to be filed into the transaction that is open. */
export function keepEntries(db: Database, project: number, entries: readonly JournalEntry[]): void {
  const byRun = entries.length === 1 ? [[entries[0]!.event.header.runId, entries] as const] : null;
  for (const [runId, some] of byRun ?? Map.groupBy(entries, ({ event }) => event.header.runId))
    db.run(
      'INSERT INTO work_entries (project_key, run_id, entries) VALUES (?, ?, ?)',
      project,
      runId,
      entriesToFrame(some),
    );
}

const insertWork = `INSERT INTO work (project_key, ${workColumns.join(', ')}, due_at_ms, key_digest) VALUES (${marks(workColumns.length + 3)}) RETURNING key`;

function createRun(db: Database, project: number, creation: WorkCreation): CreationAnswer {
  const { row, keyDigest, sealed, entries } = creation;
  const key = keyDigest === null ? null : hexToBytes(keyDigest);
  if (key !== null) {
    const known = db.get(
      `SELECT w.run_id, w.input_digest FROM work_keys k CROSS JOIN work w ON w.project_key = k.project_key AND w.run_id = k.run_id
       WHERE k.project_key = ? AND k.digest = ?`,
      project,
      key,
    );
    if (known !== undefined)
      return { runId: known['run_id'] as string, duplicate: true, inputDigest: bytesToHex(known['input_digest']) };
    db.run('INSERT INTO work_keys (project_key, digest, run_id) VALUES (?, ?, ?)', project, key, row.runId);
  }
  const workKey = db.get(insertWork, project, ...workToCells(row), toDueAtMs(row), key)!['key'] as number;
  db.run('INSERT INTO work_orders (work_key, sealed) VALUES (?, ?)', workKey, sealed);
  keepEntries(db, project, entries);
  return { runId: row.runId, duplicate: false, inputDigest: row.inputDigest };
}

/** Creates runs, or finds those that have their keys. */
export function createRuns(db: Database, projectId: string, creations: readonly WorkCreation[]): CreationAnswer[] {
  const project = projectKeyOf(db, projectId);
  return creations.map((creation) => createRun(db, project, creation));
}

const putMemo = `INSERT INTO work_memos (work_key, ${memoColumns.join(', ')}) VALUES (${marks(memoColumns.length + 1)})
  ON CONFLICT (work_key, name, occurrence) DO UPDATE SET ${memoColumns.map((name) => `${name} = excluded.${name}`).join(', ')}`;

/** Writes memos in place of those with the same name and occurrence. */
export function keepMemos(db: Database, workKey: number, memos: readonly Memo[]): void {
  for (const memo of memos) db.run(putMemo, workKey, ...memoToCells(memo));
}

/** Forgets what a run needed word for word (I4). */
export function dropWords(db: Database, workKey: number): void {
  for (const table of ['work_orders', 'work_memos', 'work_signals'])
    db.run(`DELETE FROM ${table} WHERE work_key = ?`, workKey);
}

/** True while a lease is in force. */
export function isHeld({ row, cells }: FoundRow, leaseEpoch: number, at: Reading): boolean {
  return row.leaseEpoch === leaseEpoch && isLeased(row.state) && isInForce(cells, at);
}

const leaseColumns = ['lease_expires_at_ms', 'lease_until', 'lease_ms'] as const;
const plainState = stateColumns.filter(([column]) => column !== 'lease_expires_at_ms');
const leasePlace = stateColumns.findIndex(([column]) => column === 'lease_expires_at_ms');
const updateWork = `UPDATE work SET ${[...plainState.map(([column]) => column), ...leaseColumns, 'due_at_ms'].map((name) => `${name} = ?`).join(', ')} WHERE key = ?`;

function writeState(db: Database, found: FoundRow, change: WorkChange, at: Reading): void {
  const { next } = change;
  const { row, cells } = found;
  // A lease that stays is left as it is: a heartbeat may have prolonged it since the change was made.
  const isKept = next.leaseExpiresAtMs !== null && next.leaseEpoch === row.leaseEpoch && isLeased(row.state);
  const lease = isKept ? leaseColumns.map((name) => cells[name]!) : leaseToCells(next.leaseExpiresAtMs, at);
  const state = stateToCells(next).toSpliced(leasePlace, 1);
  db.run(updateWork, ...state, ...lease, toDueAtMs({ ...next, leaseExpiresAtMs: null }), found.key);
}

/** Makes a run that waits for a signal claimable. */
export function wake(
  db: Database,
  found: { readonly key: number; readonly queueAtMs: number | null },
  nowMs: number,
): void {
  db.run('UPDATE work SET queue_at_ms = ? WHERE key = ?', Math.min(found.queueAtMs ?? nowMs, nowMs), found.key);
}

/** Makes a change if the run is as expected; what goes with an end goes. */
export function changeRun(db: Database, projectId: string, change: WorkChange, at: Reading): boolean {
  const { runId, expected, next, entries, memos = [] } = change;
  const project = { id: projectId, key: projectKeyOf(db, projectId) };
  const found = findRow(db, project, runId, at);
  if (found === null || found.row.state !== expected.state || found.row.leaseEpoch !== expected.leaseEpoch)
    return false;
  if (expected.isHeld && !isHeld(found, expected.leaseEpoch, at)) return false;
  writeState(db, found, change, at);
  keepMemos(db, found.key, memos);
  const { waitingFor, queueAtMs } = next;
  const waiting = 'SELECT 1 AS one FROM work_signals WHERE work_key = ? AND name = ? AND sealed IS NOT NULL LIMIT 1';
  if (waitingFor !== null && next.state === 'pending' && db.get(waiting, found.key, waitingFor) !== undefined)
    wake(db, { key: found.key, queueAtMs }, at.nowMs);
  if (isTerminal(next.state) && !(found.row.isRedrivable && next.state === 'failed')) dropWords(db, found.key);
  keepEntries(db, project.key, entries);
  return true;
}
