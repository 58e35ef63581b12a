import { useQuery } from '@tanstack/react-query';
import { reads } from '../../api/reads.ts';
import type { RunView, WireVerdict } from '../../api/wire.ts';
import { isRunOpen } from '../../model/badges.ts';
import { toPlural } from '../../model/figures.ts';

/** Words and tone for the two answers of a verdict: was a byte changed, and is anything missing. */
export function verdictWords(verdict: WireVerdict, isOpen: boolean) {
  const { intact, complete } = verdict;
  const unsealed = intact.verdict === 'unsealed';
  return {
    intact: {
      tone: intact.verdict === 'intact' ? 'ok' : unsealed ? 'off' : 'bad',
      words: unsealed ? (isOpen ? 'not sealed yet' : 'unsealed') : intact.verdict.replaceAll('-', ' '),
    },
    complete: {
      tone: complete.verdict === 'complete' ? 'ok' : isOpen ? 'off' : 'bad',
      words: complete.verdict === 'complete' ? 'complete' : isOpen ? 'still open' : 'incomplete',
    },
  } as const;
}

/** The record's two verdicts in a line, checked when the page is opened and when the run has ended. */
export function IntegrityLine({ run }: { run: RunView }) {
  const isOpen = isRunOpen(run);
  const verify = useQuery(reads.verify(run.id, isOpen ? 0 : run.lastSeq));
  if (verify.isError) return <span className="verdict tone-off">record not checked</span>;
  if (verify.data === undefined) return <span className="verdict tone-off">checking the record</span>;
  const { intact, complete } = verdictWords(verify.data, isOpen);
  const redacted = Object.values(run.redactions).reduce((sum, count) => sum + count, 0);
  return (
    <>
      <span className={`verdict tone-${intact.tone}`} title={verify.data.intact.message}>
        <span className="status-dot" aria-hidden="true" />
        {intact.words}
      </span>
      <span className={`verdict tone-${complete.tone}`} title={verify.data.complete.message}>
        <span className="status-dot" aria-hidden="true" />
        {complete.words}
      </span>
      {redacted > 0 ? <span className="verdict tone-off">{toPlural(redacted, 'redaction')}</span> : null}
    </>
  );
}
