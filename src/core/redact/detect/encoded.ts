import type { Finding } from '../edit.ts';
import { nextRun, runEnd } from './prefilter.ts';

/** Searches a decoded text; what it finds is carried back to the encoded one. */
export type Search = (text: string) => readonly Finding[];

/** Escapes of characters that nobody sees, in no group, then of printable ones: `&#82` must not be read of `&#8203;`. */
const escape =
  /\\u(?:00[aA][dD]|200[b-fB-F]|2060|[fF][eE][fF][fF])|&#0{0,6}(?:173|820[3-7]|8288|65279);?|&#[xX]0{0,6}(?:[aA][dD]|200[b-fB-F]|2060|[fF][eE][fF][fF]);?|&(?:shy|zwj|zwnj|lrm|rlm|NoBreak|ZeroWidthSpace);|%([2-7][0-9A-Fa-f]|0[9adAD])|\\u00([2-7][0-9A-Fa-f])|\\x([2-7][0-9A-Fa-f])|&#x0{0,6}([2-7][0-9A-Fa-f]);?|&#0{0,6}(3[2-9]|[4-9]\d|1[01]\d|12[0-6]);?|&(amp|apos|colon|commat|equals|gt|hyphen|lowbar|lt|num|percnt|period|plus|quot|sol);/g;
const characterByEntity: Readonly<Record<string, string>> = {
  amp: '&',
  apos: "'",
  colon: ':',
  commat: '@',
  equals: '=',
  gt: '>',
  hyphen: '-',
  lowbar: '_',
  lt: '<',
  num: '#',
  percnt: '%',
  period: '.',
  plus: '+',
  quot: '"',
  sol: '/',
};

function characterOf([, percent, unicode, short, hex, decimal, name]: RegExpMatchArray): string {
  if (name !== undefined) return characterByEntity[name]!;
  if (decimal !== undefined) return String.fromCharCode(Number(decimal));
  const code = percent ?? unicode ?? short ?? hex;
  return code === undefined ? '' : String.fromCharCode(Number.parseInt(code, 16));
}
const regionMax = 65_536;
/** The shortest finding, `://a:b@`, with one escape in it. */
const shortestChars = 9;

const isRegionCode = (code: number): boolean =>
  code > 32 && code !== 34 && code !== 39 && code !== 60 && code !== 62 && code !== 96;

/** A text whose escapes were read, and where each of its characters stood before. */
export interface Decoded {
  readonly text: string;
  /** The place in the raw text of a place in the decoded one. Work grows with the logarithm of the escapes. */
  rawAt(at: number): number;
}

/** Reads the escapes of printable characters, percent signs and entities included. One level only. */
export function decodeEscapes(raw: string): Decoded {
  /** Behind each escape: the place in the decoded text, and by how much the raw one is ahead of it. */
  const places: number[] = [];
  const leads: number[] = [];
  let text = '';
  let copied = 0;
  escape.lastIndex = 0;
  for (let match = escape.exec(raw); match !== null; match = escape.exec(raw)) {
    text += raw.slice(copied, match.index) + characterOf(match);
    copied = match.index + match[0].length;
    places.push(text.length);
    leads.push(copied - text.length);
  }
  return {
    text: text + raw.slice(copied),
    rawAt(at) {
      let low = 0;
      let high = places.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (places[middle]! <= at) low = middle + 1;
        else high = middle;
      }
      return low === 0 ? at : at + leads[low - 1]!;
    },
  };
}

/**
 * What hides behind `%2D`, `\u002d`, `\x2d` and `&#45;` around a place. Reads the word it stands in, of entities the text
 * up to the next tag, from `from` on, and returns where it ended, so that no word is read twice.
 */
export function escapedFindings(
  text: string,
  place: { at: number; from: number },
  search: Search,
): { readonly findings: Finding[]; readonly end: number } {
  const isEntity = text.charCodeAt(place.at) === 38;
  const isInside = (code: number): boolean => isRegionCode(code) || (isEntity && code === 32);
  let start = place.at;
  const floor = Math.max(place.from, place.at - regionMax);
  while (start > floor && isInside(text.charCodeAt(start - 1))) start -= 1;
  let end = place.at;
  while (end < text.length && end - place.at < regionMax && isInside(text.charCodeAt(end))) end += 1;
  if (end - start < shortestChars) return { findings: [], end };
  const decoded = decodeEscapes(text.slice(start, end));
  const findings = search(decoded.text).map((finding): Finding => ({
    start: start + decoded.rawAt(finding.start),
    end: start + decoded.rawAt(finding.end),
    kind: finding.kind,
    isDropped: finding.isDropped ?? false,
    secret: finding.secret ?? decoded.text.slice(finding.start, finding.end),
  }));
  return { findings, end };
}

const sextets = new Int8Array(128).fill(-1);
[...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].forEach((character, value) => {
  sextets[character.charCodeAt(0)] = value;
});
sextets[45] = 62;
sextets[95] = 63;

