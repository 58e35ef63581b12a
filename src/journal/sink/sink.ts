import type { Clock } from '../../core/clock.ts';
import { systemClock } from '../../core/clock.ts';
import type { FlushReceipt, Journal, JournalEntry, JournalLoss, ProcessIdentity } from '../../core/journal.ts';
import type { Limits } from '../../core/limits.ts';
import { defaultLimits } from '../../core/limits.ts';
import type { WaitingFrame } from '../backlog.ts';
import { createBacklog, createLossLedger } from '../backlog.ts';
import { createEntryEncoder } from '../entry.ts';
import { createErrorReporter } from '../../core/error-report.ts';
import { encodeHeader } from '../frame.ts';
import type { DeliveryOptions } from './delivery.ts';
import { deliver, ingestUrl, keyToProject } from './delivery.ts';
import { createPause } from './pause.ts';

/** What a sink is made of. */
export interface SinkOptions {
  /** Address of a Tachograph server. */
  readonly url: string;
  /** Left out: the project of the key, else `default`. */
  readonly projectId?: string;
  /** The recorder's own: 16 hex digits, never used twice. */
  readonly writerId: string;
  /** Sent as a bearer token, for a server behind a login. */
  readonly token?: string;
  /** Keeps a serverless instance awake until a promise is settled: `waitUntil` of the platform, or Next.js's `after`. */
  readonly waitUntil?: (work: Promise<unknown>) => void;
  readonly limits?: Partial<Pick<Limits, 'backlogBytesMax'>>;
  readonly clock?: Clock;
  readonly fetch?: typeof globalThis.fetch;
  /** Told of each kind of error at most once a minute. */
  readonly onError?: (error: unknown) => void;
  /** How long entries are gathered before they are sent. */
  readonly gatherMs?: number;
}

const gatherMsDefault = 50;
const batchBytes = 1024 * 1024;
const timeoutMs = 10_000;
const pauseFirstMs = 200;
const pauseMaxMs = 10_000;
/** A program that has ended but for us is kept alive this long while the server is not reached. */
const patienceMs = 30_000;
const flushMsDefault = 10_000;

/**
 * A journal for places without a disk: entries wait in memory, bounded, and go to a server in batches. An append that
 * returned is not yet safe; the record says so (`durability: sink`). `flush` says when it is. What the server refuses,
 * or what does not fit while it is away, is counted as lost. Never throws after it was made (I1); throws `TypeError`
 * for a `url` that is none.
 */
