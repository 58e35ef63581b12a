import { Link } from '@tanstack/react-router';
import type { RunView, StepDetail, WireContent } from '../../../api/wire.ts';
import { blockReasonToText } from '../../../model/badges.ts';
import { toDuration, toPlural } from '../../../model/figures.ts';
import { JsonBlock } from '../../../parts/json-block.tsx';
import { CopyButton } from '../../../parts/copy-button.tsx';
import { RecordedText, Words } from '../../../parts/recorded-text.tsx';
import { StatusMark } from '../../../parts/status-mark.tsx';
import { ErrorBlock } from './error-block.tsx';

/** A recorded content: text that is one JSON string is shown as that string. */
export function Content({ content, label }: { content: WireContent; label: string }) {
  if (typeof content.value !== 'string') return <JsonBlock raw={content.raw} label={label} />;
  return (
    <div className="json-block">
      <div className="json-head">
        <span className="label">{label}</span>
        <CopyButton text={content.value} />
      </div>
      <div className="boxed">
        <RecordedText text={content.value} mono />
      </div>
    </div>
  );
}

/** Links to the runs that a step started. */
export function ChildRuns({ runs }: { runs: readonly RunView[] }) {
  return runs.map((run) => (
    <Link key={run.id} to="/runs/$id" params={{ id: run.id }} search={{}} className="child-run">
      <StatusMark status={run.status} />
      <b>
        <Words text={run.agentId} charsMax={80} />
      </b>
      {run.name === null ? null : <Words text={run.name} charsMax={60} />}
      <span className="muted">
        {toPlural(run.counts.steps, 'step')}, {toDuration(run.durationMs)}
      </span>
      <span className="child-open">open run</span>
    </Link>
  ));
}

/** A tool call: what it was given, what it returned, and the runs it started. */
export function ToolCall({ detail }: { detail: StepDetail }) {
  const { step } = detail;
  const isOpen = step.status === 'in_progress';
  return (
    <>
      {step.error === null ? null : <ErrorBlock error={step.error} />}
      {step.wasBlocked ? (
        <p className="kept-line">
          <b>The tool did not run.</b> <Words text={blockReasonToText(step.blockReason)} charsMax={200} />
        </p>
      ) : null}
      <ChildRuns runs={detail.childRuns} />
      {detail.args === null ? (
        <p className="faint">
          {step.inputsWithheld
            ? 'The arguments were withheld.'
            : step.erased
              ? 'The arguments were erased.'
              : 'No arguments were recorded.'}
        </p>
      ) : (
        <Content content={detail.args} label="Arguments" />
      )}
      {detail.result !== null ? (
        <Content
          content={detail.result}
          label={
            step.resultStatus === null || step.resultStatus === 'success'
              ? 'Result'
              : `Result: ${step.resultStatus.replaceAll('_', ' ')}`
          }
        />
      ) : isOpen ? (
        <p className="pending-line">Still running</p>
      ) : (
        <p className="faint">
          {step.outputsWithheld
            ? 'The result was withheld.'
            : step.erased
              ? 'The result was erased.'
              : 'No result was recorded.'}
        </p>
      )}
      {detail.response === null ? null : <Content content={detail.response} label="Output" />}
    </>
  );
}
