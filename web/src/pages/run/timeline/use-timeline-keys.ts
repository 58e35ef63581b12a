import type { Row, RowSource } from '../../../model/step-rows.ts';
import { isControl, useKeys } from '../../../parts/use-keys.ts';

/** What the keys of the timeline act on. */
export interface TimelineKeys {
  readonly source: RowSource;
  readonly index: number;
  readonly onMove: (index: number) => void;
  readonly onToggle: (row: Row) => void;
  readonly onZoom: (factor: number) => void;
  readonly onFit: () => void;
  readonly onFitRows: () => void;
}

/** Index of the row that `row` hangs under; -1 at the top. */
function parentIndex(source: RowSource, index: number): number {
  const depth = source.at(index)?.depth ?? 0;
  for (let at = index - 1; at >= 0; at -= 1) if ((source.at(at)?.depth ?? 0) < depth) return at;
  return -1;
}

function isBad(row: Row | null): boolean {
  if (row === null) return false;
  return row.kind === 'run'
    ? row.run.status === 'failed'
    : row.step?.status === 'error' || row.step?.status === 'interrupted';
}

/** Index of the next row with an error among those that are read, round the end; -1 when there is none. */
function nextBad(source: RowSource, index: number, by: 1 | -1): number {
  for (let step = 1; step <= source.count; step += 1) {
    const at = (((index + by * step) % source.count) + source.count) % source.count;
    if (isBad(source.at(at))) return at;
  }
  return -1;
}

/** j, k, arrows, g, G, n, N, fold, unfold and zoom. */
export function useTimelineKeys(keys: TimelineKeys): void {
  const { source, index } = keys;
  const move = (next: number): void => {
    if (source.count > 0) keys.onMove(Math.max(0, Math.min(source.count - 1, next)));
  };
  const go = (next: number): void => {
    if (next >= 0) keys.onMove(next);
  };
  // Arrows belong to a tab list that has the focus.
  const unlessControl = (action: () => void) => (event: KeyboardEvent) => {
    if (isControl(event.target)) return false;
    action();
    return true;
  };
  const row = source.at(index);
  useKeys({
    j: () => move(index + 1),
    k: () => move(index === -1 ? 0 : index - 1),
    ArrowDown: unlessControl(() => move(index + 1)),
    ArrowUp: unlessControl(() => move(index === -1 ? 0 : index - 1)),
    PageDown: unlessControl(() => move(index + 15)),
    PageUp: unlessControl(() => move(index - 15)),
    g: () => move(0),
    G: () => move(source.count - 1),
    Home: unlessControl(() => move(0)),
    End: unlessControl(() => move(source.count - 1)),
    ArrowRight: unlessControl(() => {
      if (row?.hasChildren === true && !row.isOpen) keys.onToggle(row);
      else if (row?.isOpen === true) move(index + 1);
    }),
    ArrowLeft: unlessControl(() => {
      if (row?.isOpen === true) keys.onToggle(row);
      else go(parentIndex(source, index));
    }),
    n: () => go(nextBad(source, index, 1)),
    N: () => go(nextBad(source, index === -1 ? 0 : index, -1)),
    '+': () => keys.onZoom(0.5),
    '=': () => keys.onZoom(0.5),
    '-': () => keys.onZoom(2),
    '0': () => keys.onFit(),
    v: () => keys.onFitRows(),
  });
}
