import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import type { RunView } from '../../../api/wire.ts';
import { isRunOpen } from '../../../model/badges.ts';
import { toPlural } from '../../../model/figures.ts';
import type { Row, RowSource } from '../../../model/step-rows.ts';
import { toFraction, toSpan } from '../../../model/timeline.ts';
import type { Span } from '../../../model/timeline.ts';
import { Failure } from '../../../parts/notice.tsx';
import { useNow } from '../../../parts/use-now.ts';
import { useWidth } from '../../../parts/use-width.ts';
import type { StepFeed } from '../step-feed.ts';
import type { useRows } from '../use-rows.ts';
import type { Selection } from '../use-selection.ts';
import { Axis, GridLines } from './axis.tsx';
import { FindBox } from './find-box.tsx';
import { TreeRow, treeRowHeight } from './tree-row.tsx';
import { useSpan } from './use-span.ts';
import { useTimelineKeys } from './use-timeline-keys.ts';

const headHeight = 32;

/** A run of more rows begins with the time of the rows in view. */
const followedRows = 500;

interface TimelineProps {
  readonly run: RunView;
  readonly feed: StepFeed;
  readonly rows: ReturnType<typeof useRows>;
  readonly selection: Selection;
  readonly onFold: (key: string) => void;
  readonly onUnfoldRun: (runId: string) => void;
}

function rowTimes(row: Row | null): readonly [number, number] | null {
  if (row === null) return null;
  if (row.kind === 'run')
    return [row.run.startedAtMs ?? row.run.createdAtMs, row.run.finishedAtMs ?? row.run.updatedAtMs];
  return row.step === null ? null : [row.step.startedAtMs, row.step.finishedAtMs ?? row.step.startedAtMs];
}

/** Time from the first to the last of the rows that are read; `null` when none is. */
function rowsToSpan(source: RowSource, first: number, last: number): Span | null {
  let startMs = Infinity;
  let endMs = -Infinity;
  for (let index = first; index <= last; index += 1) {
    const times = rowTimes(source.at(index));
    if (times === null) continue;
    startMs = Math.min(startMs, times[0]);
    endMs = Math.max(endMs, times[1]);
  }
  return startMs === Infinity ? null : toSpan(startMs, endMs);
}

function isGrowing(row: Row): boolean {
  return row.kind === 'run' ? isRunOpen(row.run) : row.step?.status === 'in_progress';
}

