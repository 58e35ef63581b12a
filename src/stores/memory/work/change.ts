import type { JournalEntry } from '../../../core/journal.ts';
import type { Memo } from '../../../core/work/memo.ts';
import { isLeased, isTerminal } from '../../../core/work/state.ts';
import type {
  ClaimedRun,
  ClaimRequest,
  CreationAnswer,
  LeaseRef,
  LeaseState,
  WorkChange,
  WorkCreation,
  WorkRow,
} from '../../../core/work/work.ts';
import type { WorkProject, WorkRun } from './state.ts';
import { dropWords } from './state.ts';

/** Where the entries of a change go. */
export type Import = (entries: readonly JournalEntry[]) => void;

/** Creates a run, or finds the one that has its key. */
export function createWorkRun(project: WorkProject, creation: WorkCreation, importAll: Import): CreationAnswer {
  const { row, keyDigest, sealed, entries } = creation;
  const known = keyDigest === null ? undefined : project.runIdByKey.get(keyDigest);
  if (known !== undefined) {
    const { inputDigest } = project.runById.get(known)!.row;
    return { runId: known, duplicate: true, inputDigest };
  }
  if (keyDigest !== null) project.runIdByKey.set(keyDigest, row.runId);
  project.runById.set(row.runId, { row, sealed, memos: [], signals: [], signalIds: new Set() });
  importAll(entries);
  return { runId: row.runId, duplicate: false, inputDigest: row.inputDigest };
}

/** True while a lease is in force. */
export function isHeld(row: WorkRow, leaseEpoch: number, nowMs: number): boolean {
  return row.leaseEpoch === leaseEpoch && isLeased(row.state) && row.leaseExpiresAtMs! > nowMs;
}

/** Writes memos in place of those with the same name and occurrence. */
export function keepMemos(run: WorkRun, memos: readonly Memo[]): void {
  for (const memo of memos) {
    const others = run.memos.filter(({ name, occurrence }) => name !== memo.name || occurrence !== memo.occurrence);
    run.memos = [...others, memo].sort((a, b) => a.sequence - b.sequence);
  }
}

/** Makes a run that waits for a signal claimable. */
export function wake(run: WorkRun, name: string, nowMs: number): void {
  const { row } = run;
  if (row.state !== 'pending' || row.waitingFor !== name) return;
  run.row = { ...row, queueAtMs: Math.min(row.queueAtMs ?? nowMs, nowMs) };
}

/** Makes a change if the run is as expected; what goes with an end goes. */
export function changeWorkRun(
  project: WorkProject,
  change: WorkChange,
  at: { readonly nowMs: number; readonly importAll: Import },
): boolean {
  const run = project.runById.get(change.runId);
  const { expected, next } = change;
  if (run === undefined || run.row.state !== expected.state || run.row.leaseEpoch !== expected.leaseEpoch) return false;
  if (expected.isHeld && !isHeld(run.row, expected.leaseEpoch, at.nowMs)) return false;
  // A lease that stays is not shortened: a heartbeat may have come in between.
  const { leaseExpiresAtMs: untilMs } = run.row;
  const isKept = untilMs !== null && next.leaseExpiresAtMs !== null && next.leaseEpoch === run.row.leaseEpoch;
  const leaseExpiresAtMs = isKept ? Math.max(untilMs, next.leaseExpiresAtMs!) : next.leaseExpiresAtMs;
  run.row = { ...run.row, ...next, leaseExpiresAtMs };
  if (change.memos !== undefined) keepMemos(run, change.memos);
  const { waitingFor } = next;
  if (waitingFor !== null && run.signals.some(({ name }) => name === waitingFor)) wake(run, waitingFor, at.nowMs);
  if (isTerminal(next.state) && !(run.row.isRedrivable && next.state === 'failed')) dropWords(run);
  at.importAll(change.entries);
  return true;
}

/** True when a worker may take a run now. What is past its time is the reaper's. */
export function isClaimable({ state, queueAtMs, timeoutAtMs, startDeadlineAtMs }: WorkRow, nowMs: number): boolean {
  const isLate = [timeoutAtMs, state === 'pending' ? startDeadlineAtMs : null].some(
    (time) => time !== null && time <= nowMs,
  );
  return !isTerminal(state) && !isLeased(state) && queueAtMs !== null && queueAtMs <= nowMs && !isLate;
}

const compareClaims = (a: WorkRow, b: WorkRow): number =>
  b.priority - a.priority || a.queueAtMs! - b.queueAtMs! || (a.runId < b.runId ? -1 : 1);

/** The runs that a claim gets, in order. */
function selectClaims(project: WorkProject, request: ClaimRequest, nowMs: number): WorkRow[] {
  const rows = [...project.runById.values()].map(({ row }) => row);
  const leased = rows.filter(({ state }) => isLeased(state));
  const takenByAgent = new Map<string, number>();
  const roomOf = (agentId: string): number => {
    const room = (request.roomByAgent.get(agentId) ?? 0) - (takenByAgent.get(agentId) ?? 0);
    const most = request.runsMaxByAgent.get(agentId);
    if (most === undefined) return room;
    const running = leased.filter((row) => row.agentId === agentId).length + (takenByAgent.get(agentId) ?? 0);
    return Math.min(room, most - running);
  };
  const projectRoom = request.projectRunsMax === null ? Infinity : request.projectRunsMax - leased.length;
  const limit = Math.min(request.limit, projectRoom);
  const taken: WorkRow[] = [];
  for (const row of rows.filter((each) => isClaimable(each, nowMs)).sort(compareClaims)) {
    if (taken.length >= limit) break;
    if (roomOf(row.agentId) <= 0) continue;
    takenByAgent.set(row.agentId, (takenByAgent.get(row.agentId) ?? 0) + 1);
    taken.push(row);
  }
  return taken;
}

/** Takes runs that wait. */
export function claimWorkRuns(
  project: WorkProject,
  claim: {
    readonly request: ClaimRequest;
    readonly plan: (rows: readonly WorkRow[], nowMs: number) => readonly WorkChange[];
  },
  at: { readonly nowMs: number; readonly importAll: Import },
): ClaimedRun[] {
  const rows = selectClaims(project, claim.request, at.nowMs);
  if (rows.length === 0) return [];
  return claim.plan(rows, at.nowMs).flatMap((change) => {
    if (!changeWorkRun(project, change, at)) return [];
    const { row, sealed } = project.runById.get(change.runId)!;
    return { row, sealed, nowMs: at.nowMs };
  });
}

/** Prolongs a lease that is in force. */
export function beatLease(
  project: WorkProject,
  lease: LeaseRef,
  at: { readonly nowMs: number; readonly leaseMs: number },
): LeaseState {
  const { runId, leaseEpoch } = lease;
  const run = project.runById.get(runId);
  if (run === undefined) return { runId, leaseEpoch, isHeld: false, state: 'cancelled', leaseExpiresAtMs: null };
  const held = isHeld(run.row, leaseEpoch, at.nowMs);
  if (held) run.row = { ...run.row, leaseExpiresAtMs: at.nowMs + at.leaseMs };
  return { runId, leaseEpoch, isHeld: held, state: run.row.state, leaseExpiresAtMs: run.row.leaseExpiresAtMs };
}
