import { errorToEndReason } from '../../core/record/failure.ts';
import type { RunClose } from '../../core/record/recording.ts';
import type { QueryRecord } from './query-record.ts';
import type { Fields } from './vendor.ts';
import { toFields } from './vendor.ts';

/** A query as the SDK gives it back. */
export type Inner = AsyncGenerator<unknown, void>;

/** What stands around a query that is watched. */
export interface QuerySurroundings {
  /** Runs work of the recording; what it throws never gets out. */
  readonly guard: (work: () => void) => void;
  /** Parts of streams were switched on by the recording, and are not the program's. */
  readonly isHidden: boolean;
  /** The program's own signal has been aborted. */
  readonly isAborted: () => boolean;
  readonly onEnd: () => void;
}

type Pulled = IteratorResult<unknown, void>;

/** Messages that come only because parts of streams are switched on. */
function isPartial(message: Fields): boolean {
  return message['type'] === 'stream_event' || (message['subtype'] === 'status' && message['status'] === 'requesting');
}

/** A result as it would be without parts of streams. */
function withoutParts(message: Fields): Fields {
  if (message['type'] !== 'result' || !('begun_message_ids' in message)) return message;
  const { begun_message_ids: _begun, ...rest } = message;
  return rest;
}

/** The generator's ways of a query, each of them told to its record. */
class Watch {
  readonly #inner: Inner;
  readonly #record: QueryRecord;
  readonly #around: QuerySurroundings;
  /** The program gave the query up. */
  #isLeft = false;
  #pulls = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(inner: Inner, record: QueryRecord, around: QuerySurroundings) {
    this.#inner = inner;
    this.#record = record;
    this.#around = around;
    record.isAwaited = () => this.#pulls > 0;
  }

  readonly next = (...args: [] | [unknown]): Promise<Pulled> => {
    if (!this.#around.isHidden) return this.#pull(args);
    // Two pulls at once must not overtake one another where one of them skips a part.
    const pulled = this.#last.then(() => this.#pull(args));
    this.#last = pulled.catch(() => undefined);
    return pulled;
  };

  readonly return = (value: unknown): Promise<Pulled> => this.#leave(() => this.#inner.return(value as undefined));

  readonly throw = (error: unknown): Promise<Pulled> => this.#leave(() => this.#inner.throw(error));

  readonly close = (): unknown => {
    this.#isLeft = true;
    const closed = (this.#inner as unknown as { close(): unknown }).close();
    this.#over();
    return closed;
  };

  readonly dispose = (): Promise<void> =>
    this.#leave(async () => (this.#inner as Partial<AsyncDisposable>)[Symbol.asyncDispose]?.());

  async #pull(args: [] | [unknown]): Promise<Pulled> {
    this.#pulls += 1;
    try {
      for (;;) {
        const pulled = await this.#inner.next(...(args as []));
        if (pulled.done === true) {
          this.#over();
          return pulled;
        }
        const shown = this.#see(pulled);
        if (shown !== null) return shown;
      }
    } catch (error) {
      const isCancelled = this.#isLeft || this.#around.isAborted();
      this.#end({ endReason: isCancelled ? 'cancelled' : errorToEndReason(error), error });
      throw error;
    } finally {
      this.#pulls -= 1;
    }
  }

  /** Records a message; `null` for one that the program is not shown. */
  #see(pulled: Pulled): Pulled | null {
    const message = toFields(pulled.value);
    if (message === null) return pulled;
    this.#around.guard(() => this.#record.message(message));
    if (!this.#around.isHidden) return pulled;
    if (isPartial(message)) return null;
    const value = withoutParts(message);
    return value === message ? pulled : { done: false, value };
  }

  async #leave<T>(how: () => Promise<T>): Promise<T> {
    this.#isLeft = true;
    try {
      return await how();
    } finally {
      this.#over();
    }
  }

  /** Nothing more will come. A result that came before says more than this does. */
  #over(): void {
    this.#end({ endReason: this.#isLeft || this.#around.isAborted() ? 'cancelled' : 'interrupted' });
  }

  #end(close: RunClose): void {
    this.#around.guard(() => this.#record.end(close));
    this.#around.onEnd();
  }
}

/**
 * The query with its generator's ways watched. Every other field and method is its own, with its own `this`; values, their
 * order and errors are the SDK's.
 */
export function watchQuery(inner: Inner, record: QueryRecord, around: QuerySurroundings): Inner {
  const watch = new Watch(inner, record, around);
  const ways: Readonly<Record<PropertyKey, unknown>> = {
    next: watch.next,
    return: watch.return,
    throw: watch.throw,
    close: watch.close,
    [Symbol.asyncDispose]: watch.dispose,
    [Symbol.asyncIterator]: () => outer,
  };
  const boundByName = new Map<PropertyKey, unknown>();
  const outer: Inner = new Proxy(inner, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function' || name === 'constructor') return value;
      if (Object.hasOwn(ways, name)) return ways[name];
      if (!boundByName.has(name)) boundByName.set(name, value.bind(target));
      return boundByName.get(name);
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });
  return outer;
}
