import { z } from 'zod';
import { toParts } from '../../core/content/message.ts';
import type { StepView } from '../../core/model/step.ts';
import { index, positive, runPath, stepPath } from '../field.ts';
import { findRun } from '../reading/run-reference.ts';
import { readWireContents } from '../reading/wire-content.ts';
import { readWireContext } from '../reading/wire-context.ts';
import type { Route } from '../route.ts';
import { defineRoute } from '../route.ts';
import { wireContext } from '../schema/content.ts';
import { stepDetail } from '../schema/detail.ts';
import { stepView } from '../schema/step.ts';
import type { Surroundings } from '../surroundings.ts';
import type { StepDetail } from '../wire.ts';

const limitDefault = 500;
const limitMax = 10_000;

const list = defineRoute({
  method: 'GET',
  path: '/api/v1/runs/{id}/steps',
  scope: 'read',
  summary: 'Lists steps by number. The next page begins after the last number of this one.',
  params: runPath,
  query: z.strictObject({
    from: positive('First number wanted.').optional(),
    limit: positive(`Steps at most; ${limitDefault} unless said, never more than ${limitMax}.`).optional(),
  }),
  answer: z.array(stepView),
  async handle({ params, query }, around) {
    const run = await findRun(around, params.id);
    const limit = Math.min(query.limit ?? limitDefault, limitMax);
    return around.store.listSteps(around.projectId, run.id, { fromNumber: query.from ?? 1, limit });
  },
});

/** The step that a path names. `run-not-found` or `step-not-found`. */
export async function findStep(around: Surroundings, params: { id: string; n: number }): Promise<StepView> {
  const run = await findRun(around, params.id);
  return around.store.getStep(around.projectId, run.id, params.n);
}

/** A step with its contents, attempts and the runs it started. */
export async function readStepDetail(around: Surroundings, step: StepView): Promise<StepDetail> {
  const { store, projectId } = around;
  const contents = await readWireContents(around, step.runId, [
    step.argsId,
    step.requestId,
    step.responseId,
    step.resultId,
  ]);
  const contentOf = (id: string | null) => (id === null ? null : (contents.get(id) ?? null));
  const response = contentOf(step.responseId);
  const children = await store.listChildren(projectId, step.runId);
  return {
    step,
    args: contentOf(step.argsId),
    request: contentOf(step.requestId),
    response,
    responseParts: response === null ? [] : toParts(response.value ?? response.raw),
    result: contentOf(step.resultId),
    attempts: await store.listAttempts(projectId, step.runId, step.id),
    childRuns: children.filter((child) => child.parentStepId === step.id),
  };
}

const get = defineRoute({
  method: 'GET',
  path: '/api/v1/runs/{id}/steps/{n}',
  scope: 'read',
  summary: 'Gives a step with its contents, attempts and the runs it started.',
  params: stepPath,
  answer: stepDetail,
  handle: async ({ params }, around) => readStepDetail(around, await findStep(around, params)),
});

const context = defineRoute({
  method: 'GET',
  path: '/api/v1/runs/{id}/steps/{n}/context',
  scope: 'read',
  summary: 'Gives what the model saw: messages, those new since the previous step marked, and tools.',
  params: stepPath,
  query: z.strictObject({ from: index('Index of the first message wanted.').optional() }),
  answer: wireContext,
  handle: async ({ params, query }, around) => readWireContext(around, await findStep(around, params), query.from ?? 0),
});

/** Routes of steps. */
export const stepRoutes: readonly Route[] = [list, get, context];
