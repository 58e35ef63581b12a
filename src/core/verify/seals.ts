import { sha256Hex } from '../digest.ts';
import { createSigningKey, isSigned } from '../signing.ts';
import type { RecordedEvent } from '../record/event.ts';
import type { Seal } from '../record/seal.ts';
import { sealToText } from '../record/seal.ts';
import type { Erased, ErasedByWriter } from './chains.ts';
import type { Finding } from './verdict.ts';

/** The `previous` of a project's first seal. */
export const firstPrevious = '0'.repeat(64);

/** Signs seals of one project. */
export interface SealSigner {
  /** Raw public key, 64 hex digits. */
  readonly publicKey: string;
  sign(seal: Omit<Seal, 'signature' | 'publicKey'>): Seal;
}

/** A signer from a 32-byte Ed25519 seed. */
export function createSealSigner(seed: Uint8Array): SealSigner {
  const { publicKey, sign } = createSigningKey(seed);
  return {
    publicKey,
    sign(unsigned) {
      const seal = { ...unsigned, publicKey };
      return { ...seal, signature: sign(sealToText(seal)) };
    },
  };
}

/** True when the signature is that of the key the seal names. */
export function isSealSigned(seal: Seal): boolean {
  try {
    return isSigned(sealToText(seal), seal);
  } catch {
    // A stored value that has no text as a seal was never signed.
    return false;
  }
}

/** What the next seal of a project points back to. */
export function sealToDigest(seal: Seal): string {
  return sha256Hex(`${sealToText(seal)}${seal.signature}`);
}

/** True when a seal is signed by the trusted key or, where none is known, by the one it names. */
export function isSealTrusted(seal: Seal, trustedKey: string | null): boolean {
  return (trustedKey === null || seal.publicKey === trustedKey) && isSealSigned(seal);
}

/** What the seals of a run say of each writer's erased words; only signed seals count. */
export function erasedBySeals(seals: readonly Seal[], trustedKey: string | null): ErasedByWriter {
  const erasedByWriter = new Map<string, Erased[]>();
  for (const seal of seals) {
    if (seal.writers.every(({ erased }) => erased === 0) || !isSealTrusted(seal, trustedKey)) continue;
    for (const { writerId, erased, spared } of seal.writers)
      if (erased > 0) erasedByWriter.set(writerId, [...(erasedByWriter.get(writerId) ?? []), { erased, spared }]);
  }
  return erasedByWriter;
}

function bad(message: string): Finding {
  return { verdict: 'bad-signature', writerId: null, n: null, message };
}

function checkSeal(seal: Seal, byWriter: ReadonlyMap<string, readonly RecordedEvent[]>): Finding | null {
  for (const { writerId, count, head } of seal.writers) {
    const events = byWriter.get(writerId) ?? [];
    const last = events.at(-1)?.header.n ?? 0;
    if (last < count) {
      const message = `Seal ${seal.number} covers ${count} events of writer ${writerId}; only ${last} are here.`;
      return { verdict: 'truncated', writerId, n: last + 1, message };
    }
    const event = events.find((candidate) => candidate.header.n === count);
    if (event !== undefined && Buffer.from(event.hash).toString('hex') !== head) {
      const message = `The chain of writer ${writerId} was rewritten at or before event ${count}: seal ${seal.number} knows another head.`;
      return { verdict: 'edited', writerId, n: count, message };
    }
  }
  return null;
}

/** Checks a run's seals against its chains; `trustedKey` is the key of this home, where known. */
export function checkSeals(
  seals: readonly Seal[],
  byWriter: ReadonlyMap<string, readonly RecordedEvent[]>,
  trustedKey: string | null,
): Finding | null {
  for (const seal of seals) {
    const runId = byWriter.values().next().value?.[0]?.header.runId ?? seal.runId;
    if (seal.runId !== runId) return bad(`Seal ${seal.number} is that of run ${seal.runId}, not of this one.`);
    if (!isSealSigned(seal)) return bad(`The signature of seal ${seal.number} does not belong to its text.`);
    if (trustedKey !== null && seal.publicKey !== trustedKey) {
      return bad(`Seal ${seal.number} is signed by key ${seal.publicKey.slice(0, 16)}…, not by this store's key.`);
    }
    const finding = checkSeal(seal, byWriter);
    if (finding !== null) return finding;
  }
  return null;
}

/** How many events no seal covers. */
export function countUnsealed(seals: readonly Seal[], byWriter: ReadonlyMap<string, readonly RecordedEvent[]>): number {
  const countByWriter = new Map<string, number>();
  for (const seal of seals) {
    for (const { writerId, count } of seal.writers)
      countByWriter.set(writerId, Math.max(count, countByWriter.get(writerId) ?? 0));
  }
  let unsealed = 0;
  for (const [writerId, events] of byWriter) {
    const covered = countByWriter.get(writerId) ?? 0;
    for (const event of events) if (event.header.n > covered) unsealed += 1;
  }
  return unsealed;
}
