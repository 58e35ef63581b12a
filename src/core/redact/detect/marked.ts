import { specials } from './special.ts';
import type { Detect } from './sticky.ts';
import { isBoundary, matchEnd } from './sticky.ts';
import { cloudRows } from './table/cloud.ts';
import { messagingRows } from './table/messaging.ts';
import { modelRows } from './table/models.ts';
import { paymentRows } from './table/payment.ts';
import { productRows } from './table/products.ts';
import type { Row } from './table/row.ts';
import { sourceRows } from './table/sources.ts';

/** Every form of credential that is known by a literal and a pattern. */
export const rows: readonly Row[] = [
  ...cloudRows,
  ...modelRows,
  ...sourceRows,
  ...messagingRows,
  ...paymentRows,
  ...productRows,
];

function rowToDetect({ kind, mark, rest, isAnywhere }: Row): Detect {
  const pattern = new RegExp(mark.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&') + rest, 'y');
  return (text, at) => {
    if (!isAnywhere && !isBoundary(text, at)) return null;
    const end = matchEnd(pattern, text, at);
    return end < 0 ? null : { start: at, end, kind };
  };
}

/** Marks and what looks at them: credentials with a mark of their own, and private-key blocks. */
export const markedDetectors: readonly { readonly mark: string; readonly detect: Detect }[] = [
  ...rows.map((row) => ({ mark: row.mark, detect: rowToDetect(row) })),
  ...specials.flatMap(({ marks, detect }) => marks.map((mark) => ({ mark, detect }))),
];
