import type { Clock } from '../core/clock.ts';
import { isTachographError, TachographError } from '../core/error.ts';
import { eventHash, zeroHash } from '../core/record/chain.ts';
import type { RecordedEvent } from '../core/record/event.ts';
import type { Seal, SealedWriter, SealHead, SealHeads } from '../core/record/seal.ts';
import { isSealedWordless } from '../core/record/seal.ts';
import type { SealDue, SealingRun, Store, StoredEvent } from '../core/store.ts';
import { isPassing, toReason } from './failure.ts';
import type { Problem } from './importer.ts';
import { groupByWriter } from '../core/verify/chains.ts';
import type { SealSigner } from '../core/verify/seals.ts';
import { firstPrevious, isSealTrusted, sealToDigest } from '../core/verify/seals.ts';

/** Seals runs, never in the thread of a recorded program. */
export interface Sealer {
  /** Seals what waits for a seal, and keeps the newest seal's number and digest outside the store. */
  sealAll(): Promise<void>;
  /** The same for some of them and not again at once, for a loop that comes back: at a steady load each time seals more. */
  sealSome(): Promise<void>;
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
/** What is looked at, and of that what is read, signed and kept at once; a run with more new events than this comes alone. */
const groupMax = { runs: 200, events: 2000 };
/*
 * A group costs little more than one run, so the sealer rests after it has sealed, and finds more to seal at once: three
 * times as long as it took, within these bounds, or as long as it took when as much waits as it looks at. What waits
 * for the first time in a while is sealed at once.
 */
const rest = { share: 3, shareWhenFull: 1, msMin: 250, msMax: 1000 };

/** Where a writer's chain ends, as its events say. */
interface Head {
  readonly count: number;
  readonly head: string;
}

/** Runs of one project. */
interface Group {
  readonly projectId: string;
  readonly runIds: readonly string[];
  readonly erasing: Erasing;
}

/** A run that may be sealed: its newest seal is ours, and binds these. */
interface SealableRun extends SealingRun {
  readonly sealed: readonly SealedWriter[];
}

/** What the next seal of a run says. */
interface Draft {
  readonly runId: string;
  readonly writers: readonly SealedWriter[];
}

/** Why runs cannot be sealed, by run. */
type Refusals = Map<string, string>;

const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Follows a writer's chain on from where the last seal left it; the reason why it cannot be sealed when it was changed. */
function followWriter(from: Head, events: readonly RecordedEvent[]): (Head & { hasHole: boolean }) | string {
  let { count, head } = from;
  let hasHole = false;
  for (const { header, digest, hash } of events) {
    // Before the seal, or behind a hole that was filled later: bound by the head that is sealed already.
    if (header.n <= count) {
      if (header.n === count && toHex(hash) !== head) return `event ${count} is not the one that was sealed`;
      continue;
    }
    // Behind a loss there is nothing to link to; the number tells of it.
    const previous = Buffer.from(head, 'hex');
    if (header.n > count + 1) hasHole = true;
    else if (toHex(eventHash(previous, header, digest)) !== toHex(hash))
      return `event ${header.n} does not follow from the one before it`;
    count = header.n;
    head = toHex(hash);
  }
  return { count, head, hasHole };
}

const sumOfCounts = (writers: readonly SealedWriter[]): number => writers.reduce((sum, { count }) => sum + count, 0);

/** How many events have come to a run since its seal, as its writers say. */
function countNew({ sealed, writers }: SealableRun): number {
  const countByWriter = new Map(sealed.map(({ writerId, count }) => [writerId, count]));
  return writers.reduce((sum, { writerId, n }) => sum + Math.max(0, n - (countByWriter.get(writerId) ?? 0)), 0);
}

/** Runs in parts whose new events are read at once. */
function runsToParts(runs: readonly SealableRun[]): SealableRun[][] {
  const runsByPart: SealableRun[][] = [];
  let room = 0;
  for (const run of runs) {
    const count = countNew(run);
    if (runsByPart.length === 0 || count > room) {
      runsByPart.push([]);
      room = groupMax.events;
    }
    runsByPart.at(-1)!.push(run);
    room -= count;
  }
  return runsByPart;
}

/**
 * The heads of a run's writers as events say that begin at `fromSeq`; the reason why it cannot be sealed, or `null` when
 * these events are not all that is new. With a hole below the seal, fewer events were stored than counted, and some new
 * ones stand before that place.
 */
function followRun(
  run: SealableRun,
  events: readonly StoredEvent[],
  fromSeq: number,
): Map<string, Head> | string | null {
  const known = new Map<string, Head>(run.sealed.map(({ writerId, count, head }) => [writerId, { count, head }]));
  let isWhole = true;
  try {
    for (const [writerId, list] of groupByWriter(events)) {
      const next = followWriter(known.get(writerId) ?? { count: 0, head: toHex(zeroHash) }, list);
      if (typeof next === 'string') return `writer ${writerId}: ${next}`;
      if (next.hasHole) isWhole = false;
      known.set(writerId, next);
    }
  } catch (error) {
    // Whatever stands there, it was not recorded so; and no run may keep another from its seal.
    return `its events cannot be read (${toReason(error)})`;
  }
  if (fromSeq === 1) return known;
  return isWhole && run.writers.every(({ writerId, n }) => known.get(writerId)?.count === n) ? known : null;
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
 * number looks again and takes the next.
 *
 *   import (and a row that says the run waits)
 *     ─► a group is looked at: newest seal of the project, newest seal and writers of each run ─► its new events
 *     ─► seals, all or none (and the rows go) ─► the store is synced ─► head beside the keys
 *
 * Killed between any two, the next round goes on: the head may lag behind the seals, never run ahead of them. The number
 * is that after the newest seal which was looked at first, so what another process sealed or erased since takes it away.
 */
export function createSealer(parts: SealerParts): Sealer {
  const { store, clock, heads } = parts;

  /** What the newest seal of a run binds, when this key signed it. */
  const sealedOf = ({ newest }: SealingRun, { publicKey }: SealSigner): readonly SealedWriter[] | string => {
    if (newest === null) return [];
    return isSealTrusted(newest, publicKey) ? newest.writers : `seal ${newest.number} of it is not signed by this key`;
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
  const previousOf = (head: SealHead | null, last: Seal | null): SealHead | null => {
    if (last === null || (head !== null && head.number >= last.number)) return head;
    return { number: last.number, digest: sealToDigest(last) };
  };

  const readEvents = async (projectId: string, runId: string): Promise<readonly StoredEvent[]> =>
    (await store.listEventsOfRuns(projectId, [{ runId, fromSeq: 1 }])).get(runId) ?? [];

  const refuse = async (projectId: string, run: SealingRun, reason: string): Promise<void> => {
    parts.onProblem({
      file: `run ${run.runId}`,
      message: `It is not sealed, since its record was changed: ${reason}.`,
    });
    await store.forgetSealDue(projectId, run.runId, run.writers);
  };

  /** What the seals of runs say next; none for a run that was changed, or without anything new, which waits no longer. */
  const draft = async (
    { projectId, erasing }: Group,
    runs: readonly SealableRun[],
    refusals: Refusals,
  ): Promise<Draft[]> => {
    const places = runs.map(({ runId, sealed }) => ({ runId, fromSeq: sumOfCounts(sealed) + 1 }));
    const eventsByRun = await store.listEventsOfRuns(projectId, places);
    const drafts: Draft[] = [];
    for (const [index, run] of runs.entries()) {
      const { runId, sealed } = run;
      const found =
        followRun(run, eventsByRun.get(runId) ?? [], places[index]!.fromSeq) ??
        followRun(run, await readEvents(projectId, runId), 1)!;
      if (typeof found === 'string') {
        refusals.set(runId, found);
        continue;
      }
      const erased = erasing === 'gone' ? wordlessOf(await readEvents(projectId, runId)) : erasing;
      const writers = toWriters(found, sealed, (writerId) =>
        erased === 'all' ? 'all' : erased === 'nothing' ? noEvents : (erased.get(writerId) ?? noEvents),
      );
      // A row that claims more than the events say must not make a seal in every round.
      if (isSame(writers, sealed)) await store.forgetSealDue(projectId, runId, run.writers);
      else drafts.push({ runId, writers });
    }
    return drafts;
  };

  /** Signs and keeps seals that follow one another; the newest of them, or `null` when another process took a number of theirs. */
  const append = async (
    projectId: string,
    drafts: readonly Draft[],
    { signer, previous }: { signer: SealSigner; previous: SealHead | null },
  ): Promise<SealHead | null> => {
    let last = previous;
    const seals = drafts.map(({ runId, writers }) => {
      const seal = signer.sign({
        projectId,
        runId,
        number: (last?.number ?? 0) + 1,
        writers,
        timeMs: clock.nowMs(),
        previous: last?.digest ?? firstPrevious,
      });
      last = { number: seal.number, digest: sealToDigest(seal) };
      return seal;
    });
    try {
      await store.appendSeals(projectId, seals);
      return last;
    } catch (error) {
      // Anything else is not ours to repair.
      if (isTachographError(error) && error.code === 'end-conflict') return null;
      throw error;
    }
  };

  /** Seals what is new in some runs; `lost` when others were at it, so that they are to be looked at again. */
  const sealGroup = async (group: Group): Promise<'done' | 'lost'> => {
    const { projectId, erasing } = group;
    const signer = parts.signerOf(projectId);
    // First: a head that is kept later may be that of a seal that was not looked at.
    const head = readHead(projectId) ?? null;
    const view = await store.readSealing(projectId, group.runIds);
    const refusals: Refusals = new Map();
    const runs: SealableRun[] = [];
    for (const run of view.runs) {
      const sealed = sealedOf(run, signer);
      if (typeof sealed === 'string') {
        refusals.set(run.runId, sealed);
        continue;
      }
      const isErased = erasing === 'nothing' && sealed.some(({ erased }) => erased > 0);
      // That took numbers, and sealed what else waited.
      if (isErased && (await parts.eraseLate?.({ projectId, runId: run.runId })) === true) return 'lost';
      runs.push({ ...run, sealed });
    }
    let previous = previousOf(head, view.last);
    for (const part of runsToParts(runs)) {
      const drafts = await draft(group, part, refusals);
      if (drafts.length === 0) continue;
      const last = await append(projectId, drafts, { signer, previous });
      if (last === null) return 'lost';
      previous = last;
    }
    for (const run of view.runs) {
      const reason = refusals.get(run.runId);
      if (reason !== undefined) await refuse(projectId, run, reason);
    }
    return 'done';
  };

  /** Seals a group and, where it fails, each run of it alone: none keeps another from its seal. */
  const sealApart = async (group: Group, failures: unknown[]): Promise<'done' | 'lost'> => {
    try {
      return await sealGroup(group);
    } catch (error) {
      // The store is away or busy, which no run is the reason of.
      if (isPassing(error)) throw error;
      if (group.runIds.length === 1) {
        failures.push(error);
        return 'done';
      }
    }
    let outcome: 'done' | 'lost' = 'done';
    for (const runId of group.runIds)
      if ((await sealApart({ ...group, runIds: [runId] }, failures)) === 'lost') outcome = 'lost';
    return outcome;
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

  /** Projects whose newest seal may not be kept yet; all of them at first: whoever made it may have died before. */
  const unkept = new Set<string>();
  let isChecked = false;
  let restUntilMs = Number.NEGATIVE_INFINITY;

  /** Seals what is first on the list of those that wait. */
  const sealNext = async (): Promise<{ found: number; isLost: boolean; isAnyDone: boolean }> => {
    if (!isChecked) for (const projectId of await store.listProjects()) unkept.add(projectId);
    isChecked = true;
    const due = await store.listSealDue(dueMax);
    const outcomes = new Set<'done' | 'lost'>();
    const failures: unknown[] = [];
    for (const [projectId, runs] of Map.groupBy(due, (run) => run.projectId)) {
      unkept.add(projectId);
      for (let at = 0; at < runs.length; at += groupMax.runs) {
        const runIds = runs.slice(at, at + groupMax.runs).map(({ runId }) => runId);
        outcomes.add(await sealApart({ projectId, runIds, erasing: 'nothing' }, failures));
      }
    }
    for (const projectId of unkept)
      try {
        await keepHead(projectId);
        unkept.delete(projectId);
      } catch (error) {
        if (isPassing(error)) throw error;
        failures.push(error);
      }
    if (failures.length > 0) throw failures[0];
    return { found: due.length, isLost: outcomes.has('lost'), isAnyDone: outcomes.has('done') };
  };

  const checkTries = (tries: number, what: string): void => {
    if (tries >= triesMax)
      throw new TachographError('store-busy', `${what} found no free number for its seal; it waits on.`);
  };

  return {
    async sealAll() {
      for (let tries = 0; ;) {
        const { found, isLost, isAnyDone } = await sealNext();
        if (found < dueMax && !isLost) return;
        tries = isLost && !isAnyDone ? tries + 1 : 0;
        checkTries(tries, 'What has ended');
      }
    },
    async sealSome() {
      const sinceMs = clock.monotonicMs();
      if (sinceMs < restUntilMs) return;
      const { found } = await sealNext();
      if (found === 0) return;
      const nowMs = clock.monotonicMs();
      const tookMs = nowMs - sinceMs;
      const restMs = found < dueMax ? Math.max(rest.msMin, rest.share * tookMs) : rest.shareWhenFull * tookMs;
      restUntilMs = nowMs + Math.min(rest.msMax, restMs);
    },
    async sealErasure({ projectId, runId }, words) {
      const group: Group = { projectId, runIds: [runId], erasing: words };
      for (let tries = 1; (await sealGroup(group)) === 'lost'; tries += 1) checkTries(tries, `Run ${runId}`);
      await keepHead(projectId);
    },
  };
}
