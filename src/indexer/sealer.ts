import type { Clock } from '../core/clock.ts';
import { isTachographError, TachographError } from '../core/error.ts';
import { eventHash, zeroHash } from '../core/record/chain.ts';
import type { RecordedEvent } from '../core/record/event.ts';
import type { Seal, SealedWriter, SealHead, SealHeads } from '../core/record/seal.ts';
import { isSealedWordless } from '../core/record/seal.ts';
import type { SealDue, Store } from '../core/store.ts';
import type { Problem } from './importer.ts';
import { groupByWriter } from '../core/verify/chains.ts';
import type { SealSigner } from '../core/verify/seals.ts';
import { firstPrevious, isSealTrusted, sealToDigest } from '../core/verify/seals.ts';

/** Seals runs, never in the thread of a recorded program. */
export interface Sealer {
  /** Seals what waits for a seal, and keeps the newest seal's number and digest outside the store. */
  sealAll(): Promise<void>;
  /**
   * Seals a run at once, saying that its words are erased: `all` up to now or those of some events, before it is
   * done, or those that are `gone` by now. A record that was changed gets no seal, which is told; it stays what verification calls it.
   */
  sealErasure(run: SealDue, words: ErasedWords): Promise<void>;
}

/** Which words of a run are erased: of all its events, of those that have none by now, or of these n of each writer. */
export type ErasedWords = 'all' | 'gone' | ReadonlyMap<string, ReadonlySet<number>>;

/** What a sealer works with. */
export interface SealerParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly signerOf: (projectId: string) => SealSigner;
  readonly heads: SealHeads;
  /** Told what could not be sealed, and why. */
  readonly onProblem: (problem: Problem) => void;
  /**
   * Asked before a run is sealed anew whose words were erased: true when it took, and sealed, what has come since and was meant
   * by that erasure.
   */
  readonly eraseLate?: (run: SealDue) => Promise<boolean>;
}

const triesMax = 10;
const dueMax = 500;

/** Where a writer's chain ends, as its events say. */
interface Head {
  readonly count: number;
  readonly head: string;
}

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Follows a writer's chain on from where the last seal left it; the reason why it cannot be sealed when it was changed. */
function followWriter(from: Head, events: readonly RecordedEvent[]): Head | string {
  let { count, head } = from;
  for (const { header, digest, hash } of events) {
    // Before the seal, or behind a hole that was filled later: bound by the head that is sealed already.
    if (header.n <= count) {
      if (header.n === count && toHex(hash) !== head) return `event ${count} is not the one that was sealed`;
      continue;
    }
    // Behind a loss there is nothing to link to; the number tells of it.
    const previous = Buffer.from(head, 'hex');
    if (header.n === count + 1 && toHex(eventHash(previous, header, digest)) !== toHex(hash))
      return `event ${header.n} does not follow from the one before it`;
    count = header.n;
    head = toHex(hash);
  }
  return { count, head };
}

type Erasing = 'nothing' | ErasedWords;

/** Every n of each writer that has no words. */
function wordlessOf(events: readonly RecordedEvent[]): Map<string, Set<number>> {
  const wordlessByWriter = new Map<string, Set<number>>();
  for (const { header, payload } of events) {
    if (payload !== null) continue;
    const known = wordlessByWriter.get(header.writerId);
    if (known === undefined) wordlessByWriter.set(header.writerId, new Set([header.n]));
    else known.add(header.n);
  }
  return wordlessByWriter;
}

type Erased = Pick<SealedWriter, 'erased' | 'spared'>;

const nothingErased: Erased = { erased: 0 };
const noEvents: ReadonlySet<number> = new Set();

/** What was erased before together with these events, as a seal says it: up to the last of them, but for those spared. */
function addErased(before: Erased, wordless: ReadonlySet<number>): Erased {
  if (wordless.size === 0) return before;
  const erased = [...wordless].reduce((max, n) => Math.max(max, n), before.erased);
  const spared: [number, number][] = [];
  for (let n = 1; n <= erased; n += 1) {
    if (wordless.has(n) || isSealedWordless(before, n)) continue;
    const last = spared.at(-1);
    if (last !== undefined && last[1] === n - 1) last[1] = n;
    else spared.push([n, n]);
  }
  return spared.length === 0 ? { erased } : { erased, spared };
}

