import type { BodyRef } from '../model/attempt.ts';

/** The place of the request body that another one continues. */
export type BodyBase = NonNullable<BodyRef['base']>;

/** A stretch of a body: the first `bytes` of a content, or all of it when `null`. */
export interface BodyPiece {
  readonly contentId: string;
  readonly bytes: number | null;
}

/** A chain longer than any run: what follows it in circles is a damaged record. */
const linksMax = 1_000_000;

/**
 * The contents that make up a recorded body, first to last. Follows its bases only as far as bytes are needed from
 * them. `null` when there is none: withheld, a base that is gone, or a base that does not have the bytes.
 */
export async function planBody(body: BodyRef, bodyOf: (base: BodyBase) => Promise<BodyRef | null>): Promise<readonly BodyPiece[] | null> {
  if (body.contentId === null) return null;
  const pieces: BodyPiece[] = [{ contentId: body.contentId, bytes: null }];
  let at: BodyRef = body;
  let wanted = body.prefixBytes;
  for (let links = 0; wanted > 0; links += 1) {
    if (at.base === null || links > linksMax) return null;
    const base = await bodyOf(at.base);
    if (base === null || base.contentId === null) return null;
    if (wanted > base.prefixBytes) {
      pieces.push({ contentId: base.contentId, bytes: wanted - base.prefixBytes });
      wanted = base.prefixBytes;
    }
    at = base;
  }
  return pieces.reverse();
}

/** Puts the pieces together: byte for byte the body as recorded. `null` when a content is missing or shorter than its piece. */
export function joinBody(pieces: readonly BodyPiece[], bytesById: ReadonlyMap<string, Uint8Array>): Uint8Array | null {
  const parts: Uint8Array[] = [];
  for (const { contentId, bytes } of pieces) {
    const content = bytesById.get(contentId);
    if (content === undefined || (bytes !== null && content.byteLength < bytes)) return null;
    parts.push(bytes === null ? content : content.subarray(0, bytes));
  }
  return Buffer.concat(parts);
}
