import type { Content, ContentKind } from '../core/content/content.ts';
import type { ContextNode } from '../core/content/context.ts';
import { nodeIdOf } from '../core/content/context.ts';
import type { JournalEntry } from '../core/journal.ts';
import type { EventHeader, EventType } from '../core/record/event.ts';
import { headerToText } from '../core/record/event.ts';
import { isEpochInRange, isHeaderInRange } from '../core/import/header-reading.ts';
import { bodyBytesMax, frameHeadBytes, frameKinds, sealFrame } from './frame.ts';

// The body of an entry frame:
//
//   epoch i32 │ flags u8 │ header length u32 │ payload length u32 │ contents u32 │ nodes u32
//   salt 16 │ digest 32 │ hash 32 │ header, its exact text │ payload
//   per content: id 32 │ salt 16 │ kind u8 │ flags u8 │ length u32 │ bytes
//   per node:    parent 32 │ content 32 │ depth u32
//
// Flag 1 says that the words (payload and salt, or bytes and salt of a content) were overwritten with zeros.
// A node's id is the digest of its parent and content, and is computed when read.

const fixedBytes = 101;
const contentHeadBytes = 54;
const nodeBytes = 68;
const erasedFlag = 1;
const scratchBytesMax = 1024 * 1024;

/** Codes on disk; a number, once given, keeps its kind. */
const codeByKind: Record<ContentKind, number> = {
  message: 1,
  tool: 2,
  output: 3,
  args: 4,
  result: 5,
  request: 6,
  body: 7,
  inputs: 8,
  environment: 9,
};

const kindByCode = new Map<number, ContentKind>(
  Object.entries(codeByKind).map(([kind, code]) => [code, kind as ContentKind]),
);

/**
 * An encoder of entries into whole frames, one behind the other. What it returns is valid until the next call; it throws
 * `RangeError` for an entry of more than 256 MiB.
 */
export function createEntryEncoder(): (...entries: readonly JournalEntry[]) => Buffer {
  let scratch: Buffer = Buffer.allocUnsafeSlow(64 * 1024);
  const enlarge = (from: Buffer, used: number, bytes: number): Buffer => {
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes, Math.min(scratchBytesMax, bytes * 2)));
    larger.set(from.subarray(0, used));
    // Room that is seldom needed is not kept.
    if (larger.length <= scratchBytesMax) scratch = larger;
    return larger;
  };
  return (...entries) => {
    let out = scratch;
    let end = 0;
    for (const entry of entries) {
      const header = headerToText(entry.event.header);
      const bytes = end + frameHeadBytes + bodyBytesAtMost(header, entry);
      if (bytes > out.length) out = enlarge(out, end, bytes);
      end = encodeInto(out, end, { header, entry });
    }
    return out.subarray(0, end);
  };
}

function bodyBytesAtMost(header: string, { event, contents, nodes }: JournalEntry): number {
  const payload = event.payload ?? '';
  // Three bytes per UTF-16 unit is the most UTF-8 needs; only for long texts is counting cheaper than the room.
  const words = payload.length > 32_768 ? Buffer.byteLength(payload) : payload.length * 3;
  let bytes = fixedBytes + header.length * 3 + words + nodes.length * nodeBytes;
  for (const content of contents) bytes += contentHeadBytes + content.bytes.length;
  if (bytes > bodyBytesMax)
    throw new RangeError(`An entry of ${bytes} bytes does not fit a journal frame of ${bodyBytesMax}.`);
  return bytes;
}

