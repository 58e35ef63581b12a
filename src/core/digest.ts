import { hash } from 'node:crypto';

/**
 * SHA-256 of bytes or UTF-8 text, 32 bytes. Goes by way of a one-byte string, since asking the runtime for a buffer
 * costs 1.5 µs where this costs 0.5 (300 bytes, 2026-11-21, Node 24.21).
 */
export function sha256(data: Uint8Array | string): Buffer {
  return Buffer.from(hash('sha256', data, 'binary'), 'latin1');
}

/** SHA-256 as 64 hex digits. */
export function sha256Hex(data: Uint8Array | string): string {
  return hash('sha256', data, 'hex');
}
