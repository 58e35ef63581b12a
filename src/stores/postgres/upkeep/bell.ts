import { TachographError } from '../../../core/error.ts';
import { urlToPlace } from '../database.ts';
import { toStoreError } from '../driver/failure.ts';
import { type ListenClient, loadDriver } from '../driver/pool.ts';

/*
 * A write rings after it was committed, and rings of a moment are one: a notification inside the transaction would make all
 * commits of the database wait for each other. It says nothing but that something changed, since whoever may connect may
 * listen (I10). One that is lost, because its process died in between, is made up for by polling.
 */

const channel = 'tachograph';
const ringEveryMs = 25;

/** Rings for the writes of a store. */
export interface Ringer {
  ring(): void;
  /** Rings what is still to be rung. */
  close(): Promise<void>;
}

/** Rings at most every 25 ms, by `notify`. A ring that fails is none. */
export function createRinger(notify: (sql: string) => Promise<unknown>): Ringer {
  let timer: NodeJS.Timeout | null = null;
  let ringing: Promise<unknown> = Promise.resolve();
  const strike = (): void => {
    timer = null;
    // Whoever waits for it polls besides.
    ringing = notify(`SELECT pg_notify('${channel}', '')`).catch(() => undefined);
  };
  return {
    ring() {
      timer ??= setTimeout(strike, ringEveryMs);
    },
    async close() {
      if (timer !== null) {
        clearTimeout(timer);
        strike();
      }
      await ringing;
    },
  };
}

/** How changes are listened for. */
export interface ListenOptions {
  /** Straight to the server: behind a pooler in transaction mode nothing is heard. Any role that may connect will do. */
  readonly url: string;
  /** Something changed, of whatever project; called once more after each time when nothing could be heard. */
  readonly onChange: () => void;
  /** The connection is lost, and sought again; told once for each loss. */
  readonly onError?: (error: unknown) => void;
}

const retryMs = { first: 200, max: 10_000 };

/**
 * Calls `onChange` within a moment of every write of any process to this database. It keeps one connection and seeks it
 * again when it is lost; meanwhile, and for what was lost with it, `changeCount` is to be asked as before.
 */
export async function listenPostgres(options: ListenOptions): Promise<{ close(): Promise<void> }> {
  const { Client } = await loadDriver();
  const place = urlToPlace(options.url);
  let client: ListenClient | null = null;
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  let isClosed = false;

  const connect = async (): Promise<void> => {
    const fresh = new Client({ connectionString: options.url, keepAlive: true, connectionTimeoutMillis: 5000 });
    const lose = (error: unknown): void => {
      if (client !== fresh) return;
      client = null;
      options.onError?.(
        toStoreError(error ?? new TachographError('store-busy', `PostgreSQL at ${place} hung up.`), place),
      );
      seek();
    };
    fresh.on('error', lose);
    fresh.on('end', lose);
    fresh.on('notification', () => options.onChange());
    await fresh.connect();
    client = fresh;
    await fresh.query(`LISTEN ${channel}`);
    failures = 0;
  };
  const seek = (): void => {
    if (isClosed) return;
    const waitMs = Math.min(retryMs.max, retryMs.first * 2 ** failures);
    failures += 1;
    timer = setTimeout(() => {
      connect().then(options.onChange, seek);
    }, waitMs);
    timer.unref();
  };

  try {
    await connect();
  } catch (error) {
    throw toStoreError(error, place);
  }
  return {
    async close() {
      isClosed = true;
      clearTimeout(timer);
      const last = client;
      client = null;
      await last?.end();
    },
  };
}
