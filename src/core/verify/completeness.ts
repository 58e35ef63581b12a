import { factFieldsOf, numberField } from '../import/reading.ts';
import type { RecordedEvent } from '../record/event.ts';
import type { Complete } from './verdict.ts';

interface Tally {
  readonly openSteps: Set<string>;
  readonly openAttempts: Set<string>;
  gaps: number;
  lost: number;
  isClosed: boolean;
  isSwept: boolean;
}

const countByType: Record<string, (tally: Tally, event: RecordedEvent) => void> = {
  'step-start': (tally, { header }) => void tally.openSteps.add(header.stepId ?? ''),
  'step-end': (tally, { header }) => void tally.openSteps.delete(header.stepId ?? ''),
  'attempt-start': (tally, { header }) => void tally.openAttempts.add(`${header.stepId}/${header.attempt}`),
  'attempt-end': (tally, { header }) => void tally.openAttempts.delete(`${header.stepId}/${header.attempt}`),
  'run-end': (tally, event) => {
    const isSwept = factFieldsOf(event)?.['swept'] === true;
    tally.isSwept = isSwept && (tally.isSwept || !tally.isClosed);
    tally.isClosed = true;
  },
  gap: (tally, event) => {
    tally.gaps += 1;
    tally.lost += numberField(factFieldsOf(event) ?? {}, 'events') ?? 0;
  },
};

function countHoles(byWriter: ReadonlyMap<string, readonly RecordedEvent[]>): number {
  let holes = 0;
  for (const events of byWriter.values()) holes += (events.at(-1)?.header.n ?? 0) - events.length;
  return holes;
}

function toMessage(tally: Tally, holes: number): string {
  const reasons = [
    ...(tally.isClosed ? [] : ['the run has not been closed']),
    ...(tally.isSwept ? ['its recorder died before it closed the run'] : []),
    ...(tally.openSteps.size > 0 ? [`${tally.openSteps.size} steps have no end`] : []),
    ...(tally.openAttempts.size > 0 ? [`${tally.openAttempts.size} attempts have no end`] : []),
    ...(tally.gaps > 0 ? [`${tally.gaps} gaps tell of ${tally.lost} lost events`] : []),
    ...(holes > 0 ? [`${holes} events are missing by number`] : []),
  ];
  return reasons.length === 0
    ? 'Every begin has its end, nothing was lost, the run was closed.'
    : `Not complete: ${reasons.join('; ')}.`;
}

/** Whether the record of a run tells everything, from headers alone, so that it also holds for an erased run. */
export function checkCompleteness(byWriter: ReadonlyMap<string, readonly RecordedEvent[]>): Complete {
  const tally: Tally = {
    openSteps: new Set(),
    openAttempts: new Set(),
    gaps: 0,
    lost: 0,
    isClosed: false,
    isSwept: false,
  };
  // Begins first: the end of a step may stand in another writer's chain than its begin.
  const events = [...byWriter.values()].flat();
  const isEnd = (event: RecordedEvent): boolean => event.header.type.endsWith('-end');
  for (const event of [...events.filter((e) => !isEnd(e)), ...events.filter(isEnd)])
    countByType[event.header.type]?.(tally, event);
  const holes = countHoles(byWriter);
  const isComplete =
    tally.isClosed && !tally.isSwept && tally.openSteps.size + tally.openAttempts.size + tally.gaps + holes === 0;
  return {
    verdict: isComplete ? 'complete' : 'incomplete',
    openSteps: tally.openSteps.size,
    openAttempts: tally.openAttempts.size,
    gaps: tally.gaps,
    lost: Math.max(tally.lost, holes),
    closed: tally.isClosed,
    message: toMessage(tally, holes),
  };
}
