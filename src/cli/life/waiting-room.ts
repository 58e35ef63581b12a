import type { ErrorCode } from '../../core/error.ts';
import { isTachographError, TachographError } from '../../core/error.ts';
import type { Answering } from '../../server/index.ts';
import { createServer, errorToProblem, secure } from '../../server/index.ts';
import { errorToLine } from '../print/complaint.ts';
import type { Log } from '../log/log.ts';

/** Answers in the place of a server that cannot open its store yet. */
export interface WaitingRoom extends Answering {
  /** Why nobody is let in; told to whoever asks. */
  explain(reason: unknown): void;
}

/**
 * Answers while the store cannot be opened yet: `/healthz` says that the process is alive, everything else is 503 with the
 * reason.
 */
export function createWaitingRoom(version: string): WaitingRoom {
  let reason: unknown = new TachographError('store-busy', 'The server is starting.');
  const answer = async ({ url }: Request): Promise<Response> => {
    if (new URL(url).pathname !== '/healthz') return secure(errorToProblem(reason, 503));
    const body = JSON.stringify({ status: 'ok', version });
    return secure(new Response(body, { headers: { 'content-type': 'application/json' } }));
  };
  return Object.assign(answer, { close: () => undefined, explain: (next: unknown) => void (reason = next) });
}

/** What another try may find put right: a database that is down, and one that has not been migrated yet. */
const passing: readonly ErrorCode[] = ['store-busy', 'store-broken'];

/** How a store is waited for. */
export interface Patience {
  readonly room: WaitingRoom;
  readonly log: Log;
  /** Ends the waiting. */
  readonly stopped: Promise<unknown>;
  readonly everyMs?: number;
}

/**
 * Tries until it works, and tells each new reason once; `null` when it is stopped before. What no time will put right is
 * thrown at once.
 */
export async function waitForStore<T>(open: () => Promise<T>, patience: Patience): Promise<T | null> {
  const { room, log, stopped, everyMs = 1000 } = patience;
  let told: string | null = null;
  let isStopped = false;
  const end = stopped.then(() => void (isStopped = true));
  while (!isStopped) {
    try {
      const opened = await open();
      if (told !== null) log.info('store-ready');
      return opened;
    } catch (error) {
      if (!isTachographError(error) || !passing.includes(error.code)) throw error;
      const message = errorToLine(error);
      if (message !== told) log.warn('store-waiting', { code: error.code, message });
      told = message;
      room.explain(error);
    }
    let timer: NodeJS.Timeout | undefined;
    const pause = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, everyMs);
    });
    await Promise.race([pause, end]);
    clearTimeout(timer);
  }
  return null;
}

/** Where it is waited, and what is told of it. */
export interface WaitingPlace extends Omit<Patience, 'room'> {
  readonly host: string;
  readonly port: number;
  readonly version: string;
}

/**
 * Opens what needs a database. While that is down or not migrated yet, the port answers from a waiting room; a server that
 * is started together with its database needs no order. `null` when it is stopped before.
 */
export async function openPatiently<T>(open: () => Promise<T>, place: WaitingPlace): Promise<T | null> {
  const { host, port, version } = place;
  const room = createWaitingRoom(version);
  try {
    return await open();
  } catch (error) {
    if (!isTachographError(error) || !passing.includes(error.code)) throw error;
    // Before anybody can ask.
    room.explain(error);
  }
  const server = await createServer({ handler: room, host, port, isKeyRequired: true });
  try {
    return await waitForStore(open, { ...place, room });
  } finally {
    await server.close({ timeoutMs: 0 });
  }
}
