import type { BodyRef } from '../model/attempt.ts';
import type { BodyInput } from '../record/recording.ts';
import type { Redactor } from '../redact/redactor.ts';
import { joinChunks } from './chunked-text.ts';
import type { Enclosure } from './enclosure.ts';
import { enclosureToProbe, enclosureToText, nextEnclosure, outermost } from './enclosure.ts';
import type { EntryDraft, Interner, KnownPath } from './interner.ts';
import { countRedactions } from './interner.ts';
import { PartedText } from './parted-text.ts';

/** A request body kept in memory, so that the next one like it costs only what is new. */
interface KnownBody {
  readonly url: string;
  /** As sent. */
  readonly raw: PartedText;
  /** As recorded; the same object when nothing was taken out. */
  readonly recorded: PartedText;
  /** Where each piece of the recorded text ends, in UTF-16 units. */
  readonly ends: readonly number[];
  /** What is open at places where scans of it and of those before it began, in order: walks over the next go on there. */
  readonly enclosures: readonly Enclosure[];
  readonly path: KnownPath;
}

/** Recent request bodies of one recorder, newest last. */
export interface BodyMemory {
  readonly bodies: KnownBody[];
}

/** A memory with nothing in it. */
export function createBodyMemory(): BodyMemory {
  return { bodies: [] };
}

/** Conversations that take turns on one connection; more than these and their bodies are looked at from the start. */
const bodiesMax = 16;
/** All remembered bodies together, in UTF-16 units. */
const memoryCharsMax = 8 * 1024 * 1024;

/** Places remembered of one body. */
const enclosuresMax = 32;

/** Bodies past this are stored whole: keeping them would cost the host more memory than the record saves. */
const keptCharsMax = 4 * 1024 * 1024;
const charset = /;\s*charset\s*=\s*"?([\w.:-]{1,40})/i;

/**
 * Bytes read by the charset of their content type, else as UTF-8. `null` for what is in neither: read wrongly, a secret in
 * two bytes a character would pass every search and still be legible (I4).
 */
export function bytesToText(data: Uint8Array, contentType: string): string | null {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const named = charset.exec(contentType)?.[1];
  const marked =
    bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : null;
  const label = marked ?? named ?? 'utf-8';
  if (/^(?:utf-?8|us-ascii|ascii)$/i.test(label)) {
    const head = bytes.subarray(0, 1024);
    const zeros = head.reduce((sum, byte) => sum + (byte === 0 ? 1 : 0), 0);
    return zeros * 8 > head.length ? null : bytes.toString('utf8');
  }
  try {
    return new TextDecoder(label).decode(bytes);
  } catch {
    // A charset nobody knows.
    return null;
  }
}

/** The text of a body in parts where it was given so. */
function bodyToParts(body: BodyInput): PartedText | null {
  if (body.parts !== undefined) return new PartedText(body.parts);
  const text = bodyToText(body);
  return text === null ? null : new PartedText([text]);
}

/** Decodes captured bytes as text, or `null` when the content type says they are none. */
export function bodyToText(body: BodyInput): string | null {
  if (typeof body.data === 'string') return body.data;
  if (body.parts !== undefined) return body.parts.join('');
  if (body.data === null) return null;
  const type = body.contentType ?? '';
  const isText = type === '' || /json|text|xml|event-stream|x-www-form-urlencoded|javascript|multipart/i.test(type);
  return isText ? bytesToText(body.data, type) : null;
}

interface Recorded {
  readonly text: PartedText;
  /** How much of it equals the remembered body's recorded text. */
  readonly prefix: number;
  readonly enclosures: readonly Enclosure[];
}

interface Match {
  readonly body: KnownBody;
  /** How much of its raw text the new one shares. */
  readonly shared: number;
}

/** The remembered body of this URL that shares the longest beginning. */
function findMatch(memory: BodyMemory, url: string, raw: PartedText): Match | null {
  let best: Match | null = null;
  for (let index = memory.bodies.length - 1; index >= 0; index -= 1) {
    const body = memory.bodies[index]!;
    if (body.url !== url) continue;
    const shared = raw.sharedWith(body.raw);
    if (best === null || shared > best.shared) best = { body, shared };
    if (shared === body.raw.length) break;
  }
  return best;
}

