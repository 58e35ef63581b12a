import type { BodyRef } from '../model/attempt.ts';
import type { BodyInput } from '../record/recording.ts';
import type { Redactor } from '../redact/redactor.ts';
import type { EntryDraft, Interner } from './interner.ts';
import { countRedactions } from './interner.ts';

/** A request body kept in memory while its run is open, so that the next one to the same URL costs only what is new. */
export interface PreviousBody {
  readonly stepId: string;
  readonly attempt: number;
  /** As sent. */
  readonly raw: string;
  /** As recorded. */
  readonly recorded: string;
}

/** Previous request bodies of one run, by URL. */
export type PreviousBodies = Map<string, PreviousBody>;

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

/** Decodes captured bytes as text, or `null` when the content type says they are none. */
export function bodyToText(body: BodyInput): string | null {
  if (typeof body.data === 'string') return body.data;
  if (body.data === null) return null;
  const type = body.contentType ?? '';
  const isText = type === '' || /json|text|xml|event-stream|x-www-form-urlencoded|javascript|multipart/i.test(type);
  return isText ? Buffer.from(body.data.buffer, body.data.byteOffset, body.data.byteLength).toString('utf8') : null;
}

interface Recorded {
  readonly text: string;
  readonly prefix: number;
}

/**
 * Redacts a JSON request body given the one before it. When nothing was redacted in the shared beginning, only what
 * follows the last message boundary inside it is scanned: `},{` begins a new array element, and no secret lies across
 * one. The result is always the whole recorded text and how much of it equals the previous recorded text.
 */
function redactNext(redactor: Redactor, raw: string, previous: PreviousBody, draft: EntryDraft): Recorded {
  const shared = commonPrefix(previous.raw, raw);
  const boundary = raw.lastIndexOf('},{', shared - 1);
  if (boundary > 0 && previous.recorded.startsWith(raw.slice(0, boundary + 1))) {
    const opened = '{"_":[{}';
    const rest = redactor.body(opened + raw.slice(boundary + 1), 'application/json');
    if (!rest.value.startsWith('[WITHHELD') && rest.value.startsWith(opened)) {
      countRedactions(draft, rest.counts);
      return { text: raw.slice(0, boundary + 1) + rest.value.slice(opened.length), prefix: boundary + 1 };
    }
  }
  const whole = redactor.body(raw, 'application/json');
  countRedactions(draft, whole.counts);
  return { text: whole.value, prefix: commonPrefix(previous.recorded, whole.value) };
}

const isJson = (contentType: string | null, text: string): boolean =>
  contentType === null ? /^\s*[{[]/.test(text) : /\bjson\b/i.test(contentType);

/** Records the request body of an attempt, continuing the previous body to the same URL where there is one. */
export function recordRequestBody(
  body: BodyInput,
  place: { url: string; stepId: string; attempt: number; previousByUrl: PreviousBodies },
  tools: { redactor: Redactor; interner: Interner; draft: EntryDraft; bytesMax: number },
): BodyRef {
  const text = bodyToText(body);
  if (text === null || body.truncated === true || !isJson(body.contentType, text) || text.length > keptCharsMax) {
    return recordBody(body, tools);
  }
  const { redactor, interner, draft } = tools;
  const previous = place.previousByUrl.get(place.url);
  let recorded: Recorded;
  if (previous === undefined) {
    const whole = redactor.body(text, 'application/json');
    countRedactions(draft, whole.counts);
    recorded = { text: whole.value, prefix: 0 };
  } else {
    recorded = redactNext(redactor, text, previous, draft);
  }
  place.previousByUrl.set(place.url, { stepId: place.stepId, attempt: place.attempt, raw: text, recorded: recorded.text });
  const isContinued = previous !== undefined && recorded.prefix > 256;
  const rest = isContinued ? recorded.text.slice(recorded.prefix) : recorded.text;
  return {
    contentId: interner.text('body', rest, draft),
    base: isContinued ? { stepId: previous.stepId, attempt: previous.attempt } : null,
    prefixBytes: isContinued ? Buffer.byteLength(recorded.text.slice(0, recorded.prefix)) : 0,
    bytes: body.bytes ?? Buffer.byteLength(text),
    contentType: body.contentType,
    truncated: false,
    withheld: null,
  };
}

/** Records a body whole, cut at the cap after it was redacted (I4: redaction precedes every cut). */
export function recordBody(
  body: BodyInput,
  tools: { redactor: Redactor; interner: Interner; draft: EntryDraft; bytesMax: number },
): BodyRef {
  const text = bodyToText(body);
  const base = { base: null, prefixBytes: 0, contentType: body.contentType };
  if (text === null) {
    const bytes = body.bytes ?? (body.data === null ? null : (body.data as Uint8Array).byteLength);
    return { ...base, contentId: null, bytes, truncated: false, withheld: body.withheld ?? 'not-text' };
  }
  const redacted = tools.redactor.body(text, body.contentType, { truncated: body.truncated === true });
  countRedactions(tools.draft, redacted.counts);
  const cut = cutBytes(redacted.value, tools.bytesMax);
  return {
    ...base,
    contentId: tools.interner.text('body', cut, tools.draft),
    bytes: body.bytes ?? Buffer.byteLength(text),
    truncated: body.truncated === true || cut.length < redacted.value.length,
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
