import { useMemo, useState } from 'react';
import { toSize } from '../model/figures.ts';
import { toJsonTokens, toPrettyJson } from '../model/json-tokens.ts';
import { cutText } from '../model/visible.ts';
import { CopyButton } from './copy-button.tsx';
import { Pieces, Words } from './recorded-text.tsx';

const firstChars = 8000;
const moreChars = 100_000;
const colouredChars = 40_000;

/** JSON or any recorded text, laid out for reading, with a button that copies the recorded form. */
export function JsonBlock({
  raw,
  label,
  note,
  copy = true,
}: {
  raw: string;
  label?: string;
  note?: string;
  copy?: boolean;
}) {
  const [shown, setShown] = useState(firstChars);
  const pretty = useMemo(() => toPrettyJson(raw), [raw]);
  const cut = cutText(pretty, shown);
  const tokens = useMemo(() => (cut.length <= colouredChars ? toJsonTokens(cut) : null), [cut]);
  return (
    <div className="json-block">
      {label !== undefined || copy ? (
        <div className="json-head">
          <span className="label">{label}</span>
          {note === undefined ? null : (
            <span className="json-note faint">
              <Words text={note} charsMax={200} />
            </span>
          )}
          {copy ? <CopyButton text={raw} /> : null}
        </div>
      ) : null}
      <pre className="recorded-text mono" dir="ltr" tabIndex={0} aria-label={label ?? 'Recorded data'}>
        {tokens === null ? (
          <Pieces text={cut} />
        ) : (
          tokens.map((token, index) =>
            token.kind === 'mark' ? (
              <Pieces key={index} text={token.text} />
            ) : (
              <span key={index} className={`json-${token.kind}`}>
                <Pieces text={token.text} />
              </span>
            ),
          )
        )}
      </pre>
      {cut.length < pretty.length ? (
        <button type="button" className="link-button" onClick={() => setShown(shown + moreChars)}>
          Show more ({toSize(pretty.length - cut.length)} left)
        </button>
      ) : null}
    </div>
  );
}
