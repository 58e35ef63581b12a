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

/** From the quote that closes a part to the key of the text of the next one. */
const seam =
  /"(?:\s{0,64},\s{0,64}"type"\s{0,4}:\s{0,4}"(\w{1,32})")?\s{0,64}\}\s{0,64},\s{0,64}\{\s{0,64}(?:"type"\s{0,4}:\s{0,4}"(\w{1,32})"\s{0,4},\s{0,64})?$/;
const seamCharsMax = 320;
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

/** The two parts that touch before the key of a text; `null` where none do or their types differ. */
function touchingAt(text: string, key: number, floor: number): [Part, Part] | null {
  textKey.lastIndex = key;
  if (!textKey.test(text)) return null;
  const start = textKey.lastIndex;
  const from = Math.max(0, key - seamCharsMax);
  const found = seam.exec(text.slice(from, key));
  if (found === null) return null;
  const quote = from + found.index;
  const opening = openingQuote(text, quote, floor);
  const before = opening < 0 ? null : keyBefore.exec(text.slice(Math.max(0, opening - 120), opening));
  if (before === null) return null;
  const end = closingQuote(text, start);
  typeAfter.lastIndex = end;
  const secondType = found[2] ?? typeAfter.exec(text)?.[1];
  if ((found[1] ?? before[1]) !== secondType) return null;
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
