import { z } from 'zod';
import { isTachographError } from '../../core/error.ts';
import type { RunView } from '../../core/model/run.ts';
import type { SearchHit } from '../../core/store.ts';
import { positive, runReference, text } from '../field.ts';
import { findRun } from '../reading/run-reference.ts';
import type { Route } from '../route.ts';
import { defineRoute } from '../route.ts';
import { searchPage } from '../schema/detail.ts';
import type { Surroundings } from '../surroundings.ts';
import type { SearchPage } from '../wire.ts';

const limitDefault = 50;
const limitMax = 500;

async function readRun(around: Surroundings, runId: string): Promise<RunView | null> {
  try {
    return await around.store.getRun(around.projectId, runId);
  } catch (error) {
    // Purged between the search and this reading.
    if (isTachographError(error) && error.code === 'run-not-found') return null;
    throw error;
  }
}

/** Hits with the runs and step numbers that a reader needs to go there. */
async function toPage(around: Surroundings, hits: readonly SearchHit[]): Promise<SearchPage> {
  const runById = new Map<string, RunView | null>();
  const numberByStep = new Map<string, number>();
  for (const [runId, ofRun] of Map.groupBy(hits, (hit) => hit.runId)) {
    const run = await readRun(around, runId);
    runById.set(runId, run);
    if (run === null) continue;
    const stepIds = new Set(ofRun.map((hit) => hit.stepId).filter((id) => id !== null));
    for (const [id, number] of await around.stepNumbers.find(around, run, stepIds)) numberByStep.set(id, number);
  }
  const items = hits.map((hit) => ({
    ...hit,
    run: runById.get(hit.runId) ?? null,
    stepNumber: hit.stepId === null ? null : (numberByStep.get(hit.stepId) ?? null),
  }));
  return { items };
}

/** Full-text search. */
export const searchRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/api/v1/search',
    scope: 'read',
    summary:
      'Finds words, or "a phrase" in double quotes, in messages, outputs, tool arguments and results, and errors.',
    query: z.strictObject({
      q: text('What to find.'),
      limit: positive(`Hits at most; ${limitDefault} unless said, never more than ${limitMax}.`).optional(),
      order: z.enum(['time', 'rank'], 'must be time or rank').optional(),
      run: runReference.optional(),
    }),
    answer: searchPage,
    async handle({ query }, around) {
      const runId = query.run === undefined ? undefined : (await findRun(around, query.run)).id;
      const limit = Math.min(query.limit ?? limitDefault, limitMax);
      return toPage(around, await around.store.search(around.projectId, query.q, { limit, order: query.order, runId }));
    },
  }),
];
