import { useQuery } from '@tanstack/react-query';
import { reads } from '../../../api/reads.ts';
import type { StepDetail } from '../../../api/wire.ts';
import { stepToCostTitle } from '../../../model/cost/step.ts';
import { toCost, toDuration, toTokens } from '../../../model/figures.ts';
import { JsonBlock } from '../../../parts/json-block.tsx';
import { Failure, Loading } from '../../../parts/notice.tsx';
import { Words } from '../../../parts/recorded-text.tsx';
import { StatusMark } from '../../../parts/status-mark.tsx';
import type { StepFeed } from '../step-feed.ts';
import { stepLabel } from '../timeline/tree-row.tsx';
import type { Selection } from '../use-selection.ts';
import { Attempts } from './attempts.tsx';
import { Conversation } from './conversation.tsx';
import { Options } from './options.tsx';
import { Output } from './output.tsx';
import { TabList } from './tab-list.tsx';
import type { Tab } from './tab-list.tsx';
import { ToolCall } from './tool-call.tsx';
import { Usage } from './usage.tsx';

function modelTabs(detail: StepDetail, feed: StepFeed, version: string): readonly Tab[] {
  return [
    {
      id: 'conversation',
      label: 'Conversation',
      content: () => (
        <Conversation key={`${detail.step.id}.${detail.step.contextLength}`} detail={detail} feed={feed} />
      ),
    },
    { id: 'output', label: 'Output', content: () => <Output detail={detail} /> },
    { id: 'usage', label: 'Usage', content: () => <Usage step={detail.step} /> },
    {
      id: 'attempts',
      label: 'Attempts',
      count: detail.attempts.length,
      content: () => <Attempts key={detail.step.id} detail={detail} version={version} />,
    },
    { id: 'options', label: 'Options', content: () => <Options step={detail.step} /> },
  ];
}

function toTabs(detail: StepDetail, feed: StepFeed, version: string): readonly Tab[] {
  const raw: Tab = {
    id: 'raw',
    label: 'Raw',
    content: () => <JsonBlock raw={JSON.stringify(detail)} label="Step as read" />,
  };
  if (detail.step.kind === 'model') return [...modelTabs(detail, feed, version), raw];
  const call: Tab = {
    id: 'call',
    label: detail.step.kind === 'tool' ? 'Call' : 'Phase',
    content: () => <ToolCall detail={detail} />,
  };
  return [call, { id: 'options', label: 'Options', content: () => <Options step={detail.step} /> }, raw];
}

function StepHead({ detail }: { detail: StepDetail }) {
  const { step } = detail;
  return (
    <div className="inspector-facts">
      <span className={`kind-mark kind-${step.kind}`} aria-hidden="true" />
      <h2>
        <span className="faint">{step.number}</span> <Words text={stepLabel(step)} charsMax={80} />
      </h2>
      <StatusMark status={step.status} />
      <span className="num">{toDuration(step.durationMs)}</span>
      {step.kind === 'model' ? (
        <>
          <span className="num" title="Input and output tokens">
            {toTokens(step.usage)}
          </span>
          <span className="num" title={stepToCostTitle(step)}>
            {toCost(step.cost?.nanoUsd ?? null)}
            {step.cost?.status === 'estimated' ? <small className="faint"> est.</small> : null}
          </span>
        </>
      ) : null}
    </div>
  );
}

interface StepInspectorProps {
  readonly runId: string;
  readonly number: number;
  readonly feed: StepFeed;
  readonly version: string;
  readonly selection: Selection;
}

/** Everything about one step. While it is under way it is read again with every event that touches it. */
export function StepInspector({ runId, number, feed, version, selection }: StepInspectorProps) {
  const query = useQuery(reads.step(runId, number, version));
  if (query.isError) return <Failure error={query.error} what="This step" onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Loading label="Reading the step" />;
  return (
    <>
      <StepHead detail={query.data} />
      <TabList tabs={toTabs(query.data, feed, version)} active={selection.tab} onChange={selection.setTab} />
    </>
  );
}
