import type { ContentKind } from './content.ts';
import type { Part } from './message.ts';
import { toMessage, toParts } from './message.ts';

const decoder = new TextDecoder('utf-8');

/** The strings inside a JSON value, keys left out, in reading order, depth bounded. */
function wordsOf(value: unknown, into: string[], depth = 0): void {
  if (typeof value === 'string') into.push(value);
  else if (typeof value === 'number') into.push(String(value));
  else if (depth > 64 || value === null || typeof value !== 'object') return;
  else for (const item of Object.values(value)) wordsOf(item, into, depth + 1);
}

/** The words of one part, for search and previews; files and sources give their names only. */
export function partToText(part: Part): string {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return part.text;
    case 'tool-call':
      return `${part.name} ${valueToText(part.args)}`;
    case 'tool-result':
      return valueToText(part.result);
    case 'file':
      return part.name ?? '';
    case 'source':
      return [part.title, part.url].filter((word) => word !== null).join(' ');
    case 'other':
      return valueToText(part.value);
  }
}

/** The words of any JSON value. */
export function valueToText(value: unknown): string {
  const words: string[] = [];
  wordsOf(value, words);
  return words.join(' ');
}

/** JSON of a content, or its text when it is not JSON. */
export function parseContent(bytes: Uint8Array): unknown {
  const text = decoder.decode(bytes);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/**
 * The words of a content, for full text. Tool schemas, bodies and environments have none: their words are those of
 * messages and outputs again, or nobody's.
 */
export function contentToText(kind: ContentKind, bytes: Uint8Array): string {
  if (kind === 'tool' || kind === 'body' || kind === 'environment') return '';
  const value = parseContent(bytes);
  if (kind === 'message') return toMessage(value).parts.map(partToText).join('\n');
  if (kind === 'output') return toParts(value).map(partToText).join('\n');
  return valueToText(value);
}

/**
 * The plain text a model or tool said, for previews: text parts first, else whatever there is. Never throws: what is
 * nested too deep to be written down again is shown as it was recorded.
 */
export function contentToPreview(kind: ContentKind, bytes: Uint8Array): string {
  try {
    return valueToPreview(kind, parseContent(bytes));
  } catch {
    return decoder.decode(bytes);
  }
}

function valueToPreview(kind: ContentKind, value: unknown): string {
  if (kind === 'result' || kind === 'args') return typeof value === 'string' ? value : JSON.stringify(value);
  const parts = kind === 'message' ? toMessage(value).parts : toParts(value);
  const spoken = parts.filter((part) => part.type === 'text');
  if (spoken.length > 0) return spoken.map((part) => part.text).join('');
  const calls = parts.filter((part) => part.type === 'tool-call');
  if (calls.length > 0) return calls.map((part) => `${part.name}(${JSON.stringify(part.args) ?? ''})`).join(' ');
  return parts.map(partToText).join('\n');
}

/** One line for lists: white space collapsed, at most 200 code points, ellipsis included. */
export function toSummaryLine(text: string): string | null {
  const flat = text.slice(0, 4000).replace(/\s+/gu, ' ').trim();
  if (flat === '') return null;
  const points = Array.from(flat);
  return points.length <= 200 ? flat : `${points.slice(0, 199).join('')}…`;
}
