import { memo } from 'react';
import type { RunView, StepView } from '../../../api/wire.ts';
import { isRunOpen } from '../../../model/badges.ts';
import { notAvailable, toCount, toDuration, toPlural } from '../../../model/figures.ts';
import type { Row } from '../../../model/step-rows.ts';
import type { Span } from '../../../model/timeline.ts';
import { Words } from '../../../parts/recorded-text.tsx';
import { StatusMark } from '../../../parts/status-mark.tsx';
import { RunTrack, StepTrack } from './track.tsx';

/** Height of a row in pixels; the list relies on it. */
export const treeRowHeight = 28;

const depthMax = 14;

interface TreeRowProps {
  readonly row: Row;
  readonly span: Span;
  /** Now for what is under way; stands still for what has ended, so that its row is not drawn again. */
  readonly nowMs: number;
  readonly version: string;
  readonly isSelected: boolean;
  readonly onToggle: (row: Row) => void;
  readonly onSelect: (row: Row) => void;
}

/** What a step is called: its own name, its model, or what it does. */
export function stepLabel(step: StepView): string {
  return step.name ?? step.model ?? step.requestedModel ?? step.operation ?? step.kind;
}

function StepWords({ step }: { step: StepView }) {
  const label = stepLabel(step);
  return (
    <>
      <span className="tree-label">
        <Words text={label} charsMax={80} />
      </span>
      {step.kind === 'model' && step.usage !== null ? (
        <span className="tree-note" title="Input and output tokens">
          {toCount(step.usage.input.total)}→{toCount(step.usage.output.total)}
        </span>
      ) : null}
      {step.attemptCount > 1 ? (
        <span className="tree-tries" title={`${step.attemptCount} attempts`}>
          ×{step.attemptCount}
        </span>
      ) : null}
      {step.prefixBreak === null ? null : (
        <span className="tree-break" title="The context stopped extending the previous one: prompt cache lost">
          prefix break
        </span>
      )}
      {step.kind === 'tool' &&
      step.resultStatus !== null &&
      step.resultStatus !== 'success' &&
      step.resultStatus !== 'error' ? (
        <span className="tree-tries">{step.resultStatus.replaceAll('_', ' ')}</span>
      ) : null}
      {step.kind === 'tool' && step.preview !== null ? (
        <span className="tree-preview">
          <Words text={step.preview.replaceAll(/\s+/g, ' ')} charsMax={60} />
        </span>
      ) : null}
    </>
  );
}

function stepDuration(step: StepView, nowMs: number): string {
  if (step.durationMs !== null) return toDuration(step.durationMs);
  return step.status === 'in_progress' ? toDuration(Math.max(0, nowMs - step.startedAtMs)) : notAvailable;
}

function runDuration(run: RunView, nowMs: number): string {
  if (run.durationMs !== null) return toDuration(run.durationMs);
  return isRunOpen(run) ? toDuration(Math.max(0, nowMs - (run.startedAtMs ?? run.createdAtMs))) : notAvailable;
}

/** A row of the tree with its bar on the track. */
export const TreeRow = memo(function TreeRow({
  row,
  span,
  nowMs,
  version,
  isSelected,
  onToggle,
  onSelect,
}: TreeRowProps) {
  const step = row.kind === 'step' ? row.step : null;
  const status = row.kind === 'run' ? row.run.status : step?.status;
  const kind = row.kind === 'run' ? 'run' : (step?.kind ?? 'unread');
  const isOpenEnded = row.kind === 'run' ? isRunOpen(row.run) : step?.status === 'in_progress';
  return (
    <div
      className={`tree-row${isSelected ? ' selected' : ''}${status === 'error' || status === 'failed' ? ' row-bad' : ''}`}
      onClick={() => onSelect(row)}
    >
      <div role="gridcell" className="tree-cell" style={{ paddingInlineStart: 6 + Math.min(row.depth, depthMax) * 14 }}>
        {row.hasChildren ? (
          <button
            type="button"
            className={row.isOpen ? 'caret open' : 'caret'}
            tabIndex={-1}
            aria-label={row.isOpen ? 'Fold' : 'Unfold'}
            onClick={(event) => {
              event.stopPropagation();
              onToggle(row);
            }}
          />
        ) : (
          <span className="caret-space" />
        )}
        <span className={`kind-mark kind-${kind}`} title={kind} aria-hidden="true" />
        {row.kind === 'step' ? <span className="tree-number">{row.number}</span> : null}
        {status === undefined || status === 'completed' ? null : <StatusMark status={status} bare />}
        {row.kind === 'run' ? (
          <>
            <span className="tree-label">
              <Words text={row.run.agentId} charsMax={80} />
            </span>
            {row.run.name === null ? null : (
              <span className="tree-note">
                <Words text={row.run.name} charsMax={40} />
              </span>
            )}
            <span className="tree-note">
              <Words text={row.run.kind === 'agent' ? 'run' : row.run.kind} charsMax={30} />,{' '}
              {toPlural(row.run.counts.steps, 'step')}
            </span>
          </>
        ) : step === null ? (
          <span className="tree-unread" />
        ) : (
          <StepWords step={step} />
        )}
        <span className={isOpenEnded ? 'tree-time live-text' : 'tree-time'}>
          {row.kind === 'run' ? runDuration(row.run, nowMs) : step === null ? '' : stepDuration(step, nowMs)}
        </span>
      </div>
      <div role="gridcell" className="track">
        {row.kind === 'run' ? (
          <RunTrack run={row.run} span={span} nowMs={nowMs} />
        ) : step === null ? null : (
          <StepTrack step={step} span={span} nowMs={nowMs} version={version} />
        )}
      </div>
    </div>
  );
});
