import type { Prices } from '../../core/cost/prices.ts';
import { TachographError } from '../../core/error.ts';
import { batchEpochs } from '../../core/import/plan.ts';
import type { Store, StoreReader, StoreWriter } from '../../core/store.ts';
import { createPostgresDirectory } from './access/directory.ts';
import { deleteAnnotation, listAnnotations, putAnnotation } from './annotations.ts';
import { readContents, readContext, readContextNodes, type RunKey } from './contents.ts';
import {
  createDatabase,
  type Database,
  defaultWaits,
  type Session,
  type Transaction,
  urlToPlace,
  type Waits,
} from './database.ts';
import { openPool, type PostgresPool } from './driver/pool.ts';
import { eraseRecord } from './erasure.ts';
import { listEvents, listWriters } from './events.ts';
import { countChange } from './import/lock.ts';
import { importEntries, keepSeal, listPositions, rebuildViews } from './imports.ts';
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
import { lastSeal, listSealDue, listSeals, sealLedger, settleSeal } from './seals.ts';
import { searchWords } from './search.ts';
import { getStep, listAttempts, listSteps } from './steps.ts';
import { readTotals } from './totals.ts';
import { createRinger, type Ringer } from './upkeep/bell.ts';
import { createIdle, type Idle } from './upkeep/idle.ts';

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

/** An open store. */
interface OpenStore {
  readonly db: Database;
  readonly idle: Idle;
  readonly ringer: Ringer;
  /** Weeks whose partitions are known to be there, and how many imports went into each. */
  readonly weeks: Map<number, number>;
}

/**
 * A store in PostgreSQL 15 or newer, for any number of processes and machines. It needs the package `pg`, the schema
 * (`migratePostgres`) and a role without ownership (`createPostgresRole`). Every transaction says which project it is for,
 * and row-level security keeps all others out of it (I10). Nothing is opened before `initialize`.
 */
export function createPostgresStore(options: PostgresStoreOptions): Store {
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

  const write = async <T>(projectId: string, fn: (tx: Transaction, db: Database) => Promise<T>): Promise<T> => {
    const { db, idle, ringer } = open();
    if (projectId === '' || reachable(projectId) !== projectId)
      throw new TachographError('bad-argument', `This store does not write into a project named "${projectId}".`);
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
        weeks: new Map(),
      };
      if (options.idleMs === 0) return;
      try {
        // What a process that ended left to be indexed and packed.
        for (const projectId of await reader.listProjects()) await opened.idle.note(projectId);
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
    appendSeal: (seal) => write(seal.projectId, (tx) => keepSeal(tx, seal)),
    forgetSealDue: (projectId, runId) =>
      write(projectId, async (tx) => {
        const run = await findRunKey(tx, runId);
        if (run !== null) settleSeal(tx, run);
      }),
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
    eraseRun: (projectId, runId, part) =>
      writeRun(projectId, runId, (tx, db) => eraseRecord(tx, runId, part ?? null, db.prices)),
    rebuildRun: (projectId, runId) => writeRun(projectId, runId, (tx, db) => rebuildViews(tx, runId, db.prices)),
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
      const { db, idle, ringer } = opened;
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
    listWriters: (projectId, runId) => readRunOf(projectId, runId, listWriters),
    listOpenRuns: (projectId) => read(projectId, listOpenRuns),
    listProjects: () =>
      readAll(async (db) => {
        const rows = await db.all(
          isForAll ? 'SELECT id FROM project_ids() AS id' : 'SELECT id FROM projects ORDER BY id',
        );
        return rows.map((row) => row['id'] as string);
      }),
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

  const directory = createPostgresDirectory({ isForAll, readAll, read, write });
  return { kind: 'postgres', directory, ...writer, ...reader };
}
