import type { Prices } from '../../core/cost/prices.ts';
import { TachographError } from '../../core/error.ts';
import type { SqlRow } from '../sql/value.ts';
import type { Cell } from './driver/cell.ts';
import type { Answer, Statement } from './driver/exchange.ts';
import { isConflict, isConnectionCut, isConnectionLost, isNameLost, toStoreError } from './driver/failure.ts';
import { exchange, openPool, type PostgresClient, type PostgresPool } from './driver/pool.ts';

/** Asks a database about one project. */
export interface Session {
  readonly projectId: string;
  all(sql: string, ...values: Cell[]): Promise<readonly SqlRow[]>;
  get(sql: string, ...values: Cell[]): Promise<SqlRow | undefined>;
}

/** One transaction about one project. */
export interface Transaction extends Session {
  /** Writes, together with what is asked next or with the commit: no round trip of its own. */
  put(sql: string, ...values: Cell[]): void;
  /** Several statements in one round trip. */
  askAll(statements: readonly Statement[]): Promise<readonly Answer[]>;
  /** The same together with the commit, after which nothing more is written. */
  finish(statements: readonly Statement[]): Promise<readonly Answer[]>;
}

/** A database with a pool of connections. Nothing of a project is kept on a connection between two transactions. */
export interface Database {
  /** Host, port and database, for messages. */
  readonly place: string;
  readonly prices: Prices | null;
  /** Every question is a transaction and a round trip of its own; `words` is what full text looks for. */
  read(projectId: string, words?: string): Session;
  /**
   * Statements of one transaction that is one round trip. Run again when another transaction was in the way, and not when
   * the connection broke: nobody knows then what became of them.
   */
  call(projectId: string, statements: readonly Statement[]): Promise<readonly Answer[]>;
  /** All of `fn` or nothing; run again when another transaction was in its way, so it must bear that. */
  change<T>(projectId: string, fn: (tx: Transaction) => Promise<T>): Promise<T>;
  /** How its connections stand now. */
  connections(): ConnectionCounts;
  close(): Promise<void>;
}

/** Connections of a pool at a moment. */
export interface ConnectionCounts {
  readonly used: number;
  /** Open, with nothing to do. */
  readonly idle: number;
  /** Calls that wait for one. */
  readonly waiting: number;
}

/** Bounds of waiting, in milliseconds. */
export interface Waits {
  /** For a connection: from the pool, or a new one. */
  readonly connectMs: number;
  /** For one statement. */
  readonly statementMs: number;
  /** For a lock that another transaction holds. */
  readonly lockMs: number;
  /**
   * For any answer at all: longer than a statement, for when the server can no longer be heard. The server waits as long for
   * the next statement of a transaction: of a process or a network that is gone it may never hear, and its locks stay.
   */
  readonly answerMs: number;
}

/** The bounds in force unless the caller says otherwise. */
export const defaultWaits: Waits = { connectMs: 5000, statementMs: 30_000, lockMs: 10_000, answerMs: 35_000 };

/** Where a URL leads, without user and password. */
export function urlToPlace(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return `${host}${pathname}`;
  } catch {
    // A connection string of another form may hold a password anywhere.
    return 'the given address';
  }
}

// Local to the transaction, so that it holds behind a pooler that gives each transaction another connection.
const settings = `SELECT set_config('tachograph.project', $1, true), set_config('search_path', 'tachograph, pg_catalog, pg_temp', true),
  set_config('statement_timeout', $2, true), set_config('lock_timeout', $3, true), set_config('bytea_output', 'hex', true),
  set_config('tachograph.words', $4, true), set_config('idle_in_transaction_session_timeout', $5, true)`;

/*
 * Statements of a change find rows by their keys. Right after a bulk import the planner knows nothing of the tables yet and
 * would read them whole: 8,000 documents were indexed in 17 s instead of 4 (2026-11-21).
 */
const byKeys: Statement = {
  sql: `SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`,
};
const begin: Statement = { sql: 'BEGIN ISOLATION LEVEL READ COMMITTED' };
const commit: Statement = { sql: 'COMMIT' };

const conflictTries = 5;

interface Link {
  /** `kept`: how many of them, from the first, the server may keep by name. All of them unless it is said. */
  send(statements: readonly Statement[], kept?: number): Promise<readonly Answer[]>;
}

/**
 * A connection that breaks is an error of whoever waits for its answer, and the pool takes it out. Without a listener of its
 * own it would end the process besides. Gives what to do with connections that were there before.
 */
function heedErrors(pool: PostgresPool): (client: PostgresClient) => void {
  const heeded = new WeakSet<PostgresClient>();
  const ignore = (): void => {};
  const heed = (client: PostgresClient): void => {
    if (heeded.has(client)) return;
    heeded.add(client);
    client.on('error', ignore);
  };
  pool.on('error', ignore);
  pool.on('connect', heed);
  return heed;
}

