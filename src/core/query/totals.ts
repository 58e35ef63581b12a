import type { RunView } from '../model/run.ts';
import type { StepView } from '../model/step.ts';
import type { Usage } from '../model/usage.ts';
import { addUsage, unknownUsage } from '../model/usage.ts';
import type { TotalsRow } from '../store.ts';
import { runTimeMs } from './cursor.ts';

/** What totals are grouped by. */
export type TotalsBy = 'model' | 'agent' | 'day';

/** Groups of which none is named: a model call that never said its model. */
export const unknownKey = 'unknown';

/** The nearest-rank percentile of ascending numbers: an existing value, or `null` of none. */
export function percentileOf(sorted: readonly number[], percent: number): number | null {
  if (sorted.length === 0) return null;
  return sorted[Math.max(1, Math.ceil((sorted.length * percent) / 100)) - 1]!;
}

/** The UTC day of a moment, as `2026-11-21`. */
export function timeToDay(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/** What one run or one model step adds to a group. */
export interface TotalsPart {
  readonly key: string;
  readonly runId: string;
  readonly steps: number;
  readonly errors: number;
  readonly usage: Usage | null;
  readonly costKnownNanoUsd: number;
  /** Ended model steps whose cost is unknown. */
  readonly unpriced: number;
  readonly durationMs: number | null;
}

/** What a run adds to its agent or to the UTC day of its start: all its steps, and its own duration. */
export function runToPart(by: 'agent' | 'day', run: RunView): TotalsPart {
  return {
    key: by === 'agent' ? run.agentId : timeToDay(runTimeMs(run)),
    runId: run.id,
    steps: run.counts.steps,
    errors: run.counts.errors,
    usage: run.usage,
    costKnownNanoUsd: run.costKnownNanoUsd,
    unpriced: run.counts.unpriced,
    durationMs: run.durationMs,
  };
}

/** What a step adds to the model that served it, else the one asked for; `null` for a step of another kind. */
export function stepToPart(step: StepView): TotalsPart | null {
  if (step.kind !== 'model') return null;
  const nanoUsd = step.cost?.nanoUsd ?? null;
  return {
    key: step.model ?? step.requestedModel ?? unknownKey,
    runId: step.runId,
    steps: 1,
    errors: step.status === 'error' ? 1 : 0,
    usage: step.usage,
    costKnownNanoUsd: nanoUsd ?? 0,
    unpriced: step.status !== 'in_progress' && nanoUsd === null ? 1 : 0,
    durationMs: step.durationMs,
  };
}

/** Totals by key, sorted by key. The caller selected the parts: those of runs started in the range. */
export function rollUp(parts: Iterable<TotalsPart>): TotalsRow[] {
  const partsByKey = new Map<string, TotalsPart[]>();
  for (const part of parts) {
    const group = partsByKey.get(part.key);
    if (group === undefined) partsByKey.set(part.key, [part]);
    else group.push(part);
  }
  return [...partsByKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, group]) => partsToRow(key, group));
}

function partsToRow(key: string, parts: readonly TotalsPart[]): TotalsRow {
  const sum = (of: (part: TotalsPart) => number): number => parts.reduce((total, part) => total + of(part), 0);
  const sorted = parts.flatMap((part) => part.durationMs ?? []).sort((a, b) => a - b);
  const steps = sum((part) => part.steps);
  const errors = sum((part) => part.errors);
  const costKnownNanoUsd = sum((part) => part.costKnownNanoUsd);
  return {
    key,
    runs: new Set(parts.map((part) => part.runId)).size,
    steps,
    errors,
    errorRate: errorRateOf(steps, errors),
    usage: parts.reduce((total, part) => (part.usage === null ? total : addUsage(total, part.usage)), unknownUsage),
    costNanoUsd: sum((part) => part.unpriced) > 0 ? null : costKnownNanoUsd,
    costKnownNanoUsd,
    durationP50Ms: percentileOf(sorted, 50),
    durationP90Ms: percentileOf(sorted, 90),
    durationP99Ms: percentileOf(sorted, 99),
  };
}

/** Errors per step, or `null` without steps. */
export function errorRateOf(steps: number, errors: number): number | null {
  return steps === 0 ? null : errors / steps;
}
