import type { Edit, Finding } from '../edit.ts';
import type { Mark } from '../placeholder.ts';

/*
 * Neighbouring text parts of one message are read as one, for a secret may be split over them:
 *
 *     {"type":"text","text":"my sk-"},{"type":"text","text":"ant-…"}        parts of a message
 *     {"candidates":[{… "text":"my sk-" …}]},{"candidates":[{… "text":"ant-…" …}]}     chunks of an answer
 *
 * The raw text between the quotes is joined; of long parts the ends that touch, so that work stays in proportion.
 */

const windowChars = 512;
const betweenCharsMax = 1200;

/** Between two parts, read backwards from the key of the second: its type, the brackets, the type of the first. */
const typeHead = /"type"\s{0,4}:\s{0,4}"(\w{1,32})"\s{0,4},\s{0,64}$/;
const typeTail = /"\s{0,64},\s{0,64}"type"\s{0,4}:\s{0,4}"(\w{1,32})$/;
/** A mark for the provider's cache behind the text of the first. */
const cacheTail = /"\s{0,64},\s{0,64}"cache_?[cC]ontrol"\s{0,4}:\s{0,4}\{[^{}]{0,120}\}\s{0,64}$/;
const cacheTailChars = 420;
const typeHeadChars = 128;
const typeTailChars = 192;
const textKey = /"text"\s{0,4}:\s{0,4}"/y;
const keyBefore = /(?:"type"\s{0,4}:\s{0,4}"(\w{1,32})"\s{0,4},\s{0,64})?"text"\s{0,4}:\s{0,4}$/;
const typeAfter = /"\s{0,64},\s{0,64}"type"\s{0,4}:\s{0,4}"(\w{1,32})"/y;

interface Part {
  readonly start: number;
  readonly end: number;
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text.charCodeAt(at - 1 - slashes) === 92) slashes += 1;
  return slashes % 2 === 1;
}

/** The quote that opens the string which ends at a place, not before `floor`; -1 where there is none. */
function openingQuote(text: string, end: number, floor: number): number {
  for (let at = end - 1; at >= floor; at -= 1) if (text.charCodeAt(at) === 34 && !isEscaped(text, at)) return at;
  return -1;
}

/** The closing quote of the string that begins at a place, or the end of the text. */
function closingQuote(text: string, start: number): number {
  for (let at = text.indexOf('"', start); at >= 0; at = text.indexOf('"', at + 1)) if (!isEscaped(text, at)) return at;
  return text.length;
}

/** Goes back over at most 64 characters of white space. */
function spaceStart(text: string, end: number): number {
  let at = end;
  while (at > 0 && end - at < 64 && isSpace(text.charCodeAt(at - 1))) at -= 1;
  return at;
}

const isSpace = (code: number): boolean => code === 32 || (code >= 9 && code <= 13);

/** Goes back over one character and the white space before it; -1 where another one stands. */
function before(text: string, end: number, code: number): number {
  return end > 0 && text.charCodeAt(end - 1) === code ? spaceStart(text, end - 1) : -1;
}

/** Where the text of the part ends that closes before the key of the next one's text, and what types the two have. */
function seamBefore(text: string, key: number): { quote: number; first?: string; second?: string } | null {
  let at = spaceStart(text, key);
  let second: string | undefined;
  if (text.charCodeAt(at - 1) === 44) {
    const head = typeHead.exec(text.slice(Math.max(0, key - typeHeadChars), key));
    if (head === null) return null;
    second = head[1];
    at = spaceStart(text, key - head[0].length);
  }
  for (const code of [123, 44, 125]) {
    at = before(text, at, code);
    if (at < 0) return null;
  }
  if (text.charCodeAt(at - 1) === 125) {
    const cacheFrom = Math.max(0, at - cacheTailChars);
    const cache = cacheTail.exec(text.slice(cacheFrom, at));
    if (cache === null) return null;
    at = cacheFrom + cache.index + 1;
  }
  if (text.charCodeAt(at - 1) !== 34) return null;
  const from = Math.max(0, at - 1 - typeTailChars);
  const tail = isWordCode(text.charCodeAt(at - 2)) ? typeTail.exec(text.slice(from, at - 1)) : null;
  return tail === null ? { quote: at - 1, second } : { quote: from + tail.index, first: tail[1], second };
}

const isWordCode = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95;

