import type { Prices } from '../../core/cost/prices.ts';
import { TachographError } from '../../core/error.ts';
import type { Annotation, Store, StoreReader, StoreWriter } from '../../core/store.ts';
import { createFiler } from '../sql/work/filer.ts';
import { createSqliteDirectory } from './access/directory.ts';
import { deleteAnnotation, listAnnotations, putAnnotation } from './annotations.ts';
import { readContents, readContext, readContextNodes } from './contents.ts';
import { type Database, openDatabase } from './database.ts';
import { countErasure, eraseRecord, erasureCount, listErasures } from './erasure.ts';
import { listEvents, listEventsOfRuns, listWriters } from './events.ts';
import { workInSlices } from './file/checkpoint.ts';
import { countChange, importEntries, importUnfiled, listPositions, packNextRuns, rebuildViews } from './imports.ts';
import { dropOrphans, purgeBeginning, purgeRuns } from './purge.ts';
import {
  countRuns,
  findProject,
  findRunKey,
  findRunIds,
  lastRunPerAgent,
  listAgents,
  listChildren,
  listFinishedBefore,
  listOpenRuns,
  listRuns,
  parentChain,
  readRun,
  runKeyOf,
} from './runs.ts';
import { migrate } from './schema.ts';
import { forgetSealDue, keepSeals, lastSeal, listSealDue, listSeals, readSealing, sealLedger } from './seals.ts';
import { searchWords } from './search.ts';
import { getStep, listAttempts, listSteps } from './steps.ts';
import { readTotals } from './totals.ts';
import { type LeaseClock, machineClock } from './work/clock.ts';
import { findUnfiled, unfiledProjects } from './work/filing.ts';
import { eraseWork } from './work/going.ts';
import { createSqliteWork } from './work/store.ts';

/** Where the database is and how long to wait for another process. */
export interface SqliteStoreOptions {
  /** A file, or `:memory:`. Its folder must exist. */
  readonly file: string;
  /** Milliseconds to wait for a lock before `store-busy`. */
  readonly busyMs?: number;
  /** What calls cost whose record does not tell. Left out, they have no cost; costs that the record tells stay. */
  readonly prices?: Prices;
}

/** The parts a test may replace. */
export interface SqliteStoreParts {
  readonly open: () => Database;
  /** Milliseconds without a write after which ended runs are packed; 0: at once, in every write. */
  readonly packAfterMs: number;
  readonly prices?: Prices;
  /** What leases and deadlines are measured by; the machine's own unless said. */
  readonly clock?: LeaseClock;
}

const packAfterMs = 250;

const all = Number.MAX_SAFE_INTEGER;
const optimizeEvery = 200;

/**
 * A store in one SQLite file (WAL), for one machine: any number of processes may open it, one writes at a time. Nothing is
 * opened before `initialize`. Writes take effect in one transaction each; the calling thread does the work.
 */
export function openSqliteStore(options: SqliteStoreOptions): Store {
  return openSqliteStoreFrom({
    open: () => openDatabase(options.file, options.busyMs ?? 5000),
    packAfterMs,
    ...(options.prices === undefined ? {} : { prices: options.prices }),
  });
}

const releasedPages = 250;

/** Gives some free pages back to the system when a tenth of the file is free; false when it is not. */
function releasePages(db: Database): boolean {
  const free = db.get('PRAGMA freelist_count')!['freelist_count'] as number;
  const pages = db.get('PRAGMA page_count')!['page_count'] as number;
  if (free < 64 || free * 10 < pages) return false;
  db.exec(`PRAGMA incremental_vacuum(${releasedPages})`);
  return true;
}

/**
 * Everything committed so far reaches the disk: in this mode of the log a commit alone does not wait for it, but the
 * next one under FULL syncs the whole log.
 */
function syncLog(db: Database): void {
  db.exec('PRAGMA synchronous = FULL');
  try {
    db.transaction(() => countChange(db));
  } finally {
    db.exec('PRAGMA synchronous = NORMAL');
  }
}

