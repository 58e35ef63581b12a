/** A stretch of time, Unix milliseconds; `endMs` > `startMs`. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** A span of at least a millisecond, whatever the clocks said. */
export function toSpan(startMs: number, endMs: number): Span {
  return { startMs, endMs: Math.max(endMs, startMs + 1) };
}

/** Where a time lies in a span: 0 at its start, 1 at its end. */
export function toFraction(span: Span, ms: number): number {
  return (ms - span.startMs) / (span.endMs - span.startMs);
}

/** `span` scaled by `factor` (< 1 zooms in) around the fraction `at`, kept within `bounds` and at least a millisecond. */
export function zoomSpan(span: Span, bounds: Span, options: { readonly factor: number; readonly at: number }): Span {
  const full = bounds.endMs - bounds.startMs;
  const length = Math.min(full, Math.max(Math.min(1, full), (span.endMs - span.startMs) * options.factor));
  const anchorMs = span.startMs + (span.endMs - span.startMs) * options.at;
  return clampSpan(anchorMs - length * options.at, length, bounds);
}

/** `span` moved by a fraction of itself, kept within `bounds`. */
export function panSpan(span: Span, bounds: Span, fraction: number): Span {
  const length = span.endMs - span.startMs;
  return clampSpan(span.startMs + length * fraction, length, bounds);
}

function clampSpan(startMs: number, length: number, bounds: Span): Span {
  const start = Math.max(bounds.startMs, Math.min(startMs, bounds.endMs - length));
  return { startMs: start, endMs: start + length };
}

const stepsMs = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 216e5,
  432e5, 864e5,
];

/** Round offsets from `originMs` that lie in `span`, at most about `countMax` of them, in milliseconds. */
export function toTicks(span: Span, originMs: number, countMax: number): readonly number[] {
  const length = span.endMs - span.startMs;
  // A step a little too small is better than one twice too large.
  const wanted = (length / Math.max(1, countMax)) * 0.75;
  const stepMs = stepsMs.find((step) => step >= wanted) ?? Math.ceil(wanted / 864e5) * 864e5;
  const ticks: number[] = [];
  let tick = Math.ceil((span.startMs - originMs) / stepMs) * stepMs;
  for (; originMs + tick <= span.endMs && ticks.length < 100; tick += stepMs) ticks.push(tick);
  return ticks;
}

/** A bar in percent of the track, clipped to it; `null` when it lies outside. */
export interface Bar {
  readonly left: number;
  readonly width: number;
}

/** The bar of a time stretch in a span. */
export function toBar(span: Span, startMs: number, endMs: number): Bar | null {
  const left = toFraction(span, startMs);
  const right = Math.max(left, toFraction(span, endMs));
  if (right < 0 || left > 1) return null;
  const from = Math.max(0, left);
  return { left: from * 100, width: (Math.min(1, right) - from) * 100 };
}
