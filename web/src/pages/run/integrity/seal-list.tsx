import type { RunSeals, WireSeal } from '../../../api/wire.ts';
import { toExactCount, toIso, toPlural } from '../../../model/figures.ts';
import { CopyButton } from '../../../parts/copy-button.tsx';
import { Words } from '../../../parts/recorded-text.tsx';

function SealRow({ seal }: { seal: WireSeal }) {
  return (
    <li className="seal">
      <span className="seal-number">{seal.number}</span>
      <div className="seal-body">
        <span className="seal-facts">
          <time dateTime={toIso(seal.timeMs)}>{toIso(seal.timeMs).slice(0, 19).replace('T', ' ')} UTC</time>
          <span>covers {toPlural(seal.events, 'event')}</span>
          {seal.erased > 0 ? <span>{toExactCount(seal.erased)} of them erased</span> : null}
          {seal.from === 'origin' ? <span className="badge">of its origin</span> : null}
        </span>
        <span className="seal-key mono" title={`Public key ${seal.publicKey}`}>
          {seal.fingerprint}
        </span>
      </div>
      <CopyButton text={seal.publicKey} label="Copy key" />
    </li>
  );
}

/** The seals over a run, newest last: number in its project, time, what it covers, and the key's fingerprint. */
export function SealList({ seals, isOpen }: { seals: RunSeals; isOpen: boolean }) {
  const { origin } = seals;
  return (
    <>
      {origin === null ? null : (
        <p>
          This run came as a run file from project <Words text={origin.projectId} charsMax={80} />, signed by key{' '}
          <span className="mono">{origin.fingerprint}</span>. Compare it with what its owner says.
        </p>
      )}
      {seals.seals.length === 0 ? (
        <p className="faint">{isOpen ? 'No seal yet: a run is sealed when it ends.' : 'No seal covers this run.'}</p>
      ) : (
        <ol className="seals">
          {seals.seals.map((seal) => (
            <SealRow key={`${seal.publicKey} ${seal.number}`} seal={seal} />
          ))}
        </ol>
      )}
    </>
  );
}
