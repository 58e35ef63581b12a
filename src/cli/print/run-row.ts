import type { RunView } from '../../core/model/run.ts';
import { toCount, toDuration, toRunCost, toShortId, toTime, toTokens } from './figures.ts';
import type { Column } from './table.ts';
import type { Paint } from './terminal.ts';
import { toVisibleLine } from './terminal.ts';

/** Columns of a list of runs. */
export const runColumns: readonly Column[] = [
  { heading: 'RUN' },
  { heading: 'STARTED (UTC)' },
  { heading: 'STATUS' },
  { heading: 'AGENT' },
  { heading: 'STEPS', align: 'right' },
  { heading: 'TRIES', align: 'right' },
  { heading: 'TOKENS', align: 'right' },
  { heading: 'COST', align: 'right' },
  { heading: 'TIME', align: 'right' },
  { heading: 'WHAT' },
];

/** A status in its colour; the reason stands beside it where it says more. */
export function toStatus(run: Pick<RunView, 'status' | 'endReason'>, paint: Paint): string {
  const text =
    run.endReason === null || run.endReason === 'ok' || run.endReason === run.status
      ? run.status
      : `${run.status}: ${run.endReason}`;
  if (run.status === 'completed') return paint.green(text);
  if (run.status === 'failed' || run.status === 'timeout') return paint.red(text);
  if (run.status === 'cancelled') return paint.yellow(text);
  return paint.blue(text);
}

function toBadges(run: RunView): string {
  const badges = [
    ...(run.dryRun ? ['dry run'] : []),
    ...(run.shadow ? ['shadow'] : []),
    ...(run.counts.gaps + run.counts.missing > 0 ? ['gap'] : []),
    ...(run.erased ? ['erased'] : []),
    ...(run.observedAfter ? ['observed after'] : []),
  ];
  return badges.length === 0 ? '' : `[${badges.join(', ')}] `;
}

/** A run as a row of `runColumns`; `columns` bounds the words at its end. */
export function runToRow(run: RunView, paint: Paint, columns: number): string[] {
  const what = run.summary.firstMessage ?? run.name ?? '';
  return [
    toShortId(run.id),
    toTime(run.startedAtMs ?? run.createdAtMs),
    toStatus(run, paint),
    toVisibleLine(run.agentId, 24),
    String(run.counts.steps),
    run.counts.retries > 0 ? paint.yellow(toCount(run.counts.attempts)) : toCount(run.counts.attempts),
    toTokens(run.usage),
    toRunCost(run),
    toDuration(run.durationMs),
    toBadges(run) + toVisibleLine(what, columns),
  ];
}
