import type { RunView } from '../../core/model/run.ts';
import { runTimeMs } from '../../core/query/cursor.ts';
import { pageLimitMax } from '../../core/query/page.ts';
import type { RunFilter } from '../../core/store.ts';
import type { Surroundings } from '../surroundings.ts';
import type { VolumeBucket } from '../wire.ts';

type Around = Pick<Surroundings, 'store' | 'projectId'>;

/** A range in equal buckets. */
export interface VolumeRange {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly buckets: number;
}

/** Runs read one by one at most; past that they are only counted. */
const walkedMax = 20_000;

function toBuckets(range: VolumeRange): { startMs: number; endMs: number }[] {
  const sizeMs = (range.untilMs - range.sinceMs) / range.buckets;
  const edge = (at: number): number => (at === range.buckets ? range.untilMs : Math.round(range.sinceMs + sizeMs * at));
  return Array.from({ length: range.buckets }, (_, at) => ({ startMs: edge(at), endMs: edge(at + 1) }));
}

function addCost(sum: number | null, cost: number | null): number | null {
  return sum === null || cost === null ? null : sum + cost;
}

async function walk(around: Around, filter: RunFilter, range: VolumeRange): Promise<VolumeBucket[]> {
  const buckets = toBuckets(range).map(({ startMs }) => ({
    startMs,
    runs: 0,
    errors: 0,
    costNanoUsd: 0 as number | null,
    costKnownNanoUsd: 0,
  }));
  const add = (run: RunView): void => {
    const at = buckets.findLastIndex(({ startMs }) => startMs <= runTimeMs(run));
    const bucket = buckets[Math.max(0, at)]!;
    bucket.runs += 1;
    bucket.errors += run.summary.hasError ? 1 : 0;
    bucket.costNanoUsd = addCost(bucket.costNanoUsd, run.costNanoUsd);
    bucket.costKnownNanoUsd += run.costKnownNanoUsd;
  };
  let cursor: string | null = null;
  do {
    const page = await around.store.listRuns(around.projectId, filter, {
      limit: pageLimitMax,
      ...(cursor === null ? {} : { cursor }),
    });
    page.items.forEach(add);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return buckets;
}

async function count(around: Around, filter: RunFilter, range: VolumeRange): Promise<VolumeBucket[]> {
  const buckets: VolumeBucket[] = [];
  for (const { startMs, endMs } of toBuckets(range)) {
    const within = { ...filter, sinceMs: startMs, untilMs: endMs };
    const runs = await around.store.countRuns(around.projectId, within);
    const errors =
      runs === 0 || filter.hasError === false
        ? 0
        : await around.store.countRuns(around.projectId, { ...within, hasError: true });
    const costNanoUsd = runs === 0 ? 0 : null;
    buckets.push({ startMs, runs, errors, costNanoUsd, costKnownNanoUsd: costNanoUsd });
  }
  return buckets;
}

/**
 * Runs, runs with an error, and cost over time, of the runs that the list shows for the same filter. Of more than 20,000
 * runs the cost is `null`: unknown, not zero (I12).
 */
export async function readVolume(
  around: Around,
  filter: RunFilter,
  range: VolumeRange,
): Promise<readonly VolumeBucket[]> {
  const within = { ...filter, sinceMs: range.sinceMs, untilMs: range.untilMs };
  const runs = await around.store.countRuns(around.projectId, within);
  return runs > walkedMax ? count(around, within, range) : walk(around, within, range);
}
