import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Receipt } from '../../core/record/receipt.ts';
import { isReceiptSigned } from '../../core/record/receipt.ts';

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
  if ((fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0) > bytesMax)
    fs.renameSync(file, join(outbox, 'receipts.1.jsonl'));
  fs.appendFileSync(file, `${JSON.stringify(receipt)}\n`, { mode: 0o600 });
  return true;
}