function toWriters(
  found: ReadonlyMap<string, Head>,
  sealed: readonly SealedWriter[],
  erasedOf: (writerId: string) => 'all' | ReadonlySet<number>,
): SealedWriter[] {
  const before = new Map(sealed.map((writer) => [writer.writerId, writer]));
  return [...found]
    .map(([writerId, { count, head }]) => {
      const { erased, spared } = before.get(writerId) ?? nothingErased;
      const known = spared === undefined ? { erased } : { erased, spared };
      const wordless = erasedOf(writerId);
      return { writerId, count, head, ...(wordless === 'all' ? { erased: count } : addErased(known, wordless)) };
    })
    .sort((a, b) => (a.writerId < b.writerId ? -1 : 1));
}

function isSame(a: readonly SealedWriter[], b: readonly SealedWriter[]): boolean {
  const toText = (writers: readonly SealedWriter[]): string =>
    JSON.stringify(
      writers.map(({ writerId, count, head, erased, spared = [] }) => [writerId, count, head, erased, spared]),
    );
  return toText(a) === toText(b);
}

/**
 * A sealer that chains the seals of each project. Heads are computed from events, never taken from a row that tells of
 * them; a record that contradicts its earlier seals gets no further one. Two processes may seal at once: whoever loses a
 * number takes the next.
 *
 *   import (and a row that says the run waits) ─► seal (and the row goes) ─► the store is synced ─► head beside the keys
 *
 * Killed between any two, the next round goes on: the head may lag behind the seals, never run ahead of them.
 */
