import type { Cost, StepCost, UnknownCostReason } from '../../core/model/cost.ts';
import type { RunView } from '../../core/model/run.ts';
import type { Usage } from '../../core/model/usage.ts';

/** What stands for an unknown number (I12). */
export const notAvailable = 'n/a';

/** A duration for people: `12 ms`, `3.4 s`, `2 min 05 s`, `1 h 02 min`. */
export function toDuration(ms: number | null): string {
  if (ms === null) return notAvailable;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`;
}

/** A count for people: `950`, `12.3k`, `4.5M`. */
export function toCount(value: number | null): string {
  if (value === null) return notAvailable;
  if (value < 1000) return String(value);
  if (value < 1_000_000) return `${(value / 1000).toFixed(value < 10_000 ? 2 : 1)}k`;
  return `${(value / 1_000_000).toFixed(2)}M`;
}

/** Input and output tokens as `in→out`. */
export function toTokens(usage: Usage | null): string {
  if (usage === null || (usage.input.total === null && usage.output.total === null)) return notAvailable;
  return `${toCount(usage.input.total)}→${toCount(usage.output.total)}`;
}

/** A cost in dollars from nano-USD. */
export function toMoney(nanoUsd: number | null): string {
  if (nanoUsd === null) return notAvailable;
  const usd = nanoUsd / 1e9;
  return usd === 0 ? '$0' : `$${usd < 0.01 ? usd.toPrecision(2) : usd.toFixed(usd < 1 ? 4 : 2)}`;
}

/** A sum of costs: what is known of an unknown one is a lower bound, `≥ $0.12`. */
export function toCostSum(sum: Pick<RunView, 'costNanoUsd' | 'costKnownNanoUsd'>): string {
  if (sum.costNanoUsd !== null || sum.costKnownNanoUsd === 0) return toMoney(sum.costNanoUsd);
  return `≥ ${toMoney(sum.costKnownNanoUsd)}`;
}

/** A run's cost; a run without model calls cost nothing that is known. */
export function toRunCost(run: RunView): string {
  return run.counts.modelSteps === 0 ? notAvailable : toCostSum(run);
}

/** A step's cost. */
export function toCost(cost: Cost | null): string {
  return cost === null ? notAvailable : toMoney(cost.nanoUsd);
}

const reasonWords: Readonly<Record<UnknownCostReason, string>> = {
  'provider-unpriced': 'no prices for this provider',
  'model-unpriced': 'no price for this model',
  'time-unpriced': 'no price for that time',
  'bucket-unpriced': 'a part of the usage has no price',
  'usage-missing': 'the tokens were not reported',
  'usage-mixed': 'tokens of another model are inside',
  'usage-inconsistent': 'the reported usage contradicts itself',
  'rate-special': 'not made at the list price',
};

/** Where a step's cost comes from, or why there is none: `estimated, price table 2026-11-21+1a2b3c4d5e6f`. */
export function toCostSource(cost: StepCost | null): string | null {
  if (cost === null) return null;
  if (cost.nanoUsd === null) return cost.reason === null ? null : (reasonWords[cost.reason] ?? null);
  const table = cost.table === null ? '' : ` ${cost.table}`;
  return `${cost.status}, ${cost.source.replaceAll('-', ' ')}${table}`;
}

/** `2026-11-21 06:45:43` in UTC. */
export function toTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

/** The first 13 characters of an id: its time, enough to tell runs apart and to type. */
export function toShortId(id: string): string {
  return id.slice(0, 13);
}

/** `1 step`, `3 steps`. */
export function toPlural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `812 B`, `3.4 kB`, `12 MB`: powers of 1,000. */
export function toBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const figure = bytes / 1000 ** power;
  return `${power === 0 || figure >= 10 ? Math.round(figure) : figure.toFixed(1)} ${units[power]}`;
}
