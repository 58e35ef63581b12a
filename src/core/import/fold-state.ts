import type { Content } from '../content/content.ts';
import type { AttemptView } from '../model/attempt.ts';
import type { RunCounts, RunView } from '../model/run.ts';
import type { StepView } from '../model/step.ts';
import { addUsage, subtractUsage } from '../model/usage.ts';
import type { StoredEvent } from '../store.ts';
import { blankAttempt, blankStep } from './blank.ts';

/**
 * Views while events are applied to them. Import and rebuild go through this one state with the same rules in the
 * same order, which is what makes their rows equal (I11).
 */
export interface FoldState {
  readonly runById: Map<string, RunView>;
  readonly stepById: Map<string, StepView>;
  readonly attemptByKey: Map<string, AttemptView>;
  readonly contentById: { get(id: string): Content | undefined };
  readonly touchedSteps: Set<string>;
  readonly touchedAttempts: Set<string>;
}

/** Changes some fields of a run. */
export function changeRun(state: FoldState, runId: string, change: Partial<RunView>): void {
  state.runById.set(runId, { ...state.runById.get(runId)!, ...change });
}

/** Adds to some counts of a run. */
export function countInRun(state: FoldState, runId: string, added: Partial<Record<keyof RunCounts, number>>): void {
  const run = state.runById.get(runId)!;
  const counts: Record<string, number> = { ...run.counts };
  for (const [key, value] of Object.entries(added)) counts[key] = counts[key]! + value;
  changeRun(state, runId, { counts: counts as unknown as RunCounts });
}

/** The step of an event; one whose start has not arrived gets its number now. */
export function stepOf(state: FoldState, event: StoredEvent): StepView {
  const { runId, stepId, timeMs } = event.header;
  const known = state.stepById.get(stepId!);
  if (known !== undefined) return known;
  const number = state.runById.get(runId)!.lastStepNumber + 1;
  changeRun(state, runId, { lastStepNumber: number });
  const step = blankStep({ runId, stepId: stepId!, number, timeMs, seq: event.seq });
  state.stepById.set(step.id, step);
  state.touchedSteps.add(step.id);
  contribute(state, null, step);
  return step;
}

/** Puts a changed step in place of the old one and carries the difference into its run's totals. */
export function changeStep(state: FoldState, step: StepView, change: Partial<StepView>): StepView {
  const next = { ...step, ...change };
  state.stepById.set(step.id, next);
  state.touchedSteps.add(step.id);
  contribute(state, step, next);
  return next;
}

type Tally = Pick<
  RunCounts,
  'steps' | 'modelSteps' | 'toolSteps' | 'errors' | 'interrupted' | 'openSteps' | 'unpriced'
>;

const one = (yes: boolean): number => (yes ? 1 : 0);

function tallyOf(step: StepView): Tally {
  const isEnded = step.status !== 'in_progress';
  return {
    steps: 1,
    modelSteps: one(step.kind === 'model'),
    toolSteps: one(step.kind === 'tool'),
    errors: one(step.status === 'error'),
    interrupted: one(step.status === 'interrupted'),
    openSteps: one(!isEnded),
    unpriced: one(isEnded && step.kind === 'model' && (step.cost === null || step.cost.nanoUsd === null)),
  };
}

function contribute(state: FoldState, before: StepView | null, after: StepView): void {
  const run = state.runById.get(after.runId)!;
  const counts = { ...run.counts };
  const added = tallyOf(after);
  const removed = before === null ? null : tallyOf(before);
  for (const key of Object.keys(added) as (keyof Tally)[])
    counts[key] += added[key] - (removed === null ? 0 : removed[key]);
  const costKnownNanoUsd = run.costKnownNanoUsd + (after.cost?.nanoUsd ?? 0) - (before?.cost?.nanoUsd ?? 0);
  let { usage } = run;
  if (after.usage !== (before?.usage ?? null)) {
    if (before?.usage != null) usage = subtractUsage(usage, before.usage);
    if (after.usage !== null) usage = addUsage(usage, after.usage);
  }
  state.runById.set(run.id, {
    ...run,
    counts,
    usage,
    costKnownNanoUsd,
    costNanoUsd: counts.unpriced > 0 ? null : costKnownNanoUsd,
    summary: { ...run.summary, hasError: counts.errors > 0 },
  });
}

/** Key of an attempt in maps. */
export function attemptKey(stepId: string, number: number): string {
  return `${stepId}/${number}`;
}

/** The attempt of an event, counted when it is new. */
export function attemptOf(state: FoldState, event: StoredEvent): AttemptView {
  const { runId, stepId, attempt, timeMs } = event.header;
  const number = attempt ?? 1;
  const key = attemptKey(stepId!, number);
  const known = state.attemptByKey.get(key);
  if (known !== undefined) return known;
  let step = stepOf(state, event);
  // Only model calls have attempts, so a step known by its attempt alone is one.
  const kind = step.kind === 'phase' && step.attemptCount === 0 && step.operation === null ? 'model' : step.kind;
  step = changeStep(state, step, { kind, attemptCount: Math.max(step.attemptCount, number) });
  countInRun(state, runId, { attempts: 1, retries: one(number > 1) });
  const view = blankAttempt({ runId, stepId: step.id, number, timeMs });
  state.attemptByKey.set(key, view);
  state.touchedAttempts.add(key);
  return view;
}

/** Puts a changed attempt in place of the old one. */
export function changeAttempt(state: FoldState, attempt: AttemptView, change: Partial<AttemptView>): AttemptView {
  const next = { ...attempt, ...change };
  const key = attemptKey(attempt.stepId, attempt.number);
  state.attemptByKey.set(key, next);
  state.touchedAttempts.add(key);
  return next;
}

/** Sum of two counts by kind. */
export function addCounts(a: Readonly<Record<string, number>>, b: unknown): Readonly<Record<string, number>> {
  if (typeof b !== 'object' || b === null) return a;
  const sum: Record<string, number> = { ...a };
  for (const [kind, count] of Object.entries(b)) if (typeof count === 'number') sum[kind] = (sum[kind] ?? 0) + count;
  return sum;
}
