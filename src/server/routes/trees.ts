import { z } from 'zod';
import { positive, runPath } from '../field.ts';
import { findRun } from '../reading/run-reference.ts';
import { readTree } from '../reading/run-tree.ts';
import type { Route } from '../route.ts';
import { defineRoute } from '../route.ts';
import { runTree } from '../schema/detail.ts';
import { runView } from '../schema/run.ts';

const depthMax = 32;
const stepsDefault = 2000;
const stepsMax = 20_000;
const runsMax = 1000;

const tree = defineRoute({
  method: 'GET',
  path: '/api/v1/runs/{id}/tree',
  scope: 'read',
  summary: 'Gives a run with its steps and, nested, its child runs. What a limit cuts is marked `cut`.',
  params: runPath,
  query: z.strictObject({
    depth: positive(`Levels of runs; never more than ${depthMax}.`).optional(),
    steps: positive(`Steps of all runs together; ${stepsDefault} unless said, never more than ${stepsMax}.`).optional(),
  }),
  answer: runTree,
  async handle({ params, query }, around) {
    const run = await findRun(around, params.id);
    const depth = Math.min(query.depth ?? depthMax, depthMax);
    return readTree(around, run, { depth, steps: Math.min(query.steps ?? stepsDefault, stepsMax), runs: runsMax });
  },
});

const children = defineRoute({
  method: 'GET',
  path: '/api/v1/runs/{id}/children',
  scope: 'read',
  summary: 'Lists child runs, oldest first.',
  params: runPath,
  answer: z.array(runView),
  async handle({ params }, around) {
    const run = await findRun(around, params.id);
    return around.store.listChildren(around.projectId, run.id);
  },
});

/** Routes of what hangs under a run. */
export const treeRoutes: readonly Route[] = [tree, children];
