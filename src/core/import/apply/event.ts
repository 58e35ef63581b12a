import type { StoredEvent, WriterHead } from '../../store.ts';
import { applyAttemptEnd, applyAttemptStart } from './attempt.ts';
import { applyLog, applyRunCreate, applyRunEnd, noteEvent } from './run.ts';
import { applyCostActual, applyStepEnd, applyStepStart } from './step.ts';
import { applyRunStart, applyRunState } from './work.ts';
import { isFromLostLease, isRefusedLate } from '../../work/lease.ts';
import { blankRun } from '../blank.ts';
import type { FoldState } from '../fold-state.ts';
import { countInRun, stepKey } from '../fold-state.ts';
import type { EventType } from '../../record/event.ts';

type Apply = (state: FoldState, event: StoredEvent) => void;

// A map, since a type that a newer version added may be any word, `constructor` among them.
const applyByType = new Map<string, Apply>(
  Object.entries({
    'run-create': applyRunCreate,
    'run-start': applyRunStart,
    'run-state': applyRunState,
    'run-end': applyRunEnd,
    'step-start': applyStepStart,
    'step-end': applyStepEnd,
    'attempt-start': applyAttemptStart,
    'attempt-end': applyAttemptEnd,
    'cost-actual': applyCostActual,
    log: applyLog,
    gap: (state, event) => countInRun(state, event.header.runId, { gaps: 1 }),
  } satisfies Partial<Record<EventType, Apply>>),
);

/** Applies the next event of a run, in seq order, to the views. A run that is not known yet comes into being. */
export function applyEvent(state: FoldState, projectId: string, event: StoredEvent): void {
  const { runId, type, stepId, timeMs } = event.header;
  if (!state.runById.has(runId)) state.runById.set(runId, blankRun(projectId, runId, timeMs));
  const run = state.runById.get(runId)!;
  const lease = run.work === null ? null : { leaseEpoch: run.work.leaseEpoch, status: run.status };
  const isStepKnown = stepId === null || state.stepByKey.has(stepKey(runId, stepId));
  const isRefused = lease !== null && isRefusedLate(event.header, lease, isStepKnown);
  const isLateEnd = type === 'step-end' && lease !== null && isFromLostLease(event.header, lease);
  noteEvent(state, event, isRefused || isLateEnd);
  // It stays in the record, as what somebody tried; it changes nothing (I9).
  if (isRefused) return;
  const needsStep = type.startsWith('step-') || type.startsWith('attempt-');
  if (needsStep && stepId === null) return;
  applyByType.get(type)?.(state, event);
}

/** Holes past this are not listed one by one: a hostile number must not fill the memory. */
const missingMax = 10_000;

/** A writer's head after one more event, and by how much its number of holes changed. `null`: the event is known. */
export function nextHead(
  head: WriterHead | undefined,
  event: StoredEvent['header'] & { hash: Uint8Array },
): { head: WriterHead; holes: number } | null {
  const { runId, writerId, n, hash } = event;
  if (head === undefined || n > head.n) {
    const from = (head?.n ?? 0) + 1;
    const missing = [...(head?.missing ?? [])];
    for (let at = from; at < n && missing.length < missingMax; at += 1) missing.push(at);
    return { head: { runId, writerId, n, hash, missing }, holes: missing.length - (head?.missing.length ?? 0) };
  }
  if (!head.missing.includes(n)) return null;
  return { head: { ...head, missing: head.missing.filter((hole) => hole !== n) }, holes: -1 };
}
