import { hash } from 'node:crypto';

const sum = Buffer.alloc(32);

/**
 * SHA-256 of bytes or UTF-8 text, 32 bytes. Goes by way of a one-byte string, since asking the runtime for a buffer costs
 * 1.5 µs where this costs 0.5 (300 bytes, 2026-11-21, Node 24.21). The bytes are their own: cut from the runtime's pool,
 * one digest that is kept would keep 8 KiB.
 */
export function sha256(data: Uint8Array | string): Buffer {
  sum.write(hash('sha256', data, 'binary'), 0, 32, 'latin1');
  const digest = Buffer.alloc(32);
  digest.set(sum);
  return digest;
}

/** SHA-256 as 64 hex digits. */
export function sha256Hex(data: Uint8Array | string): string {
  return hash('sha256', data, 'hex');
}
