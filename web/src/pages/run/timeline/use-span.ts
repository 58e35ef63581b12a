import { useEffect, useRef, useState } from 'react';
import { panSpan, zoomSpan } from '../../../model/timeline.ts';
import type { Span } from '../../../model/timeline.ts';

/** The stretch of time on the track and ways to change it. */
export interface SpanControl {
  readonly span: Span;
  readonly mode: 'all' | 'rows' | 'chosen';
  readonly zoom: (factor: number, at: number) => void;
  /** `null` shows the whole run. */
  readonly setSpan: (span: Span | null) => void;
  /** Follows the rows in view, or shows the whole run again. */
  readonly toggleRows: () => void;
}

interface SpanOptions {
  /** The whole run; it grows while the run does. */
  readonly bounds: Span;
  /** The rows in view; `null` while they are not read. */
  readonly rowSpan: Span | null;
  /** Of a long run the whole is slivers: the rows in view are followed unless somebody chooses otherwise. */
  readonly followsRows: boolean;
  readonly scroller: React.RefObject<HTMLElement | null>;
}

/** Zoom of the track. Ctrl and wheel zoom at the pointer, Shift and wheel move; a plain wheel scrolls the rows. */
export function useSpan({ bounds, rowSpan, followsRows, scroller }: SpanOptions): SpanControl {
  const [chosen, setChosen] = useState<Span | 'all' | 'rows' | null>(null);
  const lastRowSpan = useRef<Span | null>(null);
  const wanted = chosen ?? (followsRows ? 'rows' : 'all');
  const rows = rowSpan ?? lastRowSpan.current ?? bounds;
  const span = wanted === 'all' ? bounds : wanted === 'rows' ? rows : wanted;
  const zoom = (factor: number, at: number): void => {
    const next = zoomSpan(span, bounds, { factor, at });
    setChosen(next.endMs - next.startMs >= bounds.endMs - bounds.startMs ? 'all' : next);
  };
  const latest = useRef({ zoom, span, bounds });
  useEffect(() => {
    latest.current = { zoom, span, bounds };
    lastRowSpan.current = rowSpan ?? lastRowSpan.current;
  });
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const onWheel = (event: WheelEvent): void => {
      const track = element.querySelector('.axis')?.getBoundingClientRect();
      if (track === undefined || event.clientX < track.left || (!event.ctrlKey && !event.shiftKey)) return;
      event.preventDefault();
      const { current } = latest;
      const delta = event.deltaY || event.deltaX;
      if (event.ctrlKey) current.zoom(Math.exp(delta * 0.002), (event.clientX - track.left) / track.width);
      else setChosen(panSpan(current.span, current.bounds, delta / 800));
    };
    // Not passive: the browser would zoom the page.
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [scroller]);
  return {
    span,
    mode: typeof wanted === 'string' ? wanted : 'chosen',
    zoom,
    setSpan: (next) => setChosen(next ?? 'all'),
    toggleRows: () => setChosen(wanted === 'rows' ? 'all' : 'rows'),
  };
}