/** Puts a body in the memory, in the place of the one it continues for the most part. */
function remember(memory: BodyMemory, body: KnownBody, match: Match | null): void {
  const isContinued = match !== null && match.shared * 2 > match.body.raw.length;
  if (isContinued) memory.bodies.splice(memory.bodies.indexOf(match.body), 1);
  memory.bodies.push(body);
  let chars = memory.bodies.reduce((sum, { raw }) => sum + raw.length, 0);
  while (memory.bodies.length > 1 && (memory.bodies.length > bodiesMax || chars > memoryCharsMax))
    chars -= memory.bodies.shift()!.raw.length;
}

/** A piece is at least so long, in UTF-16 units, or the nodes would outweigh what they share. */
const pieceCharsMin = 512;

/** The end of an array's element: where another follows, and where the array ends, so that a last element is cut alike. */
const elementEnd = /\}(?=,\{|\])/g;

/**
 * Where the pieces of a recorded text end that a remembered body has too: as far as the text equals it, and not its last
 * one, which is cut by its end and not after an element, unless the texts are one.
 */
function sharedEnds({ text, prefix }: Recorded, body: KnownBody): number[] {
  const isOne = prefix === text.length && text.length === body.recorded.length;
  return isOne ? [...body.ends] : body.ends.filter((end) => end <= prefix && end < body.recorded.length);
}

/**
 * Cuts the rest of a text after the elements of its arrays. Where a piece ends depends only on where it began, so equal
 * beginnings are cut alike.
 */
function cutRest(text: PartedText, from: number): { readonly ends: number[]; readonly pieces: string[] } {
  const rest = text.slice(from);
  const ends: number[] = [];
  const pieces: string[] = [];
  for (let start = 0; start < rest.length;) {
    elementEnd.lastIndex = start + pieceCharsMin - 1;
    const found = elementEnd.exec(rest);
    const end = found === null ? rest.length : found.index + 1;
    pieces.push(rest.slice(start, end));
    ends.push(from + end);
    start = end;
  }
  return { ends, pieces };
}

/** The texts of pieces by where they end. */
function textsOf(text: PartedText, ends: readonly number[]): string[] {
  return ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end));
}

/** A place where scanning may begin, and what is open there. */
function findStart(redactor: Redactor, raw: PartedText, previous: Match): Enclosure | null {
  const { body, shared } = previous;
  const boundary = raw.lastIndexOf('},{', shared);
  if (boundary <= 0) return null;
  // What nothing was taken out of is known to begin alike, without being read again.
  if (body.recorded !== body.raw && raw.sharedWith(body.recorded) <= boundary) return null;
  const from = body.enclosures.findLast(({ at }) => at <= boundary + 1) ?? outermost;
  const between = raw.slice(from.at, boundary + 1);
  const walked = nextEnclosure(between, { at: 0, open: from.open }, between.length);
  const enclosure = walked === null ? null : { at: boundary + 1, open: walked.open };
  if (enclosure === null || enclosure.open.at(-1)?.isObject !== false) return null;
  // Inside a denied key the whole value goes or stays, whatever of it is new.
  const probe = enclosureToProbe(enclosure);
  return redactor.json(probe).value === probe ? enclosure : null;
}

/**
 * Redacts a JSON request body given the one before it. When nothing was redacted in the shared beginning, only what
 * follows the last message boundary inside it is scanned: `},{` between the elements of an array, with no denied key
 * around it; no secret lies across one. The result is always the whole recorded text and how much of it equals the
 * previous recorded text.
 */
function redactNext(redactor: Redactor, raw: PartedText, previous: Match, draft: EntryDraft): Recorded {
  // Rules for places count from the root of a document, which a rest does not have.
  const enclosure = redactor.hasPaths === true ? null : findStart(redactor, raw, previous);
  if (enclosure !== null) {
    const opened = enclosureToText(enclosure);
    const rest = redactor.body(opened + raw.slice(enclosure.at), 'application/json');
    if (!rest.value.startsWith('[WITHHELD') && rest.value.startsWith(opened)) {
      countRedactions(draft, rest.counts);
      // With nothing taken out it is the text itself: put together anew, all of it would be copied.
      const text = rest.counts === null ? raw : raw.withRest(enclosure.at, rest.value.slice(opened.length));
      const passed = previous.body.enclosures.filter(({ at }) => at < enclosure.at).slice(1 - enclosuresMax);
      return { text, prefix: enclosure.at, enclosures: [...passed, enclosure] };
    }
  }
  const whole = redactWhole(redactor, raw, draft);
  return { ...whole, prefix: whole.text.sharedWith(previous.body.recorded) };
}

