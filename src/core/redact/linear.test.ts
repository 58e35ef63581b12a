import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRedactor } from './create.ts';

/*
 * Work is counted, not timed: for these tests every regular expression is run by a plain backtracking matcher that
 * counts its steps. What backtracks badly there backtracks badly in the engine.
 */
type Node =
  | { readonly type: 'set'; has(code: number): boolean }
  | { readonly type: 'assert'; holds(text: string, at: number): boolean }
  | { readonly type: 'look'; readonly body: Node; readonly isNegative: boolean }
  | { readonly type: 'group'; readonly body: Node; readonly capture: number | null }
  | { readonly type: 'repeat'; readonly body: Node; readonly min: number; readonly max: number }
  | { readonly type: 'sequence' | 'choice'; readonly nodes: readonly Node[] };

const isWord = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122);
const isSpace = (code: number): boolean =>
  (code >= 9 && code <= 13) || code === 32 || code === 160 || code === 0xfeff || code === 0x2028 || code === 0x2029;
const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const setByEscape: Record<string, (code: number) => boolean> = {
  s: isSpace,
  S: (code) => !isSpace(code),
  d: isDigit,
  D: (code) => !isDigit(code),
  w: isWord,
  W: (code) => !isWord(code),
};
const codeByEscape: Record<string, number> = { n: 10, r: 13, t: 9, f: 12, v: 11, b: 8, 0: 0 };

