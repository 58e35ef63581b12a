import { z } from 'zod';
import { TachographError } from '../../core/error.ts';
import { flag, moment, positive } from '../field.ts';
import { filterFields, queryToFilter } from '../reading/run-filter.ts';
import { readVolume } from '../reading/volume.ts';
import type { Route } from '../route.ts';
import { defineRoute } from '../route.ts';
import { stats, volumeBucket } from '../schema/detail.ts';
import type { Stats } from '../wire.ts';

const bucketsDefault = 48;
const bucketsMax = 400;
const dayMs = 24 * 3600 * 1000;

const totals = defineRoute({
  method: 'GET',
  path: '/api/v1/stats',
  scope: 'read',
  summary: 'Totals by model, agent or UTC day, over runs started in a range.',
  query: z.strictObject({
    by: z.enum(['model', 'agent', 'day'], 'must be model, agent or day').optional(),
    since: moment('Started at or after.').optional(),
    until: moment('Started before.').optional(),
    includeDryRun: flag('Dry runs too.').optional(),
  }),
  answer: stats,
  async handle({ query }, { store, projectId }): Promise<Stats> {
    const by = query.by ?? 'model';
    const { since, until, includeDryRun } = query;
    return { by, rows: await store.totals(projectId, { by, sinceMs: since, untilMs: until, includeDryRun }) };
  },
});

const volume = defineRoute({
  method: 'GET',
  path: '/api/v1/stats/volume',
  scope: 'read',
  summary:
    'Runs, runs with an error, and cost over time, in equal buckets, for the filters of the list. The last 24 hours unless said.',
  query: z.strictObject({
    ...filterFields,
    buckets: positive(`Buckets; ${bucketsDefault} unless said, never more than ${bucketsMax}.`).optional(),
  }),
  queryProblem: (field) => (field === 'buckets' ? 'bad-argument' : 'bad-filter'),
  answer: z.array(volumeBucket),
  async handle({ query }, around) {
    const untilMs = query.until ?? around.clock.nowMs();
    const sinceMs = query.since ?? untilMs - dayMs;
    if (sinceMs >= untilMs)
      throw new TachographError(
        'bad-filter',
        `The range is empty: "since" (${sinceMs}) is not before "until" (${untilMs}).`,
      );
    const buckets = Math.min(query.buckets ?? bucketsDefault, bucketsMax);
    return readVolume(around, queryToFilter(query), { sinceMs, untilMs, buckets });
  },
});

/** Routes of totals. */
export const statsRoutes: readonly Route[] = [totals, volume];
