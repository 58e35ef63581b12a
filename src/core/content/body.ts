import type { BodyRef } from '../model/attempt.ts';
import type { BodyInput } from '../record/recording.ts';
import type { Redactor } from '../redact/redactor.ts';
import { joinChunks } from './chunked-text.ts';
import type { Enclosure } from './enclosure.ts';
import { enclosureToProbe, enclosureToText, nextEnclosure, outermost } from './enclosure.ts';
import type { EntryDraft, Interner, Piece } from './interner.ts';
import { countRedactions } from './interner.ts';

/** A request body kept in memory, so that the next one like it costs only what is new. */
interface KnownBody {
  readonly url: string;
  /** As sent. */
  readonly raw: string;
  /** As recorded. */
  readonly recorded: string;
  /** Where each piece of the recorded text ends, in UTF-16 units, and its content id. */
  readonly ends: readonly number[];
  readonly ids: readonly string[];
  /** What was open where the scan of it began: walks over the next body go on from there. */
  readonly enclosure: Enclosure;
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

/** Bodies past this are stored whole: keeping them would cost the host more memory than the record saves. */
const keptCharsMax = 4 * 1024 * 1024;
const chunk = 4096;

/** Length in UTF-16 units of the common prefix of two texts, never splitting a surrogate pair. */
export function commonPrefix(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let at = 0;
  while (at + chunk <= length && a.slice(at, at + chunk) === b.slice(at, at + chunk)) at += chunk;
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  const last = at > 0 ? a.charCodeAt(at - 1) : 0;
  return last >= 0xd800 && last <= 0xdbff ? at - 1 : at;
}

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

/** Decodes captured bytes as text, or `null` when the content type says they are none. */
export function bodyToText(body: BodyInput): string | null {
  if (typeof body.data === 'string') return body.data;
  if (body.data === null) return null;
  const type = body.contentType ?? '';
  const isText = type === '' || /json|text|xml|event-stream|x-www-form-urlencoded|javascript|multipart/i.test(type);
  return isText ? bytesToText(body.data, type) : null;
}

interface Recorded {
  readonly text: string;
  /** How much of it equals the remembered body's recorded text. */
  readonly prefix: number;
  readonly enclosure: Enclosure;
}

interface Match {
  readonly body: KnownBody;
  /** How much of its raw text the new one shares. */
  readonly shared: number;
}

/** The remembered body of this URL that shares the longest beginning. */
function findMatch(memory: BodyMemory, url: string, raw: string): Match | null {
  let best: Match | null = null;
  for (let index = memory.bodies.length - 1; index >= 0; index -= 1) {
    const body = memory.bodies[index]!;
    if (body.url !== url) continue;
    const shared = commonPrefix(body.raw, raw);
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
 * Cuts text after the elements of its arrays. Where a piece ends depends only on where it began, so equal beginnings
 * are cut alike.
 */
function cutPieces(text: string, from: number): { readonly ends: number[]; readonly pieces: Piece[] } {
  const ends: number[] = [];
  const pieces: Piece[] = [];
  for (let start = from; start < text.length;) {
    elementEnd.lastIndex = start + pieceCharsMin - 1;
    const found = elementEnd.exec(text);
    const end = found === null ? text.length : found.index + 1;
    pieces.push({ text: text.slice(start, end), id: null });
    ends.push(end);
    start = end;
  }
  return { ends, pieces };
}

/** The pieces of a recorded text: those of a remembered body as far as the text equals it, then new ones. */
function toPieces(recorded: Recorded, match: Match | null): { ends: number[]; pieces: Piece[] } {
  const ends: number[] = [];
  const pieces: Piece[] = [];
  for (const [index, end] of (match?.body.ends ?? []).entries()) {
    // The last piece of a body is cut by its end, not after an element, unless the texts are one.
    const isWhole = end < match!.body.recorded.length || end === recorded.text.length;
    if (end > recorded.prefix || !isWhole) break;
    pieces.push({ text: recorded.text.slice(ends.at(-1) ?? 0, end), id: match!.body.ids[index]! });
    ends.push(end);
  }
  const rest = cutPieces(recorded.text, ends.at(-1) ?? 0);
  return { ends: [...ends, ...rest.ends], pieces: [...pieces, ...rest.pieces] };
}

/** A place where scanning may begin, and what is open there. */
function findStart(redactor: Redactor, raw: string, previous: Match): Enclosure | null {
  const { body, shared } = previous;
  const boundary = raw.lastIndexOf('},{', shared - 1);
  if (boundary <= 0) return null;
  // What nothing was taken out of is known to begin alike, without being read again.
  if (body.recorded !== body.raw && !body.recorded.startsWith(raw.slice(0, boundary + 1))) return null;
  const from = body.enclosure.at <= boundary + 1 ? body.enclosure : outermost;
  const enclosure = nextEnclosure(raw, from, boundary + 1);
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
function redactNext(redactor: Redactor, raw: string, previous: Match, draft: EntryDraft): Recorded {
  // Rules for places count from the root of a document, which a rest does not have.
  const enclosure = redactor.hasPaths === true ? null : findStart(redactor, raw, previous);
  if (enclosure !== null) {
    const opened = enclosureToText(enclosure);
    const rest = redactor.body(opened + raw.slice(enclosure.at), 'application/json');
    if (!rest.value.startsWith('[WITHHELD') && rest.value.startsWith(opened)) {
      countRedactions(draft, rest.counts);
      // With nothing taken out it is the text itself: put together anew, all of it would be copied.
      const text = rest.counts === null ? raw : raw.slice(0, enclosure.at) + rest.value.slice(opened.length);
      return { text, prefix: enclosure.at, enclosure };
    }
  }
  const whole = redactor.body(raw, 'application/json');
  countRedactions(draft, whole.counts);
  return { text: whole.value, prefix: commonPrefix(previous.body.recorded, whole.value), enclosure: outermost };
}

const isJson = (contentType: string | null, text: string): boolean =>
  contentType === null ? /^\s*[{[]/.test(text) : /\bjson\b/i.test(contentType);

function redactWhole(redactor: Redactor, text: string, draft: EntryDraft): Recorded {
  const whole = redactor.body(text, 'application/json');
  countRedactions(draft, whole.counts);
  return { text: whole.value, prefix: 0, enclosure: outermost };
}

/** Records the request body of an attempt; what earlier ones to the same URL have said is named, not written again. */
export function recordRequestBody(
  body: BodyInput,
  place: { url: string; memory: BodyMemory },
  tools: { redactor: Redactor; interner: Interner; draft: EntryDraft; bytesMax: number },
): BodyRef {
  const text = bodyToText(body);
  if (text === null || body.truncated === true || !isJson(body.contentType, text) || text.length > keptCharsMax) {
    return recordBody(body, tools);
  }
  const { redactor, interner, draft } = tools;
  const { url, memory } = place;
  const match = findMatch(memory, url, text);
  const recorded = match === null ? redactWhole(redactor, text, draft) : redactNext(redactor, text, match, draft);
  const { ends, pieces } = toPieces(recorded, match);
  const base = {
    bytes: body.bytes ?? Buffer.byteLength(text),
    contentType: body.contentType,
    truncated: false,
    withheld: null,
  };
  if (pieces.length < 2)
    return { ...base, contentId: interner.text('body', recorded.text, draft), nodeId: null, pieces: 0 };
  const { tip, ids } = interner.path('body', pieces, draft);
  remember(memory, { url, raw: text, recorded: recorded.text, ends, ids, enclosure: recorded.enclosure }, match);
  return { ...base, contentId: null, nodeId: tip.id, pieces: pieces.length };
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
