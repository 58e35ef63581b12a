import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { TachographError } from '../../../core/error.ts';
import type { CheckJob, CheckVerdict, Overrun } from './check-job.ts';

// A thread that can be stopped is the only bound that holds: a regular expression runs to its end where it was begun.
//
//             first job            ready              job               verdict
//   none ───────────────► starting ─────► idle ───────────────► busy ─────────────► idle ──► … idleMs ──► none
//                             │             ▲                     │
//                             │ startMs     │ next job: a new one │ deadlineMs, memory full, thread ended
//                             ▼             └──────── none ◄──────┘
//                           throws
//
// One job at a time. What waits is not on the clock; a job that is stopped takes the thread with it and no other job.

/** How the checking thread is bounded. */
export interface CheckBounds {
  /** Heap of the thread, in MiB. */
  readonly heapMb: number;
  /** The thread has to be ready so long after it was started. */
  readonly startMs: number;
  /** Reading a schema may take longer than a check: the first one in a thread also warms it up. */
  readonly compileMs: number;
  /** A thread that had nothing to do for so long is ended. */
  readonly idleMs: number;
}

/** The bounds in force unless a test says otherwise. */
export const checkBounds: CheckBounds = { heapMb: 256, startMs: 30_000, compileMs: 10_000, idleMs: 30_000 };

/** What a job came to. */
export type Told = Exclude<CheckVerdict, { kind: 'full' }> | Overrun;

/** Does checks in a thread of their own. Never keeps the process running while it has nothing to do. */
export interface CheckThread {
  /** Reads a schema, unless this thread has. Rejects when no thread can be started. */
  compile(schema: string): Promise<Told>;
  /** What the job came to within `deadlineMs` of its beginning, the reading of its schema not counted. */
  ask(job: CheckJob, deadlineMs: number): Promise<Told>;
  /** Ends the thread after the jobs that wait; a later job starts another. */
  close(): Promise<void>;
}

/** The thread's program: at the top of dist when built, else the source beside this file. */
function programFile(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const built = [join(here, 'schema-thread.js'), join(here, '..', 'schema-thread.js')].find((file) => existsSync(file));
  return built ?? join(here, 'thread-program.ts');
}

function openWorker(heapMb: number): Worker {
  const worker = new Worker(programFile(), {
    name: 'tachograph schema',
    // Nothing of the program goes in: no environment, no preloaded module, no stream.
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 },
  });
  // Whatever it throws while it is being ended must not end the program.
  worker.on('error', () => undefined);
  return worker;
}

/** The thread's next message, or what it ended by, or nothing when the time is up. */
function nextFrom(worker: Worker, deadlineMs: number): Promise<unknown> {
  return new Promise((resolve) => {
    const settle = (value: unknown): void => {
      clearTimeout(timer);
      worker.off('message', settle);
      worker.off('error', onError);
      worker.off('exit', onExit);
      resolve(value);
    };
    const over = (of: Overrun['of'], message: string): void => settle({ kind: 'over', of, message } satisfies Overrun);
    const onError = (error: Error & { code?: unknown }): void =>
      over(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'thread', error.message);
    const onExit = (): void => over('thread', 'the thread ended');
    const onTime = (): void => over('time', `it took longer than ${deadlineMs} ms`);
    // A turn of the loop later: when the program itself was busy, the answer may be there, unread.
    const timer = setTimeout(() => setImmediate(onTime), deadlineMs);
    worker.on('message', settle);
    worker.on('error', onError);
    worker.on('exit', onExit);
  });
}

function notStarted(why: string, cause?: unknown): TachographError {
  return new TachographError(
    'internal',
    `the thread that checks answers could not be started: ${why}; it needs leave to start threads, and tachograph left out of what a bundler packs`,
    { cause },
  );
}

/** A thread that said it is ready. */
async function startWorker({ heapMb, startMs }: CheckBounds): Promise<Worker> {
  let worker: Worker;
  try {
    worker = openWorker(heapMb);
  } catch (error) {
    throw notStarted(String(error), error);
  }
  const first = await nextFrom(worker, startMs);
  if (!isOver(first)) return worker;
  worker.unref();
  void worker.terminate();
  throw notStarted(first.message);
}

const isOver = (value: unknown): value is Overrun => (value as { kind?: unknown }).kind === 'over';

/** A thread that is started by its first job. */
export function createCheckThread(bounds: CheckBounds = checkBounds): CheckThread {
  let worker: Worker | null = null;
  let idle: NodeJS.Timeout | undefined;
  let tail: Promise<unknown> = Promise.resolve();

  /** Not waited for: the engine may be at something that it does not interrupt. */
  const drop = (): void => {
    worker?.unref();
    void worker?.terminate();
    worker = null;
  };

  const start = async (): Promise<Worker> => {
    const started = await startWorker(bounds);
    started.once('exit', () => {
      if (worker === started) worker = null;
    });
    return started;
  };

  const send = async (job: CheckJob, deadlineMs: number): Promise<CheckVerdict | Overrun> => {
    clearTimeout(idle);
    worker ??= await start();
    worker.ref();
    const verdict = nextFrom(worker, deadlineMs);
    worker.postMessage(job);
    const told = (await verdict) as CheckVerdict | Overrun;
    if (isOver(told) || told.kind === 'full') drop();
    else {
      worker.unref();
      idle = setTimeout(drop, bounds.idleMs).unref();
    }
    return told;
  };

  const inTurn = <T>(fn: () => Promise<T>): Promise<T> => {
    const turn = tail.then(fn);
    tail = turn.catch(() => undefined);
    return turn;
  };

  const compile = (schema: string): Promise<CheckVerdict | Overrun> =>
    send({ kind: 'compile', schema, output: '' }, bounds.compileMs);

  /** The thread may have been ended since the schema was read, by another job or for lack of them. */
  const check = async (job: CheckJob, deadlineMs: number): Promise<CheckVerdict | Overrun> => {
    const read = await compile(job.schema);
    return read.kind === 'good' ? send(job, deadlineMs) : read;
  };

  /** What an earlier job left behind must not stand in the way of this one: with a thread of its own it has all there is. */
  const twice = async (fn: () => Promise<CheckVerdict | Overrun>): Promise<Told> => {
    const first = await fn();
    const told = first.kind === 'full' ? await fn() : first;
    return told.kind === 'full' ? { kind: 'over', of: 'memory', message: 'it needs too much memory' } : told;
  };

  return {
    compile: (schema) => inTurn(() => twice(() => compile(schema))),
    ask: (job, deadlineMs) => inTurn(() => twice(() => check(job, deadlineMs))),
    close: () =>
      inTurn(async () => {
        clearTimeout(idle);
        const ended = worker;
        worker = null;
        await ended?.terminate();
      }),
  };
}
