import { TachographError } from '../error.ts';
import type { EndReason, RunStatus, RunView } from '../model/run.ts';
import { endReasons, runStatuses } from '../model/run.ts';
import type { RunFilter } from '../store.ts';
import { runTimeMs } from './cursor.ts';

/** Fields of a filter that ask for one exact text. */
export const exactFields = ['agentId', 'callerId', 'channelId', 'sessionId', 'model', 'kind'] as const;

const flags = ['topLevelOnly', 'includeDryRun', 'dryRun', 'hasError'] as const;
const labelsMax = 32;

function refuse(field: string, value: unknown, wanted: string): never {
  const shown = (JSON.stringify(value) ?? String(value)).slice(0, 100);
  throw new TachographError('bad-filter', `The filter "${field}" is ${shown}; it must be ${wanted}.`);
}

function checkList(field: string, value: readonly string[] | undefined, known: readonly string[]): void {
  if (value === undefined) return;
  const isGood = Array.isArray(value) && value.every((item) => known.includes(item));
  if (!isGood) refuse(field, value, `a list of ${known.join(', ')}`);
}

function checkLabels(labels: RunFilter['labels']): void {
  if (labels === undefined) return;
  const isObject = labels !== null && typeof labels === 'object' && !Array.isArray(labels);
  const values = isObject ? Object.values(labels) : [];
  if (!isObject || values.length > labelsMax || values.some((value) => typeof value !== 'string')) {
    refuse('labels', labels, `an object of at most ${labelsMax} names and texts`);
  }
}

/**
 * Gives the filter back, or `bad-filter` with the field and its value. A filter that passed holds only values of the
 * declared shapes, so a store may bind them as they are.
 */
export function checkRunFilter(filter: RunFilter): RunFilter {
  checkList('status', filter.status, runStatuses);
  checkList('endReason', filter.endReason, endReasons);
  for (const field of [...exactFields, 'text'] as const) {
    const value = filter[field];
    if (value !== undefined && typeof value !== 'string') refuse(field, value, 'a text');
  }
  for (const field of flags) {
    const value = filter[field];
    if (value !== undefined && typeof value !== 'boolean') refuse(field, value, 'true or false');
  }
  for (const field of ['sinceMs', 'untilMs'] as const) {
    const value = filter[field];
    if (value !== undefined && !Number.isFinite(value)) refuse(field, value, 'Unix milliseconds');
  }
  checkLabels(filter.labels);
  return filter;
}

/** Which dry runs a filter wants: `null` is both kinds of runs. An explicit `dryRun` wins over `includeDryRun`. */
export function wantedDryRun(filter: Pick<RunFilter, 'dryRun' | 'includeDryRun'>): boolean | null {
  if (filter.dryRun !== undefined) return filter.dryRun;
  return filter.includeDryRun === true ? null : false;
}

const isIn = <T>(list: readonly T[] | undefined, value: T | null): boolean =>
  list === undefined || list.length === 0 || (value !== null && list.includes(value));

/**
 * True when a run passes every condition but `text`, which only a store can answer. An empty list of statuses or
 * reasons asks for nothing and lets all pass.
 */
export function isRunMatching(run: RunView, filter: RunFilter): boolean {
  const dryRun = wantedDryRun(filter);
  const timeMs = runTimeMs(run);
  return (
    (dryRun === null || run.dryRun === dryRun) &&
    isIn<RunStatus>(filter.status, run.status) &&
    isIn<EndReason>(filter.endReason, run.endReason) &&
    exactFields.every((field) => filter[field] === undefined || run[field] === filter[field]) &&
    (filter.topLevelOnly !== true || run.parentRunId === null) &&
    (filter.hasError === undefined || run.summary.hasError === filter.hasError) &&
    (filter.sinceMs === undefined || timeMs >= filter.sinceMs) &&
    (filter.untilMs === undefined || timeMs < filter.untilMs) &&
    Object.entries(filter.labels ?? {}).every(
      ([name, value]) => Object.hasOwn(run.labels, name) && run.labels[name] === value,
    )
  );
}
