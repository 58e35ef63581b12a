import { Link } from '@tanstack/react-router';
import { memo } from 'react';
import type { RunView, SearchPage } from '../../api/wire.ts';
import { isRunOpen, runToBadges } from '../../model/badges.ts';
import { runToCost, runToCostGap } from '../../model/cost/sum.ts';
import { toDuration, toExactCount, toIso, toMoment, toTokens } from '../../model/figures.ts';
import { parseSnippet } from '../../model/snippet.ts';
import { BadgeList } from '../../parts/badge-list.tsx';
import { Pieces, Words } from '../../parts/recorded-text.tsx';
import { StatusMark } from '../../parts/status-mark.tsx';

/** A hit of the full-text search, as the server gives it. */
export type Hit = SearchPage['items'][number];

/** Height of a row and of each hit under it, in pixels; the list relies on both. */
export const rowHeight = 48;
export const hitHeight = 24;

/** Words of a hit with what was looked for marked. */
export function Snippet({ snippet }: { snippet: string }) {
  return (
    <bdi>
      {parseSnippet(snippet.replaceAll(/\s+/g, ' ')).map((part, index) =>
        part.isMatch ? (
          <mark key={index}>
            <Pieces text={part.text} />
          </mark>
        ) : (
          <Pieces key={index} text={part.text} />
        ),
      )}
    </bdi>
  );
}

interface RowProps {
  readonly run: RunView;
  readonly hits: readonly Hit[];
  readonly isActive: boolean;
  readonly nowMs: number;
}

/** A run in the list. The name is a link whose area covers the row, so that it opens in a new tab as links do. */
export const RunListRow = memo(function RunListRow({ run, hits, isActive, nowMs }: RowProps) {
  const startedMs = run.startedAtMs ?? run.createdAtMs;
  const isOpen = isRunOpen(run);
  const durationMs =
    run.durationMs ?? (isOpen && run.startedAtMs !== null ? Math.max(0, nowMs - run.startedAtMs) : null);
  return (
    <>
      <div className={isActive ? 'run-row active' : 'run-row'}>
        <span role="gridcell" className="cell-status">
          <StatusMark status={run.status} />
        </span>
        <span role="gridcell" className="cell-run">
          <span className="run-title">
            <Link to="/runs/$id" params={{ id: run.id }} search={{}} className="run-link" tabIndex={-1}>
              <Words text={run.agentId} charsMax={60} />{' '}
              {run.name !== null && run.name !== run.agentId ? (
                <span className="run-name">
                  <Words text={run.name} charsMax={80} />
                </span>
              ) : null}
            </Link>
            {run.kind === 'agent' ? null : (
              <span className="badge badge-plain">
                <Words text={run.kind} charsMax={40} />
              </span>
            )}
            {run.parentRunId === null ? null : (
              <span className="badge badge-plain" title="Another run started this one">
                nested
              </span>
            )}
            <BadgeList badges={runToBadges(run)} />
          </span>
          <span className="run-message muted">
            {run.errorDetail !== null && run.status === 'failed' ? (
              <span className="run-error">
                <Words text={run.errorDetail} charsMax={200} />
              </span>
            ) : run.summary.firstMessage === null ? (
              <span className="faint">no message</span>
            ) : (
              <Words text={run.summary.firstMessage} charsMax={220} />
            )}
          </span>
        </span>
        <span role="gridcell" className="cell-caller muted">
          {run.callerId === null ? '' : <Words text={run.callerId} charsMax={40} />}
        </span>
        <span role="gridcell" className="cell-model muted">
          {run.model === null ? '' : <Words text={run.model} charsMax={40} />}
        </span>
        <span role="gridcell" className="cell-started num" title={toIso(startedMs)}>
          {toMoment(startedMs, nowMs)}
        </span>
        <span role="gridcell" className={isOpen ? 'cell-duration num live-text' : 'cell-duration num'}>
          {toDuration(durationMs)}
        </span>
        <span role="gridcell" className="cell-tokens num">
          {toTokens(run.usage)}
        </span>
        <span role="gridcell" className="cell-cost num" title={runToCostGap(run)}>
          {runToCost(run)}
        </span>
        <span role="gridcell" className="cell-steps num">
          {toExactCount(run.counts.steps)}
        </span>
      </div>
      {hits.map((hit, index) => (
        <div key={index} role="gridcell" className="hit">
          <Link
            to="/runs/$id"
            params={{ id: run.id }}
            search={hit.stepNumber === null ? {} : { step: String(hit.stepNumber) }}
            className="hit-link"
          >
            <span className="hit-where">
              {hit.stepNumber === null ? hit.kind : `step ${hit.stepNumber} · ${hit.kind}`}
            </span>
            <Snippet snippet={hit.snippet} />
          </Link>
        </div>
      ))}
    </>
  );
});
