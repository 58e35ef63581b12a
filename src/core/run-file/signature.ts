import { sha256Hex } from '../digest.ts';
import { createSigningKey, isSigned } from '../signing.ts';
import type { Closing } from './line.ts';

/** Signs whole run files, with the key that also signs seals. */
export interface RunFileSigner {
  /** Raw public key, 64 hex digits. */
  readonly publicKey: string;
  /** The closing of a file whose bytes so far have this digest, 64 hex digits. Equal bytes get an equal signature. */
  close(digest: string): Closing;
}

/** The exact text that is signed. Its first word is no seal's, so neither can stand for the other. */
function closingToText(digest: string, publicKey: string): string {
  return JSON.stringify(['tachograph-run-file/1', digest, publicKey]);
}

/** A signer from a 32-byte Ed25519 seed. */
export function createRunFileSigner(seed: Uint8Array): RunFileSigner {
  const { publicKey, sign } = createSigningKey(seed);
  return {
    publicKey,
    close: (digest) => ({
      digest,
      publicKey,
      signature: sign(closingToText(digest, publicKey)),
    }),
  };
}

/** True when the closing is signed by the key it names. */
export function isClosingSigned(closing: Closing): boolean {
  return isSigned(closingToText(closing.digest, closing.publicKey), closing);
}

/**
 * What people compare instead of a public key (64 hex digits): the first 128 bits of its SHA-256, as eight groups of four
 * hex digits.
 */
export function keyToFingerprint(publicKey: string): string {
  return sha256Hex(Buffer.from(publicKey, 'hex')).slice(0, 32).match(/.{4}/g)!.join('-');
}

/** True when a text that a person gave names this key: the key itself or its fingerprint, capitals and all. */
export function isKeyNamed(publicKey: string, given: string): boolean {
  const plain = given.trim().toLowerCase();
  return plain === publicKey || plain === keyToFingerprint(publicKey);
}
