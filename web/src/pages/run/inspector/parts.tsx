import type { WirePart } from '../../../api/wire.ts';
import { toSize } from '../../../model/figures.ts';
import { JsonBlock } from '../../../parts/json-block.tsx';
import { RecordedText, Words } from '../../../parts/recorded-text.tsx';

function toText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? 'undefined');
}

/** A value of a tool: text as text, everything else as JSON. */
export function Value({ value, label }: { value: unknown; label?: string }) {
  if (value === null || value === undefined) return <p className="faint">nothing</p>;
  if (typeof value === 'string' && !/^\s*[[{]/.test(value)) return <RecordedText text={value} mono />;
  return <JsonBlock raw={toText(value)} label={label} copy={false} />;
}

/** One typed part of a message or an output. A file or a source is described, never loaded and never a link. */
export function Part({ part }: { part: WirePart }) {
  switch (part.type) {
    case 'text':
      return <RecordedText text={part.text} />;
    case 'reasoning':
      return (
        <div className="part part-reasoning">
          <div className="part-head">reasoning</div>
          {part.text === '' ? (
            <p className="faint">withheld by the provider</p>
          ) : (
            <RecordedText text={part.text} limit={1200} />
          )}
        </div>
      );
    case 'tool-call':
      return (
        <div className="part part-call">
          <div className="part-head">
            calls{' '}
            <b>
              <Words text={part.name} charsMax={120} />
            </b>
            {part.callId === null ? null : <CallId id={part.callId} />}
          </div>
          <Value value={part.args} />
        </div>
      );
    case 'tool-result':
      return (
        <div className={part.isError ? 'part part-result part-bad' : 'part part-result'}>
          <div className="part-head">
            {part.isError ? 'error of' : 'result of'}{' '}
            <b>
              <Words text={part.name ?? 'a tool'} charsMax={120} />
            </b>
            {part.callId === null ? null : <CallId id={part.callId} />}
          </div>
          <Value value={part.result} />
        </div>
      );
    case 'file':
      return (
        <div className="part part-file">
          file <b>{part.name === null ? null : <Words text={part.name} charsMax={120} />}</b>{' '}
          <Words text={part.mediaType ?? 'of unknown type'} charsMax={80} />, {toSize(part.bytes)}
          {part.digest === null ? null : (
            <span className="mono faint">
              {' '}
              <Words text={part.digest} charsMax={20} />
            </span>
          )}
        </div>
      );
    case 'source':
      return (
        <div className="part part-file">
          source {part.title === null ? null : <Words text={part.title} charsMax={200} />}{' '}
          <span className="mono">{part.url === null ? null : <Words text={part.url} charsMax={500} />}</span>
        </div>
      );
    case 'other':
      return <Value value={part.value} />;
  }
}

function CallId({ id }: { id: string }) {
  return (
    <span className="mono faint call-id">
      <Words text={id} charsMax={40} />
    </span>
  );
}

/** Parts in order. */
export function Parts({ parts }: { parts: readonly WirePart[] }) {
  return parts.map((part, index) => <Part key={index} part={part} />);
}
