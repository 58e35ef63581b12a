import { z } from 'zod';
import { TachographError } from '../../core/error.ts';
import type { Annotation } from '../../core/store.ts';
import { runPath, uuid } from '../field.ts';
import { findRun } from '../reading/run-reference.ts';
import type { Route } from '../route.ts';
import { defineRoute } from '../route.ts';
import { annotation, annotationInput } from '../schema/detail.ts';
import type { Surroundings } from '../surroundings.ts';
import type { AnnotationInput } from '../wire.ts';

const annotationPath = runPath.extend({ annotationId: uuid });

/** Keeps an annotation. What people write is redacted first (I4). */
async function keep(around: Surroundings, runId: string, id: string, input: AnnotationInput): Promise<Annotation> {
  const { store, projectId, redactor } = around;
  const before = (await store.listAnnotations(projectId, runId)).find((other) => other.id === id) ?? null;
  const redact = (text: string | null | undefined): string | null =>
    text === null || text === undefined ? null : redactor.text(text).value;
  // A name such as "password" tells of its value, as a key does in JSON.
  const redactNamed = (value: string): string => {
    const named = JSON.parse(redactor.json(JSON.stringify({ [input.name ?? 'value']: value })).value) as unknown;
    const [kept] = typeof named === 'object' && named !== null ? Object.values(named) : [];
    return typeof kept === 'string' ? redactor.text(kept).value : '[WITHHELD:redaction-failed]';
  };
  const nowMs = around.clock.nowMs();
  const kept: Annotation = {
    id,
    runId,
    stepId: input.stepId ?? null,
    kind: input.kind,
    name: redact(input.name),
    value: typeof input.value === 'string' ? redactNamed(input.value) : (input.value ?? null),
    author: redact(input.author),
    createdAtMs: before?.createdAtMs ?? nowMs,
    updatedAtMs: nowMs,
  };
  await store.putAnnotation(projectId, kept);
  return kept;
}

const list = defineRoute({
  method: 'GET',
  path: '/api/v1/runs/{id}/annotations',
  scope: 'read',
  summary: 'Lists the annotations of a run.',
  params: runPath,
  answer: z.array(annotation),
  handle: async ({ params }, around) =>
    around.store.listAnnotations(around.projectId, (await findRun(around, params.id)).id),
});

const create = defineRoute({
  method: 'POST',
  path: '/api/v1/runs/{id}/annotations',
  scope: 'run',
  summary: 'Adds a score, note, label or pin to a run or one of its steps. A pinned run is never purged.',
  params: runPath,
  body: annotationInput,
  status: 201,
  answer: annotation,
  handle: async ({ params, body }, around) =>
    keep(around, (await findRun(around, params.id)).id, around.ids.uuid(), body),
});

const put = defineRoute({
  method: 'PUT',
  path: '/api/v1/runs/{id}/annotations/{annotationId}',
  scope: 'run',
  summary: 'Writes an annotation under the id given, in place of the one that has it.',
  params: annotationPath,
  body: annotationInput,
  answer: annotation,
  handle: async ({ params, body }, around) =>
    keep(around, (await findRun(around, params.id)).id, params.annotationId, body),
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/api/v1/runs/{id}/annotations/{annotationId}',
  scope: 'run',
  summary: 'Removes an annotation.',
  params: annotationPath,
  status: 204,
  answer: z.null(),
  async handle({ params }, around) {
    const run = await findRun(around, params.id);
    const isThere = (await around.store.listAnnotations(around.projectId, run.id)).some(
      ({ id }) => id === params.annotationId,
    );
    if (isThere && (await around.store.deleteAnnotation(around.projectId, params.annotationId))) return null;
    throw new TachographError('content-not-found', `Run ${run.id} has no annotation ${params.annotationId}.`);
  },
});

/** Routes of annotations. */
export const annotationRoutes: readonly Route[] = [list, create, put, remove];
