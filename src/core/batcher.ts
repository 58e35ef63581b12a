/** Gathers what comes while a batch is under way into the next one. */
export interface Batcher<In, Out> {
  add(item: In): Promise<Out>;
  /** Items that are waited for. */
  readonly size: number;
  /** Resolves when nothing is under way. Never rejects. */
  idle(): Promise<void>;
}

interface Pending<In, Out> {
  readonly item: In;
  readonly resolve: (out: Out) => void;
  readonly reject: (error: unknown) => void;
}

/** How things are gathered. */
export interface BatcherOptions<In, Out> {
  /** What goes at once, in items or in their sizes; one that is larger goes alone. */
  readonly batchMax: number;
  /** How much an item counts; 1 unless said. */
  readonly sizeOf?: (item: In) => number;
  /** Batches under way at once; 1 unless said. With more they are in no order. */
  readonly flightsMax?: number;
  /** The first item goes at once, alone, instead of at the end of the current turn of the event loop with what came in it. */
  readonly isAtOnce?: boolean;
  /** Answers in the order of its items; when it throws, all of its batch fail. */
  readonly run: (items: readonly In[]) => Promise<readonly Out[]>;
}

/**
 * A batcher: what comes while as many batches are under way as may be waits for the next, so that who is alone waits for
 * nobody, and much at once costs little.
 */
export function createBatcher<In, Out>(options: BatcherOptions<In, Out>): Batcher<In, Out> {
  const { batchMax, sizeOf = () => 1, flightsMax = 1, isAtOnce = false } = options;
  const waiting: Pending<In, Out>[] = [];
  const flights = new Set<Promise<void>>();
  let underWay = 0;

  const runBatch = async (batch: readonly Pending<In, Out>[]): Promise<void> => {
    underWay += batch.length;
    try {
      const outs = await options.run(batch.map(({ item }) => item));
      for (const [index, pending] of batch.entries()) pending.resolve(outs[index]!);
    } catch (error) {
      for (const pending of batch) pending.reject(error);
    } finally {
      underWay -= batch.length;
    }
  };

  const nextBatch = (): readonly Pending<In, Out>[] => {
    let size = sizeOf(waiting[0]!.item);
    let count = 1;
    while (count < waiting.length && size + sizeOf(waiting[count]!.item) <= batchMax)
      size += sizeOf(waiting[count++]!.item);
    return waiting.splice(0, count);
  };

  const fly = async (): Promise<void> => {
    if (!isAtOnce) await new Promise<void>((resolve) => setImmediate(resolve));
    while (waiting.length > 0) await runBatch(nextBatch());
  };

  const takeOff = (): void => {
    if (flights.size >= flightsMax) return;
    const flight = fly().finally(() => flights.delete(flight));
    flights.add(flight);
  };

  return {
    get size() {
      return waiting.length + underWay;
    },
    add: (item) =>
      new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        takeOff();
      }),
    async idle() {
      while (flights.size > 0) await Promise.all(flights);
    },
  };
}
