import { isRedacted } from './placeholder.ts';
import type { Scanner } from './scanner.ts';

function decodeField(raw: string): string {
  try {
    return decodeURIComponent(raw.replaceAll('+', ' '));
  } catch {
    return raw;
  }
}

/** Encodes a field value; placeholders stay readable. */
const encodeField = (value: string): string =>
  encodeURIComponent(value).replace(/%5BREDACTED%3A([a-z0-9-]+)%3A([0-9a-f]{8})%5D/g, '[REDACTED:$1:$2]');

function redactValue(name: string, value: string, scanner: Scanner): string {
  const verdict = scanner.judge.judge(name);
  if (verdict !== 'deny' && verdict !== 'deny-text') return scanner.loose(value);
  return value === '' || isRedacted(value) ? value : scanner.whole(value, 'key');
}

/** Redacts `application/x-www-form-urlencoded` text field by field; untouched fields keep their bytes. */
export function redactForm(text: string, scanner: Scanner): string {
  return text
    .split('&')
    .map((field) => {
      const at = field.indexOf('=');
      if (at < 0) return scanner.text(field);
      const name = decodeField(field.slice(0, at));
      const value = decodeField(field.slice(at + 1));
      const shownName = scanner.text(name);
      const shown = redactValue(name, value, scanner);
      const head = shownName === name ? field.slice(0, at) : encodeField(shownName);
      return `${head}=${shown === value ? field.slice(at + 1) : encodeField(shown)}`;
    })
    .join('&');
}

function redactPart(part: string, scanner: Scanner, redact: (text: string, type: string | null) => string): string {
  const match = /\r?\n\r?\n/.exec(part);
  if (match === null) return scanner.text(part);
  const bodyAt = match.index + match[0].length;
  const head = part.slice(0, bodyAt);
  const tail = /\r?\n$/.exec(part.slice(bodyAt))?.[0] ?? '';
  const body = part.slice(bodyAt, part.length - tail.length);
  const name = /\bname="([^"]{0,256})"/i.exec(head)?.[1] ?? '';
  const type = /^content-type:\s*([^\r\n]{0,256})/im.exec(head)?.[1] ?? null;
  const verdict = scanner.judge.judge(name);
  const isDenied = verdict === 'deny' || verdict === 'deny-text';
  const isWhole = isDenied && body !== '' && !isRedacted(body);
  return scanner.text(head) + (isWhole ? scanner.whole(body, 'key') : redact(body, type)) + tail;
}

/** Redacts a multipart body part by part: denied names lose their values, each part goes by its own content type. */
export function redactMultipart(
  text: string,
  contentType: string,
  tools: { scanner: Scanner; redactPart: (text: string, contentType: string | null) => string },
): string {
  const named = /boundary="?([^";]{1,200})"?/i.exec(contentType)?.[1];
  const boundary = named === undefined ? /^--[^\r\n]{1,200}/.exec(text)?.[0] : `--${named}`;
  if (boundary === undefined || !text.includes(boundary)) return tools.scanner.text(text);
  return text
    .split(boundary)
    .map((part, at) => (at === 0 ? tools.scanner.text(part) : redactPart(part, tools.scanner, tools.redactPart)))
    .join(boundary);
}
