import { z } from 'zod';
import type { UpkeepState } from '../../core/life/upkeep.ts';
import { runStatuses } from '../../core/model/run.ts';
import type { Gauge } from '../metrics.ts';
import type { Route } from '../route.ts';
import { defineRoute, toJson } from '../route.ts';
import { count, ms } from '../schema/scalar.ts';
import type { Surroundings } from '../surroundings.ts';

const upkeepState = z
  .strictObject({
    lastPassAtMs: ms.nullable(),
    error: z.string().nullable().describe('Why the last pass could not do all of it; everything else goes on.'),
    purgedRuns: count,
    sampledRuns: count,
    quota: z.strictObject({ limitBytes: count, usedBytes: count, droppedRuns: count, isOver: z.boolean() }).nullable(),
  })
  .meta({ id: 'UpkeepState' }) satisfies z.ZodType<UpkeepState>;

const alive = defineRoute({
  method: 'GET',
  path: '/healthz',
  scope: null,
  summary: 'Says that the process is alive, and how retention and quota stand where it sees to them.',
  answer: z.strictObject({ status: z.literal('ok'), version: z.string(), upkeep: upkeepState.optional() }),
  handle: async (_input, { version, upkeep }) => ({
    status: 'ok',
    version,
    ...(upkeep === null ? {} : { upkeep: upkeep() }),
  }),
});

const ready = defineRoute({
  method: 'GET',
  path: '/readyz',
  scope: null,
  summary: 'Says that the store can be read and written; 503 otherwise.',
  answer: z.strictObject({ status: z.literal('ok'), store: z.enum(['memory', 'sqlite', 'postgres']) }),
  async handle(_input, { store }) {
    await store.changeCount();
    // Takes the store's write lock and changes nothing: no journal has this name.
    await store.forgetJournal('');
    return { status: 'ok', store: store.kind };
  },
});

function upkeepGauges({ upkeep }: Surroundings): readonly Gauge[] {
  if (upkeep === null) return [];
  const { error, purgedRuns, sampledRuns, quota } = upkeep();
  const one = (name: string, help: string, value: number): Gauge => ({ name, help, samples: [{ labels: {}, value }] });
  return [
    one(
      'tachograph_upkeep_failing',
      '1 while retention, sampling or quota could not do all of it.',
      error === null ? 0 : 1,
    ),
    one('tachograph_upkeep_purged_runs', 'Runs dropped by retention since the server started.', purgedRuns),
    one(
      'tachograph_upkeep_sampled_runs',
      'Runs that lost their words by sampling since the server started.',
      sampledRuns,
    ),
    ...(quota === null
      ? []
      : [
          one('tachograph_quota_limit_bytes', 'The quota of the home.', quota.limitBytes),
          one('tachograph_quota_used_bytes', 'What the home holds.', quota.usedBytes),
          one(
            'tachograph_quota_dropped_runs',
            'Runs dropped by the quota since the server started.',
            quota.droppedRuns,
          ),
        ]),
  ];
}

async function readGauges(around: Surroundings): Promise<readonly Gauge[]> {
  const { store, projectId, version, metrics, clock } = around;
  const runs = [];
  for (const status of runStatuses) {
    runs.push({
      labels: { status },
      value: await store.countRuns(projectId, { status: [status], includeDryRun: true }),
    });
  }
  const one = (value: number) => [{ labels: {}, value }];
  return [
    {
      name: 'tachograph_info',
      help: 'The running version.',
      samples: [{ labels: { version, store: store.kind }, value: 1 }],
    },
    { name: 'tachograph_runs', help: 'Runs in the store, dry runs included, by status.', samples: runs },
    {
      name: 'tachograph_store_changes',
      help: 'The change count of the store.',
      samples: one(await store.changeCount()),
    },
    {
      name: 'tachograph_uptime_seconds',
      help: 'Time since the server started.',
      samples: one((clock.nowMs() - around.startedAtMs) / 1000),
    },
    ...upkeepGauges(around),
    { name: 'tachograph_streams', help: 'Event streams open now.', samples: one(metrics.openStreams()) },
  ];
}

const metrics = defineRoute({
  method: 'GET',
  path: '/metrics',
  scope: 'read',
  summary: 'Numbers of the server in the Prometheus text format.',
  answer: 'text/plain',
  async handle(_input, around) {
    const text = around.metrics.toText(await readGauges(around));
    return new Response(text, {
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' },
    });
  },
});

const openApi = defineRoute({
  method: 'GET',
  path: '/api/openapi.json',
  scope: null,
  summary: 'This description.',
  answer: 'application/json',
  handle: async (_input, around) => toJson(around.openApi()),
});

/** Routes about the server itself. */
export const healthRoutes: readonly Route[] = [alive, ready, metrics, openApi];
