import { countedIn } from '../core/import/counted-once.ts';
import type { AttemptView } from '../core/model/attempt.ts';
import type { StepView } from '../core/model/step.ts';
import type { RecordedRun } from './recorded-run.ts';

/** A recorded round trip, and whether it has been made again. */
export interface Entry {
  readonly recorded: RecordedRun;
  readonly step: StepView;
  readonly attempt: AttemptView;
  readonly path: string;
  /** Made past the step from which on the program runs live. */
  readonly isLive: boolean;
  body: unknown;
  isLoaded: boolean;
  isTaken: boolean;
}

/** Path and query of a URL, without its host. */
export function toPath(url: string): string {
  const at = /^[a-z]+:\/\/[^/?#]*/i.exec(url);
  return at === null ? url : url.slice(at[0].length) || '/';
}

/** A recorded step that began when live running had begun is not answered from the recording. */
function findLiveStart(runs: readonly RecordedRun[], liveFrom: number | null): number {
  const first = liveFrom === null ? undefined : runs[0]?.steps.find(({ number }) => number >= liveFrom);
  return first?.startedAtMs ?? Infinity;
}

/** Model steps whose model is a run of its own, as a mixture is: what went over the wire is in that run. */
function findToldElsewhere(runs: readonly RecordedRun[]): ReadonlySet<string> {
  const parents = runs.flatMap(({ run }) => run.parentStepId ?? []);
  const steps = runs.flatMap((recorded) => recorded.steps);
  const isTold = (step: StepView): boolean => countedIn(step) !== null || parents.includes(step.id);
  return new Set(steps.filter((step) => step.kind === 'model' && isTold(step)).map(({ id }) => id));
}

/** The round trips of several runs of one program, in the order in which they began. The first run is the one asked for. */
export function toEntries(runs: readonly RecordedRun[], liveFrom: number | null): Entry[] {
  const liveStart = findLiveStart(runs, liveFrom);
  const toldElsewhere = findToldElsewhere(runs);
  const entries = runs.flatMap((recorded) => {
    const stepById = new Map(recorded.steps.map((step) => [step.id, step]));
    return recorded.attempts.flatMap((attempt): Entry[] => {
      const step = stepById.get(attempt.stepId);
      if (step === undefined || attempt.url === null || toldElsewhere.has(step.id)) return [];
      const isLive =
        recorded === runs[0] && liveFrom !== null ? step.number >= liveFrom : step.startedAtMs >= liveStart;
      const path = toPath(attempt.url);
      return [{ recorded, step, attempt, path, isLive, body: null, isLoaded: false, isTaken: false }];
    });
  });
  return entries.sort((a, b) => a.attempt.startedAtMs - b.attempt.startedAtMs || a.step.number - b.step.number);
}

/** Of what is left, what may come next: the first of each run, and what left beside it before it had ended. */
export function nextEntries(left: readonly Entry[]): readonly Entry[] {
  const endByRun = new Map<RecordedRun, number>();
  return left.filter(({ recorded, attempt: { startedAtMs, durationMs } }) => {
    const endMs = endByRun.get(recorded);
    if (endMs !== undefined) return startedAtMs < endMs;
    // Starts are known to the millisecond.
    endByRun.set(recorded, startedAtMs + (durationMs ?? 0) + 1);
    return true;
  });
}

const leavingNames = new Set(['AbortError', 'TimeoutError']);

/** How long the sender of a request waited before it left; `null` when it did not leave. */
export function toHeldMs({ status, error, durationMs }: AttemptView): number | null {
  return status === 'failed' && error !== null && leavingNames.has(error.name) ? (durationMs ?? 0) : null;
}
