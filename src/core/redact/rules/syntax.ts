/** A regular expression as a tree, as far as work has to be judged. */
export type Node =
  | { readonly type: 'set'; readonly has: (code: number) => boolean }
  | { readonly type: 'assert'; readonly at: 'start' | 'end' | 'word' | 'inside'; readonly isLineWise: boolean }
  | { readonly type: 'look'; readonly body: Node; readonly isNegative: boolean; readonly isBehind: boolean }
  | { readonly type: 'group'; readonly body: Node; readonly capture: number | null }
  | { readonly type: 'repeat'; readonly body: Node; readonly min: number; readonly max: number }
  | { readonly type: 'sequence' | 'choice'; readonly nodes: readonly Node[] };

/** A parsed pattern and how many groups it captures. */
export interface Syntax {
  readonly root: Node;
  readonly captures: number;
}

/** Syntax that cannot be judged; the message says which. Never leaves this folder. */
export class Unjudged extends Error {}

/** True for a letter, digit or underscore: what `\w` and `\b` go by. */
export const isWord = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122);
const isSpace = (code: number): boolean =>
  (code >= 9 && code <= 13) || code === 32 || code === 160 || code === 0xfeff || code === 0x2028 || code === 0x2029;
const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isLineEnd = (code: number): boolean => code === 10 || code === 13 || code === 0x2028 || code === 0x2029;
const setByEscape: Readonly<Record<string, (code: number) => boolean>> = {
  s: isSpace,
  S: (code) => !isSpace(code),
  d: isDigit,
  D: (code) => !isDigit(code),
  w: isWord,
  W: (code) => !isWord(code),
};
const codeByEscape: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, 0: 0 };

type Unit = number | ((code: number) => boolean);

/** Parses the source of a valid pattern. Throws `Unjudged` for back-references and what else has no bounded reading. */
export function parsePattern(source: string, flags: string): Syntax {
  let at = 0;
  let captures = 0;
  if (flags.includes('v')) throw new Unjudged('the flag v');
  const fold = (has: (code: number) => boolean): ((code: number) => boolean) =>
    flags.includes('i')
      ? (code) =>
          has(code) ||
          has(String.fromCharCode(code).toLowerCase().charCodeAt(0)) ||
          has(String.fromCharCode(code).toUpperCase().charCodeAt(0))
      : has;
  const takeHex = (digits: number): number => {
    at += digits;
    return Number.parseInt(source.slice(at - digits, at), 16);
  };
  const takeEscape = (isInClass: boolean): Unit => {
    const letter = source[at]!;
    at += 1;
    if (letter in setByEscape) return setByEscape[letter]!;
    if (letter === 'b' && isInClass) return 8;
    if (letter === 'x') return takeHex(2);
    if (letter === 'u' && source[at] === '{') throw new Unjudged('\\u{…}');
    if (letter === 'u') return takeHex(4);
    if (letter === 'c') return source.charCodeAt(at++) & 31;
    if (letter === 'p' || letter === 'P') {
      const end = source.indexOf('}', at);
      const property = new RegExp(`\\${letter}${source.slice(at, end + 1)}`, 'u');
      at = end + 1;
      return (code) => property.test(String.fromCharCode(code));
    }
    if (letter === 'k' || /[1-9]/.test(letter)) throw new Unjudged(`the back-reference \\${letter}`);
    return codeByEscape[letter] ?? letter.charCodeAt(0);
  };
  const takeUnit = (isInClass: boolean): Unit => {
    const character = source[at]!;
    at += 1;
    return character === '\\' ? takeEscape(isInClass) : character.charCodeAt(0);
  };
  const takeClass = (): Node => {
    const isNegative = source[at] === '^';
    if (isNegative) at += 1;
    const tests: ((code: number) => boolean)[] = [];
    while (source[at] !== ']') {
      const low = takeUnit(true);
      if (typeof low !== 'number') tests.push(low);
      else if (source[at] === '-' && source[at + 1] !== ']') {
        at += 1;
        const high = takeUnit(true);
        tests.push(typeof high === 'number' ? (code) => code >= low && code <= high : high);
      } else tests.push((code) => code === low);
    }
    at += 1;
    const has = fold((code) => tests.some((test) => test(code)));
    return { type: 'set', has: isNegative ? (code) => !has(code) : has };
  };
  const takeGroup = (): Node => {
    const head = /^\?(?:[:!=]|<[!=]|<[^>]*>|[ims-]*:)/.exec(source.slice(at, at + 64))?.[0] ?? '';
    if (/^\?[ims-]+:/.test(head)) throw new Unjudged('flags inside a group');
    at += head.length;
    const isCapturing = head === '' || /^\?<[^!=]/.test(head);
    if (isCapturing) captures += 1;
    const capture = isCapturing ? captures : null;
    const body = takeChoice();
    at += 1;
    if (!/[!=]/.test(head) || isCapturing) return { type: 'group', body, capture };
    return { type: 'look', body, isNegative: head.endsWith('!'), isBehind: head.includes('<') };
  };
  const takeAtom = (): Node => {
    const character = source[at]!;
    const isLineWise = flags.includes('m');
    if (source.startsWith('\\b', at) || source.startsWith('\\B', at)) {
      at += 2;
      return { type: 'assert', at: source[at - 1] === 'b' ? 'word' : 'inside', isLineWise };
    }
    if ('([^$.'.includes(character)) at += 1;
    if (character === '(') return takeGroup();
    if (character === '[') return takeClass();
    if (character === '^') return { type: 'assert', at: 'start', isLineWise };
    if (character === '$') return { type: 'assert', at: 'end', isLineWise };
    if (character === '.') return { type: 'set', has: flags.includes('s') ? () => true : (code) => !isLineEnd(code) };
    const unit = takeUnit(false);
    return { type: 'set', has: fold(typeof unit === 'number' ? (code) => code === unit : unit) };
  };
  const takeBounds = (): readonly [number, number] | null => {
    const simple: Readonly<Record<string, readonly [number, number]>> = {
      '*': [0, Infinity],
      '+': [1, Infinity],
      '?': [0, 1],
    };
    const counted = /^\{(\d+)(,(\d*))?\}/.exec(source.slice(at, at + 24));
    const bounds = simple[source[at] ?? ''];
    if (bounds === undefined && counted === null) return null;
    at += bounds === undefined ? counted![0].length : 1;
    if (source[at] === '?') at += 1;
    if (bounds !== undefined) return bounds;
    const low = Number(counted![1]);
    return [low, counted![2] === undefined ? low : counted![3] === '' ? Infinity : Number(counted![3])];
  };
  const takeSequence = (): Node => {
    const nodes: Node[] = [];
    while (at < source.length && source[at] !== '|' && source[at] !== ')') {
      const body = takeAtom();
      const bounds = takeBounds();
      nodes.push(bounds === null ? body : { type: 'repeat', body, min: bounds[0], max: bounds[1] });
    }
    return { type: 'sequence', nodes };
  };
  function takeChoice(): Node {
    const nodes = [takeSequence()];
    while (source[at] === '|') {
      at += 1;
      nodes.push(takeSequence());
    }
    return nodes.length === 1 ? nodes[0]! : { type: 'choice', nodes };
  }
  return { root: takeChoice(), captures };
}
