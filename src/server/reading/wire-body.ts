import type { BodyBase } from '../../core/content/body-reading.ts';
import { joinBody, planBody } from '../../core/content/body-reading.ts';
import type { AttemptView, BodyRef } from '../../core/model/attempt.ts';
import type { Surroundings } from '../surroundings.ts';
import { bytesToText } from './wire-content.ts';

type Around = Pick<Surroundings, 'store' | 'projectId'>;

/** Past so many steps it is quicker to read all attempts of the run at once. */
const singleReadsMax = 16;

/** Finds request bodies by place; reads a step's attempts once, and all of the run's when many are asked for. */
function createBodyIndex(around: Around, runId: string): (base: BodyBase) => Promise<BodyRef | null> {
  const attemptsByStep = new Map<string, readonly AttemptView[]>();
  let isWhole = false;
  const readStep = async (stepId: string): Promise<readonly AttemptView[]> => {
    const known = attemptsByStep.get(stepId);
    if (known !== undefined || isWhole) return known ?? [];
    if (attemptsByStep.size < singleReadsMax) {
      attemptsByStep.set(stepId, await around.store.listAttempts(around.projectId, runId, stepId));
    } else {
      isWhole = true;
      const all = await around.store.listAttempts(around.projectId, runId);
      for (const [id, attempts] of Map.groupBy(all, (attempt) => attempt.stepId)) attemptsByStep.set(id, attempts);
    }
    return attemptsByStep.get(stepId) ?? [];
  };
  return async ({ stepId, attempt }) => (await readStep(stepId)).find(({ number }) => number === attempt)?.requestBody ?? null;
}

/** Ids that a store is asked for at once. */
const readMax = 500;

/** A body as recorded, or `null` when it was withheld, erased, or not captured. */
export async function readBodyText(around: Around, runId: string, body: BodyRef | null): Promise<string | null> {
  if (body === null) return null;
  const pieces = await planBody(body, createBodyIndex(around, runId));
  if (pieces === null) return null;
  const ids = [...new Set(pieces.map(({ contentId }) => contentId))];
  const bytesById = new Map<string, Uint8Array>();
  for (let at = 0; at < ids.length; at += readMax) {
    const contents = await around.store.readContents(around.projectId, runId, ids.slice(at, at + readMax));
    for (const content of contents) bytesById.set(content.id, content.bytes);
  }
  const bytes = joinBody(pieces, bytesById);
  return bytes === null ? null : bytesToText(bytes);
}
