import { useVirtualizer } from '@tanstack/react-virtual';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { RunView } from '../../api/wire.ts';
import { isRunOpen } from '../../model/badges.ts';
import { isControl, useKeys } from '../../parts/use-keys.ts';
import { useNow } from '../../parts/use-now.ts';
import { hitHeight, rowHeight, RunListRow } from './run-list-row.tsx';
import type { Hit } from './run-list-row.tsx';

const hitsMax = 3;
const noHits: readonly Hit[] = [];

interface TableProps {
  /** Names the list, so that coming back finds it where it was left. */
  readonly listKey: string;
  readonly runs: readonly RunView[];
  readonly total: number | null;
  readonly hitsByRun: ReadonlyMap<string, readonly Hit[]>;
  readonly hasMore: boolean;
  readonly onMore: () => void;
}

const columns = ['Status', 'Run', 'Caller', 'Model', 'Started', 'Duration', 'Tokens', 'Cost', 'Steps'];

/** Keeps what is being read in place while newer runs come in above it. */
function useStillScroll(runs: readonly RunView[], scroller: React.RefObject<HTMLDivElement | null>): void {
  const first = useRef<string | null>(null);
  useLayoutEffect(() => {
    const element = scroller.current;
    const added = first.current === null ? -1 : runs.findIndex((run) => run.id === first.current);
    if (element !== null && added > 0 && element.scrollTop > rowHeight) element.scrollTop += added * rowHeight;
    first.current = runs[0]?.id ?? null;
  }, [runs, scroller]);
}

/** Where a list was left, by its key; for as long as the page lives. */
const placeByList = new Map<string, { readonly top: number; readonly activeId: string | null }>();

/** Puts a list where it was left, and remembers where it is left now. */
function useKeptPlace(
  listKey: string,
  scroller: React.RefObject<HTMLDivElement | null>,
  activeId: string | null,
): void {
  const active = useRef(activeId);
  useEffect(() => {
    active.current = activeId;
  });
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    element.scrollTop = placeByList.get(listKey)?.top ?? 0;
    const keep = (): void => void placeByList.set(listKey, { top: element.scrollTop, activeId: active.current });
    element.addEventListener('scroll', keep, { passive: true });
    return () => {
      element.removeEventListener('scroll', keep);
      placeByList.set(listKey, { top: placeByList.get(listKey)?.top ?? 0, activeId: active.current });
    };
  }, [listKey, scroller]);
}

/** The rows in view of a list of any length; j, k, arrows and Enter work wherever the focus is. */
export function RunTable({ listKey, runs, total, hitsByRun, hasMore, onMore }: TableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const navigate = useNavigate();
  const place = placeByList.get(listKey);
  const [activeId, setActiveId] = useState<string | null>(place?.activeId ?? null);
  const active = useMemo(() => runs.findIndex((run) => run.id === activeId), [runs, activeId]);
  const nowMs = useNow(runs.some(isRunOpen) ? 1000 : 30_000);
  const hitsOf = (run: RunView): readonly Hit[] => hitsByRun.get(run.id)?.slice(0, hitsMax) ?? noHits;
  const virtualizer = useVirtualizer({
    count: runs.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => rowHeight + hitsOf(runs[index]!).length * hitHeight,
    getItemKey: (index) => runs[index]!.id,
    overscan: 12,
    scrollPaddingStart: 32,
    initialOffset: place?.top ?? 0,
  });
  useEffect(() => virtualizer.measure(), [hitsByRun, virtualizer]);
  useStillScroll(runs, scroller);
  useKeptPlace(listKey, scroller, activeId);
  const items = virtualizer.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && last >= runs.length - 20) onMore();
  }, [hasMore, last, runs.length, onMore]);

  const move = (by: number): void => {
    if (runs.length === 0) return;
    const next = Math.max(0, Math.min(runs.length - 1, active === -1 ? (by > 0 ? 0 : runs.length - 1) : active + by));
    setActiveId(runs[next]!.id);
    virtualizer.scrollToIndex(next);
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    g: () => move(-runs.length),
    G: () => move(runs.length),
    Enter: (event) => {
      if (active === -1 || isControl(event.target)) return false;
      void navigate({ to: '/runs/$id', params: { id: runs[active]!.id }, search: {} });
      return true;
    },
  });

  return (
    <div
      ref={scroller}
      className={runs.some((run) => run.callerId !== null) ? 'run-grid' : 'run-grid no-caller'}
      role="grid"
      aria-label="Runs"
      aria-rowcount={total ?? -1}
      aria-colcount={columns.length}
      aria-activedescendant={active === -1 ? undefined : `run-${runs[active]!.id}`}
      tabIndex={0}
    >
      <div className="run-row run-head" role="row">
        {columns.map((column) => (
          <span key={column} role="columnheader" className={`cell-${column.toLowerCase()}`}>
            {column}
          </span>
        ))}
      </div>
      <div className="run-rows" role="rowgroup" style={{ height: virtualizer.getTotalSize() }}>
        {items.map((item) => {
          const run = runs[item.index]!;
          return (
            <div
              key={item.key}
              id={`run-${run.id}`}
              role="row"
              aria-rowindex={item.index + 2}
              aria-selected={item.index === active}
              className="run-item"
              style={{ height: item.size, transform: `translateY(${item.start}px)` }}
            >
              <RunListRow run={run} hits={hitsOf(run)} isActive={item.index === active} nowMs={nowMs} />
            </div>
          );
        })}
      </div>
    </div>
  );
}