/** Writes a frame at `frame` and returns where it ends. */
function encodeInto(out: Buffer, frame: number, { header, entry }: { header: string; entry: JournalEntry }): number {
  const { epoch, contents, nodes, event } = entry;
  const start = frame + frameHeadBytes;
  out.writeInt32LE(epoch, start);
  out.writeUInt8(event.payload === null ? erasedFlag : 0, start + 4);
  out.writeUInt32LE(contents.length, start + 13);
  out.writeUInt32LE(nodes.length, start + 17);
  if (event.salt === null) out.fill(0, start + 21, start + 37);
  else out.set(event.salt, start + 21);
  out.set(event.digest, start + 37);
  out.set(event.hash, start + 69);
  let at = start + fixedBytes;
  const headerBytes = out.write(header, at, 'utf8');
  out.writeUInt32LE(headerBytes, start + 5);
  at += headerBytes;
  const payloadBytes = event.payload === null ? 0 : out.write(event.payload, at, 'utf8');
  out.writeUInt32LE(payloadBytes, start + 9);
  at += payloadBytes;
  for (const content of contents) at = writeContent(out, at, content);
  for (const node of nodes) at = writeNode(out, at, node);
  sealFrame(out, frame, at - start, frameKinds.entry);
  return at;
}

function writeContent(out: Buffer, at: number, content: Content): number {
  out.write(content.id, at, 32, 'hex');
  out.set(content.salt, at + 32);
  out.writeUInt8(codeByKind[content.kind], at + 48);
  out.writeUInt8(0, at + 49);
  out.writeUInt32LE(content.bytes.length, at + 50);
  out.set(content.bytes, at + contentHeadBytes);
  return at + contentHeadBytes + content.bytes.length;
}

function writeNode(out: Buffer, at: number, node: ContextNode): number {
  out.write(node.parentId, at, 32, 'hex');
  out.write(node.contentId, at + 32, 32, 'hex');
  out.writeUInt32LE(node.depth, at + 64);
  return at + nodeBytes;
}

/**
 * The entry that a frame's body holds; contents whose bytes were erased are left out, an erased payload is `null`.
 * Bytes are views of `body`. Throws `RangeError` when the body is not an entry.
 */
export function decodeEntry(body: Buffer): JournalEntry {
  const places = placesOf(body);
  const isErased = (body.readUInt8(4) & erasedFlag) !== 0;
  const header = parseEventHeader(body.toString('utf8', fixedBytes, places.payload));
  if (!isHeaderInRange(header)) throw new RangeError('An event header names no run, writer, number or time.');
  if (!isEpochInRange(body.readInt32LE(0))) throw new RangeError('An entry lies outside of all weeks.');
  const contents: Content[] = [];
  for (const place of places.contents) if (!place.isErased) contents.push(contentAt(body, place));
  const nodes: ContextNode[] = [];
  for (let at = places.nodes; at < body.length; at += nodeBytes) nodes.push(nodeAt(body, at));
  return {
    epoch: body.readInt32LE(0),
    contents,
    nodes,
    event: {
      header,
      payload: isErased ? null : body.toString('utf8', places.payload, places.payloadEnd),
      salt: isErased ? null : body.subarray(21, 37),
      digest: body.subarray(37, 69),
      hash: body.subarray(69, 101),
    },
  };
}

interface ContentPlace {
  readonly at: number;
  readonly end: number;
  readonly isErased: boolean;
}

interface Places {
  readonly payload: number;
  readonly payloadEnd: number;
  readonly contents: readonly ContentPlace[];
  readonly nodes: number;
}

function placesOf(body: Buffer): Places {
  if (body.length < fixedBytes) throw new RangeError(`An entry of ${body.length} bytes is too short.`);
  const payload = fixedBytes + body.readUInt32LE(5);
  const payloadEnd = payload + body.readUInt32LE(9);
  const count = body.readUInt32LE(13);
  const contents: ContentPlace[] = [];
  let at = payloadEnd;
  for (let i = 0; i < count; i += 1) {
    if (at + contentHeadBytes > body.length) throw new RangeError(`Content ${i + 1} of an entry lies outside it.`);
    const end = at + contentHeadBytes + body.readUInt32LE(at + 50);
    contents.push({ at, end, isErased: (body.readUInt8(at + 49) & erasedFlag) !== 0 });
    at = end;
  }
  if (at + body.readUInt32LE(17) * nodeBytes !== body.length)
    throw new RangeError('The parts of an entry do not add up.');
  return { payload, payloadEnd, contents, nodes: at };
}

