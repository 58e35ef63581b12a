import type { Clock } from '../core/clock.ts';
import { systemClock } from '../core/clock.ts';
import { TachographError } from '../core/error.ts';
import type { FlushPlace, FlushReceipt, Journal, JournalEntry, JournalLoss, ProcessIdentity } from '../core/journal.ts';
import type { Limits } from '../core/limits.ts';
import { defaultLimits } from '../core/limits.ts';
import { createBackground } from './background.ts';
import type { WaitingFrame } from './backlog.ts';
import { createBacklog, createLossLedger } from './backlog.ts';
import { createEntryEncoder } from './entry.ts';
import { createErrorReporter } from '../core/error-report.ts';
import type { FileOperations } from './file-operations.ts';
import { systemFiles } from './file-operations.ts';
import { generationCheckMs, generationFile } from './home.ts';
import { currentIdentity } from './identity.ts';
import type { WrittenFile } from './output.ts';
import { createOutput } from './output.ts';
import { readJournal } from './reader.ts';
import { isImported } from './shelf.ts';

/** What a journal is made of. */
export interface JournalOptions {
  /** The data folder, see `defaultHome` and `openHome`. */
  readonly home: string;
  readonly projectId: string;
  /** 16 hex digits; one writer per recorder, never shared between processes or threads. */
  readonly writerId: string;
  /** `process` (default): safe from `kill -9`. `power`: each append is synced before it returns. */
  readonly durability?: 'process' | 'power';
  readonly limits?: Partial<Pick<Limits, 'writeMs' | 'backlogBytesMax'>>;
  readonly clock?: Clock;
  readonly identity?: ProcessIdentity;
  readonly fs?: FileOperations;
  /** Told of each kind of error at most once a minute. */
  readonly onError?: (error: unknown) => void;
  /** A file that would grow past this is followed by a new one. 64 MiB unless said otherwise. */
  readonly rotateBytes?: number;
  /**
   * The negative control of the tests: entries rest in memory and are written by a timer, and `append` says `kept`
   * all the same. Breaks I2 on purpose.
   */
  readonly buffered?: boolean;
}

const rotateBytesDefault = 64 * 1024 * 1024;
const bufferMsOfControl = 20;
const flushMsDefault = 5000;
const closeMs = 2000;
const ackPollMs = 5;
/** A sync that fails twice, each time in a new file, is not tried again until the next flush. */
const syncAttemptsMax = 2;

/**
 * A journal that appends to a file of its own in the data folder. Each append is one write in the caller's thread; a
 * slow or failing disk moves the work into the background, bounded in memory, and what does not fit is counted. It
 * never throws, never ends the process, installs no handlers, and keeps no idle process alive (I1, I2).
 */
