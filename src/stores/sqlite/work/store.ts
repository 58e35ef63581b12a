import type { WorkLives, WorkMemories, WorkStore } from '../../../core/work/work.ts';
import { changesToBrought } from '../../../core/work/work.ts';
import type { Database } from '../database.ts';
import { keepBrought } from '../imports.ts';
import { findProject, projectKeyOf } from '../runs.ts';
import { createSqliteBudgets } from './budget.ts';
import { changeRun, createRuns, dropWords, keepEntries } from './change.ts';
import { readClock } from './clock.ts';
import { unfiledProjects } from './filing.ts';
import { beatLease, claimRuns } from './lease.ts';
import { listMemos, putMemos, putSignal, readOrder, takeSignal } from './memos.ts';
import { findRow, type WorkPlace } from './place.ts';
import { createRegisters } from './registers.ts';
import { type AskedProject, countRows, listOpenBelow, listRows, listStaleRows, listWaiting } from './runs.ts';

/** A project that was never written has a key that no row has. */
const askOf = (db: Database, projectId: string): AskedProject => ({
  id: projectId,
  key: findProject(db, projectId) ?? -1,
});

function createLives({ clock, read, write, quietly, note }: WorkPlace): WorkLives {
  const now = () => readClock(clock);
  return {
    nowMs: () => read(() => clock.nowMs()),
    create: async (projectId, creations) =>
      creations.length === 0 ? [] : write(projectId, (db) => createRuns(db, projectId, creations)),
    get: (projectId, runId) => read((db) => findRow(db, askOf(db, projectId), runId, now())?.row ?? null),
    list: (projectId, filter, page) => read((db) => listRows(db, askOf(db, projectId), { filter, page, at: now() })),
    counts: (projectId) => read((db) => countRows(db, askOf(db, projectId), now())),
    listOpenDescendants: (projectId, runId) => read((db) => listOpenBelow(db, askOf(db, projectId), runId, now())),
    waitingProjects: () => read((db) => listWaiting(db, clock.nowMs())),
    claim: async (request, plan) =>
      request.limit < 1 ? [] : write(request.projectId, (db) => claimRuns(db, { request, plan }, now())),
    change: async (projectId, changes) => {
      if (changes.length === 0) return [];
      return write(projectId, (db) => {
        const at = now();
        keepBrought(db, projectId, changesToBrought(changes));
        return changes.map((change) => changeRun(db, projectId, change, at));
      });
    },
    heartbeat: async (projectId, leases, leaseMs) => {
      if (leases.length === 0) return [];
      return quietly((db) => {
        const at = now();
        return leases.map((lease) => beatLease(db, { projectId, ...lease }, { at, leaseMs }));
      });
    },
    listStale: (limit, after) =>
      read((db) => {
        // Whoever looks for runs of dead workers finds what else these have left.
        if (after === null) for (const projectId of unfiledProjects(db)) note(projectId);
        return listStaleRows(db, { limit, after, at: now() });
      }),
  };
}

function createMemories({ clock, read, write, quietly }: WorkPlace): WorkMemories {
  const now = () => readClock(clock);
  return {
    readOrder: (projectId, runId) => read((db) => readOrder(db, askOf(db, projectId), runId)),
    listMemos: (projectId, runId) => read((db) => listMemos(db, askOf(db, projectId), runId)),
    putMemos: (projectId, lease, memos) =>
      quietly((db) => putMemos(db, askOf(db, projectId), { lease, memos, at: now() })),
    dropMemosFrom: (projectId, runId, sequence) =>
      quietly((db) => {
        const found = findRow(db, askOf(db, projectId), runId, now());
        if (found !== null) db.run('DELETE FROM work_memos WHERE work_key = ? AND sequence >= ?', found.key, sequence);
      }),
    dropSealed: (projectId, runId) =>
      quietly((db) => {
        const found = findRow(db, askOf(db, projectId), runId, now());
        if (found !== null) dropWords(db, found.key);
      }),
    putSignal: (projectId, signal) => write(projectId, (db) => putSignal(db, askOf(db, projectId), signal, now())),
    takeSignal: (projectId, taken) => quietly((db) => takeSignal(db, askOf(db, projectId), { ...taken, at: now() })),
  };
}

/** Runs as work in a SQLite file: any number of processes of one machine take from one queue, one at a time. */
export function createSqliteWork(place: WorkPlace, file: WorkStore['file']): WorkStore {
  return {
    ...createLives(place),
    ...createMemories(place),
    ...createRegisters(place),
    file,
    budgets: createSqliteBudgets({
      read: place.read,
      write: place.quietly,
      keepEntries(db, projectId, entries) {
        keepEntries(db, projectKeyOf(db, projectId), entries);
        place.note(projectId);
      },
      nowMs: () => place.clock.nowMs(),
    }),
  };
}
