import { readBody } from '../../core/content/body-reading.ts';
import type { BodyRef } from '../../core/model/attempt.ts';
import type { Surroundings } from '../surroundings.ts';
import { bytesToText } from './wire-content.ts';

/** A body as recorded, or `null` when it was withheld, erased, or not captured. */
export async function readBodyText(
  around: Pick<Surroundings, 'store' | 'projectId'>,
  runId: string,
  body: BodyRef | null,
): Promise<string | null> {
  if (body === null) return null;
  const { store, projectId } = around;
  const bytes = await readBody(body, {
    readContents: (ids) => store.readContents(projectId, runId, ids),
    readPath: (nodeId) => store.readContext(projectId, runId, nodeId),
  });
  return bytes === null ? null : bytesToText(bytes);
}
