import type { BodyRef } from '../model/attempt.ts';
import type { Content } from './content.ts';

/** Where the pieces of a body are read from. */
export interface BodySource {
  readContents(ids: readonly string[]): Promise<readonly Content[]>;
  /** Contents of a path in order; missing ones are left out. */
  readPath(nodeId: string): Promise<readonly Content[]>;
}

/**
 * The bytes of a recorded body, as recorded. `null` when there are none: withheld, never captured, erased, or a piece
 * of it is missing.
 */
export async function readBody(body: BodyRef, source: BodySource): Promise<Uint8Array | null> {
  if (body.nodeId !== null) {
    const pieces = await source.readPath(body.nodeId);
    return pieces.length === body.pieces ? Buffer.concat(pieces.map(({ bytes }) => bytes)) : null;
  }
  if (body.contentId === null) return null;
  const [content] = await source.readContents([body.contentId]);
  return content?.bytes ?? null;
}
