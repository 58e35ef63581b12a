import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { reads } from '../../../api/reads.ts';
import type { AttemptView, BodyRef, StepDetail } from '../../../api/wire.ts';
import { toDuration, toIso, toSize } from '../../../model/figures.ts';
import { JsonBlock } from '../../../parts/json-block.tsx';
import { Failure, Loading } from '../../../parts/notice.tsx';
import { Words } from '../../../parts/recorded-text.tsx';
import { ErrorBlock } from './error-block.tsx';
import { Facts } from './facts.tsx';

function bodyNote(body: BodyRef | null): string {
  if (body === null) return 'not captured';
  const facts = [toSize(body.bytes), body.contentType, body.truncated ? 'cut at the cap' : null, body.withheld];
  return facts.filter((fact) => fact !== null).join(' · ');
}

function Headers({ headers, label }: { headers: Readonly<Record<string, string>> | null; label: string }) {
  if (headers === null) return null;
  const entries = Object.entries(headers);
  return (
    <details className="fold">
      <summary>
        {label} <span className="faint">{entries.length}</span>
      </summary>
      <div className="mono headers">
        <Facts facts={entries} />
      </div>
    </details>
  );
}

function Body({ text, body, label }: { text: string | null; body: BodyRef | null; label: string }) {
  if (text !== null && text !== '') return <JsonBlock raw={text} label={label} note={bodyNote(body)} />;
  return (
    <p className="faint">
      {label}: <Words text={bodyNote(body)} charsMax={200} />
    </p>
  );
}

function RoundTrip({
  attempt,
  runId,
  number,
  version,
}: {
  attempt: AttemptView;
  runId: string;
  number: number;
  version: string;
}) {
  const detail = useQuery(reads.attempt(runId, number, attempt.number, version));
  return (
    <div className="attempt-body">
      {attempt.error === null ? null : <ErrorBlock error={attempt.error} />}
      <Facts
        facts={[
          ['url', attempt.url],
          ['started', toIso(attempt.startedAtMs)],
          ['provider request id', attempt.providerRequestId],
          ['retry class', attempt.retryClass],
        ]}
      />
      <Headers headers={attempt.requestHeaders} label="Request headers" />
      {detail.isError ? <Failure error={detail.error} what="The bodies" onRetry={() => void detail.refetch()} /> : null}
      {detail.isPending ? <Loading label="Reading the bodies" rows={3} /> : null}
      {detail.data === undefined ? null : (
        <Body text={detail.data.requestBody} body={attempt.requestBody} label="Request body" />
      )}
      <Headers headers={attempt.responseHeaders} label="Response headers" />
      {detail.data === undefined ? null : (
        <Body text={detail.data.responseBody} body={attempt.responseBody} label="Response body" />
      )}
    </div>
  );
}

function statusText(attempt: AttemptView): string {
  if (attempt.responseStatus !== null) return String(attempt.responseStatus);
  return attempt.status === null ? 'under way' : (attempt.error?.name ?? attempt.status);
}

/** Every round trip of a step in order: status, time, wait, headers and bodies both ways. */
export function Attempts({ detail, version }: { detail: StepDetail; version: string }) {
  const { step } = detail;
  const attempts = [...detail.attempts].sort((a, b) => a.number - b.number);
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set([attempts.at(-1)?.number ?? 1]));
  if (attempts.length === 0) return <p className="faint">No round trip was recorded under this step.</p>;
  return attempts.map((attempt, index) => {
    const isOpen = open.has(attempt.number);
    const tone =
      attempt.status === null
        ? 'live'
        : attempt.status === 'failed' || (attempt.responseStatus ?? 200) >= 400
          ? 'bad'
          : 'ok';
    const previous = attempts[index - 1];
    const waitMs =
      previous?.retryDelayMs ??
      (previous?.durationMs == null ? null : attempt.startedAtMs - previous.startedAtMs - previous.durationMs);
    return (
      <section key={attempt.number} className="attempt">
        {index === 0 ? null : <div className="attempt-wait">waited {toDuration(waitMs)}</div>}
        <button
          type="button"
          className="attempt-head"
          aria-expanded={isOpen}
          onClick={() => {
            const next = new Set(open);
            if (!next.delete(attempt.number)) next.add(attempt.number);
            setOpen(next);
          }}
        >
          <span className={isOpen ? 'caret open' : 'caret'} aria-hidden="true" />
          <span className={`status tone-${tone}`}>
            <span className="status-dot" aria-hidden="true" />
            <b>
              <Words text={statusText(attempt)} charsMax={60} />
            </b>
          </span>
          <span className="attempt-path mono">
            <Words text={`${attempt.method ?? ''} ${attempt.path ?? attempt.url ?? ''}`.trim()} charsMax={160} />
          </span>
          <span className="num">{toDuration(attempt.durationMs)}</span>
        </button>
        {isOpen ? (
          <RoundTrip
            attempt={attempt}
            runId={step.runId}
            number={step.number}
            version={`${version}.${attempt.status}`}
          />
        ) : null}
      </section>
    );
  });
}
