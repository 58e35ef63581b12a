import { TachographError } from '../../../core/error.ts';
import { type Answer, createExchange, type Statement } from './exchange.ts';
import { createStatementNames, type StatementNames } from './names.ts';

/** What is used of a connection of `pg`; any pool whose clients have it will do. */
export interface PostgresClient {
  /** The process of the server that greeted it. */
  readonly processID?: number | null;
  query(exchange: object): unknown;
  release(error?: Error | boolean): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** What is used of a pool of `pg`. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
  end(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'connect', listener: (client: PostgresClient) => void): unknown;
  readonly totalCount: number;
  readonly idleCount: number;
  /** Who waits for a connection. */
  readonly waitingCount?: number;
}

/** How a pool is made. */
export interface PoolOptions {
  readonly url: string;
  readonly max: number;
  readonly connectMs: number;
}

interface Driver {
  readonly Pool: new (options: object) => PostgresPool;
  readonly Client: new (options: object) => ListenClient;
}

/** What is used of a connection of its own, for LISTEN. */
export interface ListenClient {
  connect(): Promise<void>;
  query(sql: string): Promise<unknown>;
  on(event: 'error' | 'end' | 'notification', listener: (value: unknown) => void): unknown;
  end(): Promise<void>;
}

/** The driver, which whoever uses this store installs: it is in no bundle, and needed by nobody else. */
export async function loadDriver(): Promise<Driver> {
  const name = 'pg';
  try {
    const module = (await import(name)) as { default?: Driver } & Driver;
    return module.default ?? module;
  } catch (error) {
    throw new TachographError(
      'bad-argument',
      'The PostgreSQL store needs the package pg, which is not installed: npm install pg',
      { cause: error },
    );
  }
}

/** A pool of connections that are opened when they are needed. */
export async function openPool({ url, max, connectMs }: PoolOptions): Promise<PostgresPool> {
  const { Pool } = await loadDriver();
  return new Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    idleTimeoutMillis: 30_000,
    allowExitOnIdle: true,
    application_name: 'tachograph',
  });
}

const namesByClient = new WeakMap<PostgresClient, StatementNames>();

function namesOf(client: PostgresClient): StatementNames {
  let names = namesByClient.get(client);
  if (names === undefined) namesByClient.set(client, (names = createStatementNames()));
  return names;
}

/**
 * Sends statements in one round trip, of which the first `kept` may be kept by name. When no answer came within `answerMs`
 * it fails; the connection may then still be waiting, and is of no more use.
 */
export function exchange(
  client: PostgresClient,
  statements: readonly Statement[],
  { answerMs, kept = 0 }: { readonly answerMs: number; readonly kept?: number },
): Promise<readonly Answer[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const message = `no answer within ${answerMs} ms`;
      reject(Object.assign(new Error(message), { code: '08006' }));
    }, answerMs);
    const done = (error: unknown, answers: readonly Answer[]): void => {
      clearTimeout(timer);
      if (error === null) resolve(answers);
      else reject(error as Error);
    };
    client.query(createExchange(statements, { names: namesOf(client), greeter: client.processID ?? null, kept }, done));
  });
}
