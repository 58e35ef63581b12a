import type { StoredEvent } from '../../store.ts';
import { readRunCreate, readRunStart, readRunState } from '../fact-reading.ts';
import type { FoldState } from '../fold-state.ts';
import { changeRun } from '../fold-state.ts';
import { payloadOf, textField } from '../reading.ts';

/** What the creation of a run as work says of its way through the workers. */
export function noteWork(state: FoldState, event: StoredEvent): void {
  const run = state.runById.get(event.header.runId)!;
  const work = readRunCreate(event)?.work;
  if (work === undefined || run.work !== null) return;
  const payload = payloadOf(event);
  const { priority, attemptsMax, availableAtMs, timeoutAtMs, inputDigest } = work;
  changeRun(state, run.id, {
    work: {
      priority,
      attempts: 0,
      attemptsMax,
      leaseEpoch: 0,
      availableAtMs,
      timeoutAtMs,
      workerId: null,
      handlerVersion: null,
      waitingFor: null,
      triggerType: textField(payload, 'triggerType'),
      triggerRef: textField(payload, 'triggerRef'),
      inputDigest,
    },
  });
}

/** Applies a `run-start`: a worker took the run under a lease of its own. */
export function applyRunStart(state: FoldState, event: StoredEvent): void {
  const run = state.runById.get(event.header.runId)!;
  const facts = readRunStart(event);
  if (facts === null || run.work === null || run.finishedAtMs !== null) return;
  const payload = payloadOf(event);
  changeRun(state, run.id, {
    status: 'running',
    startedAtMs: run.startedAtMs ?? event.header.timeMs,
    work: {
      ...run.work,
      leaseEpoch: Math.max(run.work.leaseEpoch, facts.leaseEpoch),
      attempts: facts.attempt,
      availableAtMs: null,
      waitingFor: null,
      workerId: textField(payload, 'workerId'),
      handlerVersion: textField(payload, 'handlerVersion'),
    },
  });
}

/** Applies a `run-state`: the run waits, sleeps, or is given back. Its last failure stays to be seen until it ends. */
export function applyRunState(state: FoldState, event: StoredEvent): void {
  const run = state.runById.get(event.header.runId)!;
  const facts = readRunState(event);
  if (facts === null || run.work === null || run.finishedAtMs !== null) return;
  const isLeft = facts.to === 'pending' || facts.to === 'waiting_approval';
  changeRun(state, run.id, {
    status: facts.to,
    work: {
      ...run.work,
      attempts: facts.attempt,
      availableAtMs: facts.availableAtMs,
      workerId: isLeft ? null : run.work.workerId,
      waitingFor: textField(payloadOf(event), 'waitingFor'),
    },
  });
}
