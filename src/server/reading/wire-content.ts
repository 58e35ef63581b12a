import type { Content } from '../../core/content/content.ts';
import { TachographError } from '../../core/error.ts';
import type { Surroundings } from '../surroundings.ts';
import type { WireContent } from '../wire.ts';

/** The exact text of recorded bytes, a leading byte order mark included. */
export function bytesToText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** Deeper JSON is shown as text only: turning it into text again would need more stack than there is. */
const depthMax = 256;

/** True when brackets of a JSON text nest deeper than the limit. */
function isDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      at = text.indexOf('"', at + 1);
      while (at !== -1 && isEscaped(text, at)) at = text.indexOf('"', at + 1);
      if (at === -1) return false;
    } else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > depthMax) return true;
    } else if (code === 0x5d || code === 0x7d) depth -= 1;
  }
  return false;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes += 1;
  return backslashes % 2 === 1;
}

/** The JSON value of a text, or `null` when it is none or nests too deep to be shown as a value. */
export function textToValue(text: string): unknown {
  if (isDeep(text)) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // What is no JSON is shown as its text.
    return null;
  }
}

/** A content for reading. */
export function toWireContent(content: Content): WireContent {
  const raw = bytesToText(content.bytes);
  return { contentId: content.id, value: textToValue(raw), raw, bytes: content.bytes.byteLength };
}

/** Contents of a run by id; ids that are `null` are passed over, those erased are not in the answer. */
export async function readWireContents(
  around: Pick<Surroundings, 'store' | 'projectId'>,
  runId: string,
  ids: readonly (string | null)[],
): Promise<ReadonlyMap<string, WireContent>> {
  const wanted = [...new Set(ids.filter((id) => id !== null))];
  if (wanted.length === 0) return new Map();
  const contents = await around.store.readContents(around.projectId, runId, wanted);
  return new Map(contents.map((content) => [content.id, toWireContent(content)]));
}

/** One content of a run, or `content-not-found`. */
export async function readWireContent(
  around: Pick<Surroundings, 'store' | 'projectId'>,
  runId: string,
  contentId: string,
): Promise<WireContent> {
  const content = (await readWireContents(around, runId, [contentId])).get(contentId);
  if (content === undefined)
    throw new TachographError('content-not-found', `Run ${runId} has no content ${contentId}, or it was erased.`);
  return content;
}
