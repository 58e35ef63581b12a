import type { Content } from '../content/content.ts';
import type { EventHeader } from '../record/event.ts';
import { headerToText } from '../record/event.ts';
import type { Seal } from '../record/seal.ts';

// A run file, line by line; each line is a JSON array without white space, in UTF-8, and ends with a line feed:
//
//   ["tachograph-run",1,project,run,root run,[[writer,last n,events],…],seals]      once, first
//   ["seal",project,run,number,[[writer,count,head,erased,spared?],…],time,previous,key,signature]
//   ["content",id,salt,kind,text]    or, for bytes that are no UTF-8, ["bytes",id,salt,kind,base64]
//   ["context",tip,parent node,[content id,…]]                                    nodes that the file did not have yet
//   ["absent","content" or "context",id]                                          named by the next event, and erased
//   ["event",header,payload,salt,hash]    or, once erased, ["erased",header,digest,hash]
//   ["end",digest of all lines before,key,signature]                              once, last
//
// Header and payload are the exact texts that were hashed, as JSON strings. A line has one form only: what JSON.stringify
// makes of its values.

/** The version of the format. A reader takes this one and no other. */
export const runFileVersion = 1;

/** How far a writer's events in the file go. */
export interface WriterExtent {
  readonly writerId: string;
  /** The highest n. */
  readonly last: number;
  /** Fewer than `last` when some were lost. */
  readonly events: number;
}

/** What a run file says of itself first. */
export interface Manifest {
  readonly projectId: string;
  readonly runId: string;
  readonly rootRunId: string;
  readonly writers: readonly WriterExtent[];
  readonly seals: number;
}

/** The last line: a signature over everything before it. */
export interface Closing {
  /** SHA-256 of all bytes before the line, 64 hex digits. */
  readonly digest: string;
  /** Raw Ed25519 public key, 64 hex digits. */
  readonly publicKey: string;
  readonly signature: string;
}

/** An event as its line has it: the digest is computed where the payload is there. */
export type EventLine =
  | {
      readonly kind: 'event';
      readonly header: EventHeader;
      readonly payload: string;
      readonly salt: Buffer;
      readonly hash: Buffer;
    }
  | { readonly kind: 'erased'; readonly header: EventHeader; readonly digest: Buffer; readonly hash: Buffer };

/** One line of a run file, read. */
export type RunFileLine =
  | { readonly kind: 'manifest'; readonly manifest: Manifest }
  | { readonly kind: 'seal'; readonly seal: Seal }
  | { readonly kind: 'content'; readonly content: Content }
  | {
      readonly kind: 'context';
      readonly tip: string;
      readonly parentId: string;
      readonly contentIds: readonly string[];
    }
  | { readonly kind: 'absent'; readonly what: 'content' | 'context'; readonly id: string }
  | EventLine
  | { readonly kind: 'end'; readonly closing: Closing };

const toHex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

/** The text of a line, without its line feed. */
export function lineToText(line: RunFileLine): string {
  return JSON.stringify(lineToValues(line));
}

function lineToValues(line: RunFileLine): unknown[] {
  switch (line.kind) {
    case 'manifest': {
      const { projectId, runId, rootRunId, writers, seals } = line.manifest;
      const extents = writers.map(({ writerId, last, events }) => [writerId, last, events]);
      return ['tachograph-run', runFileVersion, projectId, runId, rootRunId, extents, seals];
    }
    case 'seal':
      return sealToValues(line.seal);
    case 'content':
      return contentToValues(line.content);
    case 'context':
      return ['context', line.tip, line.parentId, line.contentIds];
    case 'absent':
      return ['absent', line.what, line.id];
    case 'event':
      return ['event', headerToText(line.header), line.payload.toWellFormed(), toHex(line.salt), toHex(line.hash)];
    case 'erased':
      return ['erased', headerToText(line.header), toHex(line.digest), toHex(line.hash)];
    case 'end':
      return ['end', line.closing.digest, line.closing.publicKey, line.closing.signature];
  }
}

function sealToValues(seal: Seal): unknown[] {
  const writers = seal.writers.map(({ writerId, count, head, erased, spared }) => [
    writerId,
    count,
    head,
    erased,
    ...(spared === undefined ? [] : [spared]),
  ]);
  const { projectId, runId, number, timeMs, previous, publicKey, signature } = seal;
  return ['seal', projectId, runId, number, writers, timeMs, previous, publicKey, signature];
}

/** True for bytes that are UTF-8: decoded and encoded again they are the same. */
export function isText(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString('utf8')).equals(bytes);
}

function contentToValues({ id, salt, kind, bytes }: Content): unknown[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isText(buffer)
    ? ['content', id, toHex(salt), kind, buffer.toString('utf8')]
    : ['bytes', id, toHex(salt), kind, buffer.toString('base64')];
}
