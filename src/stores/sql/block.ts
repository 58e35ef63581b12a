import { promisify } from 'node:util';
import { constants, zstdCompress as zstdCompressCallback, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { EventType } from '../../core/record/event.ts';
import type { StoredEvent } from '../../core/store.ts';
import { cellToNumber, cellToText } from './value.ts';

/*
 * What belongs to an ended run is packed: its events into packs, its contents into blocks of up to 128 kB. One zstd call
 * costs 25 µs of set-up whatever its size (2026-11-20), and an answer comes back as output, as message of the next
 * request and inside two bodies: in one block it costs its bytes once.
 */

const blockBytesMax = 128 * 1024;

/**
 * How hard to press. `tight` is for what is packed once, while nothing else is to do, and read often; `quick` for what is
 * packed while somebody waits.
 */
export type Pressure = 'tight' | 'quick';

const levelBy = { tight: 9, quick: 1 } as const;

const frameHead = Buffer.from('28b52ffda0', 'hex');
const frameHeadBytes = 12;

/*
 * A zstd frame whose one block is the bytes as they are (RFC 8878): a frame with its size in four bytes, and a last block
 * that is raw. Any zstd reads it. It takes 1 µs to make, where compressing 600 bytes to 170 takes 26 (2026-11-21).
 */
function toRawFrame(bytes: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(frameHeadBytes + bytes.length);
  frameHead.copy(frame);
  frame.writeUInt32LE(bytes.length, 5);
  frame.writeUIntLE(bytes.length * 8 + 1, 9, 3);
  frame.set(bytes, frameHeadBytes);
  return frame;
}

/** The bytes of such a frame as they lie in it, or `null` for any other; a call to unpack one costs 16 µs. */
function rawFrameToBytes(packed: Uint8Array): Uint8Array | null {
  const frame = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const size = frame.length - frameHeadBytes;
  if (size < 0 || frameHead.compare(frame, 0, frameHead.length) !== 0) return null;
  return frame.readUInt32LE(5) === size && frame.readUIntLE(9, 3) === size * 8 + 1
    ? frame.subarray(frameHeadBytes)
    : null;
}

/** What is smaller and packed in a hurry waits for the packing of its ended run. */
const rawBytesMax = 2048;

/** Packs bytes; `unpackBlock` gives them back. */
export function packBytes(bytes: Uint8Array, pressure: Pressure = 'tight'): Uint8Array {
  if (pressure === 'quick' && bytes.length <= rawBytesMax) return toRawFrame(bytes);
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: levelBy[pressure] } });
}

const zstdCompress = promisify(zstdCompressCallback);
const aloneBytesMax = 16 * 1024;

/** The same beside this thread when there is enough of it to be worth the way. */
export async function packBytesBeside(bytes: Uint8Array, pressure: Pressure): Promise<Uint8Array> {
  if (bytes.length <= aloneBytesMax) return packBytes(bytes, pressure);
  return zstdCompress(bytes, { params: { [constants.ZSTD_c_compressionLevel]: levelBy[pressure] } });
}

/** A part of a block. */
export interface BlockPart {
  readonly key: number;
  readonly bytes: Uint8Array;
}

/** A block and where its parts stand in the unpacked bytes. */
export interface Block {
  readonly packed: Uint8Array;
  readonly places: readonly { readonly key: number; readonly at: number; readonly size: number }[];
}

function packParts(parts: readonly BlockPart[]): Block {
  let at = 0;
  const places = parts.map(({ key, bytes }) => {
    const place = { key, at, size: bytes.length };
    at += bytes.length;
    return place;
  });
  return { packed: packBytes(Buffer.concat(parts.map((part) => part.bytes))), places };
}

/** Packs parts in order into as few blocks as hold them; a part that is larger than a block has one of its own. */
export function partsToBlocks(parts: readonly BlockPart[]): Block[] {
  const blocks: Block[] = [];
  let group: BlockPart[] = [];
  let size = 0;
  for (const part of parts) {
    if (group.length > 0 && size + part.bytes.length > blockBytesMax) {
      blocks.push(packParts(group));
      group = [];
      size = 0;
    }
    group.push(part);
    size += part.bytes.length;
  }
  if (group.length > 0) blocks.push(packParts(group));
  return blocks;
}

