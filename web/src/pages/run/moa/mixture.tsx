import { useQuery } from '@tanstack/react-query';
import { readSteps, reads } from '../../../api/reads.ts';
import type { RunView, StepView } from '../../../api/wire.ts';
import { stepToCostTitle } from '../../../model/cost/step.ts';
import { toCost, toDuration, toPlural, toTokens } from '../../../model/figures.ts';
import { stepKey } from '../../../model/step-rows.ts';
import { Failure, Loading } from '../../../parts/notice.tsx';
import { RecordedText, Words } from '../../../parts/recorded-text.tsx';
import { StatusMark } from '../../../parts/status-mark.tsx';
import { Answer } from '../inspector/conversation.tsx';
import type { Selection } from '../use-selection.ts';
import type { MixtureIteration } from './iterations.ts';
import { stepsToIterations, stepToPart, sumOfCosts } from './iterations.ts';
import './mixture.css';

const stepsMax = 500;

interface CardProps {
  readonly step: StepView;
  readonly selection: Selection;
}

/** What a step is, in one line: who, how it went, what it took. */
function CardHead({ step, selection }: CardProps) {
  const name = step.name === 'aggregator' ? `${step.provider ?? 'n/a'}:${step.requestedModel ?? 'n/a'}` : step.name;
  return (
    <header className="mixture-head">
      <h3>
        <Words text={name ?? 'unnamed'} charsMax={80} />
      </h3>
      {step.name === 'aggregator' ? <span className="muted">aggregator</span> : null}
      <StatusMark status={step.status} />
      <span className="num">{toDuration(step.durationMs)}</span>
      <span className="num" title="Input and output tokens">
        {toTokens(step.usage)}
      </span>
      <span className="num" title={stepToCostTitle(step)}>
        {toCost(step.cost?.nanoUsd ?? null)}
      </span>
      <button type="button" className="link-button" onClick={() => selection.select(stepKey(step.runId, step.number))}>
        step {step.number}
      </button>
    </header>
  );
}

function Said({ step }: { step: StepView }) {
  const query = useQuery(reads.step(step.runId, step.number, `${step.status}.${step.attemptCount}`));
  if (query.isError) return <Failure error={query.error} what="The answer" onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Loading label="Reading the answer" />;
  return <Answer detail={query.data} />;
}

/** The last message that the aggregator read: the advice, or the caller's own words when there was none. */
function Read({ step }: { step: StepView }) {
  const length = step.contextLength ?? 0;
  const query = useQuery({
    ...reads.context(step.runId, step.number, Math.max(0, length - 1)),
    enabled: step.contextNodeId !== null,
  });
  if (step.contextNodeId === null) return <p className="faint">The messages were withheld.</p>;
  if (query.isError) return <Failure error={query.error} what="The advice" onRetry={() => void query.refetch()} />;
  const last = query.data?.messages.at(-1);
  if (last === undefined) return <Loading label="Reading the advice" />;
  const text = last.parts.map((part) => ('text' in part && typeof part.text === 'string' ? part.text : '')).join('\n');
  return (
    <details className="fold">
      <summary>The last of the {toPlural(length, 'message')} it read</summary>
      <div className="boxed">
        <RecordedText text={text} />
      </div>
    </details>
  );
}

const adviceWords: Readonly<Record<string, string>> = {
  miss: 'references asked',
  hit: 'advice used again, nothing spent on it',
  none: 'no references',
};

function Iteration({ iteration, selection }: { iteration: MixtureIteration; selection: Selection }) {
  const { references, aggregator } = iteration;
  const part = aggregator === null ? null : stepToPart(aggregator);
  return (
    <section className="mixture-iteration" aria-label={`Iteration ${iteration.index + 1}`}>
      <h2>
        Iteration {iteration.index + 1}
        <span className="muted">
          {adviceWords[part?.advice ?? 'miss'] ?? ''}
          {part === null || part.failed.length === 0 ? '' : `; ${part.failed.length} failed`}
        </span>
        {references.length === 0 ? null : (
          <span className="num" title="The references of this iteration together">
            {toCost(sumOfCosts(references))}
          </span>
        )}
      </h2>
      {references.length === 0 ? null : (
        <div className="mixture-references">
          {references.map((step) => (
            <article key={step.id} className="mixture-card">
              <CardHead step={step} selection={selection} />
              <Said step={step} />
            </article>
          ))}
        </div>
      )}
      {aggregator === null ? (
        <p className="faint">The aggregator was not asked.</p>
      ) : (
        <article className="mixture-card mixture-aggregator">
          <CardHead step={aggregator} selection={selection} />
          <Read step={aggregator} />
          <Said step={aggregator} />
        </article>
      )}
    </section>
  );
}

/** A turn of a mixture: its references side by side, then what the aggregator read and said, with the cost of each. */
export function Mixture({ run, selection }: { run: RunView; selection: Selection }) {
  const query = useQuery({
    queryKey: ['mixture', run.id, run.lastSeq],
    queryFn: () => readSteps(run.id, 1, stepsMax),
    placeholderData: (previous: readonly StepView[] | undefined) => previous,
  });
  if (query.isError) return <Failure error={query.error} what="The turn" onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Loading label="Reading the turn" rows={8} />;
  const iterations = stepsToIterations(query.data);
  return (
    <div className="mixture">
      {run.lastStepNumber > stepsMax ? <p className="muted">The first {stepsMax} steps of the turn.</p> : null}
      {iterations.length === 0 ? <p className="faint">No model was asked yet.</p> : null}
      {iterations.map((iteration) => (
        <Iteration key={iteration.index} iteration={iteration} selection={selection} />
      ))}
    </div>
  );
}
