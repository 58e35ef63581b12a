import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';

/** DER around a raw Ed25519 key: RFC 8410. */
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex');
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** An Ed25519 key that signs texts. */
export interface SigningKey {
  /** Raw public key, 64 hex digits. */
  readonly publicKey: string;
  /** Signature of the UTF-8 bytes, 128 hex digits; equal texts get equal ones. */
  sign(text: string): string;
}

/** The key of a 32-byte seed. */
export function createSigningKey(seed: Uint8Array): SigningKey {
  const key = createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(key)
    .export({ format: 'der', type: 'spki' })
    .subarray(publicPrefix.length)
    .toString('hex');
  return { publicKey, sign: (text) => sign(null, Buffer.from(text), key).toString('hex') };
}

/** True when the signature is that of the text under the public key. Never throws: what is no key signs nothing. */
export function isSigned(text: string, { publicKey, signature }: { publicKey: string; signature: string }): boolean {
  try {
    const der = Buffer.concat([publicPrefix, Buffer.from(publicKey, 'hex')]);
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return verify(null, Buffer.from(text), key, Buffer.from(signature, 'hex'));
  } catch {
    // A key that is none signs nothing.
    return false;
  }
}