export function createSealer(parts: SealerParts): Sealer {
  const { store, clock, heads } = parts;

  /** The newest seal of a run that this key signed, and its heads. */
  const sealedHeads = async (projectId: string, runId: string): Promise<readonly SealedWriter[] | string> => {
    const newest = (await store.listSeals(projectId, runId)).at(-1);
    if (newest === undefined) return [];
    const isOurs = isSealTrusted(newest, parts.signerOf(projectId).publicKey);
    return isOurs ? newest.writers : `seal ${newest.number} of it is not signed by this key`;
  };

  const follow = async (
    run: SealDue,
    sealed: readonly SealedWriter[],
    fromSeq: number,
  ): Promise<Map<string, Head> | string> => {
    const known = new Map<string, Head>(sealed.map(({ writerId, count, head }) => [writerId, { count, head }]));
    const events = await store.listEvents(run.projectId, run.runId, { fromSeq });
    for (const [writerId, list] of groupByWriter(events)) {
      const next = followWriter(known.get(writerId) ?? { count: 0, head: toHex(zeroHash) }, list);
      if (typeof next === 'string') return `writer ${writerId}: ${next}`;
      known.set(writerId, next);
    }
    return known;
  };

  /** The heads of a run's writers; only events that came after the last seal are read where that is all there is to see. */
  const headsOf = async (run: SealDue, sealed: readonly SealedWriter[]): Promise<Map<string, Head> | string> => {
    const sealedEvents = sealed.reduce((sum, { count }) => sum + count, 0);
    const next = await follow(run, sealed, sealedEvents + 1);
    if (typeof next === 'string' || sealedEvents === 0) return next;
    // With a hole below the seal, fewer events were stored than counted, and some new ones stand before that place.
    const rows = await store.listWriters(run.projectId, run.runId);
    const isAll = rows.every(({ writerId, n }) => next.get(writerId)?.count === n);
    return isAll ? next : follow(run, sealed, 1);
  };

  /** `undefined` for one that cannot be read: verification says so, sealing goes on without it. */
  const readHead = (projectId: string): SealHead | null | undefined => {
    try {
      return heads.read(projectId);
    } catch (error) {
      parts.onProblem({ file: `newest seal of ${projectId}`, message: (error as Error).message });
      return undefined;
    }
  };

  /** Number and digest that the next seal follows. A list that was shortened is not continued: the hole stays to be seen. */
  const lastOf = async (projectId: string): Promise<SealHead | null> => {
    const last = await store.lastSeal(projectId);
    const head = readHead(projectId) ?? null;
    if (last === null || (head !== null && head.number >= last.number)) return head;
    return { number: last.number, digest: sealToDigest(last) };
  };

  const append = async (run: SealDue, writers: readonly SealedWriter[]): Promise<boolean> => {
    const last = await lastOf(run.projectId);
    const seal: Seal = parts.signerOf(run.projectId).sign({
      ...run,
      number: (last?.number ?? 0) + 1,
      writers,
      timeMs: clock.nowMs(),
      previous: last?.digest ?? firstPrevious,
    });
    try {
      await store.appendSeal(seal);
      return true;
    } catch (error) {
      // The number was taken by another process meanwhile; anything else is not ours to repair.
      if (isTachographError(error) && error.code === 'end-conflict') return false;
      throw error;
    }
  };

  /** Seals what is new in a run; the reason when its record cannot be sealed. */
  const sealRun = async (run: SealDue, erasing: Erasing): Promise<string | null> => {
    for (let tries = 0; tries < triesMax; tries += 1) {
      const sealed = await sealedHeads(run.projectId, run.runId);
      if (typeof sealed === 'string') return sealed;
      const isErased = erasing === 'nothing' && sealed.some(({ erased }) => erased > 0);
      if (isErased && (await parts.eraseLate?.(run)) === true) return null;
      const found = await headsOf(run, sealed);
      if (typeof found === 'string') return found;
      const erased = erasing === 'gone' ? wordlessOf(await store.listEvents(run.projectId, run.runId)) : erasing;
      const writers = toWriters(found, sealed, (writerId) =>
        erased === 'all' ? 'all' : erased === 'nothing' ? noEvents : (erased.get(writerId) ?? noEvents),
      );
      // A row that claims more than the events say must not make a seal in every round.
      if (isSame(writers, sealed)) break;
      if (await append(run, writers)) return null;
      if (tries === triesMax - 1)
        throw new TachographError('store-busy', `Run ${run.runId} found no free number for its seal; it waits on.`);
    }
    await store.forgetSealDue(run.projectId, run.runId);
    return null;
  };

  const keepHead = async (projectId: string): Promise<void> => {
    const newest = await store.lastSeal(projectId);
    const head = readHead(projectId);
    if (newest === null || head === undefined || newest.number <= (head?.number ?? 0)) return;
    if (!isSealTrusted(newest, parts.signerOf(projectId).publicKey)) return;
    // A seal that a power cut could take back must not be vouched for.
    await store.sync();
    heads.write(projectId, { number: newest.number, digest: sealToDigest(newest) });
  };

  const sealOrRefuse = async (run: SealDue, erasing: Erasing): Promise<void> => {
    const reason = await sealRun(run, erasing);
    if (reason === null) return;
    parts.onProblem({
      file: `run ${run.runId}`,
      message: `It is not sealed, since its record was changed: ${reason}.`,
    });
    await store.forgetSealDue(run.projectId, run.runId);
  };

  let isChecked = false;

  return {
    async sealAll() {
      // Once also without a new seal: whoever made the last one may have died before its head was kept.
      const projects = new Set(isChecked ? [] : await store.listProjects());
      for (;;) {
        const due = await store.listSealDue(dueMax);
        for (const run of due) {
          projects.add(run.projectId);
          await sealOrRefuse(run, 'nothing');
        }
        for (const projectId of projects) await keepHead(projectId);
        isChecked = true;
        if (due.length < dueMax) return;
      }
    },
    async sealErasure(run, words) {
      await sealOrRefuse(run, words);
      await keepHead(run.projectId);
    },
  };
}
