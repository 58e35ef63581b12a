import type { Clock } from '../../core/clock.ts';
import { systemClock } from '../../core/clock.ts';
import type { WorkCount, WorkStore } from '../../core/work/work.ts';

/*
 * Counting reads every run that is kept: 230 ms for half a million. Pages and scrapers ask every few seconds, each for
 * itself. So an answer that took long is good for twenty times as long as it took, for all who ask: counting then costs the
 * store a twentieth of its time at most, however many runs there are.
 */

/** What takes no longer is counted anew each time. */
const quickMs = 50;
const share = 20;

interface Counted {
  readonly counts: Promise<readonly WorkCount[]>;
  untilMs: number;
}

const countedByWork = new WeakMap<object, Map<string, Counted>>();

/** The counts of a project's runs, which may be so old that counting does not fill the store's time. */
export function readCounts(
  work: Pick<WorkStore, 'counts'>,
  projectId: string,
  clock: Clock = systemClock,
): Promise<readonly WorkCount[]> {
  let byProject = countedByWork.get(work);
  if (byProject === undefined) countedByWork.set(work, (byProject = new Map()));
  const known = byProject.get(projectId);
  const sinceMs = clock.monotonicMs();
  if (known !== undefined && known.untilMs > sinceMs) return known.counts;
  const counted: Counted = { counts: work.counts(projectId), untilMs: -Infinity };
  // Whoever asks while the first is counting counts as well, unless the last time took long.
  if (known !== undefined && known.untilMs > -Infinity) counted.untilMs = Infinity;
  byProject.set(projectId, counted);
  counted.counts.then(
    () => {
      const nowMs = clock.monotonicMs();
      counted.untilMs = nowMs - sinceMs < quickMs ? -Infinity : nowMs + share * (nowMs - sinceMs);
    },
    () => byProject.delete(projectId),
  );
  return counted.counts;
}
