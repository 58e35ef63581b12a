import type { Redactor } from '../redact/redactor.ts';

/*
 * A model's answer comes in chunks, and a secret that it says comes in pieces: each line of the stream holds one, none of
 * which looks like anything.
 *
 *   data: {"delta":"the key "}                   data: {"delta":"the key "}
 *   data: {"delta":"sk-ant-api"}                 data: {"delta":"[REDACTED:anthropic-key:0a1b2c3d], use it"}
 *   data: {"delta":"03-aB3dE5gH7jK9"}     ──►    data: {"delta":""}
 *   data: {"delta":"mN1pQ2r, use it"}            data: {"delta":""}
 *
 * So the texts that stand at one place of the lines are read as one. Where that shows a secret which no line shows alone,
 * the texts that it lies in go into the first of their lines, redacted, and out of the others.
 */

type Counts = Readonly<Record<string, number>>;

/** A line that holds JSON or text. */
interface Line {
  /** What stands before the data: `data: ` of server-sent events. */
  readonly head: string;
  readonly root: { value: unknown };
  readonly isJson: boolean;
  isChanged: boolean;
}

/** A text of a line, and where it stands in it. */
interface Leaf {
  readonly text: string;
  readonly line: Line;
  readonly holder: object;
  readonly key: string;
}

/** A place that lines have in common, and the texts that stand there. */
interface Place {
  readonly leaves: Leaf[];
  readonly placeByKey: Map<string, Place>;
}

const createPlace = (): Place => ({ leaves: [], placeByKey: new Map() });

function placeAt(place: Place, key: string): Place {
  let found = place.placeByKey.get(key);
  if (found === undefined) place.placeByKey.set(key, (found = createPlace()));
  return found;
}

const depthMax = 32;
/** Fields that tell which of several texts a chunk belongs to. */
const tellingKeys = ['index', 'output_index', 'content_index', 'summary_index', 'item_id'];

const isLines = (type: string): boolean =>
  /event-stream|\b(?:x-ndjson|ndjson|jsonl|json-lines|jsonlines|x-jsonlines|json-seq|stream\+json|x-json-stream)\b/i.test(
    type,
  );

/** The place within a place that the telling fields of an object name. */
function placeOfObject(place: Place, fields: Readonly<Record<string, unknown>>): Place {
  let at = place;
  for (const key of tellingKeys) {
    const value = fields[key];
    if (typeof value === 'string' || typeof value === 'number') at = placeAt(at, `${key}=${value}`);
  }
  return at;
}

/** Adds every text of a line to those that stand at the same place of other lines. */
function collect(line: Line, at: { holder: object; key: string; place: Place; depth: number }): void {
  const { holder, key, place, depth } = at;
  const value = (holder as Record<string, unknown>)[key];
  if (typeof value === 'string') {
    place.leaves.push({ text: value, line, holder, key });
  } else if (typeof value === 'object' && value !== null && depth < depthMax) {
    const within = placeOfObject(place, value as Record<string, unknown>);
    for (const next of Object.keys(value))
      collect(line, { holder: value, key: next, place: placeAt(within, next), depth: depth + 1 });
  }
}

function* leavesBelow(place: Place): Generator<readonly Leaf[]> {
  if (place.leaves.length > 1) yield place.leaves;
  for (const next of place.placeByKey.values()) yield* leavesBelow(next);
}

function replace({ line, holder, key }: Leaf, text: string): void {
  (holder as Record<string, unknown>)[key] = text;
  line.isChanged = true;
}

function parseLine(text: string): Line {
  const head = /^(?:\uFEFF)?(?:data: ?)?[\x1e\s]*/.exec(text)![0];
  const rest = text.slice(head.length);
  try {
    return { head, root: { value: JSON.parse(rest) as unknown }, isJson: true, isChanged: false };
  } catch {
    // A chunk may be plain text, and the last line may be cut.
    return { head, root: { value: rest }, isJson: false, isChanged: false };
  }
}

/**
 * Where the texts of one place, read as one, hold a secret that none of them holds alone, those that it lies in are put
 * together. What all of them say is then the redacted text, whatever they say one by one.
 */
function joinLeaves(leaves: readonly Leaf[], redactor: Redactor): Counts | null {
  const joined = redactor.text(leaves.map(({ text }) => text).join(''));
  if (joined.counts === null) return null;
  const alone = leaves.map(({ text }) => redactor.text(text).value).join('');
  if (alone === joined.value) return null;
  let rest = joined.value;
  let first = 0;
  while (first < leaves.length && rest.startsWith(leaves[first]!.text)) rest = rest.slice(leaves[first++]!.text.length);
  let last = leaves.length - 1;
  while (last > first && rest.endsWith(leaves[last]!.text)) {
    const { text } = leaves[last--]!;
    rest = rest.slice(0, rest.length - text.length);
  }
  for (let at = Math.min(first, last); at <= last; at += 1) replace(leaves[at]!, at <= first ? rest : '');
  return joined.counts;
}

const isSame = (leaves: readonly Leaf[]): boolean => leaves.every(({ text }) => text === leaves[0]!.text);

/** The lines that hold something, by their place among the parts of a text. */
function readLines(parts: readonly string[]): Map<number, Line> {
  const lineByPart = new Map<number, Line>();
  for (let at = 0; at < parts.length; at += 2)
    if (parts[at] !== '' && !/^(?:event|id|retry|):/.test(parts[at]!)) lineByPart.set(at, parseLine(parts[at]!));
  return lineByPart;
}

/**
 * A body of lines in which no secret lies across two of them, and what was taken out for that; the body itself when none
 * did, or when it is none of lines. What one line holds alone is left to the redaction of the body.
 */
export function joinChunks(
  text: string,
  of: { readonly contentType: string | null; readonly isCut: boolean },
  redactor: Redactor,
): { readonly value: string; readonly counts: readonly Counts[] } {
  const none = { value: text, counts: [] };
  if (!isLines(of.contentType ?? '') && !/^(?:\uFEFF)?(?:data|event|id|retry): ?/.test(text)) return none;
  const parts = text.split(/(\r\n|\n|\r)/);
  const lineByPart = readLines(parts);
  const root = createPlace();
  for (const line of lineByPart.values())
    collect(line, { holder: line.root, key: 'value', place: placeAt(root, String(line.isJson)), depth: 0 });
  const counts = [...leavesBelow(root)].flatMap((leaves) => {
    const found = isSame(leaves) ? null : joinLeaves(leaves, redactor);
    return found === null ? [] : [found];
  });
  if (counts.length === 0) return none;
  const last = lineByPart.get(parts.length - 1);
  if (of.isCut && last?.isJson === false) withhold(last);
  return { value: parts.map((part, at) => lineToText(lineByPart.get(at), part)).join(''), counts };
}

/** A line that the end of what was captured went through may hold the next piece. */
function withhold(line: Line): void {
  line.root.value = `[WITHHELD:cut-line:${Buffer.byteLength(String(line.root.value as string))}]`;
  line.isChanged = true;
}

function lineToText(line: Line | undefined, written: string): string {
  if (line?.isChanged !== true) return written;
  return line.head + (line.isJson ? JSON.stringify(line.root.value) : String(line.root.value as string));
}
