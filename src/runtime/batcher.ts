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

/**
 * A batcher: one batch at a time, in order, or `flightsMax` at a time in no order: while one waits for the store's disk the
 * next is worked on. `run` answers in the order of its items; when it throws, all of its batch fail. The first item after a
 * pause waits for nothing but the end of the current turn of the event loop.
 */
export function createBatcher<In, Out>(options: {
  readonly batchMax: number;
  readonly flightsMax?: number;
  readonly run: (items: readonly In[]) => Promise<readonly Out[]>;
}): Batcher<In, Out> {
  const { flightsMax = 1 } = options;
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

  const fly = async (): Promise<void> => {
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (waiting.length > 0) await runBatch(waiting.splice(0, options.batchMax));
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
