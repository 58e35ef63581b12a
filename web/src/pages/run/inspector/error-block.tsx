import type { RecordedError } from '../../../api/wire.ts';
import { RecordedText, Words } from '../../../parts/recorded-text.tsx';

/** An error as it was recorded, with its causes. */
export function ErrorBlock({ error }: { error: RecordedError }) {
  const facts = [
    error.status === null ? null : `HTTP ${error.status}`,
    error.code,
    error.isRetryable === null ? null : error.isRetryable ? 'worth another try' : 'not worth another try',
  ].filter((fact) => fact !== null);
  return (
    <div className="error-block">
      <div className="part-head">
        <b>
          <Words text={error.name} charsMax={120} />
        </b>
        {facts.map((fact) => (
          <span key={fact} className="badge badge-plain">
            <Words text={fact} charsMax={80} />
          </span>
        ))}
      </div>
      <RecordedText text={error.message} />
      {error.causes.map((cause, index) => (
        <div key={index} className="error-cause">
          <span className="label">caused by</span>
          <b>
            <Words text={cause.name} charsMax={120} />
          </b>
          <RecordedText text={cause.message} limit={1000} />
        </div>
      ))}
    </div>
  );
}
