import type { Content, ContentKind } from '../../../core/content/content.ts';
import type { ContextNode } from '../../../core/content/context.ts';
import type { JournalEntry } from '../../../core/journal.ts';
import type { EventType, RecordedEvent } from '../../../core/record/event.ts';

/*
 * Journal entries that wait to be filed, as one row holds them:
 *
 *   length of the text (4 bytes) ‖ text: JSON, a list for each entry ‖ bytes, in the order of the text:
 *     of each event  digest (32) ‖ hash (32) ‖ salt, if any
 *     of each content  salt ‖ bytes
 */

type EventText = readonly [
  runId: string,
  writerId: string,
  n: number,
  type: EventType,
  timeMs: number,
  stepId: string | null,
  attempt: number | null,
  facts: string | null,
  payload: string | null,
  saltBytes: number,
];
type ContentText = readonly [id: string, kind: ContentKind, saltBytes: number, bytes: number];
type NodeText = readonly [id: string, parentId: string, contentId: string, depth: number];
type EntryText = readonly [
  epoch: number,
  event: EventText,
  contents: readonly ContentText[],
  nodes: readonly NodeText[],
];

const digestBytes = 32;

function entryToText({ epoch, event, contents, nodes }: JournalEntry): EntryText {
  const { header: h, payload, salt } = event;
  return [
    epoch,
    [h.runId, h.writerId, h.n, h.type, h.timeMs, h.stepId, h.attempt, h.facts, payload, salt?.length ?? 0],
    contents.map(({ id, kind, salt: of, bytes }) => [id, kind, of.length, bytes.length]),
    nodes.map(({ id, parentId, contentId, depth }) => [id, parentId, contentId, depth]),
  ];
}

/** Entries as one piece of bytes; `null` for none. */
export function entriesToFrame(entries: readonly JournalEntry[]): Uint8Array | null {
  if (entries.length === 0) return null;
  const text = Buffer.from(JSON.stringify(entries.map(entryToText)));
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(text.length);
  const parts: Uint8Array[] = [length, text];
  for (const { event, contents } of entries) {
    parts.push(event.digest, event.hash);
    if (event.salt !== null) parts.push(event.salt);
    for (const { salt, bytes } of contents) parts.push(salt, bytes);
  }
  return Buffer.concat(parts);
}

/** The entries of a frame; none of one that can no longer be read, which must not keep those behind it from being filed. */
export function frameToEntries(frame: Uint8Array): JournalEntry[] {
  try {
    return readFrame(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength));
  } catch (error) {
    // Somebody edited the row; verification finds that events are missing.
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof RangeError) return [];
    throw error;
  }
}

function readFrame(buffer: Buffer): JournalEntry[] {
  let at = 4 + buffer.readUInt32BE(0);
  const texts = JSON.parse(buffer.toString('utf8', 4, at)) as readonly EntryText[];
  const take = (size: number): Uint8Array => {
    at += size;
    return buffer.subarray(at - size, at);
  };
  const takeEvent = (text: EventText): RecordedEvent => {
    const [runId, writerId, n, type, timeMs, stepId, attempt, facts, payload, saltBytes] = text;
    return {
      header: { runId, writerId, n, type, timeMs, stepId, attempt, facts },
      payload,
      digest: take(digestBytes),
      hash: take(digestBytes),
      salt: payload === null ? null : take(saltBytes),
    };
  };
  const takeContent = ([id, kind, saltBytes, bytes]: ContentText): Content => ({
    id,
    kind,
    salt: take(saltBytes),
    bytes: take(bytes),
  });
  const toNode = ([id, parentId, contentId, depth]: NodeText): ContextNode => ({ id, parentId, contentId, depth });
  return texts.map(([epoch, event, contents, nodes]) => ({
    epoch,
    event: takeEvent(event),
    contents: contents.map(takeContent),
    nodes: nodes.map(toNode),
  }));
}
