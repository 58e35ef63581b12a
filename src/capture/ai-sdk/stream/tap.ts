import type { Clock } from '../../../core/clock.ts';
import type { StreamEnd } from './fold.ts';

/** Told of what passes through a tapped stream. */
export interface StreamObserver {
  part(part: unknown): void;
  /** True once the last part that says anything was seen: a read still under way then is nobody's silence. */
  readonly isFinished?: boolean;
  /** Once there is one, the stream is cut off with it. */
  readonly refusal?: Error | null;
  /** After `unread` the stream may still be taken up again and end otherwise; any other end is the last word. */
  end(end: StreamEnd): void;
}

/** Calls `fn` once after `delayMs` without keeping the process alive; returns what cancels it. */
export type Schedule = (fn: () => void, delayMs: number) => () => void;

/** The machine's timers. */
export const systemSchedule: Schedule = (fn, delayMs) => {
  const timer = setTimeout(fn, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
};

/** Time as a tap needs it. */
export interface TapTiming {
  readonly clock: Clock;
  readonly schedule: Schedule;
  /** A stream unread for longer is given up. */
  readonly unreadMs: number;
  /** How often what a stream has said so far is written before its end; left out, it waits for the end. */
  readonly streamFlushMs?: number;
}

/** Streams that were collected unread: nobody can take them up again, so their end need not wait for the clock. */
const collected = new FinalizationRegistry<{ giveUp(): void }>((watch) => watch.giveUp());

/**
 * Watches for a stream nobody reads. A read under way is a provider's silence, not the consumer's, until the finish
 * part has come: what reads on after that only waits for the connection to close.
 */
function createUnreadWatch(
  timing: TapTiming,
  observer: StreamObserver,
): { reading(): void; read(): void; giveUp(): void; stop(): void } {
  const { clock, schedule, unreadMs } = timing;
  const giveUp = (): void => {
    cancel();
    observer.end({ kind: 'unread' });
  };
  let sinceMs = clock.monotonicMs();
  let isReading = false;
  let cancel = schedule(check, unreadMs);
  function check(): void {
    const isWaiting = isReading && observer.isFinished !== true;
    const unreadForMs = isWaiting ? 0 : clock.monotonicMs() - sinceMs;
    if (unreadForMs >= unreadMs) giveUp();
    else cancel = schedule(check, unreadMs - unreadForMs);
  }
  const note = (state: boolean) => (): void => {
    isReading = state;
    sinceMs = clock.monotonicMs();
  };
  return { reading: note(true), read: note(false), giveUp, stop: () => cancel() };
}

function wrap(
  reader: ReadableStreamDefaultReader<unknown>,
  observer: StreamObserver,
  watch: ReturnType<typeof createUnreadWatch>,
): ReadableStream<unknown> {
  let isOver = false;
  const end = (how: StreamEnd): void => {
    if (isOver) return;
    isOver = true;
    watch.stop();
    collected.unregister(watch);
    observer.end(how);
  };
  // A high water mark of 0 asks the source only when the consumer asks: back pressure passes through as it is.
  return new ReadableStream<unknown>(
    {
      async pull(controller) {
        watch.reading();
        let result: ReadableStreamReadResult<unknown>;
        try {
          result = await reader.read();
        } catch (error) {
          end({ kind: 'error', error });
          controller.error(error);
          return;
        }
        watch.read();
        if (isOver) return;
        if (result.done) {
          end({ kind: 'eof' });
          controller.close();
          return;
        }
        observer.part(result.value);
        const refusal = observer.refusal ?? null;
        if (refusal !== null) {
          end({ kind: 'error', error: refusal });
          controller.error(refusal);
          // The source is let go; nobody is left to hear how.
          reader.cancel(refusal).catch(() => undefined);
          return;
        }
        controller.enqueue(result.value);
      },
      cancel(reason) {
        end({ kind: 'left', reason });
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

const handedOn = ['getReader', 'pipeThrough', 'pipeTo', 'tee', 'values', 'cancel'] as const;

/**
 * Observes a stream without replacing it: the stream object stays the same one, and only when somebody starts to
 * read it is it read through a wrapper, which passes on the same values in the same order with the same errors.
 * The SDK may put a copy of a call's result in place of another behind our back; only the stream itself is in both.
 * False when the stream does not let itself be observed; it is then as it was.
 */
export function tapStream(stream: unknown, observer: StreamObserver, timing: TapTiming): boolean {
  if (!(stream instanceof ReadableStream) || stream.locked || !Object.isExtensible(stream)) return false;
  const open = stream.getReader.bind(stream) as () => ReadableStreamDefaultReader<unknown>;
  const watch = createUnreadWatch(timing, observer);
  // The watch and nothing of this scope: a closure made here would hold the stream.
  collected.register(stream, watch, watch);
  let wrapped: ReadableStream<unknown> | null = null;
  const through = (): ReadableStream<unknown> => (wrapped ??= wrap(open(), observer, watch));
  for (const name of handedOn) {
    const value = (...args: unknown[]): unknown => {
      const target = through();
      return (target[name] as (...rest: unknown[]) => unknown).apply(target, args);
    };
    Object.defineProperty(stream, name, { value, configurable: true, writable: true });
  }
  Object.defineProperty(stream, Symbol.asyncIterator, {
    value: (...args: [ReadableStreamIteratorOptions?]) => through()[Symbol.asyncIterator](...args),
    configurable: true,
    writable: true,
  });
  return true;
}
