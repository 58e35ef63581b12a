import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { sha256Hex } from '../digest.ts';
import type { Closing } from './line.ts';

/** DER around a raw Ed25519 key: RFC 8410. */
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex');
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');

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
  const key = createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(key)
    .export({ format: 'der', type: 'spki' })
    .subarray(publicPrefix.length)
    .toString('hex');
  return {
    publicKey,
    close: (digest) => ({
      digest,
      publicKey,
      signature: sign(null, Buffer.from(closingToText(digest, publicKey)), key).toString('hex'),
    }),
  };
}

/** True when the closing is signed by the key it names. */
export function isClosingSigned({ digest, publicKey, signature }: Closing): boolean {
  try {
    const der = Buffer.concat([publicPrefix, Buffer.from(publicKey, 'hex')]);
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return verify(null, Buffer.from(closingToText(digest, publicKey)), key, Buffer.from(signature, 'hex'));
  } catch {
    // A key that is none signs nothing.
    return false;
  }
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
