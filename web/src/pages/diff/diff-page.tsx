import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { isOffline } from '../../api/book.ts';
import { reads } from '../../api/reads.ts';
import type { RunDifference, RunView, StepRow } from '../../api/wire.ts';
import { foldRows, isSameRow, toSigned, toWholeMs } from '../../model/diff/rows.ts';
import { toCost, toDuration, toExactCount, toMoment, toShortId } from '../../model/figures.ts';
import { Failure, Loading } from '../../parts/notice.tsx';
import { Words } from '../../parts/recorded-text.tsx';
import { StatusMark } from '../../parts/status-mark.tsx';
import { StepComparison } from './step-comparison.tsx';
import { RunPicker } from './run-picker.tsx';
import '../../styles/diff.css';

const route = getRouteApi('/runs/$id/diff/$other');

function Side({ run, label }: { run: RunView; label: string }) {
  return (
    <div className="diff-side">
      <span className="muted">{label}</span>
      <Link to="/runs/$id" params={{ id: run.id }} search={{}}>
        <Words text={run.agentId} charsMax={60} />
      </Link>
      <StatusMark status={run.status} />
      <span className="mono muted" title={run.id}>
        {toShortId(run.id)}
      </span>
      <span className="muted">{toMoment(run.startedAtMs ?? run.createdAtMs, Date.now())}</span>
    </div>
  );
}

