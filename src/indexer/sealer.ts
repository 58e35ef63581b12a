import type { Clock } from '../core/clock.ts';
import { isTachographError } from '../core/error.ts';
import type { Seal } from '../core/record/seal.ts';
import type { Store } from '../core/store.ts';
import type { SealSigner } from '../core/verify/seals.ts';
import { firstPrevious, sealToDigest } from '../core/verify/seals.ts';

/** Seals runs, never in the thread of a recorded program. */
export interface Sealer {
  /** Asks for a seal; done at the next `sealAll`. */
  add(projectId: string, runIds: readonly string[]): void;
  sealAll(): Promise<void>;
}

const triesMax = 10;

/** A sealer that chains the seals of each project. Two processes may seal at once: whoever loses a number takes the next. */
export function createSealer(parts: {
  store: Store;
  clock: Clock;
  signerOf: (projectId: string) => SealSigner;
}): Sealer {
  const { store, clock } = parts;
  const waiting = new Map<string, Set<string>>();
  const lastByProject = new Map<string, Seal | null>();

  const lastSeal = async (projectId: string): Promise<Seal | null> => {
    const known = lastByProject.get(projectId);
    if (known !== undefined) return known;
    const last = await store.lastSeal(projectId);
    lastByProject.set(projectId, last);
    return last;
  };

  const trySeal = async (projectId: string, runId: string): Promise<boolean> => {
    const heads = await store.listWriters(projectId, runId);
    if (heads.length === 0) return true;
    const last = await lastSeal(projectId);
    const writers = heads
      .map(({ writerId, n, hash }) => ({ writerId, count: n, head: Buffer.from(hash).toString('hex') }))
      .sort((a, b) => (a.writerId < b.writerId ? -1 : 1));
    const seal = parts.signerOf(projectId).sign({
      projectId,
      runId,
      number: (last?.number ?? 0) + 1,
      writers,
      timeMs: clock.nowMs(),
      previous: last === null ? firstPrevious : sealToDigest(last),
    });
    try {
      await store.appendSeal(seal);
    } catch (error) {
      lastByProject.delete(projectId);
      // The number was taken by another process meanwhile; anything else is not ours to repair.
      if (isTachographError(error) && error.code === 'end-conflict') return false;
      throw error;
    }
    lastByProject.set(projectId, seal);
    return true;
  };

  const sealRun = async (projectId: string, runId: string): Promise<void> => {
    for (let tries = 0; tries < triesMax; tries += 1) if (await trySeal(projectId, runId)) return;
  };

  return {
    add(projectId, runIds) {
      if (runIds.length === 0) return;
      let runs = waiting.get(projectId);
      if (runs === undefined) waiting.set(projectId, (runs = new Set()));
      for (const runId of runIds) runs.add(runId);
    },
    async sealAll() {
      for (const [projectId, runs] of waiting) {
        for (const runId of runs) {
          await sealRun(projectId, runId);
          runs.delete(runId);
        }
      }
    },
  };
}
