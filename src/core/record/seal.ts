/** How far one writer's chain went when a seal was made. */
export interface SealedWriter {
  readonly writerId: string;
  readonly count: number;
  /** Hash of the event `count`, 64 hex digits. */
  readonly head: string;
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
  const writers = seal.writers.map((w) => [w.writerId, w.count, w.head]);
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