function Deltas({ delta }: { delta: RunDifference['delta'] }) {
  const figures = [
    ['Steps', toSigned(delta.steps, toExactCount)],
    ['Input tokens', toSigned(delta.inputTokens, toExactCount)],
    ['Output tokens', toSigned(delta.outputTokens, toExactCount)],
    ['Cost', toSigned(delta.costNanoUsd, toCost)],
    ['Time', toSigned(toWholeMs(delta.durationMs), toDuration)],
  ] as const;
  return (
    <dl className="diff-figures" aria-label="Second less first">
      {figures.map(([label, text]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

function StepWords({ step }: { step: StepRow['a'] }) {
  if (step === null) return <span className="faint">no step here</span>;
  const what = step.kind === 'model' ? (step.model ?? step.operation ?? 'model') : (step.name ?? step.kind);
  return (
    <>
      <span className={`diff-kind kind-${step.kind}`}>{step.kind}</span>
      <b>
        <Words text={what} charsMax={60} />
      </b>
      {step.status === 'completed' ? null : <StatusMark status={step.status} />}
      <span className="diff-preview muted">
        <Words text={step.preview ?? ''} charsMax={120} />
      </span>
    </>
  );
}

function toWord(row: StepRow): string {
  if (row.a === null) return 'only in the second';
  if (row.b === null) return 'only in the first';
  return row.differs.length === 0 ? 'same' : `other ${row.differs.join(', ')}`;
}

interface RowProps {
  readonly row: StepRow;
  readonly at: number;
  readonly isChosen: boolean;
  readonly isFirst: boolean;
  readonly onChoose: () => void;
}

function Row({ row, at, isChosen, isFirst, onChoose }: RowProps) {
  const tone = isSameRow(row) ? 'same' : row.a === null ? 'added' : row.b === null ? 'removed' : 'changed';
  return (
    <li className={`diff-row diff-${tone}`}>
      <button type="button" aria-expanded={isChosen} onClick={onChoose} data-row={at + 1}>
        <span className="diff-number">{row.a?.number ?? ''}</span>
        <span className="diff-cell">
          <StepWords step={row.a} />
        </span>
        <span className="diff-number">{row.b?.number ?? ''}</span>
        <span className="diff-cell">
          <StepWords step={row.b} />
        </span>
        <span className="diff-word">
          {isFirst ? <strong className="diff-first">first divergence</strong> : null}
          {toWord(row)}
        </span>
      </button>
    </li>
  );
}

/** Rows shown at once; more come on demand. */
const rowsShown = 400;

function Rows({
  difference,
  chosen,
  onChoose,
}: {
  difference: RunDifference;
  chosen: number | null;
  onChoose: (at: number | null) => void;
}) {
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  const [shown, setShown] = useState(rowsShown);
  const items = foldRows(difference.rows, (at) =>
    [...open].some((from) => at >= from && at < from + 10_000 && isFoldedFrom(difference.rows, from, at)),
  );
  return (
    <ol className="diff-rows">
      {items.slice(0, shown).map((item) =>
        item.kind === 'same' ? (
          <li key={item.at} className="diff-fold">
            <button type="button" className="link-button" onClick={() => setOpen(new Set([...open, item.at]))}>
              {toExactCount(item.count)} steps are the same
            </button>
          </li>
        ) : (
          <Row
            key={item.at}
            row={item.row}
            at={item.at}
            isChosen={chosen === item.at}
            isFirst={difference.firstAt === item.at}
            onChoose={() => onChoose(chosen === item.at ? null : item.at)}
          />
        ),
      )}
      {items.length > shown ? (
        <li className="diff-fold">
          <button type="button" className="link-button" onClick={() => setShown(shown + rowsShown)}>
            Show more ({toExactCount(items.length - shown)} left)
          </button>
        </li>
      ) : null}
    </ol>
  );
}

/** True while everything from where a fold was opened to this row is the same. */
function isFoldedFrom(rows: readonly StepRow[], from: number, at: number): boolean {
  for (let place = from; place <= at; place += 1) if (!isSameRow(rows[place]!)) return false;
  return true;
}

function Comparison({ difference }: { difference: RunDifference }) {
  const { row } = route.useSearch();
  const navigate = useNavigate({ from: '/runs/$id/diff/$other' });
  const { a, b, rows, firstAt, isSame, delta } = difference;
  const asked = row === undefined ? firstAt : Number(row) - 1;
  const chosen = asked !== null && asked >= 0 && asked < rows.length ? asked : null;
  const choose = (at: number | null): void =>
    void navigate({ search: at === null ? {} : { row: String(at + 1) }, replace: true });
  return (
    <>
      <header className="diff-head">
        <Side run={a} label="First" />
        <Side run={b} label="Second" />
        <Deltas delta={delta} />
      </header>
      <p className={isSame ? 'diff-verdict tone-ok' : 'diff-verdict tone-warn'} role="status">
        {isSame
          ? a.id === b.id
            ? 'This is one and the same run. Choose another to compare it with.'
            : `The two runs are the same in all ${toExactCount(rows.length)} steps.`
          : `${toExactCount(rows.filter((each) => !isSameRow(each)).length)} of ${toExactCount(rows.length)} rows differ.`}
      </p>
      <div className="diff-body">
        <Rows difference={difference} chosen={chosen} onChoose={choose} />
        {chosen === null ? null : <StepComparison difference={difference} row={rows[chosen]!} />}
      </div>
    </>
  );
}

/** Two runs side by side. The first divergence is open unless the address names another row. */
export function DiffPage() {
  const { id, other } = route.useParams();
  const query = useQuery(reads.diff(id, other));
  return (
    <div className="diff-page">
      <nav className="diff-crumbs" aria-label="Where this is">
        <Link to="/" search={{}}>
          Runs
        </Link>
        <Link to="/runs/$id" params={{ id }} search={{}}>
          <Words text={query.data?.a.agentId ?? toShortId(id)} charsMax={40} />
        </Link>
        <h1>compared</h1>
        {query.data === undefined || isOffline ? null : <RunPicker first={query.data.a} second={query.data.b} />}
      </nav>
      {query.isError ? (
        <Failure error={query.error} what="The comparison" onRetry={() => void query.refetch()} />
      ) : query.data === undefined ? (
        <Loading label="Comparing" />
      ) : (
        <Comparison difference={query.data} />
      )}
    </div>
  );
}
