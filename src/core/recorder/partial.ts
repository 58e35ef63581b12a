import type { Redactor } from '../redact/redactor.ts';
import type { PartialText } from '../record/recording.ts';

/** What is held back of every text: a secret that is still coming in has not been seen whole. */
const heldBackChars = 4096;

/** A stretch of text that is new since the last time. */
export interface PartialPiece {
  readonly index: number;
  readonly type: string;
  /** Where the piece begins in the redacted text, in UTF-16 units. */
  readonly from: number;
  readonly text: string;
}

/** Takes what an unfinished step has said so far and gives what of it may be written now. */
export interface PartialMemory {
  next(texts: readonly PartialText[]): readonly PartialPiece[];
}

/** Up to where a redacted text may be written: not its last 4 KiB, no half character. */
function safeLength(text: string): number {
  const end = Math.max(0, text.length - heldBackChars);
  // The second half of a pair belongs to the first.
  const unit = text.charCodeAt(end);
  return end > 0 && unit >= 0xdc00 && unit <= 0xdfff ? end - 1 : end;
}

/** Tool input is the beginning of a JSON document, in which keys say what is secret. */
function redact(redactor: Redactor, type: string, text: string): string {
  if (type !== 'tool-call') return redactor.text(text).value;
  return redactor.body(text, 'application/json', { truncated: true }).value;
}

/**
 * A memory of one step. Every text is redacted from its beginning each time, before it is cut (I4); what was given out
 * once is not given again, and a text whose beginning reads otherwise than it did is given no further.
 */
export function createPartialMemory(redactor: Redactor): PartialMemory {
  const givenByIndex = new Map<number, string>();
  return {
    next(texts) {
      const pieces: PartialPiece[] = [];
      for (const { index, type, text } of texts) {
        if (text.length <= heldBackChars) continue;
        const redacted = redact(redactor, type, text);
        const given = givenByIndex.get(index) ?? '';
        const end = safeLength(redacted);
        if (end <= given.length || !redacted.startsWith(given)) continue;
        pieces.push({ index, type, from: given.length, text: redacted.slice(given.length, end) });
        givenByIndex.set(index, redacted.slice(0, end));
      }
      return pieces;
    },
  };
}