const isJson = (contentType: string | null, text: PartedText): boolean =>
  contentType === null ? /^\s*[{[]/.test(text.parts[0] ?? '') : /\bjson\b/i.test(contentType);

function redactWhole(redactor: Redactor, raw: PartedText, draft: EntryDraft): Recorded {
  const text = raw.toString();
  const whole = redactor.body(text, 'application/json');
  countRedactions(draft, whole.counts);
  return { text: whole.value === text ? raw : new PartedText([whole.value]), prefix: 0, enclosures: [] };
}

/** Records the request body of an attempt; what earlier ones to the same URL have said is named, not written again. */
export function recordRequestBody(
  body: BodyInput,
  place: { url: string; memory: BodyMemory },
  tools: { redactor: Redactor; interner: Interner; draft: EntryDraft; bytesMax: number },
): BodyRef {
  const raw = bodyToParts(body);
  if (raw === null || body.truncated === true || !isJson(body.contentType, raw) || raw.length > keptCharsMax) {
    return recordBody(body, tools);
  }
  const { redactor, interner, draft } = tools;
  const { url, memory } = place;
  const match = findMatch(memory, url, raw);
  const recorded = match === null ? redactWhole(redactor, raw, draft) : redactNext(redactor, raw, match, draft);
  const { text } = recorded;
  const shared = match === null ? [] : sharedEnds(recorded, match.body);
  const rest = cutRest(text, shared.at(-1) ?? 0);
  const ends = [...shared, ...rest.ends];
  const base = { bytes: body.bytes ?? raw.bytes, contentType: body.contentType, truncated: false, withheld: null };
  if (ends.length < 2)
    return { ...base, contentId: interner.text('body', text.toString(), draft), nodeId: null, pieces: 0 };
  const known = match === null ? null : { path: match.body.path, depth: shared.length };
  const path =
    interner.path('body', { known, texts: rest.pieces }, draft) ??
    interner.path('body', { known: null, texts: [...textsOf(text, shared), ...rest.pieces] }, draft)!;
  remember(memory, { url, raw, recorded: text, ends, enclosures: recorded.enclosures, path }, match);
  return { ...base, contentId: null, nodeId: path.tip.id, pieces: ends.length };
}

/** Records a body whole, cut at the cap after it was redacted (I4: redaction precedes every cut). */
export function recordBody(
  body: BodyInput,
  tools: { redactor: Redactor; interner: Interner; draft: EntryDraft; bytesMax: number },
): BodyRef {
  const text = bodyToText(body);
  const base = { nodeId: null, pieces: 0, contentType: body.contentType };
  if (text === null) {
    const bytes = body.bytes ?? (body.data === null ? null : (body.data as Uint8Array).byteLength);
    return { ...base, contentId: null, bytes, truncated: false, withheld: body.withheld ?? 'not-text' };
  }
  const isCut = body.truncated === true;
  const joined = joinChunks(text, { contentType: body.contentType, isCut }, tools.redactor);
  for (const counts of joined.counts) countRedactions(tools.draft, counts);
  const redacted = tools.redactor.body(joined.value, body.contentType, { truncated: isCut });
  countRedactions(tools.draft, redacted.counts);
  const cut = cutBytes(redacted.value, tools.bytesMax);
  return {
    ...base,
    contentId: tools.interner.text('body', cut, tools.draft),
    bytes: body.bytes ?? Buffer.byteLength(text),
    truncated: isCut || cut.length < redacted.value.length,
    withheld: body.withheld ?? null,
  };
}

function cutBytes(text: string, bytesMax: number): string {
  if (text.length <= bytesMax / 3 || Buffer.byteLength(text) <= bytesMax) return text;
  const bytes = Buffer.from(text);
  let end = bytesMax;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
