import { z } from 'zod';
import { diffRuns } from '../../core/difference/run-difference.ts';
import { diffSteps } from '../../core/difference/step-difference.ts';
import type { ComparedRun } from '../../core/difference/step-keys.ts';
import { positive, runPath, text } from '../field.ts';
import { findRun } from '../reading/run-reference.ts';
import type { Route } from '../route.ts';
import { defineRoute } from '../route.ts';
import type { Surroundings } from '../surroundings.ts';
import { runDifference, stepDifference } from './schema.ts';

const twoRuns = runPath.extend({
  other: text('The run to compare with: an id, a unique beginning of one, or `last`.'),
});

/** Both runs of a path. `run-not-found` also for one of another project (I10). */
async function findRuns(
  around: Surroundings,
  params: { readonly id: string; readonly other: string },
): Promise<readonly [ComparedRun, ComparedRun]> {
  const { store, projectId } = around;
  const find = async (reference: string): Promise<ComparedRun> => ({
    store,
    projectId,
    runId: (await findRun(around, reference)).id,
  });
  return [await find(params.id), await find(params.other)];
}

const runs = defineRoute({
  method: 'GET',
  path: '/api/v1/runs/{id}/diff/{other}',
  scope: 'read',
  summary: 'Compares two runs: steps side by side, the first divergence, and what tokens, cost and time differ by.',
  params: twoRuns,
  answer: runDifference,
  async handle({ params }, around) {
    const [a, b] = await findRuns(around, params);
    return diffRuns(a, b, true);
  },
});

const steps = defineRoute({
  method: 'GET',
  path: '/api/v1/runs/{id}/diff/{other}/steps',
  scope: 'read',
  summary:
    'Compares a step of a run with one of another, word for word. Messages that both begin with are only counted.',
  params: twoRuns,
  query: z.strictObject({
    a: positive('Number of the step of the first run.'),
    b: positive('Number of the step of the second run.'),
  }),
  answer: stepDifference,
  async handle({ params, query }, around) {
    const [a, b] = await findRuns(around, params);
    return diffSteps({ of: a, number: query.a }, { of: b, number: query.b });
  },
});

/** Routes that compare runs. */
export const differenceRoutes: readonly Route[] = [runs, steps];
