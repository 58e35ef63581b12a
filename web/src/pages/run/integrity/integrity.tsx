import { useQuery } from '@tanstack/react-query';
import { isOffline } from '../../../api/book.ts';
import { reads } from '../../../api/reads.ts';
import type { RunDetail, WireVerdict } from '../../../api/wire.ts';
import { isRunOpen } from '../../../model/badges.ts';
import { toExactCount, toPlural } from '../../../model/figures.ts';
import { Failure, Loading } from '../../../parts/notice.tsx';
import { Words } from '../../../parts/recorded-text.tsx';
import '../../../styles/integrity.css';
import { Facts } from '../inspector/facts.tsx';
import { verdictWords } from '../integrity-line.tsx';
import { ExportButtons } from './export-buttons.tsx';
import { Gaps, Redactions } from './losses.tsx';
import { SealList } from './seal-list.tsx';

function toOpen({ openSteps, openAttempts }: WireVerdict['complete']): string {
  const parts = [
    ...(openSteps > 0 ? [toPlural(openSteps, 'step')] : []),
    ...(openAttempts > 0 ? [toPlural(openAttempts, 'attempt')] : []),
  ];
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

function Verdicts({ verdict, isOpen }: { verdict: WireVerdict; isOpen: boolean }) {
  const { intact, complete } = verdict;
  const words = verdictWords(verdict, isOpen);
  return (
    <div className="verdict-pair">
      <section className={`verdict-box tone-${words.intact.tone}`}>
        <h3>Was a byte changed?</h3>
        <p className="verdict-word">
          <span className="status-dot" aria-hidden="true" />
          {words.intact.words}
        </p>
        <p>
          <Words text={intact.message} charsMax={500} />
        </p>
        {intact.writerId === null ? null : (
          <p className="mono">
            event {intact.n} of writer {intact.writerId}
          </p>
        )}
      </section>
      <section className={`verdict-box tone-${words.complete.tone}`}>
        <h3>Is anything missing?</h3>
        <p className="verdict-word">
          <span className="status-dot" aria-hidden="true" />
          {words.complete.words}
        </p>
        <p>
          <Words text={complete.message} charsMax={500} />
        </p>
      </section>
    </div>
  );
}

/**
 * What can be said for the record of a run: the two verdicts, what was lost, taken out and erased, who sealed it, and the
 * ways to take it elsewhere.
 */
export function Integrity({ detail }: { detail: RunDetail }) {
  const { run, gaps } = detail;
  const isOpen = isRunOpen(run);
  const version = isOpen ? 0 : run.lastSeq;
  const verify = useQuery(reads.verify(run.id, version));
  const seals = useQuery(reads.seals(run.id, version));
  if (verify.isError) return <Failure error={verify.error} what="The verdict" onRetry={() => void verify.refetch()} />;
  if (verify.data === undefined) return <Loading label="Checking the record" rows={3} />;
  const { intact, complete, events } = verify.data;
  return (
    <div className="integrity">
      <Verdicts verdict={verify.data} isOpen={isOpen} />
      {isOffline ? (
        <p className="muted">
          These are the verdicts of the moment when this page was written. A page can claim anything: let{' '}
          <code>tachograph verify</code> check this file, and compare the key.
        </p>
      ) : null}
      <section className="integrity-part">
        <h3>Record</h3>
        <Facts
          facts={[
            ['events', toExactCount(events)],
            ['erased', intact.erased === 0 ? 'none' : toPlural(intact.erased, 'event')],
            ['without an end', toOpen(complete)],
            ['gaps', complete.gaps === 0 ? 'none' : `${toExactCount(complete.gaps)} told of by the recorder`],
            ['events lost', complete.lost === 0 ? 'none' : toExactCount(complete.lost)],
            ['durability', run.durability],
          ]}
        />
        {run.durability === 'degraded' ? (
          <p className="warn">The disk was slow: some of it was written in the background.</p>
        ) : null}
        {gaps.length === 0 ? null : <Gaps gaps={gaps} count={Math.max(run.counts.gaps, gaps.length)} />}
      </section>
      <section className="integrity-part">
        <h3>Taken out before it was kept</h3>
        <Redactions redactions={run.redactions} isErased={run.erased} />
      </section>
      <section className="integrity-part">
        <h3>Seals</h3>
        {seals.isError ? <Failure error={seals.error} what="The seals" onRetry={() => void seals.refetch()} /> : null}
        {seals.data === undefined ? null : <SealList seals={seals.data} isOpen={isOpen} />}
      </section>
      <section className="integrity-part">
        <h3>Take it elsewhere</h3>
        <ExportButtons runId={run.id} />
        <p className="muted">
          A run file proves itself anywhere: <code>tachograph verify run-{run.id.slice(0, 8)}….tgr</code>
        </p>
      </section>
    </div>
  );
}
