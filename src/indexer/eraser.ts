import type { Clock } from '../core/clock.ts';
import { isTachographError, TachographError } from '../core/error.ts';
import type { ErasedPart } from '../core/life/erased-part.ts';
import { eventsToErase } from '../core/life/erased-part.ts';
import { erasureNotesMax, findLateWords } from '../core/life/late-words.ts';
import type { Subject } from '../core/life/subject.ts';
import { isTerminal } from '../core/model/run.ts';
import type { ContentEraseFacts } from '../core/record/facts.ts';
import type { ErasureResult, SealDue, Store, StoredErasure } from '../core/store.ts';
import type { Archive, ErasedEntries } from './archive.ts';
import { isPassing, toReason } from './failure.ts';
import type { Problem } from './importer.ts';
import type { OwnEvents } from './own-events.ts';
import type { Sealer } from './sealer.ts';
import type { LeavingRun } from './subject.ts';
import { findLeaving } from './subject.ts';

/** What erasing needs. */
export interface EraserParts {
  readonly store: Store;
  readonly archive: Archive;
  readonly own: OwnEvents;
  readonly clock: Clock;
  readonly importAll: () => Promise<void>;
  readonly sealer: Sealer;
  readonly sleep: (ms: number) => Promise<void>;
  /** Told of each run that lost its words here. */
  readonly onErased: (run: SealDue) => void;
}

/** What erasing a subject did. */
export interface SubjectErasure extends ErasureResult {
  /** Runs that have not ended and therefore keep their words: end them, and erase again. */
  readonly openRunIds: readonly string[];
}

/** Told how far an erasure is, in runs. */
export type ErasureProgress = (done: number, total: number) => void;

/** Longer than a live recorder takes to notice a new generation. */
const noticeMs = 250;
const triesMax = 3;
const betweenTriesMs = 500;
const chunkBytes = 2 * 1024 * 1024;
/** Runs whose words go between two rounds of sealing. */
const roundRuns = 100;

/** Why words were erased, as the tombstone says. */
export type Scope = ContentEraseFacts['scope'];

interface Erased {
  readonly leaving: LeavingRun;
  readonly result: StoredErasure;
}

const toDue = ({ run }: LeavingRun): SealDue => ({ projectId: run.projectId, runId: run.id });

/** The events of a run that lose their words: as its entries, and every n of each writer. */
async function planPart(
  store: Store,
  run: SealDue,
  part: ErasedPart,
): Promise<{ entries: ErasedEntries; byWriter: Map<string, Set<number>> }> {
  const byWriter = new Map<string, Set<number>>();
  const events = new Set<string>();
  for (const { header } of eventsToErase(await store.listEvents(run.projectId, run.runId), part)) {
    events.add(`${header.writerId}/${header.n}`);
    byWriter.set(header.writerId, (byWriter.get(header.writerId) ?? new Set()).add(header.n));
  }
  return { entries: { runId: run.runId, events }, byWriter };
}

/**
 * Takes the words of some runs, ended ones, of one project.
 *
 *   sealed: "these words go" ─► journals ─► store ─► what was recorded meanwhile: imported, sealed ─► tombstone ─► sealed
 *
 * The seal comes first, since words that go without one count as taken by a stranger. The journals come before the
 * store: killed in between, the store still knows whose the words are, and the erasure can be asked for again.
 */
async function eraseRound(
  parts: EraserParts,
  round: readonly LeavingRun[],
  { scope, askedAtMs }: { scope: Scope; askedAtMs: number },
): Promise<readonly Erased[]> {
  const { store, archive, own, sealer } = parts;
  const { projectId } = round[0]!.run;
  const entries: ErasedEntries[] = [];
  for (const leaving of round) {
    const due = toDue(leaving);
    const plan = leaving.part === null ? null : await planPart(store, due, leaving.part);
    await sealer.sealErasure(due, plan?.byWriter ?? 'all');
    entries.push(plan?.entries ?? { runId: due.runId, events: null });
  }
  archive.eraseRuns(projectId, entries);
  const erased: Erased[] = [];
  for (const leaving of round) {
    const result = await store.eraseRun(projectId, leaving.run.id, leaving.part ?? undefined);
    erased.push({ leaving, result });
    parts.onErased(toDue(leaving));
  }
  // Entries of runs that were purged may still carry them, in the journal of a process that lives.
  const dropped = new Set(erased.flatMap(({ result }) => result.droppedIds));
  if (dropped.size > 0) archive.eraseContents(projectId, dropped);
  // What was recorded meanwhile lost its words too, here or in its journal.
  await parts.importAll();
  for (const { leaving, result } of erased) {
    await sealer.sealErasure(toDue(leaving), 'gone');
    const { events, contents, shared } = result;
    own.emit(leaving.run, {
      type: 'content-erase',
      facts: { scope, events, contents, shared },
      payload: { tookMs: Math.max(0, parts.clock.nowMs() - askedAtMs) },
    });
  }
  await own.importInto(projectId);
  await sealer.sealAll();
  return erased;
}

