import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRedactor } from './create.ts';
import { rows } from './detect/marked.ts';
import { matchHere } from './rules/matcher.ts';
import type { Syntax } from './rules/syntax.ts';
import { parsePattern } from './rules/syntax.ts';

/*
 * Work is counted, not timed: for these tests every regular expression is run by a plain backtracking matcher that
 * counts its steps. What backtracks badly there backtracks badly in the engine.
 */
const budget = { steps: 0, stepsMax: Infinity };
const patternBySource = new Map<string, Syntax>();
const nativeExec = RegExp.prototype.exec;
/** The parser has patterns of its own, which are not to be counted. */
let isParsing = false;

function syntaxOf(source: string, flags: string): Syntax {
  const name = `${flags}/${source}`;
  isParsing = true;
  const pattern = patternBySource.get(name) ?? parsePattern(source, flags);
  isParsing = false;
  patternBySource.set(name, pattern);
  return pattern;
}

function countedExec(this: RegExp, input: string): RegExpExecArray | null {
  if (isParsing) return nativeExec.call(this, input);
  const text = String(input);
  const pattern = syntaxOf(this.source, this.flags);
  const isKept = this.global || this.sticky;
  for (let at = isKept ? this.lastIndex : 0; at <= text.length; at += 1) {
    const match = matchHere(pattern, { text, at }, budget);
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
const watchful = createRedactor({ key: new Uint8Array(32).fill(7), personal: true });
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
  '<password>a',
  '<password a',
  '--password a1 ',
  'password is a1! ',
  '"--token","x",',
  'login a password ',
  '"name":"password","value":"x",',
  '9Q~1',
  'AzFuAAAA',
  'JQQJ99',
  '12345678:AA',
  'SK0',
  '%41%42 ',
  '\\u0041 ',
  '&#45;',
  '&quot; ',
  'sk-\u200B',
  '736b2d',
  '},{"text":"',
  '"},{"type":"text","text":"',
  '"candidates"',
  'pwd="a1',
  '_authToken=',
  'YWFh',
  'YWFhYWFhYWFhYWFhYWFhYWFh/',
  `${'YWFh'.repeat(19)}\n`,
  'cGFzc3dvcmQ9aHVudGVyMg==',
  'hooks.slack.com/services/',
  'a.webhook.office.com/',
];

/** Pieces for personal data. */
const personalPieces = [
  '1',
  '11 ',
  '+1 ',
  '+1-',
  'a@',
  'a@b.',
  'a.b@c-d.',
  '4111 ',
  '4111-',
  'DE89 ',
  'DE891234',
  '030 ',
  '12.',
  '1 1',
  'phone: 0',
  '.',
  'A',
];

function stepsFor(redact: (text: string) => unknown, text: string): number {
  budget.steps = 0;
  redact(text);
  return budget.steps;
}

function heldBack(text: string): { value: string } {
  const holdback = redactor.holdback();
  holdback.push(text);
  return { value: holdback.take().value + holdback.end().value };
}

const ways: [string, (text: string) => { value: string }][] = [
  ['text', (text) => redactor.text(text)],
  ['text after an opening', (text) => redactor.text(`${pemOpening} password="https://u:p@h?token=${text}`)],
  ['json', (text) => redactor.json(JSON.stringify({ a: text, password: { type: 'object', text } }))],
  ['cut json', (text) => redactor.body(`{"a":"sk-${text}`, 'application/json', { truncated: true })],
  ['parts of a message', (text) => redactor.body(`[{"text":"${text}`, 'application/json', { truncated: true })],
  ['cut text', (text) => redactor.body(`see ${text}`, 'text/plain', { truncated: true })],
  [
    'address in a header',
    (text) => redactor.headers({ location: text, link: `<${text}` })['value'] as unknown as { value: string },
  ],
  ['url', (text) => redactor.url(`https://h/?a=${text}`)],
  ['header', (text) => redactor.headers({ a: text, cookie: text })['value'] as unknown as { value: string }],
  ['event stream', (text) => redactor.body(`data: ${text}`, 'text/event-stream')],
  ['form', (text) => redactor.body(`a=${text}`, 'application/x-www-form-urlencoded')],
  ['growing text', (text) => heldBack(text)],
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

describe('every mark, repeated', () => {
  beforeEach(() => void vi.spyOn(RegExp.prototype, 'exec').mockImplementation(countedExec));
  afterEach(() => vi.restoreAllMocks());

  it.each([ways[0]!, ways[2]!])(
    '%s is linear',
    (_name, redact) => {
      for (const mark of new Set(rows.map((row) => row.mark))) {
        for (const piece of [mark, `${mark}aA1`, ` ${mark}a.a`]) {
          const short = stepsFor(redact, piece.repeat(Math.ceil(500 / piece.length)));
          const long = stepsFor(redact, piece.repeat(Math.ceil(2000 / piece.length)));
          expect(long, `${piece}: ${short} steps became ${long}`).toBeLessThan(4.6 * short + 3000);
        }
      }
    },
    120_000,
  );

  it('personal data is linear', () => {
    for (const piece of personalPieces) {
      const short = stepsFor(watchful.text, piece.repeat(Math.ceil(1000 / piece.length)));
      const long = stepsFor(watchful.text, piece.repeat(Math.ceil(4000 / piece.length)));
      expect(long, `${piece}: ${short} steps became ${long}`).toBeLessThan(4.6 * short + 3000);
    }
  }, 120_000);
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
