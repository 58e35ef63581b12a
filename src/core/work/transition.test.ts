import { describe, expect, it } from 'vitest';
import type { RunStatus } from '../model/run.ts';
import { runStatuses } from '../model/run.ts';
import {
  rowToState,
  toAsk,
  toClaim,
  toDueAtMs,
  toEnd,
  toGrant,
  toReap,
  toRelease,
  toRetry,
  toSleep,
  toTool,
} from './transition.ts';
import type { WorkRow } from './work.ts';

const nowMs = 1_000_000;

const pending: WorkRow = {
  projectId: 'default',
  runId: '019aa000-0000-7000-8000-000000000001',
  agentId: 'agent',
  kind: 'agent',
  priority: 0,
  createdAtMs: nowMs - 1000,
  attemptsMax: 3,
  attemptTimeoutMs: null,
  parentRunId: null,
  rootRunId: '019aa000-0000-7000-8000-000000000001',
  traceId: '0'.repeat(32),
  shadow: false,
  dryRun: false,
  inputDigest: '0'.repeat(64),
  isRedrivable: false,
  state: 'pending',
  endReason: null,
  errorCode: null,
  queueAtMs: nowMs - 1000,
  attempts: 0,
  leaseEpoch: 0,
  workerId: null,
  leaseExpiresAtMs: null,
  startedAtMs: null,
  finishedAtMs: null,
  startDeadlineAtMs: null,
  attemptDeadlineAtMs: null,
  timeoutAtMs: null,
  askedAtMs: null,
  answerDueAtMs: null,
  waitingFor: null,
  handlerVersion: null,
};

const claim = (row: WorkRow, atMs = nowMs): WorkRow => ({
  ...row,
  ...toClaim(row, { workerId: 'w', leaseMs: 30_000, nowMs: atMs, handlerVersion: '2' }).next,
});
const running = claim(pending);
const inState = (state: RunStatus): WorkRow => ({ ...running, state });
const failure = { code: 'E-RUN-001', message: 'it failed' };

describe('a claim', () => {
  it('gives the next lease, counts the attempt, and starts the clock once', () => {
    expect(running).toMatchObject({
      state: 'running',
      attempts: 1,
      leaseEpoch: 1,
      workerId: 'w',
      leaseExpiresAtMs: nowMs + 30_000,
      startedAtMs: nowMs,
      queueAtMs: null,
      handlerVersion: '2',
    });
    const given = { ...running, ...toRelease(running, nowMs + 5).next };
    const again = claim(given, nowMs + 10);
    expect(again).toMatchObject({ leaseEpoch: 2, attempts: 1, startedAtMs: nowMs });
  });

  it('measures an attempt from the claim; none and nothing at all are two things', () => {
    expect(running.attemptDeadlineAtMs).toBeNull();
    expect(claim({ ...pending, attemptTimeoutMs: 0 }).attemptDeadlineAtMs).toBe(nowMs);
    expect(claim({ ...pending, attemptTimeoutMs: 500 }).attemptDeadlineAtMs).toBe(nowMs + 500);
  });

  it('is refused for everything that does not wait', () => {
    for (const state of runStatuses.filter((each) => each !== 'pending' && each !== 'waiting_approval'))
      expect(() => claim(inState(state))).toThrow(/is not possible/);
  });
});

describe('an end', () => {
  it('is written once, gives the lease back, and measures from the first start', () => {
    const end = toEnd(running, { endReason: 'ok', nowMs: nowMs + 250 });
    expect(end.next).toMatchObject({
      state: 'completed',
      endReason: 'ok',
      errorCode: null,
      workerId: null,
      leaseExpiresAtMs: null,
      finishedAtMs: nowMs + 250,
      timeoutAtMs: null,
    });
    expect(end.facts).toEqual({ endReason: 'ok', durationMs: 250, swept: false });
    expect(() => toEnd({ ...running, ...end.next }, { endReason: 'cancelled', nowMs })).toThrow(
      expect.objectContaining({ code: 'E-RUN-006' }),
    );
  });

  it('has no duration where nobody began, and none below zero where a clock was set back', () => {
    expect(toEnd(pending, { endReason: 'cancelled', nowMs }).facts).toMatchObject({ durationMs: null });
    expect(toEnd(running, { endReason: 'ok', nowMs: nowMs - 99 }).facts).toMatchObject({ durationMs: 0 });
  });

  it('is an illegal transition where the machine has no such edge', () => {
    expect(() => toEnd(pending, { endReason: 'ok', nowMs })).toThrow(expect.objectContaining({ code: 'E-RUN-003' }));
    expect(() => toEnd(inState('waiting_tool'), { endReason: 'ok', nowMs })).toThrow(
      expect.objectContaining({ code: 'E-RUN-003' }),
    );
  });
});