/**
 * Makes live recorders forget what they have written, so that nothing recorded from now on relies on a content that is
 * about to go; what they wrote before is imported, so that a content they share is known to be shared.
 */
export async function forgetWritten(
  parts: Pick<EraserParts, 'store' | 'archive' | 'importAll' | 'sleep'>,
  projectIds: readonly string[],
): Promise<void> {
  // Recorders that send to a server, whichever of the store's it is, learn it from the next answer.
  for (const projectId of projectIds) await parts.store.countErasure(projectId);
  parts.archive.bumpGeneration();
  await parts.sleep(noticeMs);
  await parts.importAll();
}

async function eraseAll(
  parts: EraserParts,
  leaving: readonly LeavingRun[],
  of: { readonly scope: Scope; readonly onProgress: ErasureProgress },
): Promise<ErasureResult> {
  const askedAtMs = parts.clock.nowMs();
  await forgetWritten(parts, [leaving[0]!.run.projectId]);
  const shared = new Set<string>();
  const total = { runs: 0, events: 0, contents: 0 };
  for (let at = 0; at < leaving.length; at += roundRuns) {
    for (const { result } of await eraseRound(parts, leaving.slice(at, at + roundRuns), {
      scope: of.scope,
      askedAtMs,
    })) {
      total.runs += 1;
      total.events += result.events;
      total.contents += result.contents;
      for (const id of result.sharedIds) shared.add(id);
      // Shared with a run that went too is not shared.
      for (const id of result.droppedIds) shared.delete(id);
    }
    of.onProgress(total.runs, leaving.length);
  }
  // Whoever copied files meanwhile sees that words have gone since.
  parts.archive.bumpGeneration();
  return { ...total, shared: shared.size };
}

/** Erases runs that have ended, or parts of them; those that have not ended are left out. */
export async function eraseRuns(parts: EraserParts, runs: readonly LeavingRun[], scope: Scope): Promise<ErasureResult> {
  const ended = runs.filter(({ run }) => isTerminal(run.status));
  if (ended.length === 0) return { runs: 0, events: 0, contents: 0, shared: 0 };
  return eraseAll(parts, ended, { scope, onProgress: () => undefined });
}

/** Erases a run wherever its words are: store, index and journals. `end-conflict` while it is open. */
export async function eraseRun(parts: EraserParts, { projectId, runId }: SealDue): Promise<ErasureResult> {
  const run = await parts.store.getRun(projectId, runId);
  if (!isTerminal(run.status)) {
    throw new TachographError(
      'end-conflict',
      `Run ${runId} is still ${run.status}: end it first, then erase it, or its next words would come back.`,
    );
  }
  return eraseAll(parts, [{ run, part: null }], { scope: 'run', onProgress: () => undefined });
}

/**
 * Erases a run again that was erased and has got words since which its recorder had captured before. False when there are none,
 * or it has not ended. What cannot be erased is told and left, so that other runs are sealed.
 */
export async function eraseLate(
  parts: EraserParts & { readonly onProblem: (problem: Problem) => void },
  { projectId, runId }: SealDue,
): Promise<boolean> {
  const late = findLateWords(await parts.store.listEvents(projectId, runId));
  if (late === null) return false;
  const run = await parts.store.getRun(projectId, runId);
  if (!isTerminal(run.status)) return false;
  try {
    await eraseAll(parts, [{ run, part: null }], { scope: late.scope, onProgress: () => undefined });
    return true;
  } catch (error) {
    if (isPassing(error)) throw error;
    const message = `Words of it came after it was erased, and could not be erased: ${toReason(error)}; erase it again.`;
    parts.onProblem({ file: `run ${runId}`, message });
    return false;
  }
}

/** Erasures of other homes of the same store, done in this home's journals too. */
export interface Follower {
  /** Erases here what was erased elsewhere since the last time. */
  follow(): Promise<void>;
  /** Told of a run that this home erased by itself. */
  note(run: SealDue): void;
}

