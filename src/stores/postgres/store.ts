import type { Prices } from '../../core/cost/prices.ts';
import { TachographError } from '../../core/error.ts';
import { batchEpochs } from '../../core/import/plan.ts';
import type { Filer } from '../sql/work/filer.ts';
import { createFiler } from '../sql/work/filer.ts';
import type { Store, StoreReader, StoreWriter } from '../../core/store.ts';
import { createPostgresDirectory } from './access/directory.ts';
import { deleteAnnotation, listAnnotations, putAnnotation } from './annotations.ts';
import { readContents, readContext, readContextNodes, type RunKey } from './contents.ts';
import {
  type ConnectionCounts,
  createDatabase,
  type Database,
  defaultWaits,
  type Session,
  type Transaction,
  urlToPlace,
  type Waits,
} from './database.ts';
import { openPool, type PostgresPool } from './driver/pool.ts';
import { countErasure, eraseRecord, erasureCount, listErasures } from './erasure.ts';
import { listEvents, listEventsOfRuns, listWriters } from './events.ts';
import { countChange } from './import/lock.ts';
import { importEntries, importUnfiled, listPositions, rebuildViews } from './imports.ts';
import { dropRemains, purgeRuns } from './purge.ts';
import {
  countRuns,
  findRunIds,
  findRunKey,
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
import { checkSetup, setupQuery } from './schema.ts';
import { forgetSealDue, keepSeals, lastSeal, listSealDue, listSeals, readSealing, sealLedger } from './seals.ts';
import { searchWords } from './search.ts';
import { getStep, listAttempts, listSteps } from './steps.ts';
import { readTotals } from './totals.ts';
import { createRinger, type Ringer } from './upkeep/bell.ts';
import { createIdle, type Idle } from './upkeep/idle.ts';
import { findUnfiled, tryFiling } from './work/filing.ts';
import { eraseWork } from './work/going.ts';
import { createPostgresWork } from './work/store.ts';

/** Where the database is and how it is used. */
export interface PostgresStoreOptions {
  /** Connects as the role of the application (`createPostgresRole`); a pooler in transaction mode may stand in between. */
  readonly url?: string;
  /** A pool of `pg` that is there, in place of a URL. It is not ended with the store. */
  readonly pool?: PostgresPool;
  /** Binds the store to one project: it neither needs nor has a way to see which others there are. */
  readonly projectId?: string;
  /** Connections at most; 10 unless said. */
  readonly poolMax?: number;
  /** Bounds of waiting, in milliseconds. */
  readonly waits?: Partial<Waits>;
  /** What calls cost whose record does not tell. Left out, they have no cost; costs that the record tells stay. */
  readonly prices?: Prices;
  /** Milliseconds without a write after which words are indexed and ended runs packed; 0: at once, in every write. */
  readonly idleMs?: number;
}

const defaultIdleMs = 250;
const poolMaxDefault = 10;
const all = Number.MAX_SAFE_INTEGER;
/** No project has this name, since every name has a character. */
const noProject = '';

async function openDatabase(options: PostgresStoreOptions): Promise<Database> {
  const { url, pool, poolMax = poolMaxDefault } = options;
  const waits = { ...defaultWaits, ...options.waits };
  if ((url === undefined) === (pool === undefined))
    throw new TachographError('bad-argument', 'A PostgreSQL store takes either a url or a pool.');
  return createDatabase({
    pool: pool ?? (await openPool({ url: url!, max: poolMax, connectMs: waits.connectMs })),
    place: url === undefined ? 'the given pool' : urlToPlace(url),
    waits,
    prices: options.prices ?? null,
    isOwnPool: pool === undefined,
  });
}

/** A store in PostgreSQL, which also tells how its connections stand: `null` while it is not open. */
export interface PostgresStore extends Store {
  connections(): ConnectionCounts | null;
}

/** An open store. */
interface OpenStore {
  readonly db: Database;
  readonly idle: Idle;
  readonly ringer: Ringer;
  readonly filer: Filer;
  /** Weeks whose partitions are known to be there, and how many imports went into each. */
  readonly weeks: Map<number, number>;
}

/**
 * A store in PostgreSQL 15 or newer, for any number of processes and machines. It needs the package `pg`, the schema
 * (`migratePostgres`) and a role without ownership (`createPostgresRole`). Every transaction says which project it is for,
 * and row-level security keeps all others out of it (I10). Nothing is opened before `initialize`.
 */
export function createPostgresStore(options: PostgresStoreOptions): PostgresStore {
  let opened: OpenStore | null = null;
  const isForAll = options.projectId === undefined;

  const open = (): OpenStore => {
    if (opened !== null) return opened;
    throw new TachographError(
      'store-closed',
      'The store is not open: call initialize() first, and nothing after close().',
    );
  };
  // A store that is bound to a project finds nothing of another, and writes nothing of it.
  const reachable = (projectId: string): string =>
    isForAll || projectId === options.projectId ? projectId : noProject;

  const checkProject = (projectId: string): void => {
    if (projectId === '' || reachable(projectId) !== projectId)
      throw new TachographError('bad-argument', `This store does not write into a project named "${projectId}".`);
  };

  const write = async <T>(projectId: string, fn: (tx: Transaction, db: Database) => Promise<T>): Promise<T> => {
    const { db, idle, ringer } = open();
    checkProject(projectId);
    const result = await db.change(projectId, (tx) => fn(tx, db));
    ringer.ring();
    await idle.note(projectId);
    return result;
  };
  const read = async <T>(projectId: string, fn: (db: Session) => Promise<T>): Promise<T> =>
    fn(open().db.read(reachable(projectId)));
  const readRunOf = <T>(projectId: string, runId: string, fn: (db: Session, run: RunKey) => Promise<T>): Promise<T> =>
    read(projectId, async (db) => fn(db, await runKeyOf(db, runId)));
  const readAll = async <T>(fn: (db: Session) => Promise<T>): Promise<T> => read(options.projectId ?? noProject, fn);

  const ensureWeeks = async (epochs: Iterable<number>): Promise<void> => {
    const { db, weeks } = open();
    for (const epoch of epochs) {
      const imports = weeks.get(epoch) ?? 0;
      if (imports === 0) await db.read(noProject).all('SELECT ensure_epoch($1)', epoch);
      // After 8, 32, 128, 512 imports …
      else if (imports >= 8 && Number.isInteger(Math.log2(imports / 8) / 2))
        await db.read(noProject).all('SELECT analyze_epoch($1)', epoch);
      weeks.set(epoch, imports + 1);
    }
  };

  const writer: StoreWriter = {
    async initialize() {
      if (opened !== null) return;
      const db = await openDatabase(options);
      try {
        checkSetup(await db.read(noProject).get(setupQuery), db.place);
      } catch (error) {
        await db.close();
        throw error;
      }
      opened = {
        db,
        idle: createIdle(db, options.idleMs ?? defaultIdleMs),
        ringer: createRinger((sql) => db.read(noProject).all(sql)),
        filer: createFiler(fileNext),
        weeks: new Map(),
      };
      if (options.idleMs === 0) return;
      try {
        // What a process that ended left to be indexed and packed.
        for (const projectId of await reader.listProjects()) await opened.idle.note(projectId);
        await noteUnfiled();
      } catch (error) {
        await writer.close();
        throw error;
      }
    },
    async importBatch(batch) {
      await ensureWeeks(new Set(batchEpochs(batch).values()));
      return write(batch.projectId, (tx, db) => importEntries(tx, batch, db.prices));
    },
    journalPositions: () => readAll((db) => listPositions(db, isForAll)),
    async forgetJournal(file) {
      if (isForAll) await readAll((db) => db.all('SELECT forget_position($1)', file));
      else
        await readAll((db) =>
          db.all(`DELETE FROM journal_positions WHERE project_key = (SELECT project_key()) AND file = $1`, file),
        );
    },
    appendSeals: (projectId, seals) => write(projectId, (tx) => keepSeals(tx, seals)),
    forgetSealDue: (projectId, runId, seen) => write(projectId, (tx) => forgetSealDue(tx, runId, seen ?? null)),
    async sync() {
      // A commit that waits for the disk, whatever the role is set to, takes all earlier ones with it.
      await open().db.change(noProject, async (tx) => {
        tx.put(`SELECT set_config('synchronous_commit', 'on', true)`);
        tx.put(`SELECT pg_logical_emit_message(true, 'tachograph', '')`);
      });
    },
    async purge(purge) {
      const { db, weeks, ringer } = open();
      const projectId = reachable(purge.projectId);
      const count = await db.change(projectId, (tx) => purgeRuns(tx, purge));
      if (count > 0) ringer.ring();
      weeks.clear();
      const { beforeMs, isForgotten = false } = purge;
      await dropRemains(db, projectId, { beforeMs, isForgotten, isLast: count < purge.limit });
      return count;
    },
    async eraseRun(projectId, runId, given) {
      const part = given ?? null;
      // What was written before comes into the record first, to be erased there.
      await work.file(projectId, runId);
      return writeRun(projectId, runId, async (tx, db) => {
        const erasure = await eraseRecord(tx, runId, part, db.prices);
        eraseWork(tx, runId, part);
        return erasure;
      });
    },
    countErasure: (projectId) => write(projectId, async (tx) => countErasure(tx, null)),
    async rebuildRun(projectId, runId) {
      await work.file(projectId, runId);
      return writeRun(projectId, runId, (tx, db) => rebuildViews(tx, runId, db.prices));
    },
    putAnnotation: (projectId, annotation) =>
      write(projectId, async (tx) => {
        await runKeyOf(tx, annotation.runId);
        await putAnnotation(tx, annotation);
        tx.put(countChange.sql);
      }),
    deleteAnnotation: (projectId, id) =>
      write(projectId, async (tx) => {
        const isThere = await deleteAnnotation(tx, id);
        if (isThere) tx.put(countChange.sql);
        return isThere;
      }),
    async close() {
      if (opened === null) return;
      const { db, idle, ringer, filer } = opened;
      await filer.close();
      opened = null;
      await Promise.all([idle.close(), ringer.close()]);
      await db.close();
    },
  };

  /** Writes about a run of a project that may be out of reach, where it is then not found. */
  async function writeRun<T>(
    projectId: string,
    runId: string,
    fn: (tx: Transaction, db: Database) => Promise<T>,
  ): Promise<T> {
    if (reachable(projectId) !== projectId) await read(projectId, (db) => runKeyOf(db, runId));
    return write(projectId, fn);
  }

  const reader: StoreReader = {
    getRun: (projectId, runId) => read(projectId, (db) => readRun(db, runId)),
    findRunIds: (projectId, prefix, limit) => read(projectId, (db) => findRunIds(db, prefix, limit)),
    listRuns: async (projectId, filter, page) => listRuns(open().db, reachable(projectId), filter, page),
    countRuns: async (projectId, filter) => countRuns(open().db, reachable(projectId), filter),
    listEvents: (projectId, runId, { fromSeq = 1, limit = all } = {}) =>
      readRunOf(projectId, runId, (db, run) => listEvents(db, run, { fromSeq, limit })),
    listSteps: (projectId, runId, { fromNumber = 1, limit = all } = {}) =>
      readRunOf(projectId, runId, (db, run) => listSteps(db, run, { fromNumber, limit })),
    getStep: (projectId, runId, number) => readRunOf(projectId, runId, (db, run) => getStep(db, run, number)),
    listAttempts: (projectId, runId, stepId) =>
      readRunOf(projectId, runId, (db, run) => listAttempts(db, run, stepId ?? null)),
    readContext: (projectId, runId, nodeId, { from = 0 } = {}) =>
      readRunOf(projectId, runId, (db, run) => readContext(db, run, nodeId, from)),
    readContextNodes: (projectId, runId, nodeId) =>
      readRunOf(projectId, runId, (db, run) => readContextNodes(db, run, nodeId)),
    readContents: (projectId, runId, ids) => readRunOf(projectId, runId, (db, run) => readContents(db, run, ids)),
    listChildren: (projectId, parentRunId) => read(projectId, (db) => listChildren(db, parentRunId)),
    parentChain: (projectId, runId) => read(projectId, (db) => parentChain(db, runId)),
    listFinishedBefore: (projectId, beforeMs, limit) =>
      read(projectId, (db) => listFinishedBefore(db, beforeMs, limit)),
    lastRunPerAgent: (projectId, agentIds, { includeFailed = true } = {}) =>
      read(projectId, (db) => lastRunPerAgent(db, agentIds, includeFailed)),
    listAgents: (projectId) => read(projectId, listAgents),
    async search(projectId, text, { limit = 50, order = 'rank', runId } = {}) {
      const { db } = open();
      const project = reachable(projectId);
      const run = runId === undefined ? null : await findRunKey(db.read(project), runId);
      if (runId !== undefined && run === null) return [];
      return searchWords(db, project, text, { limit, order, run });
    },
    totals: (projectId, totals) => read(projectId, (db) => readTotals(db, totals)),
    listAnnotations: (projectId, runId) => read(projectId, (db) => listAnnotations(db, runId)),
    listSeals: (projectId, runId) => read(projectId, (db) => listSeals(db, runId ?? null)),
    sealLedger: (projectId) => read(projectId, sealLedger),
    listSealDue: (limit) => readAll((db) => listSealDue(db, isForAll, limit)),
    lastSeal: (projectId) => read(projectId, lastSeal),
    readSealing: (projectId, runIds) => read(projectId, (db) => readSealing(db, runIds)),
    listEventsOfRuns: (projectId, places) => read(projectId, (db) => listEventsOfRuns(db, places)),
    listWriters: (projectId, runId) => readRunOf(projectId, runId, listWriters),
    listOpenRuns: (projectId) => read(projectId, listOpenRuns),
    listProjects: () =>
      readAll(async (db) => {
        const rows = await db.all(
          isForAll ? 'SELECT id FROM project_ids() AS id' : 'SELECT id FROM projects ORDER BY id',
        );
        return rows.map((row) => row['id'] as string);
      }),
    erasureCount: (projectId) => read(projectId, erasureCount),
    listErasures: (projectId, after) => read(projectId, (db) => listErasures(db, after)),
    changeCount: () =>
      readAll(async (db) => {
        const row = await db.get(
          isForAll
            ? 'SELECT change_count() AS count'
            : 'SELECT coalesce(sum(count), 0)::float8 AS count FROM changes WHERE project_key = (SELECT project_key())',
        );
        return row!['count'] as number;
      }),
  };

  /** Imports the next runs with entries that wait, or the one that is named. `busy`: another process is at it. */
  async function fileSome(
    projectId: string,
    runId: string | null,
    isByItself: boolean,
  ): Promise<'none' | 'some' | 'more' | 'busy'> {
    const { runIds, epochs, isFull } = await findUnfiled(open().db.read(reachable(projectId)), runId);
    if (runIds.length === 0) return 'none';
    await ensureWeeks(epochs);
    return write(projectId, async (tx, db) => {
      if (isByItself && (await tx.get(tryFiling.sql))?.['is_mine'] !== 1) return 'busy';
      await importUnfiled(tx, runIds, db.prices);
      return isFull ? 'more' : 'some';
    });
  }

  /** Files what processes that ended have left. */
  async function noteUnfiled(): Promise<void> {
    const { filer } = open();
    if (!isForAll) return filer.note(options.projectId!);
    const rows = await readAll((db) => db.all('SELECT id FROM work_unfiled() AS id'));
    for (const row of rows) filer.note(row['id'] as string);
  }

  async function fileNext(projectId: string): Promise<'done' | 'more' | 'busy'> {
    const filed = await fileSome(projectId, null, true);
    return filed === 'more' || filed === 'busy' ? filed : 'done';
  }

  const reach = (projectId: string): Database => {
    checkProject(projectId);
    return open().db;
  };
  const note = (projectId: string): void => {
    // Closed meanwhile: it is filed by whoever opens the store next.
    opened?.ringer.ring();
    opened?.filer.note(projectId);
  };

  const work = createPostgresWork(
    {
      isForAll,
      ownProjectId: options.projectId ?? noProject,
      noteUnfiled,
      read: (projectId) => open().db.read(reachable(projectId)),
      reach,
      ensureWeeks,
      note,
      async change(projectId, fn) {
        const result = await reach(projectId).change(projectId, fn);
        note(projectId);
        return result;
      },
      quietly: async (projectId, fn) => reach(projectId).change(projectId, fn),
    },
    async (projectId, runId) => {
      for (let isAny = false; ; isAny = true) {
        const filed = await fileSome(projectId, runId ?? null, false);
        if (filed !== 'more') return isAny || filed === 'some';
      }
    },
  );

  const directory = createPostgresDirectory({ isForAll, readAll, read, write });
  return {
    kind: 'postgres',
    work,
    directory,
    ...writer,
    ...reader,
    connections: () => opened?.db.connections() ?? null,
  };
}