describe('a run that is given back', () => {
  it('counts the attempt of a failure, and not that of a release, a sleep or a question', () => {
    const retried = toRetry(running, { nowMs, delayMs: 700, failure });
    expect(retried.next).toMatchObject({
      state: 'pending',
      attempts: 1,
      queueAtMs: nowMs + 700,
      errorCode: 'E-RUN-001',
    });
    expect(toRelease(running, nowMs).next).toMatchObject({ state: 'pending', attempts: 0, queueAtMs: nowMs });
    expect(toSleep(running, { untilMs: null, signal: 'go' }).next).toMatchObject({
      state: 'pending',
      attempts: 0,
      queueAtMs: null,
      waitingFor: 'go',
    });
    expect(toAsk(running, { nowMs, answerDueAtMs: nowMs + 9 }).next).toMatchObject({
      state: 'waiting_approval',
      attempts: 0,
      answerDueAtMs: nowMs + 9,
      leaseExpiresAtMs: null,
    });
  });

  it('ends when the failure was that of its last attempt', () => {
    const last = toRetry({ ...running, attempts: 3 }, { nowMs, delayMs: 700, failure });
    expect(last).toMatchObject({ type: 'run-end', next: { state: 'failed', endReason: 'error', queueAtMs: null } });
  });

  it('keeps its lease while a tool outside works on it', () => {
    const waiting = { ...running, ...toTool(running, 'tool-start').next };
    expect(waiting).toMatchObject({ state: 'waiting_tool', leaseExpiresAtMs: nowMs + 30_000, workerId: 'w' });
    expect(toTool(waiting, 'tool-end').next).toMatchObject({ state: 'running' });
  });

  it('goes on with its time where it stood when a person was asked', () => {
    const limited = { ...running, timeoutAtMs: nowMs + 1000 };
    const asked = { ...limited, ...toAsk(limited, { nowMs, answerDueAtMs: nowMs + 5000 }).next };
    const granted = { ...asked, ...toGrant(asked, nowMs + 4000).next };
    expect(granted).toMatchObject({ state: 'waiting_approval', queueAtMs: nowMs + 4000, timeoutAtMs: nowMs + 5000 });
    expect(claim(granted, nowMs + 4001)).toMatchObject({ state: 'running', askedAtMs: null, leaseEpoch: 2 });
  });
});

describe('a reaper', () => {
  const reap = (row: Partial<WorkRow>, atMs = nowMs) => toReap({ ...running, ...row }, atMs);

  it('has four clocks: the start, the attempt, the run, and the lease', () => {
    expect(reap({ ...pending, startDeadlineAtMs: nowMs })).toMatchObject({
      next: { state: 'timeout', errorCode: 'E-RUN-005' },
    });
    expect(reap({ attemptDeadlineAtMs: nowMs })).toMatchObject({ next: { state: 'pending', errorCode: 'E-RUN-005' } });
    expect(reap({ timeoutAtMs: nowMs })).toMatchObject({ next: { state: 'timeout', endReason: 'timeout' } });
    expect(reap({ leaseExpiresAtMs: nowMs })).toMatchObject({ next: { state: 'pending', errorCode: 'E-RUN-002' } });
  });

  it('lets be what is not due, and what has ended', () => {
    const later = nowMs + 1;
    expect(reap({ leaseExpiresAtMs: later, timeoutAtMs: later, attemptDeadlineAtMs: later })).toBeNull();
    expect(reap({ ...pending, startDeadlineAtMs: later })).toBeNull();
    for (const state of ['completed', 'failed', 'cancelled', 'timeout'] as const)
      expect(reap({ state, leaseExpiresAtMs: nowMs, timeoutAtMs: nowMs })).toBeNull();
  });

  it('ends a run that is without a next attempt: its lease was lost, or it was out of time', () => {
    const attempts = 3;
    expect(reap({ attempts, leaseExpiresAtMs: nowMs })).toMatchObject({
      next: { state: 'failed', endReason: 'lease_lost', errorCode: 'E-RUN-002' },
    });
    expect(reap({ attempts, attemptDeadlineAtMs: nowMs })).toMatchObject({
      next: { state: 'timeout', endReason: 'timeout' },
    });
  });

  it('waits for a person until the answer is due, and for nothing else meanwhile', () => {
    const asked = { ...running, ...toAsk(running, { nowMs, answerDueAtMs: nowMs + 100 }).next, timeoutAtMs: nowMs };
    expect(toReap(asked, nowMs + 99)).toBeNull();
    expect(toReap(asked, nowMs + 100)).toMatchObject({ next: { state: 'timeout', errorCode: 'E-RUN-005' } });
  });

  it('looks again at the earliest time at which it would do something', () => {
    const rows: WorkRow[] = [
      pending,
      { ...pending, startDeadlineAtMs: nowMs + 5, timeoutAtMs: nowMs + 9 },
      running,
      { ...running, attemptDeadlineAtMs: nowMs + 7, timeoutAtMs: nowMs + 9 },
      { ...running, ...toAsk(running, { nowMs, answerDueAtMs: nowMs + 11 }).next, timeoutAtMs: nowMs + 2 },
      { ...running, ...toEnd(running, { endReason: 'ok', nowMs }).next },
    ];
    expect(rows.map((row) => toDueAtMs(rowToState(row)))).toEqual([
      null,
      nowMs + 5,
      nowMs + 30_000,
      nowMs + 7,
      nowMs + 11,
      null,
    ]);
    for (const row of rows) {
      const dueAtMs = toDueAtMs(row);
      if (dueAtMs === null) continue;
      expect(toReap(row, dueAtMs - 1)).toBeNull();
      expect(toReap(row, dueAtMs)).not.toBeNull();
    }
  });
});