export function createJournal(options: JournalOptions): Journal {
  const { clock = systemClock, fs = systemFiles, durability = 'process' } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const isPowerSafe = durability === 'power';
  const encode = createEntryEncoder();
  const backlog = createBacklog(limits.backlogBytesMax);
  const losses = createLossLedger(clock);
  const onError = createErrorReporter(clock, options.onError);
  let written = 0;
  let generation = 0;

  const output = createOutput({
    home: options.home,
    projectId: options.projectId,
    identity: options.identity ?? currentIdentity(options.writerId),
    isPowerSafe,
    rotateBytes: options.rotateBytes ?? rotateBytesDefault,
    clock,
    fs,
    onError,
    onDistrust(unsynced) {
      generation += 1;
      // In power mode every frame not synced is still in hand.
      if (!isPowerSafe) void rescue(unsynced);
    },
  });

  const background = createBackground({
    backlog,
    output,
    isPowerSafe,
    writeMs: limits.writeMs,
    clock,
    bufferMs: options.buffered ? bufferMsOfControl : null,
    onWritten: (count) => {
      written += count;
    },
    onError,
  });

  // After a failed sync the kernel forgets that the pages were dirty but usually still has them: they are read back
  // and go into the next file. Should the old one prove readable after all, the import drops the doubles.
  const rescue = ({ file, fromBytes }: { file: string; fromBytes: number }): Promise<void> =>
    background.hold(async () => {
      try {
        const items = await readWaiting(file, fromBytes, encode);
        written -= items.length;
        backlog.pushFirst(items);
      } catch (error) {
        onError(error);
      }
    });

  const lose = (entry: JournalEntry, reason: JournalLoss['reason'], bytes: number): 'lost' => {
    losses.add(reason, { runId: entry.event.header.runId, contents: entry.contents.length, bytes });
    return 'lost';
  };

  const appendLater = (entry: JournalEntry, frame: Buffer): 'kept' | 'degraded' | 'lost' => {
    if (!backlog.push(toWaiting(entry, frame)))
      return lose(entry, background.failure() ?? 'backlog-full', frame.length);
    background.wake();
    return options.buffered ? 'kept' : 'degraded';
  };

  /** Writes frames in the caller's thread; false when the disk refused. */
  const writeNow = (frames: Buffer, count: number, startedMs: number): boolean => {
    try {
      output.write(frames);
      if (isPowerSafe) output.sync();
    } catch (error) {
      background.fail(error);
      return false;
    }
    written += count;
    if (clock.monotonicMs() - startedMs > limits.writeMs) background.enter();
    return true;
  };

  const append = (entry: JournalEntry): 'kept' | 'degraded' | 'lost' => {
    const startedMs = clock.monotonicMs();
    let frame: Buffer;
    try {
      frame = encode(entry);
    } catch (error) {
      onError(error);
      return lose(entry, 'backlog-full', 0);
    }
    return !background.isOn() && writeNow(frame, 1, startedMs) ? 'kept' : appendLater(entry, frame);
  };

  /** All by one write, or each on its own when that is not possible. */
  const appendAll = (entries: readonly JournalEntry[]): 'kept' | 'degraded' | 'lost' => {
    const startedMs = clock.monotonicMs();
    let frames: Buffer | null;
    try {
      frames = background.isOn() ? null : encode(...entries);
    } catch {
      // One of them is too large, and will say so by itself.
      frames = null;
    }
    if (frames !== null && writeNow(frames, entries.length, startedMs)) return 'kept';
    const outcomes = entries.map(append);
    return outcomes.find((outcome) => outcome === 'lost') ?? outcomes.find((outcome) => outcome !== 'kept') ?? 'kept';
  };

  const readGenerationText = createTextWatch(generationFile(options.home), fs, clock);

  const nextGeneration = (): number => {
    try {
      if (readGenerationText(() => output.leaveIfUnlinked())) generation += 1;
    } catch (error) {
      onError(error);
    }
    return generation;
  };

  const settle = async (): Promise<boolean> => {
    for (let attempt = 1; attempt <= syncAttemptsMax; attempt += 1) {
      await background.drained();
      try {
        await output.syncLater();
        return true;
      } catch (error) {
        onError(error);
      }
    }
    return false;
  };

  const flush = async (request?: { to?: FlushPlace; timeoutMs?: number }): Promise<FlushReceipt> => {
    const to = request?.to ?? 'durable';
    const isDone = await within(request?.timeoutMs ?? flushMsDefault, async (isOver) => {
      try {
        // Nobody sends this journal to a server; where somebody does, it is asked by `createOutboxJournal`.
        if (to === 'server') return false;
        return (await settle()) && (to === 'durable' || (await indexed(output.files(), isOver)));
      } catch (error) {
        onError(error);
        return false;
      }
    });
    return { state: isDone ? to : 'timeout', written, lost: losses.total() };
  };

  return {
    durability,
    append,
    appendAll,
    takeLoss: () => (background.failure() === null && backlog.isEmpty() ? losses.take() : null),
    generation: nextGeneration,
    beat: () => void output.touchLater().catch(onError),
    flush,
    async close() {
      await flush({ timeoutMs: closeMs });
      background.stop();
      const left = backlog.drop(Number.MAX_SAFE_INTEGER);
      for (const { runId, contents, frame } of left) {
        losses.add(background.failure() ?? 'backlog-full', { runId, contents, bytes: frame.length });
      }
      if (left.length > 0)
        onError(
          new TachographError(
            'internal',
            `${left.length} entries were lost: the disk took no more before the journal was closed.`,
          ),
        );
      await output.close();
    },
  };
}

function toWaiting(entry: JournalEntry, frame: Buffer): WaitingFrame {
  // The encoder's bytes change with the next entry; these wait.
  return { frame: Buffer.from(frame), runId: entry.event.header.runId, contents: entry.contents.length };
}

async function readWaiting(
  file: string,
  fromBytes: number,
  encode: (entry: JournalEntry) => Buffer,
): Promise<WaitingFrame[]> {
  const items: WaitingFrame[] = [];
  for (let at = fromBytes; ;) {
    const part = readJournal(file, at);
    for (const entry of part.entries) items.push(toWaiting(entry, encode(entry)));
    if (part.end !== 'more') return items;
    at = part.nextBytes;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Answers true when the text of a file differs from last time, or `isMoved` says so; looks at most every 100 ms. */
function createTextWatch(file: string, fs: FileOperations, clock: Clock): (isMoved: () => boolean) => boolean {
  let text: string | null | undefined;
  let nextMs = Number.NEGATIVE_INFINITY;
  return (isMoved) => {
    const startedMs = clock.monotonicMs();
    if (startedMs < nextMs) return false;
    nextMs = startedMs + generationCheckMs;
    const before = text;
    text = fs.readText(file);
    const isNew = isMoved() || (before !== undefined && before !== text);
    // A disk that answers slowly is asked less often, so that looking stays below a twentieth of the time.
    nextMs = Math.max(nextMs, startedMs + 20 * (clock.monotonicMs() - startedMs));
    return isNew;
  };
}

/** The work's answer, or false when it has none after `timeoutMs`. Keeps the process alive until then. */
async function within(timeoutMs: number, work: (isOver: () => boolean) => Promise<boolean>): Promise<boolean> {
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([work(() => isOver), timeout]);
  } finally {
    isOver = true;
    clearTimeout(timer);
  }
}

async function indexed(files: readonly WrittenFile[], isOver: () => boolean): Promise<boolean> {
  let waiting = files;
  while (!isOver()) {
    waiting = waiting.filter(({ file, bytes }) => !isImported(file, bytes));
    if (waiting.length === 0) return true;
    await new Promise((resolve) => setTimeout(resolve, ackPollMs));
  }
  return false;
}
