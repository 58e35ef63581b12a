import { redactForm, redactMultipart } from './form.ts';
import type { Scanner } from './scanner.ts';
import { isWithheld } from './placeholder.ts';

/** What a body is, by its content type or, without one, by its beginning. */
type BodyForm = 'json' | 'json-lines' | 'event-stream' | 'form' | 'multipart' | 'text';

function formOf(text: string, contentType: string | null): BodyForm {
  const type = (contentType ?? '').toLowerCase();
  if (/\b(?:x-ndjson|ndjson|jsonl|json-lines|jsonlines|x-jsonlines|json-seq|stream\+json|x-json-stream)\b/.test(type))
    return 'json-lines';
  if (/\bjson\b/.test(type)) return 'json';
  if (type.includes('event-stream')) return 'event-stream';
  if (type.includes('x-www-form-urlencoded')) return 'form';
  if (type.startsWith('multipart/')) return 'multipart';
  return /^(?:\uFEFF)?(?:data|event|id|retry): ?/.test(text) ? 'event-stream' : 'text';
}

/** Redacts a text line by line; line ends stay as they are. */
function redactLines(text: string, line: (line: string, isLast: boolean) => string): string {
  const parts = text.split(/(\r\n|\n|\r)/);
  return parts.map((part, at) => (at % 2 === 1 || part === '' ? part : line(part, at === parts.length - 1))).join('');
}

function redactJsonBody(text: string, scanner: Scanner, isCut: boolean): string {
  const lead = /^[\uFEFF\x1e\s]*/.exec(text)![0];
  const rest = text.slice(lead.length);
  return rest === '' || isWithheld(rest) ? text : lead + scanner.json(rest, isCut);
}

function redactEventStream(text: string, scanner: Scanner): string {
  if (scanner.isClean(text)) return text;
  return redactLines(text, (line) => {
    const head = /^(?:\uFEFF)?(?:data: ?)?/.exec(line)![0];
    const rest = line.slice(head.length);
    return head + (head.includes('data') ? scanner.loose(rest) : scanner.text(rest));
  });
}

/**
 * Redacts a body in the way its content type asks for. A `truncated` one may end anywhere, in the middle of a
 * credential too.
 */
export function redactBody(
  text: string,
  contentType: string | null,
  tools: { scanner: Scanner; isCut: boolean },
): string {
  const redacted = redactByForm(text, contentType, tools);
  return tools.isCut ? tools.scanner.end(redacted) : redacted;
}

function redactByForm(text: string, contentType: string | null, tools: { scanner: Scanner; isCut: boolean }): string {
  const { scanner, isCut } = tools;
  switch (formOf(text, contentType)) {
    case 'json':
      return redactJsonBody(text, scanner, isCut);
    case 'json-lines':
      return redactLines(text, (line, isLast) => redactJsonBody(line, scanner, isCut && isLast));
    case 'event-stream':
      return redactEventStream(text, scanner);
    case 'form':
      return redactForm(text, scanner);
    case 'multipart':
      return redactMultipart(text, contentType ?? '', {
        scanner,
        redactPart: (part, type) => redactByForm(part, type, tools),
      });
    default:
      return scanner.loose(text);
  }
}
