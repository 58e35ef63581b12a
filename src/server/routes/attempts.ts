import { z } from 'zod';
import { TachographError } from '../../core/error.ts';
import { positive, stepPath } from '../field.ts';
import { readBodyText } from '../reading/wire-body.ts';
import type { Route } from '../route.ts';
import { defineRoute } from '../route.ts';
import { attemptDetail, attemptView } from '../schema/attempt.ts';
import type { AttemptDetail } from '../wire.ts';
import { findStep } from './steps.ts';

const list = defineRoute({
  method: 'GET',
  path: '/api/v1/runs/{id}/steps/{n}/attempts',
  scope: 'read',
  summary: 'Lists the attempts of a step.',
  params: stepPath,
  answer: z.array(attemptView),
  async handle({ params }, around) {
    const step = await findStep(around, params);
    return around.store.listAttempts(around.projectId, step.runId, step.id);
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/api/v1/runs/{id}/steps/{n}/attempts/{k}',
  scope: 'read',
  summary: 'Gives an attempt with both bodies as recorded.',
  params: stepPath.extend({ k: positive('Number of the attempt, from 1.') }),
  answer: attemptDetail,
  async handle({ params }, around): Promise<AttemptDetail> {
    const step = await findStep(around, params);
    const attempts = await around.store.listAttempts(around.projectId, step.runId, step.id);
    const attempt = attempts.find(({ number }) => number === params.k);
    if (attempt === undefined) {
      throw new TachographError(
        'step-not-found',
        `Step ${step.number} of run ${step.runId} has no attempt ${params.k}.`,
      );
    }
    return {
      attempt,
      requestBody: await readBodyText(around, step.runId, attempt.requestBody),
      responseBody: await readBodyText(around, step.runId, attempt.responseBody),
    };
  },
});

/** Routes of attempts. */
export const attemptRoutes: readonly Route[] = [list, get];
