import { z } from 'zod';
import { contentId, runReference } from '../field.ts';
import { findRun } from '../reading/run-reference.ts';
import { readWireContent } from '../reading/wire-content.ts';
import type { Route } from '../route.ts';
import { defineRoute } from '../route.ts';
import { wireContent } from '../schema/content.ts';

/** Routes of contents. */
export const contentRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/api/v1/contents/{runId}/{contentId}',
    scope: 'read',
    summary: 'Gives one content of a run, its exact text included.',
    params: z.strictObject({ runId: runReference, contentId }),
    answer: wireContent,
    async handle({ params }, around) {
      const run = await findRun(around, params.runId);
      return readWireContent(around, run.id, params.contentId);
    },
  }),
];
