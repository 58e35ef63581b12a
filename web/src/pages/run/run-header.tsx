import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { isOffline } from '../../api/book.ts';
import { reads } from '../../api/reads.ts';
import type { RunDetail } from '../../api/wire.ts';
import { isRunOpen, runToBadges } from '../../model/badges.ts';
import { runToCost, runToCostGap, sumToChildCost } from '../../model/cost/sum.ts';
import { toCount, toDuration, toExactCount, toIso, toMoment, toShortId } from '../../model/figures.ts';
import { BadgeList } from '../../parts/badge-list.tsx';
import { CopyButton } from '../../parts/copy-button.tsx';
import { Words } from '../../parts/recorded-text.tsx';
import { StatusMark } from '../../parts/status-mark.tsx';
import { useNow } from '../../parts/use-now.ts';
import { IntegrityLine } from './integrity-line.tsx';
import { WorkLine } from './work-line.tsx';
import '../../styles/work.css';

function Figure({ label, title, children }: { label: string; title?: string; children: ReactNode }) {
  return (
    <div className="figure" title={title}>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Chain({ detail }: { detail: RunDetail }) {
  const parents = detail.chain.slice(0, -1);
  return (
    <nav className="crumbs" aria-label="Parent runs">
      <Link to="/" search={{}}>
        Runs
      </Link>
      {parents.map((parent) => (
        <Link key={parent.id} to="/runs/$id" params={{ id: parent.id }} search={{}}>
          <Words text={parent.agentId} charsMax={40} />
        </Link>
      ))}
    </nav>
  );
}

/** To the comparison with the newest run; in a page that holds its runs, to the one that it holds. */
function CompareLink({ runId }: { runId: string }) {
  const { data: pair = null } = useQuery({ ...reads.comparedPair(), enabled: isOffline });
  if (!isOffline)
    return (
      <Link to="/runs/$id/diff/$other" params={{ id: runId, other: 'last' }} search={{}}>
        Compare
      </Link>
    );
  if (pair === null || (runId !== pair.id && runId !== pair.other)) return null;
  return (
    <Link to="/runs/$id/diff/$other" params={pair} search={{}}>
      Comparison
    </Link>
  );
}

function Figures({ detail, durationMs }: { detail: RunDetail; durationMs: number | null }) {
  const { run } = detail;
  const childCost = sumToChildCost(detail.childCost);
  const { input, output } = run.usage;
  return (
    <dl className="figures">
      <Figure label="Duration">{toDuration(durationMs)}</Figure>
      <Figure label="Steps" title={`${run.counts.modelSteps} model, ${run.counts.toolSteps} tool`}>
        {toExactCount(run.counts.steps)}
        {run.counts.openSteps > 0 ? <small> {run.counts.openSteps} open</small> : null}
      </Figure>
      <Figure label="Attempts">
        {toExactCount(run.counts.attempts)}
        {run.counts.retries > 0 ? (
          <small> {run.counts.retries === 1 ? '1 retry' : `${run.counts.retries} retries`}</small>
        ) : null}
      </Figure>
      <Figure label="Input" title={`${toExactCount(input.total)} tokens, cache reads and writes included`}>
        {toCount(input.total)}
      </Figure>
      <Figure label="Cache read" title={toExactCount(input.cacheRead)}>
        {toCount(input.cacheRead)}
      </Figure>
      <Figure label="Cache write" title={toExactCount(input.cacheWrite)}>
        {toCount(input.cacheWrite)}
      </Figure>
      <Figure label="Output" title={`${toExactCount(output.total)} tokens`}>
        {toCount(output.total)}
        {output.reasoning === null || output.reasoning === 0 ? null : (
          <small> {toCount(output.reasoning)} reasoning</small>
        )}
      </Figure>
      <Figure label="Cost" title={runToCostGap(run)}>
        {runToCost(run)}
        {childCost === null ? null : (
          <small className="child-cost" title="Not part of the run's own cost">
            {' '}
            {childCost}
          </small>
        )}
      </Figure>
      {run.counts.gaps + run.counts.missing > 0 ? (
        <Figure label="Gaps" title="Losses the recorder told of, and events that never arrived">
          <span className="bad">{run.counts.gaps + run.counts.missing}</span>
        </Figure>
      ) : null}
    </dl>
  );
}

/** Outcome, totals, verdicts and the way up. */
export function RunHeader({ detail, isLive }: { detail: RunDetail; isLive: boolean }) {
  const { run } = detail;
  const isOpen = isRunOpen(run);
  const nowMs = useNow(isOpen ? 500 : null);
  const startedMs = run.startedAtMs ?? run.createdAtMs;
  const durationMs =
    run.durationMs ?? (isOpen && run.startedAtMs !== null ? Math.max(0, nowMs - run.startedAtMs) : null);
  return (
    <header className="run-header">
      <div className="run-heading">
        <Chain detail={detail} />
        <h1>
          <Words text={run.agentId} charsMax={100} />{' '}
          {run.name === null || run.name === run.agentId ? null : (
            <span className="run-name">
              <Words text={run.name} charsMax={120} />
            </span>
          )}
        </h1>
        <StatusMark status={run.status} />
        {run.endReason !== null && run.endReason !== 'ok' && run.endReason !== run.status ? (
          <span className="muted">{run.endReason.replaceAll('_', ' ')}</span>
        ) : null}
        <BadgeList badges={runToBadges(run)} />
        {isLive ? <span className="live-note">live</span> : null}
        <span className="verdicts">
          <IntegrityLine run={run} />
        </span>
      </div>
      <div className="run-facts">
        <Figures detail={detail} durationMs={durationMs} />
        <div className="run-where muted">
          {run.model === null ? null : (
            <span>
              <Words text={run.model} charsMax={60} />
            </span>
          )}
          <span title={toIso(startedMs)}>{toMoment(startedMs, Date.now())}</span>
          {run.sessionId === null ? null : (
            <Link to="/" search={{ session: run.sessionId, nested: '1' }}>
              session <Words text={run.sessionId} charsMax={24} />
            </Link>
          )}
          <span className="mono" title={run.id}>
            {toShortId(run.id)}
          </span>
          <CopyButton text={run.id} label="Copy id" />
          <CompareLink runId={run.id} />
        </div>
      </div>
      <WorkLine run={run} />
      {run.errorDetail === null && run.errorCode === null ? null : (
        <p className={`run-failure tone-${run.status === 'failed' ? 'bad' : 'warn'}`}>
          {run.errorCode === null ? null : (
            <code>
              <Words text={run.errorCode} charsMax={80} />
            </code>
          )}
          <Words text={run.errorDetail ?? ''} charsMax={500} />
        </p>
      )}
    </header>
  );
}
