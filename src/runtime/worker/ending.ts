import type { JournalEntry } from '../../core/journal.ts';
import { isTerminal } from '../../core/model/run.ts';
import type { JoinedRun } from '../../core/record/recording.ts';
import type { WorkChange, WorkState } from '../../core/work/work.ts';
import type { Batcher } from '../../core/batcher.ts';
import { createBatcher } from '../../core/batcher.ts';
import type { RuntimeParts } from '../parts.ts';
import type { Taken } from '../recording/import-queue.ts';
import { tellParents } from '../runs/child-end.ts';
import { storeTimeOf } from '../store-time.ts';
import type { Assignment } from './assignment.ts';
import type { Outcome } from './outcome.ts';
import { draftChange, outcomeToChange } from './outcome.ts';

/** A run that its worker is through with. */
export interface EndedWork {
  readonly assignment: Assignment;
  readonly joined: JoinedRun;
  readonly outcome: Outcome;
}

/** Writes what became of runs: several at once while one write is under way. */
export interface Endings {
  /** The state that was written; `null` when none was. Never rejects. */
  end(work: EndedWork): Promise<WorkState | null>;
  readonly size: number;
  idle(): Promise<void>;
}

const batchMax = 200;
const backoffMaxMs = 1000;

interface Drafted {
  readonly work: EndedWork;
  readonly change: WorkChange;
  readonly entry: JournalEntry;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** The endings of a worker. */
export function createEndings(parts: RuntimeParts): Endings {
  const { clock, work } = parts;
  const random = parts.random ?? Math.random;
  const batcherByProject = new Map<string, Batcher<EndedWork, WorkState | null>>();

  const draft = (
    ended: EndedWork,
    { nowMs, before }: { readonly nowMs: number; readonly before: readonly JournalEntry[] },
  ): Drafted | null => {
    const { assignment, joined, outcome } = ended;
    const { row } = assignment;
    try {
      const change = outcomeToChange(assignment, outcome, { nowMs, random });
      if (change === null) return null;
      const entry = draftChange(joined, change, outcome);
      const expected = { state: row.state, leaseEpoch: row.leaseEpoch, isHeld: true };
      const entries = [...before, entry];
      return { work: ended, entry, change: { runId: row.runId, expected, next: change.next, entries } };
    } catch (error) {
      parts.onError(error);
      return null;
    }
  };

  /** A store that is away is waited for as long as one of the leases may be in force. */
  const insist = async <T>(of: readonly EndedWork[], attempt: () => Promise<T>): Promise<T | null> => {
    let backoffMs = 25;
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        parts.onError(error);
        const untilMs = Math.max(...of.map(({ assignment }) => assignment.validUntilMs));
        if (clock.monotonicMs() + backoffMs >= untilMs) return null;
        await wait(backoffMs);
        backoffMs = Math.min(backoffMaxMs, backoffMs * 2);
      }
    }
  };

  const isMade = async (projectId: string, { change }: Drafted): Promise<boolean> => {
    const row = await work.get(projectId, change.runId);
    const { state, leaseEpoch, finishedAtMs, queueAtMs } = change.next;
    return (
      row?.state === state &&
      row.leaseEpoch === leaseEpoch &&
      row.finishedAtMs === finishedAtMs &&
      row.queueAtMs === queueAtMs
    );
  };

  /** Writes ends with what their runs recorded before and has not come into the store. */
  const writeWith = async (
    { projectId, taken, nowMs }: { readonly projectId: string; readonly taken: Taken; readonly nowMs: number },
    ended: readonly EndedWork[],
  ): Promise<(WorkState | null)[]> => {
    const recorder = parts.recorderOf(projectId);
    const beforeOf = (each: EndedWork): readonly JournalEntry[] =>
      taken.entriesByRun.get(each.assignment.row.runId) ?? [];
    const drafts = ended.map((each) => draft(each, { nowMs, before: beforeOf(each) }));
    const written = drafts.filter((each) => each !== null);
    const brought = taken.others();
    const changes = written.map(({ change }, index) => (index === 0 ? { ...change, brought } : change));
    let tries = 0;
    const answers = await insist(ended, async () => {
      tries += 1;
      return changes.length === 0 ? [] : await work.change(projectId, changes);
    });
    const isLanded = answers !== null && changes.length > 0;
    if (isLanded) taken.done(true);
    const made = new Set(written.filter((_each, index) => answers?.[index] === true));
    // A change whose answer was lost is refused when it is tried again, and yet was made.
    if (tries > 1) for (const each of written) if (await isMade(projectId, each).catch(() => false)) made.add(each);
    for (const each of written) if (!made.has(each)) each.work.joined.takeBack(each.entry);
    for (const [index, each] of drafts.entries())
      if (each === null || !made.has(each)) recorder.putBack(beforeOf(ended[index]!));
    const over = [...made].filter(({ change }) => isTerminal(change.next.state));
    await tellParents(
      parts,
      projectId,
      over.map((each) => each.work.assignment.row),
    ).catch(parts.onError);
    return drafts.map((each) => (each !== null && made.has(each) ? each.change.next : null));
  };

  const write = async (projectId: string, ended: readonly EndedWork[]): Promise<(WorkState | null)[]> => {
    const nowMs = await insist(ended, () => storeTimeOf(work, clock).nowMs());
    if (nowMs === null) return ended.map(() => null);
    const runIds = new Set(ended.map(({ assignment }) => assignment.row.runId));
    const taken = await insist(ended, () => parts.recorderOf(projectId).take(runIds));
    if (taken === null) return ended.map(() => null);
    try {
      return await writeWith({ projectId, taken, nowMs }, ended);
    } finally {
      taken.done(false);
    }
  };

  const batcherOf = (projectId: string): Batcher<EndedWork, WorkState | null> => {
    const known = batcherByProject.get(projectId);
    if (known !== undefined) return known;
    const batcher = createBatcher<EndedWork, WorkState | null>({ batchMax, run: (ended) => write(projectId, ended) });
    batcherByProject.set(projectId, batcher);
    return batcher;
  };

  return {
    end(ended) {
      const { assignment, outcome } = ended;
      if (outcome.kind === 'lost') return Promise.resolve(null);
      return batcherOf(assignment.projectId)
        .add(ended)
        .catch((error: unknown) => {
          parts.onError(error);
          return null;
        });
    },
    get size() {
      return [...batcherByProject.values()].reduce((sum, { size }) => sum + size, 0);
    },
    async idle() {
      await Promise.all([...batcherByProject.values()].map((batcher) => batcher.idle()));
    },
  };
}
