import type { AttemptView } from '../model/attempt.ts';
import type { RunView } from '../model/run.ts';
import type { StepView } from '../model/step.ts';

/** The views of one run. */
export interface RunViews {
  readonly run: RunView;
  readonly steps: readonly StepView[];
  readonly attempts: readonly AttemptView[];
}

function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  const one = a as Record<string, unknown>;
  const other = b as Record<string, unknown>;
  // A field that is undefined is no field: JSON does not keep it either.
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return Array.isArray(a) === Array.isArray(b) && [...names].every((name) => isSame(one[name], other[name]));
}

function fieldsThatDiffer(prefix: string, a: object, b: object): string[] {
  const one = a as Record<string, unknown>;
  const other = b as Record<string, unknown>;
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return names.filter((name) => !isSame(one[name], other[name])).map((name) => `${prefix}.${name}`);
}

function listsThatDiffer<T extends object>(a: readonly T[], b: readonly T[], nameOf: (item: T) => string): string[] {
  const otherByName = new Map(b.map((item) => [nameOf(item), item]));
  const gone = a.flatMap((item) => {
    const name = nameOf(item);
    const other = otherByName.get(name);
    otherByName.delete(name);
    return other === undefined ? [name] : fieldsThatDiffer(name, item, other);
  });
  return [...gone, ...otherByName.keys()];
}

/**
 * Names of the fields in which stored views and recomputed ones differ, as `run.status` or `step 3.preview`; a step
 * or attempt that only one side has is named itself. Empty when the views are what the record says (I11).
 */
export function differingFields(stored: RunViews, folded: RunViews): string[] {
  const numberById = new Map([...stored.steps, ...folded.steps].map((step) => [step.id, step.number]));
  return [
    ...fieldsThatDiffer('run', stored.run, folded.run),
    ...listsThatDiffer(stored.steps, folded.steps, (step) => `step ${step.number}`),
    ...listsThatDiffer(
      stored.attempts,
      folded.attempts,
      (attempt) => `attempt ${numberById.get(attempt.stepId) ?? '?'}/${attempt.number}`,
    ),
  ];
}

/** The contents that a step names itself, contexts not counted. */
export function stepToContentIds(step: StepView): string[] {
  return [step.argsId, step.requestId, step.responseId, step.resultId].filter((id) => id !== null);
}

/** The contents that an attempt names. */
export function attemptToContentIds(attempt: AttemptView): string[] {
  return [attempt.requestBody?.contentId ?? null, attempt.responseBody?.contentId ?? null].filter((id) => id !== null);
}
