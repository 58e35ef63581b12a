import type { Memo } from '../../../core/work/memo.ts';
import { isTerminal } from '../../../core/work/state.ts';
import type { LeaseRef, Signal } from '../../../core/work/work.ts';
import { cellToBytes } from '../../sql/value.ts';
import { rowToMemo, rowToSignal } from '../../sql/work/memo-row.ts';
import type { Database } from '../database.ts';
import { isHeld, keepMemos, wake } from './change.ts';
import type { Reading } from './clock.ts';
import { findRow } from './place.ts';
import type { AskedProject } from './runs.ts';

/** The sealed order of a run, or `null`. */
export function readOrder(db: Database, project: AskedProject, runId: string): Uint8Array | null {
  const row = db.get(
    'SELECT o.sealed FROM work w CROSS JOIN work_orders o ON o.work_key = w.key WHERE w.project_key = ? AND w.run_id = ?',
    project.key,
    runId,
  );
  return row === undefined ? null : cellToBytes(row['sealed']);
}

/** What a run remembers, in the order it was begun. */
export function listMemos(db: Database, project: AskedProject, runId: string): Memo[] {
  return db
    .all(
      `SELECT m.* FROM work w CROSS JOIN work_memos m ON m.work_key = w.key WHERE w.project_key = ? AND w.run_id = ?
       ORDER BY m.sequence, m.name, m.occurrence`,
      project.key,
      runId,
    )
    .map(rowToMemo);
}

/** Writes memos while the lease is held; else `false` and nothing. */
export function putMemos(
  db: Database,
  project: AskedProject,
  kept: { readonly lease: LeaseRef; readonly memos: readonly Memo[]; readonly at: Reading },
): boolean {
  const found = findRow(db, project, kept.lease.runId, kept.at);
  if (found === null || !isHeld(found, kept.lease.leaseEpoch, kept.at)) return false;
  keepMemos(db, found.key, kept.memos);
  return true;
}

/** Keeps a signal of an open run, once, and wakes the run if it waits for it. */
export function putSignal(db: Database, project: AskedProject, signal: Signal, at: Reading): boolean {
  const found = findRow(db, project, signal.runId, at);
  if (found === null || isTerminal(found.row.state)) return false;
  const { id, runId, name, sealed, sentAtMs } = signal;
  const isNew = db.run(
    `INSERT INTO work_signals (work_key, run_id, id, name, sealed, sent_at_ms) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ...[found.key, runId, id, name, sealed, sentAtMs],
  );
  if (isNew === 0) return false;
  const { state, waitingFor, queueAtMs } = found.row;
  if (state === 'pending' && waitingFor === name) wake(db, { key: found.key, queueAtMs }, at.nowMs);
  return true;
}

/** Takes the oldest signal of a name while the lease is held, and writes the memo made of it. */
export function takeSignal(
  db: Database,
  project: AskedProject,
  taken: {
    readonly lease: LeaseRef;
    readonly name: string;
    readonly toMemo: (signal: Signal) => Memo;
    readonly at: Reading;
  },
): Signal | null {
  const { lease, name, toMemo, at } = taken;
  const found = findRow(db, project, lease.runId, at);
  if (found === null || !isHeld(found, lease.leaseEpoch, at)) return null;
  const row = db.get(
    'SELECT * FROM work_signals WHERE work_key = ? AND name = ? AND sealed IS NOT NULL ORDER BY place LIMIT 1',
    found.key,
    name,
  );
  if (row === undefined) return null;
  const signal = rowToSignal(row);
  keepMemos(db, found.key, [toMemo(signal)]);
  db.run('UPDATE work_signals SET sealed = NULL WHERE place = ?', row['place']!);
  return signal;
}