/** A database on a pool that is there. */
export function createDatabase(parts: {
  readonly pool: PostgresPool;
  readonly place: string;
  readonly waits: Waits;
  readonly prices: Prices | null;
  /** Whether the pool ends with the database. */
  readonly isOwnPool: boolean;
}): Database {
  const { pool, place, waits } = parts;
  const heed = heedErrors(pool);

  const settingsOf = (projectId: string, words = ''): Statement => ({
    sql: settings,
    values: [projectId, String(waits.statementMs), String(waits.lockMs), words, String(waits.answerMs)],
  });

  /** Runs `fn` on a connection, which goes back to the pool whatever comes; one that is broken is taken out of it. */
  const withClient = async <T>(fn: (link: Link) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    heed(client);
    let failure: unknown = null;
    try {
      return await fn({
        send: (statements, kept = statements.length) =>
          // On a connection that is only lent nothing stays.
          exchange(client, statements, { answerMs: waits.answerMs, kept: parts.isOwnPool ? kept : 0 }),
      });
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      client.release(isConnectionLost(failure) ? (failure as Error) : undefined);
    }
  };

  const ask = async (projectId: string, words: string, statement: Statement): Promise<readonly SqlRow[]> => {
    const run = (): Promise<readonly SqlRow[]> =>
      // What is looked for is planned for its own values each time, by which it may be found in quite another way.
      withClient(async ({ send }) => (await send([settingsOf(projectId, words), statement], 1)).at(-1)!.rows);
    try {
      return await run();
    } catch (error) {
      // A connection that broke while it was idle shows only now, or one breaks as it is made; asking again is harmless.
      if (!isConnectionCut(error) && !isNameLost(error)) throw toStoreError(error, place);
      return run().catch((again: unknown) => {
        throw toStoreError(again, place);
      });
    }
  };

  const runOnce = <T>(projectId: string, fn: (tx: Transaction) => Promise<T>): Promise<T> =>
    withClient(async ({ send }) => {
      let waiting: Statement[] = [begin, settingsOf(projectId), byKeys];
      let isBegun = false;
      let isDone = false;
      const flush = async (statements: readonly Statement[]): Promise<readonly Answer[]> => {
        const before = waiting.length;
        const all = [...waiting, ...statements];
        waiting = [];
        isBegun = true;
        return (await send(all)).slice(before);
      };
      const all = async (sql: string, ...values: Cell[]): Promise<readonly SqlRow[]> =>
        (await flush([{ sql, values }]))[0]!.rows;
      const tx: Transaction = {
        projectId,
        put: (sql, ...values) => void waiting.push({ sql, values }),
        askAll: flush,
        finish: async (statements) => {
          const answers = await flush([...statements, commit]);
          isDone = true;
          return answers;
        },
        all,
        get: async (sql, ...values) => (await all(sql, ...values))[0],
      };
      try {
        const result = await fn(tx);
        if (!isDone) await flush([commit]);
        return result;
      } catch (error) {
        if (isBegun && !isConnectionLost(error)) await send([{ sql: 'ROLLBACK' }]);
        throw error;
      }
    });

  const tryAgain = async <T>(run: () => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await run();
      } catch (error) {
        if (!isConflict(error) || tries >= conflictTries) throw toStoreError(error, place);
      }
    }
  };

  return {
    place,
    prices: parts.prices,
    read: (projectId, words = '') => ({
      projectId,
      all: (sql, ...values) => ask(projectId, words, { sql, values }),
      get: async (sql, ...values) => (await ask(projectId, words, { sql, values }))[0],
    }),
    // What stands before one Sync is one transaction.
    call: (projectId, statements) =>
      tryAgain(() => withClient(async ({ send }) => (await send([settingsOf(projectId), ...statements])).slice(1))),
    change: (projectId, fn) => tryAgain(() => runOnce(projectId, fn)),
    connections: () => ({
      used: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount ?? 0,
    }),
    async close() {
      if (parts.isOwnPool) await pool.end();
    },
  };
}

/** A connection of the owner of the schema. */
export interface Owner {
  readonly place: string;
  all(sql: string): Promise<readonly SqlRow[]>;
  /** Runs a statement in a transaction of its own, one migration at a time. */
  take(sql: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens a connection of the owner of the schema. */
export async function openOwner(url: string): Promise<Owner> {
  const place = urlToPlace(url);
  const pool = await openPool({ url, max: 1, connectMs: defaultWaits.connectMs });
  heedErrors(pool);
  const send = async (statements: readonly Statement[]): Promise<readonly SqlRow[]> => {
    try {
      const client = await pool.connect();
      try {
        return (await exchange(client, statements, { answerMs: 600_000 })).at(-1)!.rows;
      } finally {
        client.release();
      }
    } catch (error) {
      if (error instanceof TachographError) throw error;
      throw toStoreError(error, place);
    }
  };
  return {
    place,
    all: (sql) => send([{ sql }]),
    take: async (sql) => {
      await send([{ sql: `SELECT pg_advisory_xact_lock(hashtext('tachograph.migration'))` }, { sql }]);
    },
    close: () => pool.end(),
  };
}