const followAgainMs = 30_000;
/** More runs than this are first looked for in the journals. */
const askedRunsMax = 500;

/** A follower. One that failed tries again after half a minute: what it has to do is no reason to import nothing. */
export function createFollower(parts: Pick<EraserParts, 'store' | 'archive' | 'clock'>): Follower {
  const { store, archive, clock } = parts;
  const doneByProject = new Map<string, number>();
  const own = new Set<string>();
  let againAtMs = Number.NEGATIVE_INFINITY;

  const runsIn = async (projectId: string): Promise<Set<string>> => {
    const found = new Set<string>();
    for (const { file, projectId: of } of archive.list().files) {
      if (of !== projectId) continue;
      for (let from = 0, isMore = true; isMore;) {
        const { entries, nextBytes, end } = archive.read(file, from, chunkBytes);
        for (const { event } of entries) found.add(event.header.runId);
        [from, isMore] = [nextBytes, end === 'more'];
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    return found;
  };

  /** What the store has no words of; all of a run that it has not got any more. */
  const wordlessOf = async (run: SealDue): Promise<ErasedEntries> => {
    try {
      const events = await store.listEvents(run.projectId, run.runId);
      const wordless = events.filter(({ payload }) => payload === null);
      return { runId: run.runId, events: new Set(wordless.map(({ header }) => `${header.writerId}/${header.n}`)) };
    } catch (error) {
      if (isTachographError(error) && error.code === 'run-not-found') return { runId: run.runId, events: null };
      throw error;
    }
  };

  const followProject = async (projectId: string): Promise<void> => {
    const since = doneByProject.get(projectId) ?? 0;
    const count = await store.erasureCount(projectId);
    if (count === since) return;
    const notes = await store.listErasures(projectId, since);
    archive.bumpGeneration();
    const runIds = new Set(notes.map(({ runId }) => runId).filter((runId) => !own.has(`${projectId}/${runId}`)));
    const present = runIds.size > askedRunsMax ? await runsIn(projectId) : runIds;
    const entries: ErasedEntries[] = [];
    for (const runId of runIds) if (present.has(runId)) entries.push(await wordlessOf({ projectId, runId }));
    if (entries.length > 0) archive.eraseRuns(projectId, entries);
    doneByProject.set(projectId, count);
    for (const { runId } of notes) own.delete(`${projectId}/${runId}`);
  };

  return {
    async follow() {
      if (clock.monotonicMs() < againAtMs) return;
      againAtMs = clock.monotonicMs() + followAgainMs;
      const projects = new Set(archive.list().files.map(({ projectId }) => projectId));
      for (const projectId of projects) await followProject(projectId);
      againAtMs = Number.NEGATIVE_INFINITY;
    },
    note({ projectId, runId }) {
      // Erased here once more is only work.
      if (own.size >= erasureNotesMax) own.clear();
      own.add(`${projectId}/${runId}`);
    },
  };
}

/**
 * Erases what a subject's runs say. Tried three times, half a second apart, for runs that end meanwhile and stores that
 * are busy; runs that are open after that are named and keep their words.
 */
export async function eraseSubject(
  parts: EraserParts,
  { projectId, subject, onProgress }: { projectId: string; subject: Subject; onProgress: ErasureProgress },
): Promise<SubjectErasure> {
  const done = { runs: 0, events: 0, contents: 0, shared: 0 };
  const doneIds = new Set<string>();
  for (let tries = 1; ; tries += 1) {
    try {
      await parts.importAll();
      const found = await findLeaving({ store: parts.store, projectId }, subject, parts.clock.nowMs());
      const leaving = found.filter(({ run }) => !doneIds.has(run.id));
      const ended = leaving.filter(({ run }) => isTerminal(run.status));
      if (ended.length > 0) {
        const result = await eraseAll(parts, ended, { scope: subject.kind, onProgress });
        done.runs += result.runs;
        done.events += result.events;
        done.contents += result.contents;
        done.shared += result.shared;
        for (const { run } of ended) doneIds.add(run.id);
      }
      const open = leaving.filter(({ run }) => !isTerminal(run.status));
      if (open.length === 0 || tries === triesMax) return { ...done, openRunIds: open.map(({ run }) => run.id) };
    } catch (error) {
      if (tries === triesMax || !isPassing(error)) throw error;
    }
    await parts.sleep(betweenTriesMs);
  }
}
