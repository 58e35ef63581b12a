import { useQuery } from '@tanstack/react-query';
import { reads } from '../../../api/reads.ts';
import type { RunDetail, RunView } from '../../../api/wire.ts';
import { EventList } from '../../../events/event-list.tsx';
import { isRunOpen } from '../../../model/badges.ts';
import { toExactCount, toIso, toPlural } from '../../../model/figures.ts';
import { stepKey } from '../../../model/step-rows.ts';
import { JsonBlock } from '../../../parts/json-block.tsx';
import { Failure, Loading } from '../../../parts/notice.tsx';
import { Words } from '../../../parts/recorded-text.tsx';
import { Integrity } from '../integrity/integrity.tsx';
import type { StepFeed } from '../step-feed.ts';
import type { Selection } from '../use-selection.ts';
import { Facts } from './facts.tsx';
import { TabList } from './tab-list.tsx';
import { Content } from './tool-call.tsx';
import { UsageTable } from './usage.tsx';

function Overview({ detail }: { detail: RunDetail }) {
  const { run } = detail;
  return (
    <>
      {detail.inputs === null ? null : <Content content={detail.inputs} label="Input" />}
      {detail.output === null ? (
        <p className="faint">{isRunOpen(run) ? 'No output yet' : 'No output was recorded'}</p>
      ) : (
        <Content content={detail.output} label="Output" />
      )}
      <UsageTable usage={run.usage} />
      <Facts
        facts={[
          [
            'run id',
            <span key="id" className="mono">
              {run.id}
            </span>,
          ],
          ['agent', run.agentId],
          ['kind', run.kind],
          ['caller', run.callerId],
          ['channel', run.channelId],
          ['session', run.sessionId],
          ['end user', run.endUserId],
          ['captured by', run.capture],
          ['created', toIso(run.createdAtMs)],
          ['finished', run.finishedAtMs === null ? null : toIso(run.finishedAtMs)],
          ['trace id', run.traceId],
          [
            'labels',
            Object.entries(run.labels)
              .map(([key, value]) => `${key}=${value}`)
              .join(', '),
          ],
        ]}
      />
      {detail.annotations.map((annotation) => (
        <div key={annotation.id} className="annotation">
          <span className="label">{annotation.kind}</span>
          <Words
            text={[annotation.name, annotation.value].filter((value) => value !== null).join(': ')}
            charsMax={1000}
          />
          <span className="faint">
            {annotation.author === null ? null : <Words text={annotation.author} charsMax={60} />}
          </span>
        </div>
      ))}
    </>
  );
}

function Events({ run, feed, selection }: { run: RunView; feed: StepFeed | null; selection: Selection }) {
  const events = useQuery(reads.events(run.id, run.lastSeq));
  if (events.isError) return <Failure error={events.error} what="The events" onRetry={() => void events.refetch()} />;
  if (events.data === undefined) return <Loading label="Reading the events" />;
  const first = events.data[0]?.seq ?? 1;
  return (
    <>
      {first > 1 ? (
        <p className="muted">
          The last {toPlural(events.data.length, 'event')} of {toExactCount(run.lastSeq)}
        </p>
      ) : null}
      <EventList
        events={events.data}
        originMs={run.startedAtMs ?? run.createdAtMs}
        numberOf={(stepId) => feed?.numberOf(stepId) ?? null}
        onStep={(number) => selection.select(stepKey(run.id, number))}
      />
    </>
  );
}

/** Everything about a run as a whole. */
export function RunOverview({
  detail,
  feed,
  selection,
}: {
  detail: RunDetail;
  feed: StepFeed | null;
  selection: Selection;
}) {
  const { run } = detail;
  return (
    <TabList
      active={selection.tab}
      onChange={selection.setTab}
      tabs={[
        { id: 'overview', label: 'Overview', content: () => <Overview detail={detail} /> },
        { id: 'integrity', label: 'Integrity', content: () => <Integrity detail={detail} /> },
        { id: 'events', label: 'Events', content: () => <Events run={run} feed={feed} selection={selection} /> },
        {
          id: 'environment',
          label: 'Environment',
          content: () =>
            detail.environment === null || detail.environment === undefined ? (
              <p className="faint">No environment was recorded.</p>
            ) : (
              <JsonBlock raw={JSON.stringify(detail.environment)} label="Environment" />
            ),
        },
        { id: 'raw', label: 'Raw', content: () => <JsonBlock raw={JSON.stringify(detail)} label="Run as read" /> },
      ]}
    />
  );
}
