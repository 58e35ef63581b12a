import { sha256 } from '../digest.ts';
import type { EventHeader, RecordedEvent } from './event.ts';
import { headerToText } from './event.ts';

/** The hash before a writer's first event: 32 zero bytes. */
export const zeroHash: Uint8Array = new Uint8Array(32);

const scratch = Buffer.alloc(16 * 1024);

/** Room for a text with 64 bytes around it. Its bytes are the next caller's, unless the text is long. */
function roomFor(text: string): Buffer {
  // Three bytes per UTF-16 unit is the most UTF-8 needs.
  return text.length * 3 + 64 <= scratch.length ? scratch : Buffer.allocUnsafe(Buffer.byteLength(text) + 64);
}

/** SHA-256(salt ‖ payload): what the chain keeps of a payload when its words are gone. */
export function payloadDigest(salt: Uint8Array, payload: string): Uint8Array {
  const bytes = roomFor(payload);
  bytes.set(salt, 0);
  const end = salt.length + bytes.write(payload, salt.length, 'utf8');
  return sha256(bytes.subarray(0, end));
}

/** SHA-256(previous ‖ header ‖ digest): one link of a writer's chain. */
export function eventHash(previous: Uint8Array, header: EventHeader, digest: Uint8Array): Uint8Array {
  const text = headerToText(header);
  const bytes = roomFor(text);
  bytes.set(previous, 0);
  const end = 32 + bytes.write(text, 32, 'utf8');
  bytes.set(digest, end);
  return sha256(bytes.subarray(0, end + 32));
}

/** Builds the event that follows `previous` in its writer's chain. The payload is redacted already. */
export function chainEvent(options: {
  header: EventHeader;
  payload: string;
  salt: Uint8Array;
  previous: Uint8Array;
}): RecordedEvent {
  const digest = payloadDigest(options.salt, options.payload);
  return {
    header: options.header,
    payload: options.payload,
    salt: options.salt,
    digest,
    hash: eventHash(options.previous, options.header, digest),
  };
}
