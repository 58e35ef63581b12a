import type { Seal, SealHead } from '../record/seal.ts';
import type { SealLedger } from '../store.ts';
import { firstPrevious, isSealTrusted, sealToDigest } from './seals.ts';
import type { Finding } from './verdict.ts';

function finding(verdict: Finding['verdict'], message: string): Finding {
  return { verdict, writerId: null, n: null, message };
}

function shortened(newest: number, head: SealHead): Finding {
  const range = newest + 1 === head.number ? `Seal ${head.number}` : `Seals ${newest + 1} to ${head.number}`;
  return finding(
    'missing',
    `${range} of the project, the newest that was made, cannot be found: the list of seals was shortened, or the store was put back to an earlier state. What it sealed may have been of any run.`,
  );
}

/**
 * The project's seals at a glance: none is missing, and the newest one known outside the store is there. The store may
 * have more than the head knows, since the head is written after the seal.
 */
export function checkLedger({ count, newest }: SealLedger, head: SealHead | null): Finding | null {
  const number = newest?.number ?? 0;
  if (head !== null && number < head.number) return shortened(number, head);
  if (newest === null) return null;
  if (count !== number)
    return finding(
      'missing',
      `The project has made ${number} seals, and ${count} are here: any run may have lost one.`,
    );
  if (head !== null && number === head.number && sealToDigest(newest) !== head.digest)
    return finding('edited', `Seal ${number} of the project is not the one that was made.`);
  return null;
}

/** What is known of a project's seals from outside the store. */
export interface LedgerTrust {
  readonly publicKey: string | null;
  readonly head: SealHead | null;
}

function walk(
  seals: readonly Seal[],
  { publicKey, head }: LedgerTrust,
  isBound: (seal: Seal) => boolean,
): Finding | null {
  let previous = firstPrevious;
  let number = 1;
  for (const seal of seals) {
    if (seal.number !== number) return finding('missing', `Seal ${number} of the project is missing.`);
    if (seal.previous !== previous)
      return finding('bad-signature', `Seal ${number} of the project does not follow from seal ${number - 1}.`);
    if (!isBound(seal) && !isSealTrusted(seal, publicKey))
      return finding('bad-signature', `Seal ${number} of the project is not signed by its key.`);
    previous = sealToDigest(seal);
    if (head?.number === number && head.digest !== previous)
      return finding('edited', `Seal ${number} of the project is not the one that was made.`);
    number += 1;
  }
  return head !== null && number <= head.number ? shortened(number - 1, head) : null;
}

/** Checks that a project's seals follow each other without a hole, up to the head and beyond; `null` when they do. */
export function checkSealChain(
  seals: readonly Seal[],
  trust: LedgerTrust = { publicKey: null, head: null },
): Finding | null {
  const ordered = [...seals].sort((a, b) => a.number - b.number);
  // The head's digest binds all seals before it, signatures included: 6 µs for each instead of 140 (2026-11-21). Only when something
  // is wrong are they looked at one by one, to name the first.
  const found = walk(ordered, trust, ({ number }) => number <= (trust.head?.number ?? 0));
  return found === null ? null : (walk(ordered, trust, () => false) ?? found);
}
