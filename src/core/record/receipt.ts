import type { SigningKey } from '../signing.ts';
import { isSigned } from '../signing.ts';

/** How far one run's chain has come in what was taken. */
export interface ReceiptHead {
  readonly runId: string;
  readonly n: number;
  /** Hash of event n, 64 hex digits. */
  readonly hash: string;
}

/** What a server signs of a batch that it has on its disk. */
export interface ReceiptFacts {
  readonly projectId: string;
  readonly writerId: string;
  /** SHA-256 of the bytes that were sent, 64 hex digits. */
  readonly batchDigest: string;
  readonly entries: number;
  /** The newest event of each run in the batch, by run id. */
  readonly heads: readonly ReceiptHead[];
  /** The server's clock, Unix milliseconds. */
  readonly takenAtMs: number;
}

/** A counter-signed receipt: whoever holds it can show that the server had these events by then. */
export interface Receipt extends ReceiptFacts {
  /** Raw Ed25519 key of the server for the project, 64 hex digits: the one its seals carry. */
  readonly publicKey: string;
  /** 128 hex digits. */
  readonly signature: string;
}

/** Signed text: named, so that no signature over anything else can be passed off as a receipt. */
function toText({ projectId, writerId, batchDigest, entries, heads, takenAtMs }: ReceiptFacts): string {
  const fields = [
    projectId,
    writerId,
    batchDigest,
    entries,
    takenAtMs,
    ...heads.flatMap(({ runId, n, hash }) => [runId, n, hash]),
  ];
  return `tachograph-receipt-1\n${JSON.stringify(fields)}`;
}

/** Signs a receipt. */
export function signReceipt(facts: ReceiptFacts, key: SigningKey): Receipt {
  return { ...facts, publicKey: key.publicKey, signature: key.sign(toText(facts)) };
}

/** True when the receipt is signed by the key that it names. Whose key that is, it cannot say. */
export function isReceiptSigned(receipt: Receipt): boolean {
  return isSigned(toText(receipt), receipt);
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isHex = (value: unknown, digits: number): boolean =>
  typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value);

function isHead(value: unknown): value is ReceiptHead {
  const { runId, n, hash } = (value ?? {}) as Partial<Record<keyof ReceiptHead, unknown>>;
  return typeof runId === 'string' && isCount(n) && isHex(hash, 64);
}

/** A receipt as it came over the wire; `null` for anything that has not its form. Says nothing of its signature. */
export function parseReceipt(value: unknown): Receipt | null {
  const given = (value ?? {}) as Partial<Record<keyof Receipt, unknown>>;
  const { projectId, writerId, batchDigest, entries, heads, takenAtMs, publicKey, signature } = given;
  const isText = typeof projectId === 'string' && typeof writerId === 'string';
  const isSignature = isHex(batchDigest, 64) && isHex(publicKey, 64) && isHex(signature, 128);
  const isCounted = isCount(entries) && isCount(takenAtMs) && Array.isArray(heads) && heads.every(isHead);
  return isText && isSignature && isCounted ? (given as Receipt) : null;
}