/** True when sixteen base64 characters decode to twelve printable ones: a word or a path does in one case of thousands. */
function holdsText(text: string, at: number): boolean {
  for (let group = at; group < at + 16; group += 4) {
    const a = sextets[text.charCodeAt(group) & 127]!;
    const b = sextets[text.charCodeAt(group + 1) & 127]!;
    const c = sextets[text.charCodeAt(group + 2) & 127]!;
    const d = sextets[text.charCodeAt(group + 3) & 127]!;
    const bits = (a << 18) | (b << 12) | (c << 6) | d;
    if (!isPrintable(bits >> 16) || !isPrintable((bits >> 8) & 255) || !isPrintable(bits & 255)) return false;
  }
  return true;
}

const isPrintable = (byte: number): boolean => (byte >= 32 && byte < 127) || byte === 10 || byte === 13 || byte === 9;

/** The rest of base64 that was broken into lines, each end written out or escaped. */
const furtherLines = /(?:(?:\r?\n|(?:\\{1,4}r)?\\{1,4}n)[A-Za-z0-9+/_-]{4,})+/y;
const padding = /={0,2}/y;

function encodedEnd(text: string, start: number, runEndAt: number): number {
  let end = runEndAt;
  if (end - start >= 56 && (end - start) % 4 === 0) {
    furtherLines.lastIndex = end;
    if (furtherLines.test(text)) end = furtherLines.lastIndex;
  }
  padding.lastIndex = end;
  padding.test(text);
  return padding.lastIndex;
}

/** What follows the number of a bot in its token. */
const botToken = /\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}/y;

/** The token of a Discord bot: its number as base64, a time and a signature. It has no other mark. */
function botFinding(text: string, span: { start: number; end: number }): Finding | null {
  if (text[span.end] !== '.' || span.end - span.start > 28) return null;
  if (!/^\d{16,20}$/.test(Buffer.from(text.slice(span.start, span.end), 'base64').toString('latin1'))) return null;
  botToken.lastIndex = span.end;
  return botToken.test(text) ? { start: span.start, end: botToken.lastIndex, kind: 'discord-token' } : null;
}

/** The bytes of each pair of hexadecimal digits are printable: those of a digest are in one case of millions. */
function holdsHex(text: string, at: number, end: number): boolean {
  return end - at >= 32 && /^(?:[2-7][0-9A-Fa-f]|0[9AaDd]){16}/.test(text.slice(at, at + 32));
}

function hexFindings(text: string, span: { start: number; end: number }, search: Search): Finding[] {
  const plain = Buffer.from(text.slice(span.start, span.end), 'hex').toString('latin1');
  return search(plain).map(({ start, end, kind, secret }) => ({
    start: span.start + 2 * start,
    end: end >= plain.length ? span.end : span.start + 2 * end,
    kind,
    secret: secret ?? plain.slice(start, end),
  }));
}

function encodedFindings(text: string, span: { start: number; end: number }, search: Search): Finding[] {
  const raw = text.slice(span.start, span.end);
  const isBroken = /[\r\n\\]/.test(raw);
  const plain = Buffer.from(isBroken ? raw.replaceAll(/\\+[nr]|[\r\n]/g, '') : raw, 'base64').toString('latin1');
  return search(plain).map((finding): Finding => {
    const isToEnd = isBroken || finding.end >= plain.length;
    return {
      start: isBroken ? span.start : span.start + Math.floor(finding.start / 3) * 4,
      end: isToEnd ? span.end : Math.min(span.end, span.start + Math.ceil(finding.end / 3) * 4),
      kind: finding.kind,
      secret: finding.secret ?? plain.slice(finding.start, finding.end),
    };
  });
}

/** Where text encoded as base64 may begin in a run: at its first four places, and behind each slash. */
function textStart(text: string, start: number, end: number): number {
  for (let at = start; at < start + 4; at += 1) if (at + 16 <= end && holdsText(text, at)) return at;
  for (let at = start; at + 17 <= end; at += 1)
    if (text.charCodeAt(at) === 47 && holdsText(text, at + 1)) return at + 1;
  return -1;
}

/** Text that is encoded as base64 or hexadecimal digits; offsets in UTF-16 units. */
export interface Encoded {
  readonly start: number;
  readonly end: number;
  readonly isHex: boolean;
}

/** The next place at or after `from` where base64 or hexadecimal digits of text stand; `null` when there is none. */
export function nextEncoded(text: string, from: number): Encoded | null {
  for (let run = nextRun(text, from); run >= 0;) {
    const end = runEnd(text, run);
    const hexAt = text.charCodeAt(run + 1) === 120 ? run + 2 : run;
    if (holdsHex(text, hexAt, end)) return { start: hexAt, end, isHex: true };
    const start = textStart(text, run, end);
    if (start >= 0) return { start, end: encodedEnd(text, start, end), isHex: false };
    run = nextRun(text, end);
  }
  return null;
}

/**
 * Secrets in text that is encoded as base64 or hexadecimal digits, one level deep: the groups that hold them. Without a search only
 * tokens that are base64 themselves are found.
 */
export function base64Findings(text: string, search: Search | null): Finding[] {
  const findings: Finding[] = [];
  for (let span = nextEncoded(text, 0); span !== null; span = nextEncoded(text, span.end)) {
    const bot = span.isHex ? null : botFinding(text, span);
    const findingsIn = span.isHex ? hexFindings : encodedFindings;
    if (bot !== null) findings.push(bot);
    else if (search !== null) for (const finding of findingsIn(text, span, search)) findings.push(finding);
  }
  return findings;
}