/** A SQLite store over a given way to open its database; see `openSqliteStore`. */
export function openSqliteStoreFrom(parts: SqliteStoreParts): Store {
  let database: Database | null = null;
  let isTruncationDue = false;
  let writes = 0;
  let timer: NodeJS.Timeout | undefined;

  const open = (): Database => {
    if (database === null)
      throw new TachographError(
        'store-closed',
        'The store is not open: call initialize() first, and nothing after close().',
      );
    return database;
  };
  const projectOf = (db: Database, projectId: string): number => findProject(db, projectId) ?? -1;

  /** Erased words rest in the log until it is emptied, which no reader may be in the way of: else it is tried again. */
  const truncateLog = (db: Database): void => {
    const result = db.get('PRAGMA wal_checkpoint(TRUNCATE)');
    isTruncationDue = result?.['busy'] !== 0;
    db.exec('PRAGMA incremental_vacuum');
  };

  // Everything below is synchronous inside, so calls of one process never interleave; other processes wait for the
  // lock that BEGIN IMMEDIATE takes.
  const write = async <T>(fn: (db: Database) => T): Promise<T> => {
    const db = open();
    const result = db.transaction(() => fn(db));
    if (isTruncationDue) truncateLog(db);
    writes += 1;
    // Fresh statistics keep the planner on the right index of many; bounded, a few milliseconds.
    if (writes % optimizeEvery === 0) db.exec('PRAGMA optimize');
    if (parts.packAfterMs === 0) while (db.transaction(() => packNextRuns(db)));
    else packLater(parts.packAfterMs);
    return result;
  };

  /** Packs while nobody writes: under load it would cost a third of the speed and gain nothing that cannot wait. */
  const packLater = (afterMs: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const db = database;
      if (db === null) return;
      try {
        if (db.transaction(() => packNextRuns(db)) || releasePages(db)) packLater(1);
      } catch {
        // Whoever holds the lock is writing, so it is not the time; what failed otherwise fails again where it is heard.
        packLater(afterMs);
      }
    }, afterMs);
    timer.unref();
  };
  const read = async <T>(fn: (db: Database) => T): Promise<T> => {
    const db = open();
    return db.snapshot(() => fn(db));
  };

  /** Imports the next runs with entries that wait, or the one that is named. */
  const fileSome = async (projectId: string, runId: string | null): Promise<'none' | 'some' | 'more'> => {
    const { runIds, isFull } = await read((db) => findUnfiled(db, projectOf(db, projectId), runId));
    if (runIds.length === 0) return 'none';
    await write((db) => importUnfiled(db, projectId, runIds));
    return isFull ? 'more' : 'some';
  };
  const filer = createFiler(async (projectId) => ((await fileSome(projectId, null)) === 'more' ? 'more' : 'done'));

  const writer: StoreWriter = {
    async initialize() {
      if (database !== null) return;
      const opened = parts.open();
      opened.prices = parts.prices ?? null;
      try {
        migrate(opened);
      } catch (error) {
        opened.close();
        throw error;
      }
      database = opened;
      packLater(parts.packAfterMs || packAfterMs);
      // What a process that ended left to be filed.
      for (const projectId of unfiledProjects(opened)) filer.note(projectId);
    },
    importBatch: (batch) => write((db) => importEntries(db, batch)),
    journalPositions: () => read(listPositions),
    forgetJournal: (file) => write((db) => void db.run('DELETE FROM journal_positions WHERE file = ?', file)),
    appendSeals: (projectId, seals) =>
      write((db) => {
        keepSeals(db, projectId, seals);
        countChange(db);
      }),
    forgetSealDue: (projectId, runId, seen) =>
      write((db) => {
        const run = findRunKey(db, findProject(db, projectId), runId);
        if (run !== null) forgetSealDue(db, run, seen ?? null);
      }),
    sync: async () => syncLog(open()),
    async purge(purge) {
      const db = open();
      return workInSlices(
        db,
        () => database === db,
        async (pause) => {
          let progress = purgeBeginning;
          while (!progress.isDone) {
            const from = progress;
            progress = await write((now) => purgeRuns(now, projectOf(now, purge.projectId), purge, from));
            await pause();
          }
          const { count } = progress;
          const { beforeMs, isForgotten = false } = purge;
          const remains = { beforeMs, isForgotten, isLast: count < purge.limit };
          for (const _slice of dropOrphans(open(), projectOf(open(), purge.projectId), remains)) await pause();
          return count;
        },
      );
    },
    async eraseRun(projectId, runId, part) {
      // What was written before comes into the record first, to be erased there.
      await fileSome(projectId, runId);
      const result = await write((db) => {
        const run = runKeyOf(db, projectId, runId);
        const erasure = eraseRecord(db, projectId, run, part ?? null);
        eraseWork(db, run, part ?? null);
        return erasure;
      });
      truncateLog(open());
      return result;
    },
    countErasure: (projectId) =>
      write((db) => {
        const project = findProject(db, projectId);
        if (project === null) return;
        countErasure(db, project, null);
        countChange(db);
      }),
    async rebuildRun(projectId, runId) {
      await fileSome(projectId, runId);
      return write((db) => rebuildViews(db, projectId, runKeyOf(db, projectId, runId)));
    },
    putAnnotation: (projectId: string, annotation: Annotation) =>
      write((db) => {
        putAnnotation(db, runKeyOf(db, projectId, annotation.runId).project, annotation);
        countChange(db);
      }),
    deleteAnnotation: (projectId, id) =>
      write((db) => {
        const isThere = deleteAnnotation(db, projectOf(db, projectId), id);
        if (isThere) countChange(db);
        return isThere;
      }),
    async close() {
      await filer.close();
      const db = database;
      if (db === null) return;
      database = null;
      clearTimeout(timer);
      if (isTruncationDue) truncateLog(db);
      db.exec('PRAGMA optimize');
      db.close();
    },
  };

  const reader: StoreReader = {
    getRun: (projectId, runId) => read((db) => readRun(db, runKeyOf(db, projectId, runId))),
    findRunIds: (projectId, prefix, limit) => read((db) => findRunIds(db, projectOf(db, projectId), prefix, limit)),
    listRuns: (projectId, filter, page) => read((db) => listRuns(db, projectId, filter, page)),
    countRuns: (projectId, filter) => read((db) => countRuns(db, projectId, filter)),
    listEvents: (projectId, runId, { fromSeq = 1, limit = all } = {}) =>
      read((db) => listEvents(db, runKeyOf(db, projectId, runId), { fromSeq, limit })),
    listSteps: (projectId, runId, { fromNumber = 1, limit = all } = {}) =>
      read((db) => listSteps(db, runKeyOf(db, projectId, runId), { fromNumber, limit })),
    getStep: (projectId, runId, number) => read((db) => getStep(db, runKeyOf(db, projectId, runId), number)),
    listAttempts: (projectId, runId, stepId) =>
      read((db) => listAttempts(db, runKeyOf(db, projectId, runId), stepId ?? null)),
    readContext: (projectId, runId, nodeId, { from = 0 } = {}) =>
      read((db) => readContext(db, runKeyOf(db, projectId, runId), nodeId, from)),
    readContextNodes: (projectId, runId, nodeId) =>
      read((db) => readContextNodes(db, runKeyOf(db, projectId, runId), nodeId)),
    readContents: (projectId, runId, ids) => read((db) => readContents(db, runKeyOf(db, projectId, runId), ids)),
    listChildren: (projectId, parentRunId) => read((db) => listChildren(db, projectOf(db, projectId), parentRunId)),
    parentChain: (projectId, runId) => read((db) => parentChain(db, runKeyOf(db, projectId, runId))),
    listFinishedBefore: (projectId, beforeMs, limit) =>
      read((db) => listFinishedBefore(db, projectOf(db, projectId), beforeMs, limit)),
    lastRunPerAgent: (projectId, agentIds, { includeFailed = true } = {}) =>
      read((db) => lastRunPerAgent(db, projectOf(db, projectId), agentIds, includeFailed)),
    listAgents: (projectId) => read((db) => listAgents(db, projectOf(db, projectId))),
    search: (projectId, text, { limit = 50, order = 'rank', runId } = {}) =>
      read((db) => {
        const project = findProject(db, projectId);
        const run = runId === undefined ? null : findRunKey(db, project, runId);
        if (project === null || (runId !== undefined && run === null)) return [];
        return searchWords(db, project, text, { limit, order, run });
      }),
    totals: (projectId, totals) => read((db) => readTotals(db, projectOf(db, projectId), totals)),
    listAnnotations: (projectId, runId) => read((db) => listAnnotations(db, projectOf(db, projectId), runId)),
    listSeals: (projectId, runId) => read((db) => listSeals(db, projectOf(db, projectId), runId ?? null)),
    sealLedger: (projectId) => read((db) => sealLedger(db, projectOf(db, projectId))),
    listSealDue: (limit) => read((db) => listSealDue(db, limit)),
    lastSeal: (projectId) => read((db) => lastSeal(db, projectOf(db, projectId))),
    readSealing: (projectId, runIds) => read((db) => readSealing(db, projectOf(db, projectId), runIds)),
    listEventsOfRuns: (projectId, places) => read((db) => listEventsOfRuns(db, projectOf(db, projectId), places)),
    listWriters: (projectId, runId) => read((db) => listWriters(db, runKeyOf(db, projectId, runId))),
    listOpenRuns: (projectId) => read((db) => listOpenRuns(db, projectOf(db, projectId))),
    listProjects: () => read((db) => db.all('SELECT id FROM projects ORDER BY id').map((row) => row['id'] as string)),
    erasureCount: (projectId) => read((db) => erasureCount(db, projectOf(db, projectId))),
    listErasures: (projectId, after) => read((db) => listErasures(db, projectOf(db, projectId), after)),
    changeCount: () => read((db) => db.get('SELECT count FROM changes')!['count'] as number),
  };

  const work = createSqliteWork(
    {
      clock: parts.clock ?? machineClock,
      read,
      async write(projectId, fn) {
        const result = open().transaction(() => fn(open()));
        filer.note(projectId);
        return result;
      },
      note: (projectId) => filer.note(projectId),
      quietly: async (fn) => open().transaction(() => fn(open())),
    },
    async (projectId, runId) => {
      for (let isAny = false; ; isAny = true) {
        const filed = await fileSome(projectId, runId ?? null);
        if (filed !== 'more') return isAny || filed === 'some';
      }
    },
  );

  return { kind: 'sqlite', work, directory: createSqliteDirectory({ read, write }), ...writer, ...reader };
}
