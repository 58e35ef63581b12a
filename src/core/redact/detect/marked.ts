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

/** Marks that also begin plain words, and say nothing when nothing follows them. */
const plainMarks = new Set([
  'key-',
  'api-',
  'sdk-',
  're_',
  'pk_',
  'ak_',
  'EAAA',
  'AAAA',
  'prod:',
  'secret_',
  'organizations/',
]);
const cutMarks = rows.filter(({ mark }) => !plainMarks.has(mark) && (mark.length > 3 || mark.endsWith('_')));
const cutKey =
  /(?:^|[^A-Za-z0-9_-])(sk-(?:(?:ant|proj|or|admin|svcacct)-)?[A-Za-z0-9_-]*|eyJ[A-Za-z0-9_-]{8,}\.?[A-Za-z0-9_-]*)$/;

/**
 * The place of a mark whose credential the end of a cut text went through, or -1: too little of it is left to be
 * matched. Looks at the last word only.
 */
export function cutMarkAt(text: string): number {
  const word = /[A-Za-z0-9_.~%+/$=-]+$/.exec(text.slice(-256))?.[0] ?? '';
  const wordAt = text.length - word.length;
  const places = cutMarks.flatMap(({ mark, isAnywhere }) => {
    const at = word.lastIndexOf(mark);
    return at >= 0 && (isAnywhere || isBoundary(text, wordAt + at)) ? [wordAt + at] : [];
  });
  const secretKey = cutKey.exec(text.slice(-256));
  if (secretKey !== null) places.push(text.length - secretKey[1]!.length);
  return places.length === 0 ? -1 : Math.min(...places);
}
