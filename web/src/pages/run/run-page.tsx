import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { reads } from '../../api/reads.ts';
import type { RunDetail } from '../../api/wire.ts';
import { LostBanner } from '../../parts/lost-banner.tsx';
import { Failure, Loading } from '../../parts/notice.tsx';
import { useKeys } from '../../parts/use-keys.ts';
import { toVisibleText } from '../../model/visible.ts';
import '../../styles/timeline.css';
import '../../styles/inspector.css';
import '../../styles/conversation.css';
import '../../styles/run.css';
import { Inspector } from './inspector/inspector.tsx';
import { Mixture } from './moa/mixture.tsx';
import { isSideBySide, MixtureSwitch } from './moa/mixture-switch.tsx';
import { RunHeader } from './run-header.tsx';
import { createStepFeed } from './step-feed.ts';
import { Timeline } from './timeline/timeline.tsx';
import { useRows } from './use-rows.ts';
import { useRunLive } from './use-run-live.ts';
import { useSelection } from './use-selection.ts';

const route = getRouteApi('/runs/$id');
const nothing: ReadonlySet<string> = new Set();

function toggled(set: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(set);
  if (!next.delete(key)) next.add(key);
  return next;
}

/** A run: header, timeline beside the tree, inspector of what is selected. */
export function RunPage() {
  const { id } = route.useParams();
  const query = useQuery(reads.run(id));
  if (query.data !== undefined && query.data.run.id === id) return <LoadedRunPage key={id} detail={query.data} />;
  if (query.isError) return <Failure error={query.error} what="This run" onRetry={() => void query.refetch()} />;
  return <Loading label="Reading the run" rows={14} />;
}

function LoadedRunPage({ detail }: { detail: RunDetail }) {
  const { run } = detail;
  const isMixture = run.kind === 'moa_turn';
  const feed = useMemo(() => createStepFeed(run.id, run.lastStepNumber), [run.id]);
  const { isLive, stream, retryStream } = useRunLive(run, feed);
  const [folded, setFolded] = useState(nothing);
  const [openRuns, setOpenRuns] = useState(nothing);
  const view = useMemo(() => ({ folded, openRuns }), [folded, openRuns]);
  const rows = useRows(run, feed, view);
  const selection = useSelection(run.id);
  const navigate = useNavigate();
  useEffect(() => {
    document.title = `${toVisibleText(`${run.agentId} ${run.name ?? ''}`.trim().slice(0, 80))} · Tachograph`;
  }, [run.name, run.agentId]);
  useKeys({
    Escape: (event) => {
      if (event.target instanceof HTMLInputElement) event.target.blur();
      else selection.select(null);
    },
    u: () => {
      if (run.parentRunId !== null) void navigate({ to: '/runs/$id', params: { id: run.parentRunId }, search: {} });
      else void navigate({ to: '/', search: {} });
    },
    '/': () => document.querySelector<HTMLInputElement>('input[name="find"]')?.focus(),
  });
  return (
    <div className={selection.key === null ? 'run-page' : 'run-page has-selection'}>
      <LostBanner state={stream} onRetry={retryStream} />
      <RunHeader detail={detail} isLive={isLive && stream.kind === 'open'} />
      {isMixture ? <MixtureSwitch runId={run.id} selection={selection} /> : null}
      {isMixture && isSideBySide(selection) ? (
        <Mixture run={run} selection={selection} />
      ) : (
        <div className="run-body">
          <Timeline
            run={run}
            feed={feed}
            rows={rows}
            selection={selection}
            onFold={(key) => setFolded(toggled(folded, key))}
            onUnfoldRun={(runId) => setOpenRuns(toggled(openRuns, runId))}
          />
          <Inspector detail={detail} feed={feed} rows={rows} selection={selection} />
        </div>
      )}
    </div>
  );
}
