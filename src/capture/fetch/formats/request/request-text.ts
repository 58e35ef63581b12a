import type { ContextMark } from '../../../../core/model/step.ts';
import { ExactJson } from '../../../../core/record/recording.ts';
import type { Fields } from '../fields.ts';
import { parseJson, toText } from '../fields.ts';
import type { Slice } from './json-text.ts';
import { elementSlices, memberSlices, withoutMember } from './json-text.ts';

/** One message as the model saw it, byte for byte; its role stays readable. */
export class MessageText extends ExactJson {
  readonly role: string | null;
  constructor(text: string, role: string | null) {
    super(text);
    this.role = role;
  }
}

/** The text of a request body, opened at its top level only. */
export interface RequestText {
  readonly keys: ReadonlySet<string>;
  /** Exact text of a member, or `null`. */
  raw(key: string): string | null;
  /** Parsed value of a member, or `undefined`. */
  value(key: string): unknown;
  /** Elements of an array member as exact texts; `null` when it is no array. */
  elements(key: string): readonly string[] | null;
}

/** Opens a request body; `null` when the text is no JSON object. Keys that hold the conversation are not parsed. */
export function openRequest(text: string): RequestText | null {
  const members = memberSlices(text);
  if (members === null) return null;
  const raw = (key: string): string | null => {
    const slice = members.get(key);
    return slice === undefined ? null : text.slice(slice.start, slice.end);
  };
  return {
    keys: new Set(members.keys()),
    raw,
    value(key) {
      const found = raw(key);
      return found === null ? undefined : parseJson(found);
    },
    elements(key) {
      const slice = members.get(key);
      if (slice === undefined) return null;
      return elementSlices(text, slice.start)?.map(({ start, end }) => text.slice(start, end)) ?? null;
    },
  };
}

function roleOf(message: string): string | null {
  const slice = memberSlices(message)?.get('role');
  return slice === undefined ? null : toText(parseJson(message.slice(slice.start, slice.end)));
}

/** A message with its exact text. Input without a role of its own gets the one given. */
export function toMessageText(text: string, role?: string): MessageText {
  return new MessageText(text, role ?? roleOf(text));
}

/** A system prompt or a bare string as a message around its exact text. */
export function wrapMessage(role: string, member: string, exact: string): MessageText {
  return new MessageText(`{"role":${JSON.stringify(role)},${JSON.stringify(member)}:${exact}}`, role);
}

const cacheMember = 'cache_control';

/** A message without its cache marks, and the marks: they wander to the newest message and would make old ones new. */
function unmark(message: string): { text: string; mark: Fields | null } {
  if (!message.includes(`"${cacheMember}"`)) return { text: message, mark: null };
  const mark: Record<string, unknown> = {};
  let text = message;
  const own = withoutMember(text, { start: 0, end: text.length }, cacheMember);
  if (own !== null) {
    text = own.text;
    mark['message'] = parseJson(own.value);
  }
  const parts: Record<string, unknown> = {};
  const content = memberSlices(text)?.get('content');
  const elements: readonly Slice[] = content === undefined ? [] : (elementSlices(text, content.start) ?? []);
  for (let index = elements.length - 1; index >= 0; index -= 1) {
    const slice = elements[index]!;
    const bare = withoutMember(text, slice, cacheMember);
    if (bare === null) continue;
    text = text.slice(0, slice.start) + bare.text + text.slice(slice.end);
    parts[index] = parseJson(bare.value);
  }
  if (Object.keys(parts).length > 0) mark['parts'] = parts;
  return { text, mark: Object.keys(mark).length > 0 ? mark : null };
}

/** Messages without their cache marks, and the marks by index. */
export function partMarks(messages: readonly MessageText[]): {
  messages: readonly MessageText[];
  marks: readonly ContextMark[];
} {
  const marks: ContextMark[] = [];
  const bare = messages.map((message, index) => {
    const { text, mark } = unmark(message.text);
    if (mark === null) return message;
    marks.push({ index, value: mark });
    return new MessageText(text, message.role);
  });
  return { messages: bare, marks };
}

/** Tool schemas as exact texts, or `null` when the request has none. */
export function toTools(request: RequestText, key = 'tools'): readonly ExactJson[] | null {
  return request.elements(key)?.map((text) => new ExactJson(text)) ?? null;
}
