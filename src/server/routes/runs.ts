import { z } from 'zod';
import { flag, integer, runPath, text } from '../field.ts';
import { filterFields, queryToFilter } from '../reading/run-filter.ts';
import { readChildCost } from '../reading/child-cost.ts';
import { findRun } from '../reading/run-reference.ts';
import { readWireContents } from '../reading/wire-content.ts';
import { readGaps } from '../reading/wire-event.ts';
import type { Route } from '../route.ts';
import { defineRoute } from '../route.ts';
import { erasureResult, runDetail, runPage, wireVerdict } from '../schema/detail.ts';
import { toProblem } from '../problem.ts';
import type { Surroundings } from '../surroundings.ts';
import type { RunDetail, RunPage } from '../wire.ts';

const pageFields = {
  limit: integer(
    'Runs of a page; at most 500. Outside 1 to 500 it becomes 50 and `limitCorrected` says so.',
  ).optional(),
  offset: integer('Runs to pass over.').optional(),
  cursor: text('From `nextCursor` of the page before.').optional(),
  count: flag('Counts all runs that pass the filter into `total`.').optional(),
};

const list = defineRoute({
  method: 'GET',
  path: '/api/v1/runs',
  scope: 'read',
  summary: 'Lists runs, newest first.',
  query: z.strictObject({ ...filterFields, ...pageFields }),
  queryProblem: (field) =>
    field === 'cursor' ? 'bad-cursor' : Object.hasOwn(pageFields, field) ? 'bad-argument' : 'bad-filter',
  answer: runPage,
  async handle({ query }, { store, projectId }): Promise<RunPage> {
    const filter = queryToFilter(query);
    const { limit, offset, cursor } = query;
    const page = await store.listRuns(projectId, filter, { limit, offset, cursor });
    const total = query.count === true ? await store.countRuns(projectId, filter) : null;
    return {
      items: page.items,
      nextCursor: page.nextCursor,
      limit: page.limit,
      limitCorrected: page.limitCorrected,
      total,
    };
  },
});

/** A run with what its page shows first; `reference` as in a path. */
export async function readRunDetail(around: Surroundings, reference: string): Promise<RunDetail> {
  const { store, projectId } = around;
  const run = await findRun(around, reference);
  const contents = await readWireContents(around, run.id, [run.inputsId, run.outputId, run.environmentId]);
  const contentOf = (id: string | null) => (id === null ? null : (contents.get(id) ?? null));
  const environment = contentOf(run.environmentId);
  const chain = await store.parentChain(projectId, run.id);
  return {
    run,
    inputs: contentOf(run.inputsId),
    output: contentOf(run.outputId),
    environment: environment === null ? null : (environment.value ?? { error: 'malformed', raw: environment.raw }),
    chain: chain.map(({ id, agentId, name }) => ({ id, agentId, name })),
    annotations: await store.listAnnotations(projectId, run.id),
    gaps: await readGaps(around, run),
    childCost: await readChildCost(around, run),
  };
}

const get = defineRoute({
  method: 'GET',
  path: '/api/v1/runs/{id}',
  scope: 'read',
  summary: 'Gives a run with its inputs, output, environment, parents, annotations and gaps.',
  params: runPath,
  answer: runDetail,
  handle: ({ params }, around) => readRunDetail(around, params.id),
});

const verify = defineRoute({
  method: 'GET',
  path: '/api/v1/runs/{id}/verify',
  scope: 'read',
  summary: 'Answers whether the record of a run is intact, and whether it is complete.',
  params: runPath,
  answer: wireVerdict,
  handle: async ({ params }, around) => around.verify(around.projectId, (await findRun(around, params.id)).id),
});

const eraseDefinition = {
  summary:
    'Erases what people and models wrote in a run, for good. Numbers, times and hashes stay, and the chain still verifies.',
  params: runPath,
  answer: erasureResult,
  async handle({ params }: { params: { id: string } }, around: Surroundings) {
    const run = await findRun(around, params.id);
    if (around.eraseRun === null)
      return toProblem('not-offered', 'This server cannot erase. Use the command line: tachograph erase <run>.');
    return around.eraseRun(around.projectId, run.id);
  },
};

/** Routes of runs: list, get, verify, erase. */
export const runRoutes: readonly Route[] = [
  list,
  get,
  verify,
  defineRoute({ method: 'POST', path: '/api/v1/runs/{id}/erase', scope: 'admin', ...eraseDefinition }),
  defineRoute({ method: 'DELETE', path: '/api/v1/runs/{id}', scope: 'admin', ...eraseDefinition }),
];