function contentAt(body: Buffer, { at, end }: ContentPlace): Content {
  return {
    id: body.toString('hex', at, at + 32),
    salt: body.subarray(at + 32, at + 48),
    // A kind that a newer version added reads as a body: the kind is for display, not part of the name.
    kind: kindByCode.get(body.readUInt8(at + 48)) ?? 'body',
    bytes: body.subarray(at + contentHeadBytes, end),
  };
}

function nodeAt(body: Buffer, at: number): ContextNode {
  const parentId = body.toString('hex', at, at + 32);
  const contentId = body.toString('hex', at + 32, at + 64);
  return { id: nodeIdOf(parentId, contentId), parentId, contentId, depth: body.readUInt32LE(at + 64) };
}

/** Reads a header back from the exact text that the chain hashed. Throws `RangeError` for any other text. */
export function parseEventHeader(text: string): EventHeader {
  const fields: string[] = [];
  let at = 1;
  for (let i = 0; i < 8; i += 1) {
    const comma = text.indexOf(',', at);
    if (comma === -1) throw new RangeError('An event header has too few fields.');
    fields.push(text.slice(at, comma));
    at = comma + 1;
  }
  const [, runId, writerId, n, type, timeMs, stepId, attempt] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const facts = text.slice(at, -1);
  const header: EventHeader = {
    runId: runId.slice(1, -1),
    writerId: writerId.slice(1, -1),
    n: Number(n),
    type: type.slice(1, -1) as EventType,
    timeMs: Number(timeMs),
    stepId: stepId === 'null' ? null : stepId.slice(1, -1),
    attempt: attempt === 'null' ? null : Number(attempt),
    facts: facts === 'null' ? null : facts,
  };
  if (headerToText(header) !== text) throw new RangeError('An event header is not in its exact form.');
  return header;
}

/** What an erasure removes. */
export interface ErasureTarget {
  /** The run whose payloads go. */
  readonly runId: string;
  /** Only these of its events, as `<writer>/<n>`; all of them when left out. */
  readonly events?: ReadonlySet<string>;
  /** Contents that go, wherever they are carried; when left out, those that the erased entries carry. */
  readonly contentIds?: ReadonlySet<string>;
}

/** Several targets, by run. */
export type ErasureTargets = ReadonlyMap<string, ErasureTarget>;

/** Overwrites the words of the target in a frame's body, which keeps its length. Returns what it erased now. */
export function eraseInBody(
  body: Buffer,
  target: ErasureTarget | ErasureTargets,
): { events: number; contents: number } {
  const places = placesOf(body);
  const { runId, writerId, n } = parseEventHeader(body.toString('utf8', fixedBytes, places.payload));
  const erased = { events: 0, contents: 0 };
  const meant = 'runId' in target ? target : target.get(runId);
  if (meant === undefined) return erased;
  const { events, contentIds } = meant;
  const isOfRun = meant.runId === runId && (events === undefined || events.has(`${writerId}/${n}`));
  if (isOfRun && (body.readUInt8(4) & erasedFlag) === 0) {
    body.fill(0, 21, 37);
    body.fill(0, places.payload, places.payloadEnd);
    body.writeUInt8(erasedFlag, 4);
    erased.events += 1;
  }
  for (const { at, end, isErased } of places.contents) {
    const isMeant = contentIds === undefined ? isOfRun : contentIds.has(body.toString('hex', at, at + 32));
    if (isErased || !isMeant) continue;
    body.fill(0, at + 32, at + 48);
    body.fill(0, at + contentHeadBytes, end);
    body.writeUInt8(erasedFlag, at + 49);
    erased.contents += 1;
  }
  return erased;
}
