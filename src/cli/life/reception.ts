import { systemClock } from '../../core/clock.ts';
import { TachographError } from '../../core/error.ts';
import type { Receipt } from '../../core/record/receipt.ts';
import { signReceipt } from '../../core/record/receipt.ts';
import type { SigningKey } from '../../core/signing.ts';
import { createSigningKey } from '../../core/signing.ts';
import type { Store } from '../../core/store.ts';
import type { Inbox } from '../../journal/index.ts';
import { createInbox, listJournals } from '../../journal/index.ts';
import type { OpenedHome } from '../open.ts';

/** Takes batches of other recorders into a home, each by the inbox of its project. */
export interface Reception {
  /**
   * Durable when it resolves. `generation` is the project's count of erasures, the same at every server of the store: the one
   * known last while the store cannot be asked, -1 for none. Rejects with `batch-broken`, `batch-foreign`, `store-busy` while too much waits to be
   * indexed, and with what the disk throws.
   */
  take(projectId: string, batch: Uint8Array): Promise<{ entries: number; generation: number; receipt: Receipt | null }>;
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

/** No count of erasures: whoever sees it and later a count, or the other way round, brings its contents again, which is only work. */
const unknownCount = -1;
/** As long as a recorder on the same home takes to notice an erasure. */
const believedMs = 100;
/** A batch that is on the disk is not held back for long by a store that does not answer, and the next ones not at all. */
const askMs = 1000;
const restMs = 2000;

/** The count of erasures of each project, asked for at most ten times a second. */
export function createErasureCounts(store: Pick<Store, 'erasureCount'>): (projectId: string) => Promise<number> {
  const knownByProject = new Map<string, { count: number; atMs: number }>();
  const askingByProject = new Map<string, Promise<number>>();
  const ask = async (projectId: string): Promise<number> => {
    const atMs = systemClock.monotonicMs();
    const answer = await inTime(store.erasureCount(projectId), askMs);
    // Told again and again that nothing is known, recorders would send a store that is slow even more.
    const count = answer ?? knownByProject.get(projectId)?.count ?? unknownCount;
    knownByProject.set(projectId, { count, atMs: answer === null ? atMs + restMs : atMs });
    return count;
  };
  return (projectId) => {
    const known = knownByProject.get(projectId);
    if (known !== undefined && systemClock.monotonicMs() - known.atMs < believedMs) return Promise.resolve(known.count);
    const asking = askingByProject.get(projectId) ?? ask(projectId).finally(() => askingByProject.delete(projectId));
    askingByProject.set(projectId, asking);
    return asking;
  };
}

/** What comes in time; `null` for what is late or fails, which everything else that asks the store is told of. */
async function inTime<T>(work: Promise<T>, limitMs: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), limitMs)));
  try {
    return await Promise.race([work.catch(() => null), late]);
  } finally {
    clearTimeout(timer);
  }
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
  const erasureCount = createErasureCounts(opened.store);
  const getOrMake = <T>(map: Map<string, T>, projectId: string, make: () => T): T => {
    const known = map.get(projectId) ?? make();
    map.set(projectId, known);
    return known;
  };
  return {
    async take(projectId, batch) {
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
      // Asked once the batch is on the disk: an erasure that it came too late for is told.
      return { entries, generation: await erasureCount(projectId), receipt };
    },
    async close() {
      for (const inbox of inboxByProject.values()) await inbox.close();
    },
  };
}
