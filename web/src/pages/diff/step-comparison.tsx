import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { reads } from '../../api/reads.ts';
import type { MessageRow, RunDifference, StepDifference, StepRow } from '../../api/wire.ts';
import { cutSides, toSegments, toSigned, toWholeMs } from '../../model/diff/rows.ts';
import type { Segments } from '../../model/diff/rows.ts';
import { toCost, toDuration, toExactCount } from '../../model/figures.ts';
import { Failure, Loading } from '../../parts/notice.tsx';
import { Pieces, RecordedText, Words } from '../../parts/recorded-text.tsx';

type Change = StepDifference['changes'][number] | MessageRow['changes'][number];

function Marked({ segments, tag: Tag }: { segments: Segments; tag: 'del' | 'ins' }) {
  const { head, own, tail } = cutSides(segments);
  return (
    <pre className="recorded-text diff-text" dir="auto">
      <Pieces text={head} />
      <Tag>
        <Pieces text={own.slice(0, 20_000)} />
      </Tag>
      <Pieces text={tail} />
    </pre>
  );
}

/** What stands at one place on either side, with what is its own marked. */
function ChangeView({ change }: { change: Change }) {
  const { path, before, after } = change;
  const [one, two] = toSegments(before ?? '', after ?? '');
  return (
    <div className="diff-change">
      <div className="diff-path mono muted">
        {'field' in change ? <b>{change.field} </b> : null}
        <Words text={path} charsMax={200} />
      </div>
      <div className="diff-pair">
        {before === null ? <p className="faint">nothing</p> : <Marked segments={one} tag="del" />}
        {after === null ? <p className="faint">nothing</p> : <Marked segments={two} tag="ins" />}
      </div>
    </div>
  );
}

function MessageView({ row }: { row: MessageRow }) {
  const message = (row.a ?? row.b)!;
  const isSame = row.a !== null && row.b !== null && row.changes.length === 0;
  const word = isSame
    ? 'same'
    : row.a === null
      ? 'only in the second'
      : row.b === null
        ? 'only in the first'
        : 'differs';
  return (
    <section
      className={`diff-message ${isSame ? 'diff-same' : ''}`}
      aria-label={`Message ${message.index + 1}, ${word}`}
    >
      <h4>
        message {message.index + 1} <Words text={message.role} charsMax={40} /> <span className="muted">{word}</span>
      </h4>
      {row.changes.map((change) => (
        <ChangeView key={change.path} change={change} />
      ))}
      {isSame || row.changes.length > 0 ? null : (
        <div className="diff-pair">
          {[row.a, row.b].map((side, index) =>
            side === null ? (
              <p key={index} className="faint">
                nothing
              </p>
            ) : (
              <RecordedText key={index} text={side.text} limit={2000} />
            ),
          )}
        </div>
      )}
    </section>
  );
}

function Messages({ messages }: { messages: NonNullable<StepDifference['messages']> }) {
  const { shared, lengthA, lengthB, rows } = messages;
  return (
    <>
      <h3>Messages</h3>
      <p className="muted">
        {shared === 0 ? 'No message in common at the beginning' : `The first ${toExactCount(shared)} are the same`}, of{' '}
        {toExactCount(lengthA)} and {toExactCount(lengthB)}.
      </p>
      {rows.map((row) => (
        <MessageView key={`${row.a?.index ?? ''}/${row.b?.index ?? ''}`} row={row} />
      ))}
    </>
  );
}

function WordForWord({ detail }: { detail: StepDifference }) {
  const { messages, changes } = detail;
  const isSame = changes.length === 0 && (messages === null || messages.rows.length === 0);
  return (
    <>
      {isSame ? <p className="muted">Word for word the same.</p> : null}
      {messages === null ? null : <Messages messages={messages} />}
      {changes.length === 0 || messages === null ? null : <h3>Everything else</h3>}
      {changes.map((change) => (
        <ChangeView key={`${change.field}/${change.path}`} change={change} />
      ))}
    </>
  );
}

/** One row of a comparison word for word. */
export function StepComparison({ difference, row }: { difference: RunDifference; row: StepRow }) {
  const { a, b, delta } = row;
  const query = useQuery(
    reads.stepDiff(difference.a.id, difference.b.id, { a: a?.number ?? null, b: b?.number ?? null }),
  );
  const sides = [
    { run: difference.a, step: a, label: 'first' },
    { run: difference.b, step: b, label: 'second' },
  ];
  return (
    <section className="diff-detail" aria-label="The chosen row, word for word">
      <div className="diff-links">
        {sides.map(({ run, step, label }) =>
          step === null ? null : (
            <Link key={label} to="/runs/$id" params={{ id: run.id }} search={{ step: String(step.number) }}>
              step {step.number} of the {label}
            </Link>
          ),
        )}
        <span className="muted">
          input {toSigned(delta.inputTokens, toExactCount)}, output {toSigned(delta.outputTokens, toExactCount)}, cost{' '}
          {toSigned(delta.costNanoUsd, toCost)}, time {toSigned(toWholeMs(delta.durationMs), toDuration)}
        </span>
      </div>
      {a === null || b === null ? (
        <p className="muted">
          This step is only in the {a === null ? 'second' : 'first'} run: there is nothing to compare it with.
        </p>
      ) : query.isError ? (
        <Failure error={query.error} what="The words of this row" onRetry={() => void query.refetch()} />
      ) : query.data === undefined ? (
        <Loading label="Comparing words" rows={4} />
      ) : (
        <WordForWord detail={query.data} />
      )}
    </section>
  );
}
