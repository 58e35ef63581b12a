import { sha256 } from '../digest.ts';
import type { EventHeader, RecordedEvent } from './event.ts';
import { headerToText } from './event.ts';

/** The hash before a writer's first event: 32 zero bytes. */
export const zeroHash: Uint8Array = new Uint8Array(32);

/** SHA-256(salt ‖ payload): what the chain keeps of a payload when its words are gone. */
export function payloadDigest(salt: Uint8Array, payload: string): Uint8Array {
  const bytes = Buffer.allocUnsafe(salt.length + Buffer.byteLength(payload));
  bytes.set(salt, 0);
  bytes.write(payload, salt.length, 'utf8');
  return sha256(bytes);
}

/** SHA-256(previous ‖ header ‖ digest): one link of a writer's chain. */
export function eventHash(previous: Uint8Array, header: EventHeader, digest: Uint8Array): Uint8Array {
  const text = headerToText(header);
  const bytes = Buffer.allocUnsafe(64 + Buffer.byteLength(text));
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
