import { z } from 'zod';
import type { UpkeepState } from '../../core/life/upkeep.ts';
import { runStatuses } from '../../core/model/run.ts';
import { isTachographError, TachographError } from '../../core/error.ts';
import { refuseScope } from '../access/gate.ts';
import type { Gauge } from '../metrics.ts';
import { gaugesToText } from '../metrics.ts';
import { errorToProblem } from '../problem.ts';
import { readWorkGauges } from '../reading/work-gauges.ts';
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

/** True for whoever may read the server's own project: what the upkeep says is of all projects. */
async function isOwnReader({ headers }: Request, { access, projectId, remote }: Surroundings): Promise<boolean> {
  if (access === null) return true;
  try {
    const found = await access.gate.admit({ headers, remote });
    return !(found instanceof Response) && found.projectId === projectId && refuseScope(found, 'read') === null;
  } catch (error) {
    // Alive is alive, also while the store cannot say whose key it is.
    if (isTachographError(error)) return false;
    throw error;
  }
}

const alive = defineRoute({
  method: 'GET',
  path: '/healthz',
  scope: null,
  summary: 'Says that the process is alive, and, to who may read its own project, how retention and quota stand.',
  answer: z.strictObject({ status: z.literal('ok'), version: z.string(), upkeep: upkeepState.optional() }),
  async handle({ request }, around) {
    const { version, upkeep } = around;
    const isTold = upkeep !== null && (await isOwnReader(request, around));
    return { status: 'ok', version, ...(isTold ? { upkeep: upkeep() } : {}) };
  },
});

/** A store that takes longer is no store to send anybody to. */
const readyMs = 5000;

/** Asks the store to read and to write; rejects when it does not answer in time. */
async function tryStore(store: Surroundings['store']): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const error = new TachographError('store-busy', `The store has not answered within ${readyMs / 1000} s.`);
    timer = setTimeout(() => reject(error), readyMs);
  });
  const asked = (async (): Promise<void> => {
    await store.changeCount();
    // Takes the store's write lock and changes nothing: no journal has this name.
    await store.forgetJournal('');
  })();
  try {
    await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

const ready = defineRoute({
  method: 'GET',
  path: '/readyz',
  scope: null,
  summary: 'Says that the store can be read and written; 503 with the reason otherwise.',
  answer: z.strictObject({ status: z.literal('ok'), store: z.enum(['memory', 'sqlite', 'postgres']) }),
  async handle(_input, { store }) {
    try {
      await tryStore(store);
      return { status: 'ok', store: store.kind };
    } catch (error) {
      // Whatever is wrong with the store: nobody is to be sent here until it is put right.
      return errorToProblem(error, 503);
    }
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

/** Numbers of the project, which only the store knows. */
async function readGauges(around: Surroundings): Promise<readonly Gauge[]> {
  const { store, projectId, version, clock } = around;
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
    ...(store.work === null ? [] : await readWorkGauges(store.work, projectId)),
    {
      name: 'tachograph_uptime_seconds',
      help: 'Time since the server started.',
      samples: one((clock.nowMs() - around.startedAtMs) / 1000),
    },
  ];
}

/** What is of all projects. */
async function readServerGauges(around: Surroundings): Promise<readonly Gauge[]> {
  const samples = async (value: number | Promise<number>) => [{ labels: {}, value: await value }];
  return [
    {
      name: 'tachograph_store_changes',
      help: 'The change count of the store.',
      samples: await samples(around.store.changeCount()),
    },
    ...upkeepGauges(around),
    {
      name: 'tachograph_streams',
      help: 'Event streams open now.',
      samples: await samples(around.metrics.openStreams()),
    },
  ];
}

/** Numbers that the store gives; none while it does not answer, which the other numbers tell of. */
async function readStore(read: () => Promise<readonly Gauge[]>): Promise<readonly Gauge[]> {
  try {
    return await read();
  } catch (error) {
    if (isTachographError(error)) return [];
    throw error;
  }
}

const readOther = async ({ gauges }: Surroundings): Promise<readonly Gauge[]> => (gauges === null ? [] : gauges());

const metrics = defineRoute({
  method: 'GET',
  path: '/metrics',
  scope: 'read',
  summary:
    'Numbers of the project in the Prometheus text format; to a key of the server’s own project, those of the whole server too.',
  answer: 'text/plain',
  async handle(_input, around) {
    const own = await readStore(() => readGauges(around));
    const text = around.isOwner
      ? around.metrics.toText([
          ...own,
          ...(await readStore(() => readServerGauges(around))),
          ...(await readOther(around)),
        ])
      : gaugesToText(own);
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
