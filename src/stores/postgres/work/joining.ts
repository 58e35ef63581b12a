/*
 * Calls that come while others are under way go together with the next: eight workers that end their runs at the same time
 * make one transaction, and one that is alone waits for nobody.
 */

interface Waiting<T, R> {
  readonly items: readonly T[];
  readonly resolve: (results: readonly R[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Lane<T, R> {
  underway: number;
  waiting: Waiting<T, R>[];
}

const itemsMax = 128;

/**
 * The same call over lists, with those that come while `underwayMax` are under way for their project joined. Results are
 * those of each call's own items.
 */
export function joinCalls<T, R>(
  send: (projectId: string, items: readonly T[]) => Promise<readonly R[]>,
  underwayMax: number,
): (projectId: string, items: readonly T[]) => Promise<readonly R[]> {
  const laneByProject = new Map<string, Lane<T, R>>();

  const sendAll = async (projectId: string, calls: readonly Waiting<T, R>[]): Promise<void> => {
    try {
      const results = await send(projectId, calls.length === 1 ? calls[0]!.items : calls.flatMap(({ items }) => items));
      let from = 0;
      for (const { items, resolve } of calls) resolve(results.slice(from, (from += items.length)));
    } catch (error) {
      if (calls.length === 1) return calls[0]!.reject(error);
      // One that cannot be made must not fail the others.
      for (const call of calls) await sendAll(projectId, [call]);
    }
  };
  const takeCalls = (lane: Lane<T, R>): Waiting<T, R>[] => {
    const calls = [lane.waiting.shift()!];
    let count = calls[0]!.items.length;
    while (lane.waiting.length > 0 && count + lane.waiting[0]!.items.length <= itemsMax) {
      calls.push(lane.waiting.shift()!);
      count += calls.at(-1)!.items.length;
    }
    return calls;
  };
  const run = async (projectId: string, lane: Lane<T, R>): Promise<void> => {
    lane.underway += 1;
    while (lane.waiting.length > 0) await sendAll(projectId, takeCalls(lane));
    lane.underway -= 1;
    if (lane.underway === 0) laneByProject.delete(projectId);
  };
  return (projectId, items) =>
    new Promise((resolve, reject) => {
      let lane = laneByProject.get(projectId);
      if (lane === undefined) laneByProject.set(projectId, (lane = { underway: 0, waiting: [] }));
      lane.waiting.push({ items, resolve, reject });
      if (lane.underway < underwayMax) void run(projectId, lane);
    });
}
