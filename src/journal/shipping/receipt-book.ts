import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Receipt } from '../../core/record/receipt.ts';
import { isReceiptSigned, parseReceipt } from '../../core/record/receipt.ts';

const olderFile = (outbox: string): string => join(outbox, 'receipts.1.jsonl');

const bytesMax = 4 * 1024 * 1024;

/** The file of a server's receipts: one JSON line each, the older half in `receipts.1.jsonl`. */
export function receiptsFile(outbox: string): string {
  return join(outbox, 'receipts.jsonl');
}

/**
 * Keeps a server's receipt for a batch. False, and nothing is kept, for one that is not signed or is of other bytes: the
 * records are there all the same, since the server said so.
 */
export function keepReceipt(outbox: string, receipt: Receipt, batch: Uint8Array): boolean {
  const isOfBatch = receipt.batchDigest === createHash('sha256').update(batch).digest('hex');
  if (!isOfBatch || !isReceiptSigned(receipt)) return false;
  const file = receiptsFile(outbox);
  if ((fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0) > bytesMax) fs.renameSync(file, olderFile(outbox));
  fs.appendFileSync(file, `${JSON.stringify(receipt)}\n`, { mode: 0o600 });
  return true;
}

function readIf(file: string): Buffer {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

/** Bytes of receipts that are in the book now: a place to read on from. */
export function receiptsEnd(outbox: string): number {
  return fs.statSync(receiptsFile(outbox), { throwIfNoEntry: false })?.size ?? 0;
}

/** The receipts that were kept since the book ended at `fromBytes`, whoever of this home sent the batches. */
export function readReceiptsSince(outbox: string, fromBytes: number): readonly Receipt[] {
  const now = readIf(receiptsFile(outbox));
  // Shorter than it was: what stood there went into the older half.
  const bytes =
    now.length >= fromBytes
      ? now.subarray(fromBytes)
      : Buffer.concat([readIf(olderFile(outbox)).subarray(fromBytes), now]);
  return bytes
    .toString('utf8')
    .split('\n')
    .flatMap((line) => {
      const receipt = lineToReceipt(line);
      return receipt === null ? [] : [receipt];
    });
}

function lineToReceipt(line: string): Receipt | null {
  try {
    return parseReceipt(JSON.parse(line));
  } catch {
    // The empty end of the file, or a line that a full disk cut off.
    return null;
  }
}
