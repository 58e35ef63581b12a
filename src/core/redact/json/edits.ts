import { jsonCursors } from '../detect/anchor.ts';
import { isRandomLooking } from '../detect/assignment.ts';
import { markWhole, textEdits } from '../detect/text.ts';
import type { Edit } from '../edit.ts';
import type { KeyJudge } from '../keys.ts';
import type { Mark } from '../placeholder.ts';
import { isRedacted } from '../placeholder.ts';
import { decodeLiteral, dropCutEscape, liftEdits } from './literal.ts';
import { isSchema } from './schema.ts';
import type { Span } from './walk.ts';
import { MalformedJson, walkJson } from './walk.ts';

/** JSON inside a string inside JSON is read this deep; beyond, strings are scanned as text. */
const nestingMax = 6;

/** Denied names inside schemas of denied names are read as schemas this deep, for each is parsed on its own. */
const schemaDepthMax = 8;

/** Raw text between quotes that may be JSON: white space, escaped or not, before a bracket. */
const nestedStart = /^(?:\s|\\[nrt]|\\u000[9ad])*(?:[{[]|$)/i;

/** A `token` beside its `logprob` is a piece of a model's answer. */
function isLogProbability(text: string, value: Span): boolean {
  return /^"\s*,\s*"logprob"/.test(text.slice(value.end, value.end + 32));
}

/** What a search in JSON text needs. */
export interface JsonScan {
  readonly judge: KeyJudge;
  readonly mark: Mark;
  /** The text may end anywhere. */
  readonly isCut: boolean;
  readonly nesting: number;
}

/** Edits of a decoded string: as JSON when it is JSON itself, else as text. */
function stringEdits(text: string, scan: JsonScan): Edit[] {
  if (scan.nesting < nestingMax && /^\s*[{[]/.test(text)) {
    const nested = tryJsonEdits(text, { ...scan, isCut: true, nesting: scan.nesting + 1 });
    if (nested !== null) return nested;
  }
  return textEdits(text, scan.mark);
}

/** As `jsonEdits`, but `null` for text that is not JSON. */
export function tryJsonEdits(text: string, scan: JsonScan): Edit[] | null {
  try {
    return jsonEdits(text, scan);
  } catch (error) {
    if (error instanceof MalformedJson || error instanceof SyntaxError) return null;
    throw error;
  }
}

/**
 * The edits that take the secrets out of JSON text. They never touch its structure, so valid text stays valid. Throws
 * `MalformedJson` where the text has to be read and is not JSON.
 */
export function jsonEdits(text: string, scan: JsonScan): Edit[] {
  const { values, keys } = jsonCursors(text, scan.judge.extraAnchor);
  if (!values.isIn(0, text.length) && !keys.isIn(0, text.length)) return [];
  const edits: Edit[] = [];
  const add = (more: readonly Edit[]): void => {
    for (const edit of more) edits.push(edit);
  };
  const schemas = { depth: 0, end: 0 };
  /** A denied key matters in a string only where the string is JSON itself. */
  const isSuspect = ({ start, end }: Span): boolean =>
    values.isIn(start, end) || (keys.isIn(start, end) && nestedStart.test(text.slice(start, start + 256)));
  const replace = (span: Span, value: string, quote: string): void => {
    const { replacement, kind } = markWhole(value, 'key', scan.mark);
    edits.push({ start: span.start, end: span.end, replacement: quote + replacement + quote, kind });
  };
  walkJson(
    text,
    {
      key(raw, span) {
        if (!values.isIn(span.start, span.end)) return scan.judge.judge(raw);
        const name = decodeLiteral(span.isCut ? dropCutEscape(raw) : raw);
        add(liftEdits(raw, textEdits(name, scan.mark), span.start));
        return scan.judge.judge(name);
      },
      string(span, verdict) {
        const isDenied = verdict === 'deny' || (verdict === 'deny-text' && !isLogProbability(text, span));
        if (!isDenied && verdict !== 'telling' && !isSuspect(span)) return;
        const whole = text.slice(span.start, span.end);
        const raw = span.isCut ? dropCutEscape(whole) : whole;
        const value = decodeLiteral(raw);
        if (isDenied || (verdict === 'telling' && isRandomLooking(value))) {
          if (value !== '' && !isRedacted(value)) replace(span, value, '');
        } else {
          add(liftEdits(raw, stringEdits(value, scan), span.start));
        }
      },
      word(span, verdict) {
        if (verdict !== 'deny' || !/[\d-]/.test(text[span.start]!)) return;
        replace(span, text.slice(span.start, span.end), '"');
      },
      container(_start, verdict, find) {
        if (verdict !== 'deny' && verdict !== 'deny-text') return false;
        const span = find();
        const value = text.slice(span.start, span.end);
        if (/^[{[]\s*[}\]]$/.test(value)) return false;
        schemas.depth = span.start < schemas.end ? schemas.depth + 1 : 1;
        schemas.end = Math.max(schemas.end, span.end);
        if (schemas.depth <= schemaDepthMax && !span.isCut && isSchema(value)) return false;
        replace(span, value, '"');
        return true;
      },
    },
    scan.isCut,
  );
  return edits;
}