export function createSink(options: SinkOptions): Journal {
  const { clock = systemClock, gatherMs = gatherMsDefault } = options;
  const delivery: DeliveryOptions = {
    url: ingestUrl(options.url).href.replace(/api\/v1\/ingest$/, ''),
    token: options.token ?? null,
    fetch: options.fetch ?? globalThis.fetch,
    timeoutMs,
  };
  const head = encodeHeader({
    projectId: options.projectId ?? keyToProject(options.token) ?? 'default',
    identity: sinkIdentity(options.writerId),
    createdAtMs: clock.nowMs(),
  });
  const encode = createEntryEncoder();
  const backlog = createBacklog(options.limits?.backlogBytesMax ?? defaultLimits.backlogBytesMax);
  const losses = createLossLedger(clock);
  const onError = createErrorReporter(clock, options.onError);
  const pause = createPause();
  let written = 0;
  let generation = 0;
  let serverGeneration: number | null = null;
  let isClosed = false;
  let bytesNow = batchBytes;
  let sending: Promise<void> | null = null;

  const lose = (item: Omit<WaitingFrame, 'frame'> & { bytes: number }, reason: JournalLoss['reason']): void => {
    losses.add(reason, item);
    // The recorder must bring the contents of what went again.
    generation += 1;
  };

  const dropFirst = (count: number, cause: unknown): void => {
    for (const { frame, ...item } of backlog.drop(count)) lose({ ...item, bytes: frame.length }, 'sink-refused');
    onError(cause);
  };

  const noteGeneration = (theirs: number): void => {
    if (serverGeneration !== null && serverGeneration !== theirs) generation += 1;
    serverGeneration = theirs;
  };

  /** Sends the first of what waits; the pause to make before going on. */
  const sendBatch = async (failures: number): Promise<number> => {
    const { bytes, count } = backlog.peek(bytesNow);
    const result = await deliver(delivery, Buffer.concat([head, bytes]), count);
    switch (result.outcome) {
      case 'kept':
        backlog.drop(count);
        written += count;
        bytesNow = batchBytes;
        noteGeneration(result.generation);
        return 0;
      case 'too-large':
        if (count === 1) dropFirst(1, result.cause);
        else bytesNow = Math.max(1, Math.floor(bytes.length / 2));
        return 0;
      case 'refused':
        dropFirst(count, result.cause);
        return 0;
      case 'later':
        onError(result.cause);
        return Math.min(pauseMaxMs, result.retryAfterMs ?? pauseFirstMs * 2 ** Math.min(failures, 10));
    }
  };

  const sendAll = async (): Promise<void> => {
    await pause.wait(gatherMs, { isAwake: true });
    let failures = 0;
    const sinceMs = clock.monotonicMs();
    while (!backlog.isEmpty() && !(isClosed && failures > 0)) {
      const pauseMs = await sendBatch(failures);
      failures = pauseMs === 0 ? 0 : failures + 1;
      if (pauseMs > 0) await pause.wait(pauseMs, { isAwake: clock.monotonicMs() - sinceMs < patienceMs });
    }
  };

  const wake = (): void => {
    if (sending !== null) return;
    sending = sendAll()
      .catch(onError)
      .finally(() => {
        sending = null;
      });
    try {
      options.waitUntil?.(sending);
    } catch (error) {
      onError(error);
    }
  };

  const drained = async (isOver: () => boolean): Promise<boolean> => {
    while (!isOver() && (sending !== null || !backlog.isEmpty())) {
      if (sending === null) wake();
      pause.end();
      await Promise.race([sending, new Promise((resolve) => setTimeout(resolve, pauseFirstMs))]);
    }
    return backlog.isEmpty();
  };

  return {
    durability: 'sink',
    append(entry: JournalEntry) {
      try {
        const frame = Buffer.from(encode(entry));
        const item = { frame, runId: entry.event.header.runId, contents: entry.contents.length };
        if (!isClosed && backlog.push(item)) {
          wake();
          return 'kept';
        }
      } catch (error) {
        onError(error);
      }
      lose({ runId: entry.event.header.runId, contents: entry.contents.length, bytes: 0 }, 'backlog-full');
      return 'lost';
    },
    takeLoss: () => (backlog.isEmpty() ? losses.take() : null),
    generation: () => generation,
    beat() {
      // What is on its way is a sign of life by itself. A batch without entries is one to any server; a lost one is no loss.
      if (isClosed || sending !== null || !backlog.isEmpty()) return;
      const beating = deliver(delivery, head, 0).then((result) => {
        if (result.outcome === 'kept') noteGeneration(result.generation);
      });
      try {
        options.waitUntil?.(beating);
      } catch (error) {
        onError(error);
      }
    },
    async flush(request): Promise<FlushReceipt> {
      const endMs = clock.monotonicMs() + (request?.timeoutMs ?? flushMsDefault);
      const isDone = await drained(() => clock.monotonicMs() >= endMs);
      // The index is the server's business; its word is that the batch is durable there.
      const state = isDone && request?.to !== 'index' ? (request?.to ?? 'durable') : 'timeout';
      return { state, written, lost: losses.total() };
    },
    async close() {
      const endMs = clock.monotonicMs() + flushMsDefault;
      await drained(() => clock.monotonicMs() >= endMs);
      isClosed = true;
      pause.end();
      const left = backlog.drop(Number.MAX_SAFE_INTEGER);
      for (const { frame, ...item } of left) lose({ ...item, bytes: frame.length }, 'sink-unreached');
      if (left.length > 0)
        onError(new Error(`${left.length} records never reached ${new URL(delivery.url).origin} and are lost.`));
    },
  };
}

/** A process without a disk cannot be told apart from its twins by host or pid, so it is known by its writer alone. */
function sinkIdentity(writerId: string): ProcessIdentity {
  return { writerId, bootId: '', host: `sink-${writerId}`, pid: 0, processStart: null };
}
