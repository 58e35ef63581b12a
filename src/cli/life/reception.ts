import { systemClock } from '../../core/clock.ts';
import { TachographError } from '../../core/error.ts';
import type { Receipt } from '../../core/record/receipt.ts';
import { signReceipt } from '../../core/record/receipt.ts';
import type { SigningKey } from '../../core/signing.ts';
import { createSigningKey } from '../../core/signing.ts';
import type { Inbox } from '../../journal/index.ts';
import { createInbox, listJournals, readGeneration } from '../../journal/index.ts';
import type { OpenedHome } from '../open.ts';

/** Takes batches of other recorders into a home, each by the inbox of its project. */
export interface Reception {
  /** Durable when it returns. Throws `batch-broken`, `batch-foreign`, `store-busy` while too much waits to be indexed, and what the disk throws. */
  take(projectId: string, batch: Uint8Array): { entries: number; generation: number; receipt: Receipt | null };
  close(): Promise<void>;
}

/** More than this that is not in the store yet, and recorders are asked to wait: they keep it, we would only pile it up. */
const waitingBytesMax = 256 * 1024 * 1024;
const measureMs = 250;

/** Bytes of journals that the store has not got; measured at most four times a second. */
function createGauge({ home, store }: Pick<OpenedHome, 'home' | 'store'>): () => number {
  let bytes = 0;
  let measuredAtMs = -Infinity;
  const measure = async (): Promise<void> => {
    const doneByFile = new Map((await store.journalPositions()).map((each) => [each.file, each.bytes]));
    bytes = listJournals(home).reduce(
      (sum, { name, bytes: size }) => sum + Math.max(0, size - (doneByFile.get(name) ?? 0)),
      0,
    );
  };
  return () => {
    const nowMs = systemClock.monotonicMs();
    if (nowMs - measuredAtMs >= measureMs) {
      measuredAtMs = nowMs;
      // A store that cannot be asked is told by everything else that asks it; what was measured last stands.
      measure().catch(() => undefined);
    }
    return bytes;
  };
}

/** The reception of an opened home; its receipts carry the key of the project's seals. */
export function createReception(
  opened: OpenedHome,
  onError: (error: unknown) => void,
  limit = waitingBytesMax,
): Reception {
  const { home } = opened;
  const inboxByProject = new Map<string, Inbox>();
  const keyByProject = new Map<string, SigningKey>();
  const waitingBytes = createGauge(opened);
  const getOrMake = <T>(map: Map<string, T>, projectId: string, make: () => T): T => {
    const known = map.get(projectId) ?? make();
    map.set(projectId, known);
    return known;
  };
  return {
    take(projectId, batch) {
      const waiting = waitingBytes();
      if (waiting > limit)
        throw new TachographError(
          'store-busy',
          `${Math.round(waiting / 1e6)} MB of records wait to be indexed here; keep yours and send them again later.`,
        );
      const inbox = getOrMake(inboxByProject, projectId, () => createInbox({ home, projectId, onError }));
      const { entries, facts } = inbox.take(batch);
      const key = getOrMake(keyByProject, projectId, () => createSigningKey(opened.keyOf(`${projectId}.seal`, 32)));
      const receipt = facts === null ? null : signReceipt({ ...facts, takenAtMs: Date.now() }, key);
      return { entries, generation: readGeneration(home), receipt };
    },
    async close() {
      for (const inbox of inboxByProject.values()) await inbox.close();
    },
  };
}
