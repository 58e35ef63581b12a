import { toWithheld } from './placeholder.ts';
import type { Redacted } from './redactor.ts';

/** How much of a growing text is kept back, in UTF-16 units: a credential is no longer. */
export const heldCharsMin = 4096;
/** A secret that goes on for longer than this, such as a key block without an end, ends the text. */
const heldCharsMax = 262_144;

/** A text that grows by chunks and is handed on redacted while it grows. */
export interface Holdback {
  /** Takes a chunk; never looks at it. */
  push(chunk: string): void;
  /** What may be written now: all but the last 4 KiB, and less where a secret lies across that place. */
  take(): Redacted<string>;
  /** The rest. Nothing may be pushed afterwards. */
  end(): Redacted<string>;
}

const none: Redacted<string> = { value: '', counts: null };
/** A name may stand so far before its value. */
const nameCharsMax = 128;
/** And so much closes it: quotes, escaped or not. */
const closingCharsMax = 16;

/**
 * A hold-back over a redactor: a secret split over chunks is seen whole, because text is handed on only when 4 KiB stand
 * behind it and no secret reaches across, its name included. `find` names the places of secrets, `redact` takes them
 * out. Fails closed: a secret that does not end within 256 KiB withholds all that follows.
 */
export function createHoldback(
  redact: (text: string) => Redacted<string>,
  find: (text: string) => readonly { readonly start: number; readonly end: number }[],
): Holdback {
  let held = '';
  let isShut = false;
  const release = (to: number): Redacted<string> => {
    if (to <= 0) return none;
    const redacted = redact(held.slice(0, to));
    held = held.slice(to);
    return redacted;
  };
  const shut = (): Redacted<string> => {
    isShut = true;
    const value = toWithheld('secret-without-end', held);
    held = '';
    return { value, counts: { 'secret-without-end': 1 } };
  };
  return {
    push(chunk) {
      if (!isShut) held += chunk;
    },
    take() {
      if (isShut || held.length <= heldCharsMin) return none;
      let place = gapBefore(held, held.length - heldCharsMin);
      for (const { start, end } of find(held).toReversed()) {
        if (start - nameCharsMax < place && place < end + closingCharsMax) place = start - nameCharsMax;
      }
      return place <= 0 && held.length > heldCharsMax ? shut() : release(place);
    },
    end: () => (isShut ? none : release(held.length)),
  };
}

/** The beginning of the line or word that a place stands in, so that no word is split. */
function gapBefore(text: string, at: number): number {
  const line = text.lastIndexOf('\n', at - 1) + 1;
  if (line > 0 && at - line < 2048) return line;
  const gap = Math.max(text.lastIndexOf(' ', at - 1), text.lastIndexOf(',', at - 1)) + 1;
  return gap > 0 && at - gap < 2048 ? gap : at;
}
