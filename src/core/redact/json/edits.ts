import type { SuspectCursor } from '../detect/suspect.ts';
import { findSuspects } from '../detect/suspect.ts';
import { markWhole, textEdits, textFindings } from '../detect/text.ts';
import { isRandomLooking } from '../detect/value.ts';
import type { Edit } from '../edit.ts';
import type { Extra } from '../detect/text.ts';
import type { KeyJudge, KeyVerdict } from '../keys.ts';
import type { Mark } from '../placeholder.ts';
import { isRedacted } from '../placeholder.ts';
import { decodeLiteral, dropCutEscape, liftEdits } from './literal.ts';
import { createNeighbours } from './neighbour.ts';
import { partEdits } from './parts.ts';
import type { PathRules } from './paths.ts';
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

/** Every cursor is asked, so that all of them move on. */
function anyIn(cursors: readonly SuspectCursor[], start: number, end: number): boolean {
  let isFound = false;
  for (const cursor of cursors) if (cursor.isIn(start, end)) isFound = true;
  return isFound;
}

/** What a search in JSON text needs. */
export interface JsonScan {
  readonly judge: KeyJudge;
  readonly mark: Mark;
  /** What is looked for besides credentials. */
  readonly extra: Extra | null;
  /** Places the user denies or allows; followed in the outermost document only. */
  readonly paths: PathRules | null;
  /** The text may end anywhere. */
  readonly isCut: boolean;
  readonly nesting: number;
}

/** Edits of a decoded string: as JSON when it is JSON itself, else as text. */
function stringEdits(text: string, scan: JsonScan, isIdentifier: boolean): Edit[] {
  if (scan.nesting < nestingMax && /^\s*[{[]/.test(text)) {
    const nested = tryJsonEdits(text, { ...scan, isCut: true, nesting: scan.nesting + 1 });
    if (nested !== null) return nested;
  }
  return textEdits(text, scan.mark, scan.extra, isIdentifier);
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

/** What a walk has to look at: raw spans that may hold something. */
interface Suspicion {
  value(span: Span): boolean;
  /** A denied key matters in a string only where the string is JSON itself. */
  string(span: Span): boolean;
}

function suspicionIn(text: string, scan: JsonScan): Suspicion | null {
  const suspects = findSuspects(text, scan.judge.extraAnchor);
  const extra = scan.extra;
  const isValueIn = (start: number, end: number): boolean => anyIn(suspects.values, start, end);
  const isKeyIn = (start: number, end: number): boolean => anyIn(suspects.keys, start, end);
  const isExtraIn = (start: number, end: number): boolean => extra !== null && extra.isIn(text.slice(start, end));
  const isAny = isValueIn(0, text.length) || isKeyIn(0, text.length) || isExtraIn(0, text.length);
  if (!isAny && (scan.paths === null || scan.nesting > 0)) return null;
  const value = ({ start, end }: Span): boolean => isValueIn(start, end) || isExtraIn(start, end);
  return {
    value,
    string: (span) =>
      value(span) || (isKeyIn(span.start, span.end) && nestedStart.test(text.slice(span.start, span.start + 256))),
  };
}

/** Containers under a denied key go whole, unless they are schemas that describe what they do not hold. */
function createSchemaJudge(text: string): (span: Span) => boolean {
  const schemas = { depth: 0, end: 0 };
  return (span) => {
    schemas.depth = span.start < schemas.end ? schemas.depth + 1 : 1;
    schemas.end = Math.max(schemas.end, span.end);
    return schemas.depth <= schemaDepthMax && !span.isCut && isSchema(text.slice(span.start, span.end));
  };
}

/**
 * The edits that take the secrets out of JSON text. They never touch its structure, so valid text stays valid. Throws
 * `MalformedJson` where the text has to be read and is not JSON.
 */
export function jsonEdits(text: string, scan: JsonScan): Edit[] {
  const suspicion = suspicionIn(text, scan);
  const inParts = (isAcrossOnly: boolean): Edit[] =>
    partEdits(text, { mark: scan.mark, search: (joined) => textFindings(joined, scan.extra), isAcrossOnly });
  const across = inParts(true);
  if (across.length > 0) return across;
  const edits = suspicion === null ? [] : walkEdits(text, scan, suspicion);
  return edits.length > 0 ? edits : inParts(false);
}

function walkEdits(text: string, scan: JsonScan, suspicion: Suspicion): Edit[] {
  const edits: Edit[] = [];
  const tracker = scan.nesting === 0 && scan.paths !== null ? scan.paths.track() : null;
  const neighbours = createNeighbours(text, scan.judge);
  const isSchemaAt = createSchemaJudge(text);
  const placed = (byKey: KeyVerdict): KeyVerdict => (tracker === null ? byKey : tracker.verdict(byKey));
  const add = (more: readonly Edit[]): void => {
    for (const edit of more) edits.push(edit);
  };
  const replace = (span: Span, value: string, quote: string): void => {
    const { replacement, kind } = markWhole(value, 'key', scan.mark);
    edits.push({ start: span.start, end: span.end, replacement: quote + replacement + quote, kind });
  };
  const keyName = (raw: string, span: Span): string => {
    if (!suspicion.value(span)) return raw;
    const name = decodeLiteral(span.isCut ? dropCutEscape(raw) : raw);
    add(liftEdits(raw, textEdits(name, scan.mark, scan.extra), span.start));
    return name;
  };
  walkJson(
    text,
    {
      tracker,
      key(raw, span) {
        const name = keyName(raw, span);
        tracker?.key(name.includes('\\') && name === raw ? decodeLiteral(span.isCut ? dropCutEscape(raw) : raw) : name);
        const beside = neighbours.key(name, span);
        return beside === 'keep' || beside === 'identifier' ? scan.judge.judge(name) : beside;
      },
      string(span, byKey) {
        const beside = neighbours.string(span);
        const verdict = placed(byKey === 'keep' ? beside : byKey);
        const isDenied = isDeniedText(verdict) && !(verdict === 'deny-text' && isLogProbability(text, span));
        if (!isDenied && verdict !== 'telling' && !suspicion.string(span)) return;
        const whole = text.slice(span.start, span.end);
        const raw = span.isCut ? dropCutEscape(whole) : whole;
        const value = decodeLiteral(raw);
        if (isDenied || (verdict === 'telling' && isRandomLooking(value))) {
          if (value !== '' && !isRedacted(value)) replace(span, value, '');
        } else {
          add(liftEdits(raw, stringEdits(value, scan, verdict === 'identifier'), span.start));
        }
      },
      word(span, byKey) {
        const verdict = placed(byKey);
        if (verdict !== 'deny-all' && (verdict !== 'deny' || !/[\d-]/.test(text[span.start]!))) return;
        const value = text.slice(span.start, span.end);
        if (value !== 'null') replace(span, value, '"');
      },
      container(_start, byKey, find) {
        const verdict = placed(byKey);
        if (!isDeniedText(verdict)) return false;
        const span = find();
        const value = text.slice(span.start, span.end);
        if (/^[{[]\s*[}\]]$/.test(value) || (verdict !== 'deny-all' && isSchemaAt(span))) return false;
        replace(span, value, '"');
        return true;
      },
    },
    scan.isCut,
  );
  return edits;
}

const isDeniedText = (verdict: KeyVerdict): boolean =>
  verdict === 'deny' || verdict === 'deny-text' || verdict === 'deny-all';
