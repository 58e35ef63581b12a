import { useQuery } from '@tanstack/react-query';
import { memo } from 'react';
import { reads } from '../../../api/reads.ts';
import type { RunView, StepView } from '../../../api/wire.ts';
import { isRunOpen, statusToTone } from '../../../model/badges.ts';
import { toDuration } from '../../../model/figures.ts';
import { attemptsToSegments } from '../../../model/segments.ts';
import { toBar } from '../../../model/timeline.ts';
import type { Span } from '../../../model/timeline.ts';

interface StepTrackProps {
  readonly step: StepView;
  readonly span: Span;
  readonly nowMs: number;
  readonly version: string;
}

function place(span: Span, startMs: number, endMs: number): { readonly left: string; readonly width: string } | null {
  const bar = toBar(span, startMs, endMs);
  return bar === null ? null : { left: `${bar.left}%`, width: `${bar.width}%` };
}

/** Round trips and waits of a step that was tried more than once, or whose only try is under way. */
function Attempts({ step, span, nowMs, version }: StepTrackProps) {
  const attempts = useQuery(reads.attempts(step.runId, step.number, version));
  if (attempts.data === undefined) return null;
  return attemptsToSegments(step, attempts.data, nowMs).map((segment, index) => {
    const style = place(span, segment.startMs, segment.endMs);
    if (style === null) return null;
    const length = toDuration(segment.endMs - segment.startMs);
    const attempt = attempts.data.find((one) => one.number === segment.attempt);
    const status =
      attempt?.responseStatus == null ? (attempt?.error?.name ?? segment.kind) : String(attempt.responseStatus);
    const title = segment.kind === 'wait' ? `waited ${length}` : `attempt ${segment.attempt}: ${status}, ${length}`;
    return <span key={index} className={`segment segment-${segment.kind}`} style={style} title={title} />;
  });
}

/** The bar of a step. */
export const StepTrack = memo(function StepTrack(props: StepTrackProps) {
  const { step, span, nowMs } = props;
  const isOpen = step.status === 'in_progress';
  const endMs = step.finishedAtMs ?? (isOpen ? nowMs : step.startedAtMs + (step.durationMs ?? 0));
  const style = place(span, step.startedAtMs, endMs);
  if (style === null) return null;
  const firstToken =
    step.timeToFirstTokenMs === null
      ? null
      : toBar(span, step.startedAtMs + step.timeToFirstTokenMs, step.startedAtMs + step.timeToFirstTokenMs);
  const tone = statusToTone(step.status);
  return (
    <>
      <span
        className={`bar-piece kind-${step.kind} bar-${tone}${step.attemptCount > 1 ? ' bar-tried' : ''}`}
        style={style}
      />
      {step.attemptCount > 1 ? <Attempts {...props} /> : null}
      {firstToken === null || isOpen ? null : (
        <span
          className="first-token"
          style={{ left: `${firstToken.left}%` }}
          title={`first token after ${toDuration(step.timeToFirstTokenMs)}`}
        />
      )}
    </>
  );
});

/** The bar of a child run. */
export function RunTrack({ run, span, nowMs }: { run: RunView; span: Span; nowMs: number }) {
  const startMs = run.startedAtMs ?? run.createdAtMs;
  const endMs = run.finishedAtMs ?? (isRunOpen(run) ? nowMs : run.updatedAtMs);
  const style = place(span, startMs, endMs);
  return style === null ? null : (
    <span className={`bar-piece kind-run bar-${statusToTone(run.status)}`} style={style} />
  );
}