/** The bytes of a block, or `null` when they no longer unpack. */
export function unpackBlock(packed: Uint8Array): Uint8Array | null {
  try {
    return rawFrameToBytes(packed) ?? zstdDecompressSync(packed);
  } catch {
    // A damaged block is shown as missing contents, and verification says so; a reader never fails for it.
    return null;
  }
}

const saltBytes = 16;
const proofBytes = 64 + saltBytes;

/** Events in a row by seq, packed: text compressed, digests, hashes and salts beside it, since they do not compress. */
export interface EventPack {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly packed: Uint8Array;
  readonly proofs: Uint8Array;
}

type PackedEvent = readonly [
  number,
  string,
  number,
  EventType,
  number,
  string | null,
  number | null,
  string | null,
  string | null,
];

/** A pack whose text is not compressed yet. */
export interface LoosePack extends Omit<EventPack, 'packed'> {
  readonly text: Uint8Array;
}

function toLoosePack(events: readonly StoredEvent[], texts: readonly string[]): LoosePack {
  const proofs = Buffer.alloc(events.length * proofBytes);
  for (const [index, { digest, hash, salt }] of events.entries()) {
    const at = index * proofBytes;
    proofs.set(digest, at);
    proofs.set(hash, at + 32);
    if (salt !== null) proofs.set(salt, at + 64);
  }
  const text = Buffer.from(`[${texts.join(',')}]`);
  return { firstSeq: events[0]!.seq, lastSeq: events.at(-1)!.seq, text, proofs };
}

/** Packs events of one run, given by seq. */
export function eventsToPacks(events: readonly StoredEvent[], pressure: Pressure = 'tight'): EventPack[] {
  const packs: EventPack[] = [];
  for (const { text, ...pack } of eventsToLoosePacks(events))
    packs.push({ ...pack, packed: packBytes(text, pressure) });
  return packs;
}

/** The same packs one by one, for whoever compresses them beside this thread. */
export function* eventsToLoosePacks(events: readonly StoredEvent[]): Generator<LoosePack> {
  let from = 0;
  let texts: string[] = [];
  let size = 0;
  for (const [index, { seq, header: h, payload }] of events.entries()) {
    const packed: PackedEvent = [seq, h.writerId, h.n, h.type, h.timeMs, h.stepId, h.attempt, h.facts, payload];
    const text = JSON.stringify(packed);
    texts.push(text);
    size += text.length;
    if (size < blockBytesMax && index < events.length - 1) continue;
    yield toLoosePack(events.slice(from, index + 1), texts);
    from = index + 1;
    texts = [];
    size = 0;
  }
}

function parseRows(text: Uint8Array): unknown[][] {
  try {
    const rows: unknown = JSON.parse(Buffer.from(text).toString());
    return Array.isArray(rows) ? rows.filter((row) => Array.isArray(row)) : [];
  } catch {
    // What unpacks to no list of events holds none; verification reports them as missing.
    return [];
  }
}

/** The events of a pack; none when it no longer unpacks, which verification reports as missing. */
export function packToEvents(runId: string, pack: Pick<EventPack, 'packed' | 'proofs'>): StoredEvent[] {
  const text = unpackBlock(pack.packed);
  if (text === null) return [];
  const { proofs } = pack;
  return parseRows(text).map(([seq, writerId, n, type, timeMs, stepId, attempt, facts, words], index) => {
    const at = index * proofBytes;
    const payload = cellToText(words);
    return {
      seq: cellToNumber(seq) ?? 0,
      header: {
        runId,
        writerId: cellToText(writerId) ?? '',
        n: cellToNumber(n) ?? 0,
        type: (cellToText(type) ?? '') as EventType,
        timeMs: cellToNumber(timeMs) ?? 0,
        stepId: cellToText(stepId),
        attempt: cellToNumber(attempt),
        facts: cellToText(facts),
      },
      payload,
      salt: payload === null ? null : proofs.subarray(at + 64, at + proofBytes),
      digest: proofs.subarray(at, at + 32),
      hash: proofs.subarray(at + 32, at + 64),
    };
  });
}
