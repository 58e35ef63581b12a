import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Prices } from '../../core/cost/prices.ts';
import { TachographError } from '../../core/error.ts';
import type { SqlRow, SqlValue } from '../sql/value.ts';
import { checkpointPages } from './file/checkpoint.ts';

/** One connection to a SQLite file: prepared statements by their text, one transaction at a time. */
export interface Database {
  readonly path: string;
  /** What calls cost whose record does not tell; the store that opened it says so. */
  prices: Prices | null;
  get(sql: string, ...values: SqlValue[]): SqlRow | undefined;
  all(sql: string, ...values: SqlValue[]): SqlRow[];
  /** Number of rows changed. */
  run(sql: string, ...values: SqlValue[]): number;
  /** Several statements without values. */
  exec(sql: string): void;
  /** Runs `fn` in a write transaction: all of it or nothing. Never nested. */
  transaction<T>(fn: () => T): T;
  /** Runs `fn`, whose questions all see one moment, whatever other processes write meanwhile. */
  snapshot<T>(fn: () => T): T;
  close(): void;
}

const statementsMax = 400;

// Result codes of SQLite (sqlite.org/rescode.html): the low byte tells the family.
const busyCodes = new Set([5, 6]);
const brokenCodes = new Set([11, 26]);
const cannotOpen = 14;

/** Our own error for one of SQLite's, with the file and what to do about it. */
export function toStoreError(error: unknown, path: string): unknown {
  const code = (error as { errcode?: unknown }).errcode;
  if (error instanceof TachographError || typeof code !== 'number') return error;
  const family = code & 0xff;
  const cause = { cause: error };
  if (busyCodes.has(family)) {
    return new TachographError(
      'store-busy',
      `The store ${path} is locked by another process; try again, or end the process that holds it.`,
      cause,
    );
  }
  if (brokenCodes.has(family)) {
    return new TachographError(
      'store-broken',
      `The store ${path} is no readable database (${(error as Error).message}). Move it aside, with its -wal and -shm files, and start again or restore a backup.`,
      cause,
    );
  }
  if (family === cannotOpen) {
    return new TachographError(
      'home-unusable',
      `The store ${path} cannot be opened: check that its folder exists and can be written.`,
      cause,
    );
  }
  return new TachographError(
    'internal',
    `The store ${path} failed: ${(error as Error).message} (SQLite code ${code}).`,
    cause,
  );
}

function guard<T>(path: string, fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    throw toStoreError(error, path);
  }
}

function openFile(path: string, busyMs: number): DatabaseSync {
  // SQLite gives its -wal and -shm files the mode of the database itself.
  if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600));
  // Not defensive: the tables inside a full-text index are emptied in parts when its epoch goes. All SQL here is ours.
  const db = new DatabaseSync(path, { timeout: busyMs, defensive: false });
  // Page size and auto_vacuum only take hold before the first page is written, so they come before the journal mode.
  // 8 kB pages: 99,000 instead of 25,000 events/s together with rowid tables (2026-11-20). auto_vacuum and
  // secure_delete are what makes erased words leave the file.
  db.exec('PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA secure_delete = ON;');
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF;');
  db.exec('PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864;');
  db.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
  return db;
}

/** The driver refuses integers that no number holds exactly. None is ever written; an edited file may have one. */
const isTooLarge = (error: unknown): boolean => (error as { code?: unknown }).code === 'ERR_OUT_OF_RANGE';

function readLarge(
  statement: StatementSync,
  read: (statement: StatementSync) => readonly (object | undefined)[],
): (SqlRow | undefined)[] {
  const toNumber = (row: object): SqlRow =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]),
    ) as SqlRow;
  statement.setReadBigInts(true);
  try {
    return read(statement).map((row) => (row === undefined ? undefined : toNumber(row)));
  } finally {
    statement.setReadBigInts(false);
  }
}

/** Opens or creates a database file, readable by its owner only. Waits at most `busyMs` for another process's lock. */
export function openDatabase(path: string, busyMs: number): Database {
  const db = guard(path, () => {
    try {
      return openFile(path, busyMs);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'EROFS' && code !== 'EISDIR' && code !== 'ENOTDIR')
        throw error;
      throw new TachographError(
        'home-unusable',
        `The store ${path} cannot be opened (${code}): check that its folder exists and can be written.`,
        { cause: error },
      );
    }
  });
  let statementBySql = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    let statement = statementBySql.get(sql);
    if (statement === undefined) {
      if (statementBySql.size >= statementsMax) statementBySql = new Map();
      statement = db.prepare(sql);
      statementBySql.set(sql, statement);
    }
    return statement;
  };
  let isWithin = false;
  /** Prepared, as it goes before and after every reading. */
  const say = (sql: string): void => guard(path, () => void prepare(sql).run());
  const within = <T>(begin: string, fn: () => T): T => {
    say(begin);
    isWithin = true;
    try {
      const result = fn();
      say('COMMIT');
      return result;
    } catch (error) {
      try {
        db.exec('ROLLBACK');
      } catch {
        // SQLite rolls some failures back by itself, a full disk among them; then there is nothing to take back.
      }
      throw error;
    } finally {
      isWithin = false;
    }
  };
  return {
    path,
    prices: null,
    // Written out rather than guarded: these run several times for every event.
    get(sql, ...values) {
      try {
        return prepare(sql).get(...values) as SqlRow | undefined;
      } catch (error) {
        if (isTooLarge(error)) return readLarge(prepare(sql), (statement) => [statement.get(...values)])[0];
        throw toStoreError(error, path);
      }
    },
    all(sql, ...values) {
      try {
        return prepare(sql).all(...values) as unknown as SqlRow[];
      } catch (error) {
        if (isTooLarge(error)) return readLarge(prepare(sql), (statement) => statement.all(...values)) as SqlRow[];
        throw toStoreError(error, path);
      }
    },
    run(sql, ...values) {
      try {
        return Number(prepare(sql).run(...values).changes);
      } catch (error) {
        throw toStoreError(error, path);
      }
    },
    exec: (sql) => guard(path, () => db.exec(sql)),
    transaction: (fn) => within('BEGIN IMMEDIATE', fn),
    // Deferred: the first question takes the moment.
    snapshot: (fn) => (isWithin ? fn() : within('BEGIN', fn)),
    close: () => guard(path, () => db.close()),
  };
}
