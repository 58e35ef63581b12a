import { useEffect, useRef, useState } from 'react';
import { panSpan, zoomSpan } from '../../../model/timeline.ts';
import type { Span } from '../../../model/timeline.ts';

/** The stretch of time on the track and ways to change it. */
export interface SpanControl {
  readonly span: Span;
  readonly isZoomed: boolean;
  readonly zoom: (factor: number, at: number) => void;
  readonly setSpan: (span: Span | null) => void;
}

/**
 * Zoom of the track. Unzoomed it follows the run's bounds, which grow while it runs. Ctrl and wheel zoom at the
 * pointer, Shift and wheel move; a plain wheel scrolls the rows.
 */
export function useSpan(bounds: Span, scroller: React.RefObject<HTMLElement | null>): SpanControl {
  const [chosen, setChosen] = useState<Span | null>(null);
  const span = chosen ?? bounds;
  const zoom = (factor: number, at: number): void => {
    const next = zoomSpan(span, bounds, { factor, at });
    setChosen(next.endMs - next.startMs >= bounds.endMs - bounds.startMs ? null : next);
  };
  const latest = useRef({ zoom, span, bounds });
  useEffect(() => {
    latest.current = { zoom, span, bounds };
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
  return { span, isZoomed: chosen !== null, zoom, setSpan: setChosen };
}