/** The two parts that touch before the key of a text; `null` where none do or their types differ. */
function touchingAt(text: string, key: number, floor: number): [Part, Part] | null {
  textKey.lastIndex = key;
  if (!textKey.test(text)) return null;
  const start = textKey.lastIndex;
  const found = seamBefore(text, key);
  if (found === null) return null;
  const { quote, first, second } = found;
  const opening = openingQuote(text, quote, floor);
  const ahead = opening < 0 ? null : keyBefore.exec(text.slice(Math.max(0, opening - 120), opening));
  if (ahead === null) return null;
  const end = closingQuote(text, start);
  typeAfter.lastIndex = end;
  if ((first ?? ahead[1]) !== (second ?? typeAfter.exec(text)?.[1])) return null;
  return [
    { start: opening + 1, end: quote },
    { start, end },
  ];
}

/** Chains of parts that touch, each from its first part to its last. */
function chains(text: string): Part[][] {
  const all: Part[][] = [];
  let floor = 0;
  for (let key = text.indexOf('"text"'); key >= 0; key = text.indexOf('"text"', key + 6)) {
    const touching = touchingAt(text, key, floor);
    if (touching === null) continue;
    const [first, second] = touching;
    if (all.at(-1)?.at(-1)?.start === first.start) all.at(-1)!.push(second);
    else all.push([first, second]);
    floor = second.start - 1;
  }
  return all;
}

/** The texts of an array of chunks of an answer, one chunk each. */
function chunkChain(text: string): Part[] {
  const parts: Part[] = [];
  if (!/^\s{0,64}\[/.test(text)) return parts;
  let key = 0;
  for (let chunk = text.indexOf('"candidates"'); chunk >= 0;) {
    const next = text.indexOf('"candidates"', chunk + 12);
    if (key < chunk) key = text.indexOf('"text"', chunk);
    if (key < 0) break;
    textKey.lastIndex = key;
    if ((next < 0 || key < next) && textKey.test(text)) {
      const start = textKey.lastIndex;
      if (parts.length > 0 && start - parts.at(-1)!.end > betweenCharsMax) break;
      parts.push({ start, end: closingQuote(text, start) });
    }
    chunk = next;
  }
  return parts;
}

/** Pieces of parts to be read as one: long parts in the middle end one group and begin the next. */
function groups(chain: readonly Part[]): Part[][] {
  const all: Part[][] = [[]];
  chain.forEach(({ start, end }, at) => {
    const isLong = end - start > 2 * windowChars;
    const isFirst = at === 0;
    const isLast = at === chain.length - 1;
    if (!isLong) return void all.at(-1)!.push({ start, end });
    if (!isFirst) all.at(-1)!.push({ start, end: start + windowChars });
    if (!isLast) all.push([{ start: end - windowChars, end }]);
  });
  return all.filter((group) => group.length > 1);
}

/** A finding in the joined text, as edits of the pieces it lies in: the placeholder stands in the first. */
function spread(finding: Finding, group: readonly Part[], replacement: string): Edit[] {
  const edits: Edit[] = [];
  let passed = 0;
  for (const { start, end } of group) {
    const from = Math.max(finding.start, passed);
    const to = Math.min(finding.end, passed + end - start);
    if (from < to)
      edits.push({
        start: start + from - passed,
        end: start + to - passed,
        replacement: edits.length === 0 ? replacement : '',
        kind: finding.kind,
      });
    passed += end - start;
  }
  return edits;
}

/** Searches a joined text. */
type Search = (text: string) => readonly Finding[];

function findingsOf(text: string, search: Search): { finding: Finding; group: Part[]; joined: string }[] {
  const all = chains(text);
  const chunks = chunkChain(text);
  if (chunks.length > 1) all.push(chunks);
  return all.flatMap(groups).flatMap((group) => {
    const joined = group.map(({ start, end }) => text.slice(start, end)).join('');
    return search(joined).map((finding) => ({ finding, group, joined }));
  });
}

/** True when neighbouring parts hold a secret together. */
export function isSplitOver(text: string, search: Search): boolean {
  return text.includes('"text"') && findingsOf(text, search).length > 0;
}

/**
 * The edits that take out of neighbouring parts what is a secret when they are read as one. `isAcrossOnly` leaves what
 * lies in one part: a secret that reaches into the next is to go before its head is taken for the whole.
 */
export function partEdits(text: string, tools: { mark: Mark; search: Search; isAcrossOnly: boolean }): Edit[] {
  if (!text.includes('"text"')) return [];
  const { mark, search, isAcrossOnly } = tools;
  const edits = findingsOf(text, search)
    .flatMap(({ finding, group, joined }) => {
      const placeholder = mark(finding.kind, finding.secret ?? joined.slice(finding.start, finding.end));
      const spreadOut = spread(finding, group, finding.isDropped === true ? '' : placeholder);
      return isAcrossOnly && spreadOut.length < 2 ? [] : spreadOut;
    })
    .sort((a, b) => a.start - b.start);
  return edits.filter((edit, at) => at === 0 || edit.start >= edits[at - 1]!.end);
}
