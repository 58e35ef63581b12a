import type { z } from 'zod';
import { endReasons, runStatuses } from '../../core/model/run.ts';
import type { RunFilter } from '../../core/store.ts';
import { flag, labels, list, moment, text } from '../field.ts';

/** Query fields that choose runs, the same wherever runs are chosen. */
export const filterFields = {
  status: list(runStatuses, 'Any of these statuses, repeated or comma-separated.').optional(),
  endReason: list(endReasons, 'Any of these end reasons, repeated or comma-separated.').optional(),
  agent: text('Runs of this agent.').optional(),
  caller: text('Runs of this caller.').optional(),
  channel: text('Runs of this channel.').optional(),
  session: text('Runs of this session.').optional(),
  model: text('Runs whose latest model step was served by this model.').optional(),
  kind: text('Runs of this kind.').optional(),
  label: labels(
    'Runs with this label, as `key:value`, repeated; all must be present. `a=1,b=2` in one field works too.',
  ).optional(),
  hasError: flag('Only runs with (or without) a step that ended in error.').optional(),
  since: moment('Started at or after.').optional(),
  until: moment('Started before.').optional(),
  text: text('Full text: words, or "a phrase" in double quotes.').optional(),
  q: text('The same as `text`.').optional(),
  nested: flag('Child runs too; without it only top-level runs.').optional(),
  includeDryRun: flag('Dry runs too.').optional(),
  dryRuns: flag('The same as `includeDryRun`.').optional(),
  dryRun: flag('Only dry runs, or none; wins over `includeDryRun`.').optional(),
};

/** A validated filter query. */
export type FilterQuery = { readonly [K in keyof typeof filterFields]?: z.output<(typeof filterFields)[K]> };

/** The store's filter for a query. Top-level runs unless `nested` says otherwise. */
export function queryToFilter(query: FilterQuery): RunFilter {
  const filter: RunFilter = {
    status: query.status,
    endReason: query.endReason,
    agentId: query.agent,
    callerId: query.caller,
    channelId: query.channel,
    sessionId: query.session,
    model: query.model,
    kind: query.kind,
    labels: query.label,
    hasError: query.hasError,
    sinceMs: query.since,
    untilMs: query.until,
    text: query.text ?? query.q,
    topLevelOnly: query.nested !== true,
    includeDryRun: query.includeDryRun ?? query.dryRuns,
    dryRun: query.dryRun,
  };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as RunFilter;
}
