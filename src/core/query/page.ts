import { TachographError } from '../error.ts';
import type { RunView } from '../model/run.ts';
import type { Page, PageRequest } from '../store.ts';
import type { RunPosition } from './cursor.ts';
import { parseCursor, positionToCursor, runToPosition } from './cursor.ts';

/** Items of a page when none are asked for. */
export const pageLimitDefault = 50;
/** Items of a page at most. */
export const pageLimitMax = 500;

/** A page request with its rules applied. */
export interface PageBounds {
  readonly limit: number;
  readonly limitCorrected: boolean;
  readonly offset: number;
  /** The last item of the page before, or `null`. */
  readonly after: RunPosition | null;
}

/**
 * Applies the page rules: a limit ≤ 0, > 500 or not whole becomes 50 and says so; a broken cursor is `bad-cursor`,
 * an offset below 0 or not whole is `bad-argument`.
 */
export function pageToBounds(page: PageRequest): PageBounds {
  const asked = page.limit;
  const isGood = asked !== undefined && Number.isInteger(asked) && asked > 0 && asked <= pageLimitMax;
  const offset = page.offset ?? 0;
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new TachographError('bad-argument', `The offset ${offset} must be a whole number of at least 0.`);
  }
  return {
    limit: isGood ? asked : pageLimitDefault,
    limitCorrected: asked !== undefined && !isGood,
    offset,
    after: page.cursor === undefined ? null : parseCursor(page.cursor),
  };
}

/** A page from up to `limit + 1` runs: the one too many only tells that there is a next page. */
export function runsToPage(runs: readonly RunView[], bounds: PageBounds): Page<RunView> {
  const items = runs.slice(0, bounds.limit);
  const last = items.at(-1);
  const hasMore = runs.length > bounds.limit && last !== undefined;
  return {
    items,
    nextCursor: hasMore ? positionToCursor(runToPosition(last)) : null,
    limit: bounds.limit,
    limitCorrected: bounds.limitCorrected,
  };
}
