import type { Content } from '../content/content.ts';
import type { Prices } from '../cost/prices.ts';
import type { AttemptView } from '../model/attempt.ts';
import type { RunView } from '../model/run.ts';
import type { StepView } from '../model/step.ts';
import type { StoredEvent, WriterHead } from '../store.ts';
import { applyEvent, nextHead } from './apply/event.ts';
import { blankRun } from './blank.ts';
import type { FoldState } from './fold-state.ts';
import { countInRun } from './fold-state.ts';

/** The views of one run. */
export interface FoldedRun {
  readonly run: RunView;
  /** By number. */
  readonly steps: readonly StepView[];
  /** By step, then number. */
  readonly attempts: readonly AttemptView[];
}

/**
 * Computes a run's views from its events in seq order: the same rules as an import, so the result equals the stored
 * rows (I11), costs included when the prices are the same. At least one event is needed; contents that are gone leave
 * their previews empty.
 */
export function foldEvents(
  projectId: string,
  events: readonly StoredEvent[],
  contentById: ReadonlyMap<string, Content>,
  prices: Prices | null = null,
): FoldedRun {
  const first = events[0]!;
  const { runId, timeMs } = first.header;
  const state: FoldState = {
    runById: new Map([[runId, blankRun(projectId, runId, timeMs)]]),
    stepByKey: new Map(),
    attemptByKey: new Map(),
    contentOf: (_runId, id) => contentById.get(id),
    prices,
    touchedSteps: new Set(),
    touchedAttempts: new Set(),
  };
  const headByWriter = new Map<string, WriterHead>();
  for (const event of events) {
    const next = nextHead(headByWriter.get(event.header.writerId), { ...event.header, hash: event.hash });
    if (next !== null) {
      headByWriter.set(event.header.writerId, next.head);
      if (next.holes !== 0) countInRun(state, runId, { missing: next.holes });
    }
    applyEvent(state, projectId, event);
  }
  const numberByStep = new Map([...state.stepByKey.values()].map((step) => [step.id, step.number]));
  const byStep = (a: AttemptView, b: AttemptView): number =>
    numberByStep.get(a.stepId)! - numberByStep.get(b.stepId)! || a.number - b.number;
  return {
    run: state.runById.get(runId)!,
    steps: [...state.stepByKey.values()].sort((a, b) => a.number - b.number),
    attempts: [...state.attemptByKey.values()].sort(byStep),
  };
}
