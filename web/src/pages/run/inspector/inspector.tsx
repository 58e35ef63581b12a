import { useQuery } from '@tanstack/react-query';
import { reads } from '../../../api/reads.ts';
import type { RunDetail } from '../../../api/wire.ts';
import { parseRowKey } from '../../../model/run-page-search.ts';
import { Failure, Loading, Notice } from '../../../parts/notice.tsx';
import type { StepFeed } from '../step-feed.ts';
import type { useRows } from '../use-rows.ts';
import type { Selection } from '../use-selection.ts';
import { RunOverview } from './run-overview.tsx';
import { StepInspector } from './step-inspector.tsx';
import { ChildRuns } from './tool-call.tsx';

interface InspectorProps {
  readonly detail: RunDetail;
  readonly feed: StepFeed;
  readonly rows: ReturnType<typeof useRows>;
  readonly selection: Selection;
}

function ChildRun({ runId, selection }: { runId: string; selection: Selection }) {
  const query = useQuery(reads.run(runId));
  if (query.isError) return <Failure error={query.error} what="The child run" onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Loading label="Reading the child run" />;
  return (
    <>
      <ChildRuns runs={[query.data.run]} />
      <RunOverview detail={query.data} feed={null} selection={selection} />
    </>
  );
}

function Selected({ detail, feed, rows, selection }: InspectorProps) {
  if (selection.key === null) return <RunOverview detail={detail} feed={feed} selection={selection} />;
  const { runId, number } = parseRowKey(selection.key);
  if (number === null) return <ChildRun key={runId} runId={runId} selection={selection} />;
  if (runId === detail.run.id && number > feed.count()) return <Notice title={`There is no step ${number}`} />;
  const row = rows.source.at(rows.source.indexOf(selection.key));
  const step = row?.kind === 'step' ? row.step : null;
  const version = step === null ? 'unread' : `${step.status}.${step.attemptCount}.${feed.touchOf(step.id)}`;
  return <StepInspector runId={runId} number={number} feed={feed} version={version} selection={selection} />;
}

/** What is selected in full; the run itself while nothing is. On a narrow page it lies over the timeline. */
export function Inspector(props: InspectorProps) {
  const { selection } = props;
  return (
    <aside className="inspector" aria-label="Inspector">
      {selection.key === null ? null : (
        <button type="button" className="inspector-close" onClick={() => selection.select(null)} title="Close (Esc)">
          <span className="narrow-only">Back to the steps</span>
          <span className="wide-only" aria-label="Close">
            ×
          </span>
        </button>
      )}
      <Selected {...props} />
    </aside>
  );
}
