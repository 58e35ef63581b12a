import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { toCanonicalJson } from '../canonical-json.ts';
import { TachographError } from '../error.ts';

/*
 * What execution needs word for word rests only encrypted (I4): AES-256-GCM, the key outside the store.
 *
 *   sealed text  version (1 byte: 1) ‖ nonce (12) ‖ ciphertext ‖ tag (16)
 *
 * The place it belongs to is authenticated with it, so that one run's text put into another run's row does not open.
 */

const version = 1;
const nonceBytes = 12;
const tagBytes = 16;

/** Encrypts and names what a project's runs need word for word. */
export interface WorkSecrets {
  /** Encrypts a text for one place, such as `order/<run id>`. */
  seal(text: string, place: string): Uint8Array;
  /** The text again. `key-broken` when it was sealed with another key, for another place, or changed. */
  open(sealed: Uint8Array, place: string): string;
  /** Keyed digest of a JSON value in canonical form, 64 hex digits: equal values have equal ones, and nobody without the key can try values out. */
  digest(value: unknown): string;
}

/** The secrets of a project, by its 32-byte key. */
export function createWorkSecrets(projectKey: Uint8Array): WorkSecrets {
  if (projectKey.length !== 32)
    throw new TachographError(
      'key-broken',
      `The key for runs as work has ${projectKey.length} bytes; it must have 32.`,
    );
  // As a key object: Node looks at a key of plain bytes anew for each use, which takes 12 µs where this takes 2 (2026-11-21).
  const derive = (purpose: string): KeyObject =>
    createSecretKey(Buffer.from(hkdfSync('sha256', projectKey, '', `tachograph work ${purpose}`, 32)));
  const sealKey = derive('seal');
  const digestKey = derive('digest');
  return {
    seal(text, place) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', sealKey, nonce).setAAD(Buffer.from(place));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([Uint8Array.of(version), nonce, body, cipher.getAuthTag()]);
    },
    open(sealed, place) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      try {
        if (bytes[0] !== version) throw new Error(`the form ${bytes[0]} is not known`);
        const decipher = createDecipheriv('aes-256-gcm', sealKey, bytes.subarray(1, 1 + nonceBytes), {
          authTagLength: tagBytes,
        });
        decipher.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(-tagBytes));
        const body = bytes.subarray(1 + nonceBytes, -tagBytes);
        return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
      } catch (error) {
        throw new TachographError(
          'key-broken',
          `What is sealed for ${place} cannot be opened: it was made with another key, or changed. Give every server and worker of the project the same TACHOGRAPH_SECRET.`,
          { cause: error },
        );
      }
    },
    digest: (value) => createHmac('sha256', digestKey).update(toCanonicalJson(value)).digest('hex'),
  };
}
