import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { reads } from '../../../api/reads.ts';
import type { StepDetail, StepView, WireContext, WireMessage } from '../../../api/wire.ts';
import { toExactCount, toPlural } from '../../../model/figures.ts';
import { toPrefixLoss } from '../../../model/prefix-break.ts';
import { JsonBlock } from '../../../parts/json-block.tsx';
import { Failure, Loading } from '../../../parts/notice.tsx';
import { RecordedText, Words } from '../../../parts/recorded-text.tsx';
import type { StepFeed } from '../step-feed.ts';
import { ErrorBlock } from './error-block.tsx';
import { Parts } from './parts.tsx';

const firstMessages = 60;

function Message({ message, isAgain = false }: { message: WireMessage; isAgain?: boolean }) {
  const [isRaw, setRaw] = useState(false);
  return (
    <article
      className={`message role-${/^[a-z]+$/.test(message.role) ? message.role : 'other'}${message.isNew ? ' is-new' : ''}`}
    >
      <header className="message-head">
        <span className="message-role">
          <Words text={message.role} charsMax={40} />
        </span>
        <span className="faint">{message.index + 1}</span>
        {message.isNew || !isAgain ? null : <span className="badge badge-plain">was in the previous step, too</span>}
        {message.mark === null || message.mark === undefined ? null : (
          <span className="badge badge-plain">cache mark</span>
        )}
        <button type="button" className="link-button" aria-pressed={isRaw} onClick={() => setRaw(!isRaw)}>
          {isRaw ? 'read' : 'raw'}
        </button>
      </header>
      {isRaw ? <JsonBlock raw={message.raw} /> : <Parts parts={message.parts} />}
      {!isRaw && message.parts.length === 0 ? <p className="faint">empty</p> : null}
    </article>
  );
}

function PrefixNotice({ step, feed }: { step: StepView; feed: StepFeed }) {
  if (step.prefixBreak === null) return null;
  const previousNumber = feed.numberOf(step.prefixBreak.previousStepId);
  const loss = toPrefixLoss(previousNumber === null ? null : feed.stepAt(previousNumber), step);
  const where = previousNumber === null ? 'an earlier step' : `step ${previousNumber}`;
  return (
    <div className="callout callout-warn">
      <b>Prefix break at message {step.prefixBreak.atIndex + 1}.</b> From there on the context is not the one of {where}{' '}
      with more added, so the provider’s prompt cache was lost.{' '}
      {loss.lostTokens === null
        ? 'What it cost in cache reads is n/a: the provider did not report its cache.'
        : `${toExactCount(loss.cachedTokens)} tokens were cached, ${toExactCount(loss.readTokens)} were read again: ${loss.isAtLeast ? 'at least ' : ''}${toExactCount(loss.lostTokens)} cache-read tokens lost.`}
    </div>
  );
}

function Tools({ tools }: { tools: WireContext['tools'] }) {
  if (tools.length === 0) return null;
  return (
    <details className="fold">
      <summary>{toPlural(tools.length, 'tool')} offered</summary>
      {tools.map((tool) => (
        <details key={tool.contentId} className="fold fold-inner">
          <summary>
            <b className="mono">
              <Words text={tool.name ?? 'unnamed'} charsMax={120} />
            </b>{' '}
            <span className="muted">
              <Words text={tool.description ?? ''} charsMax={160} />
            </span>
          </summary>
          <JsonBlock raw={tool.raw} />
        </details>
      ))}
    </details>
  );
}

/** What the model answered in this step, after what it saw. */
export function Answer({ detail }: { detail: StepDetail }) {
  const { step } = detail;
  if (step.status === 'in_progress') return <p className="pending-line">Waiting for the answer</p>;
  const isPartial = step.status === 'interrupted' && detail.responseParts.length > 0;
  return (
    <>
      {step.error === null ? null : <ErrorBlock error={step.error} />}
      {isPartial ? <div className="callout callout-warn">The stream was cut. This is what had come.</div> : null}
      {step.outputsWithheld ? <p className="faint">The output was withheld by the caller’s settings.</p> : null}
      {detail.responseParts.length > 0 ? (
        <article className="message role-assistant is-answer">
          <Parts parts={detail.responseParts} />
        </article>
      ) : detail.response !== null ? (
        <RecordedText text={detail.response.raw} mono />
      ) : step.error === null && !step.outputsWithheld ? (
        <p className="faint">{step.erased ? 'The output was erased.' : 'No output was recorded.'}</p>
      ) : null}
    </>
  );
}

/** What the model saw, new messages marked and older ones folded away, and what it answered. */
export function Conversation({ detail, feed }: { detail: StepDetail; feed: StepFeed }) {
  const { step } = detail;
  const length = step.contextLength ?? 0;
  const [from, setFrom] = useState(Math.max(0, length - firstMessages));
  const [showOld, setShowOld] = useState(false);
  const context = useQuery({ ...reads.context(step.runId, step.number, from), enabled: step.contextNodeId !== null });
  if (step.contextNodeId === null) {
    return (
      <>
        {step.inputsWithheld ? <p className="faint">The messages were withheld by the caller’s settings.</p> : null}
        {detail.request === null ? null : <JsonBlock raw={detail.request.raw} label="Request" />}
        <h3 className="divider">Answer</h3>
        <Answer detail={detail} />
      </>
    );
  }
  if (context.isError)
    return <Failure error={context.error} what="The conversation" onRetry={() => void context.refetch()} />;
  if (context.data === undefined) return <Loading label="Reading the conversation" rows={5} />;
  const { messages, tools, newFrom, missing } = context.data;
  const isFirst = newFrom === 0;
  const older = messages.filter((message) => message.index < newFrom);
  const fresh = messages.filter((message) => message.index >= newFrom);
  const hiddenCount = showOld ? from : newFrom;
  return (
    <div className="conversation">
      <PrefixNotice step={step} feed={feed} />
      {missing > 0 ? (
        <div className="callout callout-warn">{toPlural(missing, 'piece')} of this context are erased or missing.</div>
      ) : null}
      <Tools tools={tools} />
      {hiddenCount > 0 ? (
        <button
          type="button"
          className="earlier"
          onClick={() => {
            if (showOld) setFrom(Math.max(0, from - 200));
            setShowOld(true);
          }}
        >
          Show {toPlural(hiddenCount, 'earlier message')}
        </button>
      ) : null}
      {showOld ? older.map((message) => <Message key={message.index} message={message} />) : null}
      {isFirst || fresh.length === 0 ? null : (
        <h3 className="divider divider-new">
          {step.prefixBreak === null ? 'New since the previous step' : 'From the break on'}{' '}
          <span>{toPlural(fresh.length, 'message')}</span>
        </h3>
      )}
      {fresh.map((message) => (
        <Message key={message.index} message={message} isAgain />
      ))}
      <h3 className="divider">Answer</h3>
      <Answer detail={detail} />
    </div>
  );
}
