import { sha256, sha256Hex } from '../digest.ts';

/**
 * A piece of recorded data, named by a commitment to its exact bytes: id = SHA-256(salt ‖ SHA-256(bytes)).
 * The salt is a keyed digest, so an erased content cannot be guessed back from its id, yet equal bytes of one
 * project have one id and are stored once per epoch.
 */
export interface Content {
  /** 64 hex digits. */
  readonly id: string;
  /** 16 bytes; kept beside the content, exported and erased with it. */
  readonly salt: Uint8Array;
  readonly kind: ContentKind;
  /** UTF-8 text after redaction. */
  readonly bytes: Uint8Array;
}

/** What a content is, for reading and for full text; not part of its name. */
export const contentKinds = [
  'message',
  'tool',
  'output',
  'args',
  'result',
  'request',
  'body',
  'inputs',
  'environment',
] as const;

/** One of the closed list of content kinds. */
export type ContentKind = (typeof contentKinds)[number];

/** Names contents of one project. */
export interface ContentNamer {
  /** Salt and id for these bytes. */
  name(bytes: Uint8Array): { readonly id: string; readonly salt: Uint8Array };
}

/** A namer keyed with the project's 32-byte content key. */
export function createContentNamer(key: Uint8Array): ContentNamer {
  // Key and digest both have 32 bytes, so a plain hash of the two is a keyed digest without a length to
  // extend; it costs 1 µs where `createHmac` costs 10 (2026-11-20).
  const keyed = Buffer.alloc(64);
  keyed.set(key.subarray(0, 32), 0);
  const committed = Buffer.alloc(48);
  return {
    name(bytes) {
      const digest = sha256(bytes);
      keyed.set(digest, 32);
      const salt = sha256(keyed).subarray(0, 16);
      committed.set(salt, 0);
      committed.set(digest, 16);
      return { id: sha256Hex(committed), salt };
    },
  };
}

/** True when the bytes are those that the id commits to. Needs no key. */
export function isContentIntact(content: Pick<Content, 'id' | 'salt' | 'bytes'>): boolean {
  const digest = sha256(content.bytes);
  return sha256Hex(Buffer.concat([content.salt, digest])) === content.id;
}
