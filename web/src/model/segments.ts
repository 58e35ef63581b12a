import type { AttemptView, StepView } from '../api/wire.ts';

/** A piece of a step's bar: one round trip, or the wait before the next. */
export interface Segment {
  readonly kind: 'completed' | 'failed' | 'open' | 'wait';
  readonly startMs: number;
  readonly endMs: number;
  readonly attempt: number;
}

/** The round trips of a step and the waits between them, in order. `nowMs` ends what is still under way. */
export function attemptsToSegments(
  step: StepView,
  attempts: readonly AttemptView[],
  nowMs: number,
): readonly Segment[] {
  const segments: Segment[] = [];
  const ordered = [...attempts].sort((a, b) => a.number - b.number);
  ordered.forEach((attempt, index) => {
    const next = ordered[index + 1];
    const openEndMs = next?.startedAtMs ?? step.finishedAtMs ?? nowMs;
    const endMs = attempt.durationMs === null ? openEndMs : attempt.startedAtMs + attempt.durationMs;
    // A refusal that arrived whole is a completed round trip and still a failed try.
    const isRefused = (attempt.responseStatus ?? 200) >= 400;
    const kind = attempt.status === null ? 'open' : isRefused ? 'failed' : attempt.status;
    segments.push({
      kind,
      startMs: attempt.startedAtMs,
      endMs: Math.max(endMs, attempt.startedAtMs),
      attempt: attempt.number,
    });
    if (next !== undefined && next.startedAtMs > endMs) {
      segments.push({ kind: 'wait', startMs: endMs, endMs: next.startedAtMs, attempt: next.number });
    }
  });
  return segments;
}