function parsePattern(source: string, flags: string): { root: Node; captures: number } {
  let at = 0;
  let captures = 0;
  const fold = (has: (code: number) => boolean): ((code: number) => boolean) => {
    if (!flags.includes('i')) return has;
    return (code) =>
      has(code) ||
      (code < 128 &&
        (has(String.fromCharCode(code).toLowerCase().charCodeAt(0)) ||
          has(String.fromCharCode(code).toUpperCase().charCodeAt(0))));
  };
  const takeEscape = (): ((code: number) => boolean) | number => {
    const letter = source[at]!;
    at += 1;
    if (letter in setByEscape) return setByEscape[letter]!;
    const digits = letter === 'x' ? 2 : letter === 'u' ? 4 : 0;
    if (digits === 0) return codeByEscape[letter] ?? letter.charCodeAt(0);
    at += digits;
    return Number.parseInt(source.slice(at - digits, at), 16);
  };
  const takeUnit = (): ((code: number) => boolean) | number => {
    const character = source[at]!;
    at += 1;
    return character === '\\' ? takeEscape() : character.charCodeAt(0);
  };
  const takeClass = (): Node => {
    const isNegative = source[at] === '^';
    if (isNegative) at += 1;
    const tests: ((code: number) => boolean)[] = [];
    while (source[at] !== ']') {
      const low = takeUnit();
      if (typeof low !== 'number') tests.push(low);
      else if (source[at] === '-' && source[at + 1] !== ']') {
        at += 1;
        const high = takeUnit() as number;
        tests.push((code) => code >= low && code <= high);
      } else tests.push((code) => code === low);
    }
    at += 1;
    const has = fold((code) => tests.some((test) => test(code)));
    return { type: 'set', has: isNegative ? (code) => !has(code) : has };
  };
  const takeGroup = (): Node => {
    const head = ['?:', '?!', '?='].find((each) => source.startsWith(each, at)) ?? '';
    at += head.length;
    const capture = head === '' ? (captures += 1) : null;
    const body = takeChoice();
    at += 1;
    return head === '?!' || head === '?='
      ? { type: 'look', body, isNegative: head === '?!' }
      : { type: 'group', body, capture };
  };
  const takeAtom = (): Node => {
    const character = source[at]!;
    if (character === '(') {
      at += 1;
      return takeGroup();
    }
    if (character === '[') {
      at += 1;
      return takeClass();
    }
    if (character === '^' || character === '$') {
      at += 1;
      const isLineMode = flags.includes('m');
      return character === '^'
        ? {
            type: 'assert',
            holds: (text, place) =>
              place === 0 || (isLineMode && (text[place - 1] === '\n' || text[place - 1] === '\r')),
          }
        : {
            type: 'assert',
            holds: (text, place) =>
              place === text.length || (isLineMode && (text[place] === '\n' || text[place] === '\r')),
          };
    }
    if (source.startsWith('\\b', at)) {
      at += 2;
      return {
        type: 'assert',
        holds: (text, place) => isWord(text.charCodeAt(place - 1)) !== isWord(text.charCodeAt(place)),
      };
    }
    if (character === '.') {
      at += 1;
      return { type: 'set', has: (code) => code !== 10 && code !== 13 };
    }
    const unit = takeUnit();
    return { type: 'set', has: fold(typeof unit === 'number' ? (code) => code === unit : unit) };
  };
  const takeBounds = (): [number, number] | null => {
    const simple: Record<string, [number, number]> = { '*': [0, Infinity], '+': [1, Infinity], '?': [0, 1] };
    const bounds = simple[source[at] ?? ''];
    if (bounds !== undefined) {
      at += 1;
      return bounds;
    }
    if (source[at] !== '{') return null;
    const close = source.indexOf('}', at);
    const [low, high] = source.slice(at + 1, close).split(',');
    at = close + 1;
    return [Number(low), high === undefined ? Number(low) : high === '' ? Infinity : Number(high)];
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

let steps = 0;
const patternBySource = new Map<string, { root: Node; captures: number }>();

/** Matches a pattern at one place, as a backtracking engine does; returns the end and the captures. */
function matchHere(
  pattern: { root: Node; captures: number },
  text: string,
  start: number,
): { end: number; groups: (string | undefined)[] } | null {
  const groups: (string | undefined)[] = Array.from({ length: pattern.captures });
  let end = -1;
  const repeatSet = (
    node: { min: number; max: number },
    set: Extract<Node, { type: 'set' }>,
    at: number,
    next: (at: number) => boolean,
  ): boolean => {
    let last = at;
    while (last < text.length && last - at < node.max && set.has(text.charCodeAt(last))) last += 1;
    steps += last - at + 1;
    for (let each = last; each - at >= node.min; each -= 1) {
      steps += 1;
      if (next(each)) return true;
    }
    return false;
  };
  const repeat = (
    node: Extract<Node, { type: 'repeat' }>,
    at: number,
    count: number,
    next: (at: number) => boolean,
  ): boolean => {
    if (node.body.type === 'set') return repeatSet(node, node.body, at, next);
    if (count < node.max && run(node.body, at, (after) => after > at && repeat(node, after, count + 1, next)))
      return true;
    return count >= node.min && next(at);
  };
  const run = (node: Node, at: number, next: (at: number) => boolean): boolean => {
    steps += 1;
    switch (node.type) {
      case 'set':
        return at < text.length && node.has(text.charCodeAt(at)) && next(at + 1);
      case 'assert':
        return node.holds(text, at) && next(at);
      case 'look':
        return run(node.body, at, () => true) !== node.isNegative && next(at);
      case 'group':
        return run(node.body, at, (after) => {
          if (node.capture !== null) groups[node.capture - 1] = text.slice(at, after);
          return next(after);
        });
      case 'repeat':
        return repeat(node, at, 0, next);
      case 'choice':
        return node.nodes.some((each) => run(each, at, next));
      default: {
        const from = (index: number, place: number): boolean =>
          index === node.nodes.length ? next(place) : run(node.nodes[index]!, place, (after) => from(index + 1, after));
        return from(0, at);
      }
    }
  };
  const isMatch = run(pattern.root, start, (at) => {
    end = at;
    return true;
  });
  return isMatch ? { end, groups } : null;
}

function countedExec(this: RegExp, input: string): RegExpExecArray | null {
  const text = String(input);
  const name = `${this.flags}/${this.source}`;
  const pattern = patternBySource.get(name) ?? parsePattern(this.source, this.flags);
  patternBySource.set(name, pattern);
  const isKept = this.global || this.sticky;
  for (let at = isKept ? this.lastIndex : 0; at <= text.length; at += 1) {
    const match = matchHere(pattern, text, at);
    if (match !== null) {
      if (isKept) this.lastIndex = match.end;
      return Object.assign([text.slice(at, match.end), ...match.groups], {
        index: at,
        input: text,
      }) as unknown as RegExpExecArray;
    }
    if (this.sticky) break;
  }
  if (isKept) this.lastIndex = 0;
  return null;
}

const redactor = createRedactor({ key: new Uint8Array(32).fill(7) });
const pemOpening = ['-----', 'BEGIN PRIVATE KEY', '-----'].join('');

/** Pieces that, repeated, feed a detector without ever satisfying it, or satisfy it at every place. */
const pieces = [
  'a',
  ' ',
  '-',
  '"',
  '\\',
  '\n',
  '=',
  '://',
  ')',
  '[',
  '{"',
  ':',
  '@',
  '%41',
  '\\u0041',
  '?a',
  '?a=',
  '&token=',
  'a@',
  'key',
  'key"',
  'key ',
  'key\\\\',
  'token: a',
  'password=',
  'password="',
  'secret=a1b2c3',
  'bearer ',
  'bearer a',
  'basic ',
  'basic YTpi',
  'cookie',
  'cookie:a=',
  'cookie: a=bcde; ',
  'sk-',
  'sk-a',
  ' sk-aaaaaaaa',
  'sk-ant-',
  'AIza',
  'AKIA',
  'ASIA2',
  'ghp_',
  'ghp_a',
  'github_pat_',
  'xoxb-',
  'xoxb-1',
  'sk_live_',
  'eyJ',
  'eyJa.',
  '.eyJaaaaaa.aaaaaa',
  'eyJaaaaaaaaa',
  '-----BEGIN',
  '-----BEGIN A ',
  pemOpening,
  `${pemOpening}AAAAAAAAAAAAAAAAAAAA`,
  'AAAAAAAAAAAAAAAA\n',
  'AAAAAAAAAAAAAAAA\\n',
  'a://b',
  'a://b:c@',
  'https://a:b@c/',
  'https://',
  'h://x?token=',
  '[REDACTED:',
  '[REDACTED:a:00000000]',
  'Bearer [REDACTED:a:00000000]',
  '[WITHHELD:',
  '{"password":{',
  '{"type":"object","password":',
  '{"a":',
  '[[',
  '"token":"',
  'data: {"a":',
  '&a=%',
  '--b\r\n',
];

function stepsFor(redact: (text: string) => unknown, text: string): number {
  steps = 0;
  redact(text);
  return steps;
}

const ways: [string, (text: string) => { value: string }][] = [
  ['text', (text) => redactor.text(text)],
  ['text after an opening', (text) => redactor.text(`${pemOpening} password="https://u:p@h?token=${text}`)],
  ['json', (text) => redactor.json(JSON.stringify({ a: text, password: { type: 'object', text } }))],
  ['cut json', (text) => redactor.body(`{"a":"sk-${text}`, 'application/json', { truncated: true })],
  ['url', (text) => redactor.url(`https://h/?a=${text}`)],
  ['header', (text) => redactor.headers({ a: text, cookie: text })['value'] as unknown as { value: string }],
  ['event stream', (text) => redactor.body(`data: ${text}`, 'text/event-stream')],
  ['form', (text) => redactor.body(`a=${text}`, 'application/x-www-form-urlencoded')],
  ['multipart', (text) => redactor.body(`--b\r\n\r\n${text}`, 'multipart/form-data; boundary=b')],
];

describe('work is linear in the length of hostile text', () => {
  beforeEach(() => void vi.spyOn(RegExp.prototype, 'exec').mockImplementation(countedExec));
  afterEach(() => vi.restoreAllMocks());

  it('the counting matcher sees a pattern that backtracks', () => {
    const bad = (text: string): boolean => /(?:a+)+b/.test(text);
    expect(stepsFor(bad, 'a'.repeat(18))).toBeGreaterThan(4 * stepsFor(bad, 'a'.repeat(14)));
    const quadratic = (text: string): boolean => /a*$x/.test(text);
    expect(stepsFor(quadratic, 'a'.repeat(2000))).toBeGreaterThan(3 * stepsFor(quadratic, 'a'.repeat(1000)));
  });

  it.each(ways)(
    '%s',
    (_name, redact) => {
      for (const piece of pieces) {
        const short = stepsFor(redact, piece.repeat(Math.ceil(1000 / piece.length)));
        const long = stepsFor(redact, piece.repeat(Math.ceil(4000 / piece.length)));
        expect(long, `${piece}: ${short} steps became ${long}`).toBeLessThan(4.6 * short + 3000);
      }
    },
    300_000,
  );
});

describe('100 kB of hostile text', () => {
  it.each(ways)(
    '%s is answered',
    (_name, redact) => {
      for (const piece of pieces) expect(redact(piece.repeat(Math.ceil(100_000 / piece.length)))).toBeDefined();
    },
    300_000,
  );
});
