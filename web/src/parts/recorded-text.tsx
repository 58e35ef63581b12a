import { memo, useMemo, useState } from 'react';
import { toSize } from '../model/figures.ts';
import { cutText, toPieces } from '../model/visible.ts';

const firstChars = 4000;
const moreChars = 100_000;

/** Recorded text within a line: as text nodes, hidden characters named, isolated from the direction around it. */
export const Words = memo(function Words({ text, charsMax = 300 }: { text: string; charsMax?: number }) {
  const cut = cutText(text, charsMax);
  return (
    <bdi>
      <Pieces text={cut} />
      {cut.length < text.length ? '…' : null}
    </bdi>
  );
});

/** Recorded text as text nodes, hidden characters as marks beside it. Never as markup, never as a link. */
export const Pieces = memo(function Pieces({ text }: { text: string }) {
  const pieces = useMemo(() => toPieces(text), [text]);
  return pieces.map((piece, index) =>
    piece.kind === 'text' ? (
      piece.text
    ) : (
      <span key={index} className="hidden-char" title={piece.title}>
        {piece.label}
      </span>
    ),
  );
});

/** A block of recorded text. Long text is cut, and grows by a bounded piece with each click. */
export function RecordedText({
  text,
  mono = false,
  limit = firstChars,
}: {
  text: string;
  mono?: boolean;
  limit?: number;
}) {
  const [shown, setShown] = useState(limit);
  const cut = cutText(text, shown);
  return (
    <div className="recorded">
      <pre className={mono ? 'recorded-text mono' : 'recorded-text'} dir="auto">
        <Pieces text={cut} />
      </pre>
      {cut.length < text.length ? (
        <button type="button" className="link-button" onClick={() => setShown(shown + moreChars)}>
          Show more ({toSize(text.length - cut.length)} left)
        </button>
      ) : null}
    </div>
  );
}
