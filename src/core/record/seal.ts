/** How far one writer's chain went when a seal was made. */
export interface SealedWriter {
  readonly writerId: string;
  readonly count: number;
  /** Hash of the event `count`, 64 hex digits. */
  readonly head: string;
  /** The words of events 1 to `erased` were dropped on purpose; 0 for none. Never less than in an earlier seal. */
  readonly erased: number;
  /** Of those, the events that kept theirs, as ranges, both ends included; left out when none did. */
  readonly spared?: readonly (readonly [from: number, to: number])[];
}

/** True when a seal says that the words of event `n` of a writer were dropped on purpose. */
export function isSealedWordless({ erased, spared = [] }: Pick<SealedWriter, 'erased' | 'spared'>, n: number): boolean {
  return n <= erased && !spared.some(([from, to]) => n >= from && n <= to);
}

/** The newest seal of a project as it is known outside the store, so that a shortened list of seals shows. */
export interface SealHead {
  readonly number: number;
  /** `sealToDigest` of that seal. */
  readonly digest: string;
}

/** Where the newest seal's number and digest are kept: beside the keys, never in the store. */
export interface SealHeads {
  /** `null` when none was kept yet; throws `key-broken` for one that cannot be read. */
  read(projectId: string): SealHead | null;
  /** Keeps it durably in place of an older one. */
  write(projectId: string, head: SealHead): void;
}

/** The signature over a run's writer chains. Seals of a project are chained and kept after purge. */
export interface Seal {
  readonly projectId: string;
  readonly runId: string;
  /** Position in the project's chain of seals, from 1. */
  readonly number: number;
  readonly writers: readonly SealedWriter[];
  /** Unix milliseconds. */
  readonly timeMs: number;
  /** SHA-256 of the previous seal of this project, its text and then its signature, 64 hex digits; zeros for the first. */
  readonly previous: string;
  /** Ed25519 public key, raw 32 bytes as hex. */
  readonly publicKey: string;
  /** Ed25519 signature over `sealToText`, hex. */
  readonly signature: string;
}

/** The exact text that is signed and chained. */
export function sealToText(seal: Omit<Seal, 'signature'>): string {
  const writers = seal.writers.map((w) => [w.writerId, w.count, w.head, w.erased, ...(w.spared ? [w.spared] : [])]);
  return JSON.stringify([
    'tachograph-seal/1',
    seal.projectId,
    seal.runId,
    seal.number,
    writers,
    seal.timeMs,
    seal.previous,
    seal.publicKey,
  ]);
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parseWriter(value: unknown): SealedWriter | null {
  if (typeof value !== 'object' || value === null) return null;
  const { writerId, count, head, erased, spared } = value as Partial<SealedWriter>;
  if (typeof writerId !== 'string' || typeof head !== 'string' || !isCount(count) || !isCount(erased)) return null;
  if (spared === undefined) return { writerId, count, head, erased };
  const isRange = (range: unknown): boolean => Array.isArray(range) && range.length === 2 && range.every(isCount);
  return Array.isArray(spared) && spared.every(isRange) ? { writerId, count, head, erased, spared } : null;
}

/**
 * A seal from a stored value, whatever it is: what is no seal keeps the place it was found in and has no signature, so
 * that every check refuses it. Never throws.
 */
export function parseSeal(value: unknown, place: { projectId: string; runId: string; number: number }): Seal {
  const broken: Seal = { ...place, writers: [], timeMs: 0, previous: '', publicKey: '', signature: '' };
  if (typeof value !== 'object' || value === null) return broken;
  const seal = value as Partial<Seal>;
  const { projectId, runId, number, timeMs, previous, publicKey, signature } = seal;
  const writers = Array.isArray(seal.writers) ? seal.writers.map(parseWriter) : [null];
  const isWhole = typeof timeMs === 'number' && !writers.includes(null);
  const isInPlace = projectId === place.projectId && runId === place.runId && number === place.number;
  if (!isWhole || !isInPlace) return broken;
  if (typeof previous !== 'string' || typeof publicKey !== 'string' || typeof signature !== 'string') return broken;
  return { ...place, writers: writers as SealedWriter[], timeMs, previous, publicKey, signature };
}
