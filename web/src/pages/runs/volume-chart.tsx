import { useQuery } from '@tanstack/react-query';
import { reads } from '../../api/reads.ts';
import type { VolumeBucket } from '../../api/wire.ts';
import { sumToCost } from '../../model/cost/sum.ts';
import { toExactCount, toIso, toMoment, toPlural } from '../../model/figures.ts';
import type { RunSearch } from '../../model/run-search.ts';

const height = 34;

function bucketCost({ costNanoUsd, costKnownNanoUsd }: VolumeBucket): string {
  return sumToCost({ costNanoUsd, costKnownNanoUsd: costKnownNanoUsd ?? 0 });
}

function bucketTitle(bucket: VolumeBucket): string {
  return `${toMoment(bucket.startMs, Date.now())}: ${toPlural(bucket.runs, 'run')}, ${bucket.errors} with errors, ${bucketCost(bucket)}`;
}

function Bars(props: {
  buckets: readonly VolumeBucket[];
  label: string;
  valueOf: (bucket: VolumeBucket) => number;
  badOf?: (bucket: VolumeBucket) => number;
  onPick: (index: number) => void;
}) {
  const { buckets, valueOf, badOf } = props;
  const max = Math.max(1e-9, ...buckets.map(valueOf));
  return (
    <svg
      className="volume-bars"
      viewBox={`0 0 ${buckets.length * 4} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={props.label}
    >
      {buckets.map((bucket, index) => {
        const full = (valueOf(bucket) / max) * (height - 2);
        const bad = badOf ? Math.min(full, (badOf(bucket) / max) * (height - 2)) : 0;
        return (
          <g key={bucket.startMs} className="volume-bucket" onClick={() => props.onPick(index)}>
            <title>{bucketTitle(bucket)}</title>
            <rect className="volume-hit" x={index * 4} y={0} width={4} height={height} />
            <rect
              className="volume-bar"
              x={index * 4 + 0.4}
              y={height - Math.max(full, full > 0 ? 1 : 0)}
              width={3.2}
              height={Math.max(full, full > 0 ? 1 : 0)}
            />
            {bad > 0 ? (
              <rect
                className="volume-bad"
                x={index * 4 + 0.4}
                y={height - Math.max(bad, 1.5)}
                width={3.2}
                height={Math.max(bad, 1.5)}
              />
            ) : null}
          </g>
        );
      })}
      <line className="volume-base" x1={0} x2={buckets.length * 4} y1={height - 0.25} y2={height - 0.25} />
    </svg>
  );
}

/** Runs, errors and cost over time for what the filters show. A click on a bar narrows the list to its time. */
export function VolumeChart({
  search,
  onRange,
}: {
  search: RunSearch;
  onRange: (since: string, until: string) => void;
}) {
  const volume = useQuery(reads.volume(search));
  const buckets = volume.data ?? [];
  if (buckets.length < 2) return null;
  const stepMs = buckets[1]!.startMs - buckets[0]!.startMs;
  const pick = (index: number): void => {
    const bucket = buckets[index]!;
    onRange(toIso(bucket.startMs), toIso(buckets[index + 1]?.startMs ?? bucket.startMs + stepMs));
  };
  const sum = (valueOf: (bucket: VolumeBucket) => number): number =>
    buckets.reduce((total, bucket) => total + valueOf(bucket), 0);
  const runs = sum((bucket) => bucket.runs);
  if (runs === 0) return null;
  const isCostKnown = buckets.every((bucket) => bucket.runs === 0 || bucket.costNanoUsd !== null);
  const costKnownNanoUsd = sum((bucket) => bucket.costKnownNanoUsd ?? 0);
  const cost = { costNanoUsd: isCostKnown ? costKnownNanoUsd : null, costKnownNanoUsd };
  const nowMs = Date.now();
  return (
    <section className="volume" aria-label="Runs over time">
      <figure className="volume-runs">
        <figcaption>
          <span>
            <b>{toExactCount(runs)}</b> {runs === 1 ? 'run' : 'runs'}
          </span>
          <span className="volume-errors">
            <b>{toExactCount(sum((bucket) => bucket.errors))}</b> with errors
          </span>
          <span className="muted volume-range">
            {toMoment(buckets[0]!.startMs, nowMs)} – {toMoment(buckets.at(-1)!.startMs + stepMs, nowMs)}
          </span>
        </figcaption>
        <Bars
          buckets={buckets}
          label="Runs over time"
          valueOf={(bucket) => bucket.runs}
          badOf={(bucket) => bucket.errors}
          onPick={pick}
        />
      </figure>
      <figure className="volume-cost">
        <figcaption>
          <span>
            <b>{sumToCost(cost)}</b> cost
          </span>
        </figcaption>
        <Bars
          buckets={buckets}
          label="Cost over time"
          valueOf={(bucket) => (bucket.costKnownNanoUsd ?? 0) / 1e9}
          onPick={pick}
        />
      </figure>
    </section>
  );
}