/** Tree and waterfall in one list of rows; only the rows in view exist. */
export function Timeline({ run, feed, rows, selection, onFold, onUnfoldRun }: TimelineProps) {
  const { source } = rows;
  const scroller = useRef<HTMLDivElement>(null);
  const isOpen = isRunOpen(run);
  const nowMs = useNow(isOpen ? 250 : null);
  const { startMs, endMs } = rows.boundsAt(nowMs);
  const bounds = useMemo(() => ({ startMs, endMs }), [startMs, endMs]);
  const originMs = run.startedAtMs ?? run.createdAtMs;
  const virtualizer = useVirtualizer({
    count: source.count,
    getScrollElement: () => scroller.current,
    estimateSize: () => treeRowHeight,
    overscan: 10,
    scrollPaddingStart: headHeight,
    scrollPaddingEnd: treeRowHeight,
  });
  const items = virtualizer.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;

  const { range } = virtualizer;
  const rowSpan = rowsToSpan(source, range?.startIndex ?? 0, range?.endIndex ?? 0);
  const { span, mode, zoom, setSpan, toggleRows } = useSpan({
    bounds,
    rowSpan,
    followsRows: source.count > followedRows,
    scroller,
  });
  const ticksMax = Math.max(2, Math.floor(useWidth(scroller) / 2.4 / 62));

  useEffect(() => {
    if (rows.isWhole) return undefined;
    // Fast scrolling passes many pages by; only where it rests is read.
    const timer = setTimeout(() => feed.look(first + 1, last + 1), 50);
    return () => clearTimeout(timer);
  }, [feed, rows.isWhole, first, last]);

  // Whoever looks at the end of a growing run keeps looking at its end.
  const wasAtEnd = useRef(false);
  useEffect(() => {
    if (isOpen && wasAtEnd.current && source.count > 0) virtualizer.scrollToIndex(source.count - 1);
  }, [isOpen, source.count, virtualizer]);

  const index = selection.key === null ? -1 : source.indexOf(selection.key);
  const shownKey = useRef<string | null>(null);
  useEffect(() => {
    if (index === -1 || shownKey.current === selection.key) return;
    shownKey.current = selection.key;
    virtualizer.scrollToIndex(index);
  }, [index, selection.key, virtualizer]);

  const toggle = useCallback(
    (row: Row) => (row.kind === 'run' ? onUnfoldRun(row.run.id) : onFold(row.key)),
    [onFold, onUnfoldRun],
  );
  const select = useRef(selection.select);
  useEffect(() => {
    select.current = selection.select;
  });
  const onSelect = useCallback((row: Row) => select.current(row.key), []);
  const zoomAtSelection = (factor: number): void => {
    const times = rowTimes(source.at(index));
    const at = times === null ? 0.5 : toFraction(span, (times[0] + times[1]) / 2);
    zoom(factor, at >= 0 && at <= 1 ? at : 0.5);
  };
  useTimelineKeys({
    source,
    index,
    onMove: (next) => {
      const row = source.at(next);
      if (row !== null) selection.select(row.key);
    },
    onToggle: toggle,
    onZoom: zoomAtSelection,
    onFit: () => setSpan(null),
    onFitRows: toggleRows,
  });

  return (
    <section className="timeline" aria-label="Timeline">
      <div className="timeline-tools">
        <FindBox runId={run.id} selection={selection} />
        <span className="muted timeline-count">{toPlural(feed.count(), 'step')}</span>
        <span className="zoom-tools">
          <button
            type="button"
            className="small-button"
            title="Zoom out (−)"
            aria-label="Zoom out"
            onClick={() => zoomAtSelection(2)}
          >
            −
          </button>
          <button
            type="button"
            className="small-button"
            title="Zoom in (+)"
            aria-label="Zoom in"
            onClick={() => zoomAtSelection(0.5)}
          >
            +
          </button>
          <button
            type="button"
            className="small-button"
            title="Time of the rows in view (v)"
            aria-pressed={mode === 'rows'}
            onClick={toggleRows}
          >
            Rows
          </button>
          <button
            type="button"
            className="small-button"
            title="Time of the whole run (0)"
            aria-pressed={mode === 'all'}
            onClick={() => setSpan(null)}
          >
            Run
          </button>
        </span>
      </div>
      {feed.error() !== null && source.count === 0 ? (
        <Failure error={feed.error()} what="The steps" onRetry={() => feed.look(1, feed.count())} />
      ) : null}
      <div
        ref={scroller}
        className="tree"
        role="treegrid"
        aria-label="Steps"
        aria-rowcount={source.count}
        aria-activedescendant={index === -1 ? undefined : `row-${index}`}
        tabIndex={0}
        onScroll={(event) => {
          const element = event.currentTarget;
          wasAtEnd.current =
            element.scrollTop > 0 &&
            element.scrollHeight - element.scrollTop - element.clientHeight < treeRowHeight * 2;
        }}
      >
        <div className="tree-row tree-head" role="row">
          <div role="columnheader" className="tree-cell">
            Step
          </div>
          <div role="columnheader" aria-label="Time" className="track">
            <Axis span={span} originMs={originMs} ticksMax={ticksMax} onSpan={setSpan} />
          </div>
        </div>
        {source.count === 0 ? (
          <p className="tree-empty muted">{isOpen ? 'No step has begun yet' : 'This run has no steps'}</p>
        ) : null}
        <div className="tree-rows" role="rowgroup" style={{ height: virtualizer.getTotalSize() }}>
          <GridLines span={span} originMs={originMs} ticksMax={ticksMax} />
          {items.map((item) => {
            const row = source.at(item.index);
            if (row === null) return null;
            const step = row.kind === 'step' ? row.step : null;
            return (
              <div
                key={row.key}
                id={`row-${item.index}`}
                role="row"
                aria-level={row.depth + 1}
                aria-rowindex={item.index + 1}
                aria-selected={row.key === selection.key}
                aria-expanded={row.hasChildren ? row.isOpen : undefined}
                className="tree-item"
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <TreeRow
                  row={row}
                  span={span}
                  nowMs={isGrowing(row) ? nowMs : 0}
                  version={step === null ? '' : `${step.status}.${step.attemptCount}.${feed.touchOf(step.id)}`}
                  isSelected={row.key === selection.key}
                  onToggle={toggle}
                  onSelect={onSelect}
                />
              </div>
            );
          })}
        </div>
      </div>
    </section>
  );
}
