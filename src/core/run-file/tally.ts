import { factFieldsOf, numberField } from '../import/reading.ts';
import type { RecordedEvent } from '../record/event.ts';
import type { Complete } from '../verify/verdict.ts';

/**
 * What `checkCompleteness` counts, counted while events come one by one: of steps and attempts it keeps ids only. A test
 * holds the two to the same answers.
 */
export interface Tally {
  readonly openSteps: Set<string>;
  readonly endedSteps: Set<string>;
  readonly openAttempts: Set<string>;
  readonly endedAttempts: Set<string>;
  gaps: number;
  lost: number;
  isClosed: boolean;
  isSwept: boolean;
}

/** A tally of nothing. */
export function createTally(): Tally {
  return {
    openSteps: new Set(),
    endedSteps: new Set(),
    openAttempts: new Set(),
    endedAttempts: new Set(),
    gaps: 0,
    lost: 0,
    isClosed: false,
    isSwept: false,
  };
}

// The end of a step may come before its begin, from another writer.
function begin(open: Set<string>, ended: ReadonlySet<string>, id: string): void {
  if (!ended.has(id)) open.add(id);
}

function end(open: Set<string>, ended: Set<string>, id: string): void {
  open.delete(id);
  ended.add(id);
}

/** Counts one more event. */
export function countEvent(tally: Tally, event: RecordedEvent): void {
  const { type, stepId, attempt } = event.header;
  if (type === 'step-start') begin(tally.openSteps, tally.endedSteps, stepId ?? '');
  else if (type === 'step-end') end(tally.openSteps, tally.endedSteps, stepId ?? '');
  else if (type === 'attempt-start') begin(tally.openAttempts, tally.endedAttempts, `${stepId}/${attempt}`);
  else if (type === 'attempt-end') end(tally.openAttempts, tally.endedAttempts, `${stepId}/${attempt}`);
  else if (type === 'gap') {
    tally.gaps += 1;
    tally.lost += numberField(factFieldsOf(event) ?? {}, 'events') ?? 0;
  } else if (type === 'run-end') {
    const isSwept = factFieldsOf(event)?.['swept'] === true;
    tally.isSwept = isSwept && (tally.isSwept || !tally.isClosed);
    tally.isClosed = true;
  }
}

/** The answer about completeness; `holes` counts events that are missing by number. */
export function tallyToComplete(tally: Tally, holes: number): Complete {
  const { openSteps, openAttempts, gaps, lost, isClosed, isSwept } = tally;
  const reasons = [
    ...(isClosed ? [] : ['the run has not been closed']),
    ...(isSwept ? ['its recorder died before it closed the run'] : []),
    ...(openSteps.size > 0 ? [`${openSteps.size} steps have no end`] : []),
    ...(openAttempts.size > 0 ? [`${openAttempts.size} attempts have no end`] : []),
    ...(gaps > 0 ? [`${gaps} gaps tell of ${lost} lost events`] : []),
    ...(holes > 0 ? [`${holes} events are missing by number`] : []),
  ];
  return {
    verdict: reasons.length === 0 ? 'complete' : 'incomplete',
    openSteps: openSteps.size,
    openAttempts: openAttempts.size,
    gaps,
    lost: Math.max(lost, holes),
    closed: isClosed,
    message:
      reasons.length === 0
        ? 'Every begin has its end, nothing was lost, the run was closed.'
        : `Not complete: ${reasons.join('; ')}.`,
  };
}
