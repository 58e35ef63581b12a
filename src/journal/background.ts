import type { Clock } from '../core/clock.ts';
import type { JournalLoss } from '../core/journal.ts';
import type { Backlog } from './backlog.ts';
import type { Output } from './output.ts';

//             a write took too long                drained, and the last write was quick
//   direct ──────────────────────────► background ───────────────────────────────────► direct
//      │ a write failed                   │     ▲
//      └────────────────────► failing ◄───┘     │ a retry succeeded
//                                └──────────────┘

/** Drains a backlog into an output off the caller's thread, and knows whether the caller may write directly again. */
export interface Background {
  /** True while entries must go through the backlog. */
  isOn(): boolean;
  /** Why the disk refuses, or `null` while it does not. */
  failure(): JournalLoss['reason'] | null;
  /** A direct write was slow: the next ones go this way. */
  enter(): void;
  /** A direct write failed: the next ones go this way, after a pause. */
  fail(error: unknown): void;
  /** Starts draining unless it runs, waits for a retry, or is held. */
  wake(): void;
  /** Resolves once the backlog is empty; asks for an immediate try. */
  drained(): Promise<void>;
  /** Stops draining while `work` puts earlier frames in front. */
  hold(work: () => Promise<void>): Promise<void>;
  /** Stops the timers. */
  stop(): void;
}

/** What a background works with. */
export interface BackgroundOptions {
  readonly backlog: Backlog;
  readonly output: Output;
  readonly isPowerSafe: boolean;
  readonly writeMs: number;
  readonly clock: Clock;
  /** Not `null`: entries always go through memory and are written this often. */
  readonly bufferMs: number | null;
  readonly onWritten: (count: number) => void;
  readonly onError: (error: unknown) => void;
}

const batchBytes = 256 * 1024;
const retryFirstMs = 10;
const retryLastMs = 5000;

/** A background at rest: direct writes are allowed. */
export function createBackground(options: BackgroundOptions): Background {
  const { backlog, output, clock } = options;
  let on = options.bufferMs !== null;
  let failing: JournalLoss['reason'] | null = null;
  let running: Promise<void> | null = null;
  let held = 0;
  let retryMs = retryFirstMs;
  let timer: NodeJS.Timeout | null = null;
  let waiters: (() => void)[] = [];

  const later = (delayMs: number): void => {
    timer ??= setTimeout(() => {
      timer = null;
      start();
    }, delayMs);
    // A host that has nothing else to do is not kept from ending (I1).
    timer.unref();
  };

  const noteFailure = (error: unknown): void => {
    const { code } = error as NodeJS.ErrnoException;
    failing = code === 'ENOSPC' || code === 'EDQUOT' ? 'disk-full' : 'disk-error';
    on = true;
    options.onError(error);
    later(retryMs);
    retryMs = Math.min(retryLastMs, retryMs * 2);
  };

  const writeBatch = async (): Promise<boolean> => {
    const startedMs = clock.monotonicMs();
    const batch = backlog.peek(batchBytes);
    await output.writeLater(batch.bytes);
    if (options.isPowerSafe) await output.syncLater();
    options.onWritten(backlog.drop(batch.count).length);
    failing = null;
    retryMs = retryFirstMs;
    return clock.monotonicMs() - startedMs <= options.writeMs;
  };

  const drain = async (): Promise<void> => {
    let isQuick = false;
    try {
      while (held === 0 && !backlog.isEmpty()) isQuick = await writeBatch();
    } catch (error) {
      noteFailure(error);
      return;
    }
    if (isQuick && backlog.isEmpty() && held === 0 && options.bufferMs === null) on = false;
  };

  const start = (): void => {
    if (running !== null || held > 0) return;
    running = drain().finally(() => {
      running = null;
      if (!backlog.isEmpty()) {
        if (timer === null) start();
        return;
      }
      if (held === 0) for (const resolve of waiters.splice(0)) resolve();
    });
  };

  const startNow = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    start();
  };

  return {
    isOn: () => on || held > 0,
    failure: () => failing,
    enter() {
      on = true;
    },
    fail: noteFailure,
    wake() {
      if (timer !== null) return;
      if (options.bufferMs === null) start();
      else later(options.bufferMs);
    },
    drained() {
      if (backlog.isEmpty() && running === null && held === 0) return Promise.resolve();
      startNow();
      return new Promise((resolve) => waiters.push(resolve));
    },
    async hold(work) {
      held += 1;
      try {
        await running;
        await work();
      } finally {
        held -= 1;
        if (held === 0) startNow();
      }
    },
    stop() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      waiters = [];
    },
  };
}
