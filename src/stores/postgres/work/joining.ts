import type { Batcher } from '../../../core/batcher.ts';
import { createBatcher } from '../../../core/batcher.ts';

/*
 * Calls that come while others are under way go together with the next: eight workers that end their runs at the same time
 * make one transaction, and one that is alone waits for nobody.
 */

/** What became of a call. */
type Outcome<R> = { readonly results: readonly R[] } | { readonly error: unknown };

const itemsMax = 128;

/**
 * The same call over lists, with those that come while `underwayMax` are under way for their project joined. Results are
 * those of each call's own items; one that cannot be made does not fail the others.
 */
export function joinCalls<T, R>(
  send: (projectId: string, items: readonly T[]) => Promise<readonly R[]>,
  underwayMax: number,
): (projectId: string, items: readonly T[]) => Promise<readonly R[]> {
  const batcherByProject = new Map<string, Batcher<readonly T[], Outcome<R>>>();

  const sendAll = async (projectId: string, calls: readonly (readonly T[])[]): Promise<Outcome<R>[]> => {
    try {
      const results = await send(projectId, calls.length === 1 ? calls[0]! : calls.flat());
      let from = 0;
      return calls.map(({ length }) => ({ results: results.slice(from, (from += length)) }));
    } catch (error) {
      if (calls.length === 1) return [{ error }];
      const outcomes: Outcome<R>[] = [];
      for (const call of calls) outcomes.push(...(await sendAll(projectId, [call])));
      return outcomes;
    }
  };
  const batcherOf = (projectId: string): Batcher<readonly T[], Outcome<R>> => {
    let batcher = batcherByProject.get(projectId);
    if (batcher === undefined) {
      batcher = createBatcher({
        ...{ batchMax: itemsMax, flightsMax: underwayMax, isAtOnce: true },
        sizeOf: ({ length }) => length,
        run: (calls) => sendAll(projectId, calls),
      });
      batcherByProject.set(projectId, batcher);
    }
    return batcher;
  };
  return async (projectId, items) => {
    const batcher = batcherOf(projectId);
    const outcome = await batcher.add(items);
    if (batcher.size === 0 && batcherByProject.get(projectId) === batcher) batcherByProject.delete(projectId);
    if ('error' in outcome) throw outcome.error;
    return outcome.results;
  };
}
