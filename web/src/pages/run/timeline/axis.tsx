import { useState } from 'react';
import { toTickLabel } from '../../../model/figures.ts';
import { toFraction, toTicks } from '../../../model/timeline.ts';
import type { Span } from '../../../model/timeline.ts';

/** Times from the run's start along the track. Dragging over it zooms to what was dragged over; a double click shows all. */
export function Axis({
  span,
  originMs,
  ticksMax,
  onSpan,
}: {
  span: Span;
  originMs: number;
  ticksMax: number;
  onSpan: (span: Span | null) => void;
}) {
  const [drag, setDrag] = useState<{ readonly from: number; readonly to: number } | null>(null);
  const fractionOf = (event: React.PointerEvent): number => {
    const box = event.currentTarget.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  const finish = (): void => {
    if (drag !== null && Math.abs(drag.to - drag.from) > 0.01) {
      const length = span.endMs - span.startMs;
      const [from, to] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
      onSpan({ startMs: span.startMs + from * length, endMs: span.startMs + Math.max(to, from + 1 / length) * length });
    }
    setDrag(null);
  };
  return (
    <div
      className="axis"
      role="presentation"
      title="Drag to zoom, double click for the whole run"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag({ from: fractionOf(event), to: fractionOf(event) });
      }}
      onPointerMove={(event) => {
        if (drag !== null) setDrag({ from: drag.from, to: fractionOf(event) });
      }}
      onPointerUp={finish}
      onPointerCancel={() => setDrag(null)}
      onDoubleClick={() => onSpan(null)}
    >
      {toTicks(span, originMs, ticksMax).map((tick) => {
        const at = toFraction(span, originMs + tick);
        return (
          <span key={tick} className="tick" style={{ left: `${at * 100}%` }}>
            {at > 1 - 0.6 / ticksMax ? null : toTickLabel(tick)}
          </span>
        );
      })}
      {drag === null ? null : (
        <span
          className="axis-drag"
          style={{ left: `${Math.min(drag.from, drag.to) * 100}%`, width: `${Math.abs(drag.to - drag.from) * 100}%` }}
        />
      )}
    </div>
  );
}

/** Lines through all rows at the ticks of the axis. */
export function GridLines({ span, originMs, ticksMax }: { span: Span; originMs: number; ticksMax: number }) {
  return (
    <div className="grid-lines" aria-hidden="true">
      {toTicks(span, originMs, ticksMax).map((tick) => (
        <span key={tick} style={{ left: `${toFraction(span, originMs + tick) * 100}%` }} />
      ))}
    </div>
  );
}
