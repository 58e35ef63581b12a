import type { Content } from '../content/content.ts';
import type { Prices } from '../cost/prices.ts';
import { costOfStep } from '../cost/step-cost.ts';
import type { AttemptView } from '../model/attempt.ts';
import type { RunCounts, RunView } from '../model/run.ts';
import type { StepView } from '../model/step.ts';
import type { Usage } from '../model/usage.ts';
import { settleTool } from '../model/tool-step.ts';
import { addUsage, subtractUsage } from '../model/usage.ts';
import type { StoredEvent } from '../store.ts';
import { blankAttempt, blankStep } from './blank.ts';
import { countOnce } from './counted-once.ts';
import { forbiddenName } from './open-value.ts';
import { isFields, numberField } from './reading.ts';

/**
 * Views while events are applied to them. Import and rebuild go through this one state with the same rules in the
 * same order, which is what makes their rows equal (I11).
 */
export interface FoldState {
  readonly runById: Map<string, RunView>;
  /** By `stepKey`: an id that two runs claim is a step in each. */
  readonly stepByKey: Map<string, StepView>;
  readonly attemptByKey: Map<string, AttemptView>;
  /** A content in the epoch of a run. */
  readonly contentOf: (runId: string, contentId: string) => Content | undefined;
  /** What calls cost whose record does not tell; `null`: nothing is estimated. */
  readonly prices: Prices | null;
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
  const key = stepKey(runId, stepId!);
  const known = state.stepByKey.get(key);
  if (known !== undefined) return known;
  const number = state.runById.get(runId)!.lastStepNumber + 1;
  changeRun(state, runId, { lastStepNumber: number });
  const step = blankStep({ runId, stepId: stepId!, number, timeMs, seq: event.seq });
  state.stepByKey.set(key, step);
  state.touchedSteps.add(key);
  contribute(state, null, step);
  return step;
}

/** Puts a changed step in place of the old one and carries the difference into its run's totals. */
export function changeStep(state: FoldState, step: StepView, change: Partial<StepView>): StepView {
  const changed = settleTool(countOnce({ ...step, ...change }));
  const next = { ...changed, cost: costOfStep(changed, state.prices) };
  const key = stepKey(step.runId, step.id);
  state.stepByKey.set(key, next);
  state.touchedSteps.add(key);
  contribute(state, step, next);
  return next;
}

type Tally = Pick<
  RunCounts,
  'steps' | 'modelSteps' | 'toolSteps' | 'errors' | 'interrupted' | 'openSteps' | 'unpriced'
>;

const one = (yes: boolean): number => (yes ? 1 : 0);

/** Where sums stop: a store gives no integer back that a JavaScript number does not hold exactly. */
const totalMax = Number.MAX_SAFE_INTEGER;
const toTotal = (sum: number): number => Math.min(totalMax, sum);

function toTotals(usage: Usage): Usage {
  const { input, output, requests } = usage;
  const isWithin = (count: number | null): boolean => count === null || count <= totalMax;
  const counts = [...Object.values(input), ...Object.values(output), requests] as (number | null)[];
  if (counts.every(isWithin)) return usage;
  const capped = <T extends object>(part: T): T =>
    Object.fromEntries(
      Object.entries(part).map(([key, count]) => [key, count === null ? null : toTotal(count as number)]),
    ) as T;
  return { input: capped(input), output: capped(output), requests: requests === null ? null : toTotal(requests) };
}

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
  const costKnownNanoUsd = toTotal(run.costKnownNanoUsd + (after.cost?.nanoUsd ?? 0) - (before?.cost?.nanoUsd ?? 0));
  let { usage } = run;
  if (after.usage !== (before?.usage ?? null)) {
    if (before?.usage != null) usage = subtractUsage(usage, before.usage);
    if (after.usage !== null) usage = toTotals(addUsage(usage, after.usage));
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

/** Key of a step in maps. */
export function stepKey(runId: string, stepId: string): string {
  return `${runId}/${stepId}`;
}

/** Key of an attempt in maps. */
export function attemptKey({ runId, stepId, number }: Pick<AttemptView, 'runId' | 'stepId' | 'number'>): string {
  return `${runId}/${stepId}/${number}`;
}

/** The attempt of an event, counted when it is new. */
export function attemptOf(state: FoldState, event: StoredEvent): AttemptView {
  const { runId, stepId, attempt, timeMs } = event.header;
  const number = attempt ?? 1;
  const key = attemptKey({ runId, stepId: stepId!, number });
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
  const key = attemptKey(attempt);
  state.attemptByKey.set(key, next);
  state.touchedAttempts.add(key);
  return next;
}

/** Sum of two counts by kind. */
export function addCounts(a: Readonly<Record<string, number>>, b: unknown): Readonly<Record<string, number>> {
  if (!isFields(b)) return a;
  const sum: Record<string, number> = { ...a };
  for (const kind of Object.keys(b)) {
    const count = kind === forbiddenName ? null : numberField(b, kind);
    if (count !== null) sum[kind] = Math.min(totalMax, (Object.hasOwn(sum, kind) ? sum[kind]! : 0) + count);
  }
  return sum;
}
