import { describe, expect, it } from 'vitest';
import { aStep, anAttempt, aUsage } from '../../dev/builders.ts';
import { toJsonTokens, toPrettyJson } from './json-tokens.ts';
import { toPrefixLoss } from './prefix-break.ts';
import { attemptsToSegments } from './segments.ts';
import { parseSnippet } from './snippet.ts';

const step = aStep({ runId: 'r', number: 1, startedAtMs: 0, durationMs: null, status: 'in_progress' });

describe('segments', () => {
  it('shows tries, refusals, waits, and the try under way up to now', () => {
    const attempts = [
      anAttempt(step, { number: 2, startedAtMs: 500, durationMs: null, status: null, responseStatus: null }),
      anAttempt(step, { number: 1, startedAtMs: 0, durationMs: 100, responseStatus: 429 }),
    ];
    expect(attemptsToSegments(step, attempts, 900)).toEqual([
      { kind: 'failed', startMs: 0, endMs: 100, attempt: 1 },
      { kind: 'wait', startMs: 100, endMs: 500, attempt: 2 },
      { kind: 'open', startMs: 500, endMs: 900, attempt: 2 },
    ]);
  });
});

describe('prefix break', () => {
  const withUsage = (input: Parameters<typeof aUsage>[0]) => ({ ...step, usage: aUsage(input) });

  it('is what was cached less what was read again', () => {
    expect(toPrefixLoss(withUsage({ cacheRead: 2000, cacheWrite: 500 }), withUsage({ cacheRead: 300 }))).toEqual({
      lostTokens: 2200,
      readTokens: 300,
      cachedTokens: 2500,
      isAtLeast: false,
    });
    expect(toPrefixLoss(withUsage({ cacheRead: 2000 }), withUsage({ cacheRead: 0 }))).toMatchObject({
      lostTokens: 2000,
      isAtLeast: true,
    });
  });

  it('is unknown when either side did not tell (I12)', () => {
    expect(toPrefixLoss(null, withUsage({ cacheRead: 0 })).lostTokens).toBeNull();
    expect(toPrefixLoss(withUsage({ cacheRead: 10 }), withUsage({})).lostTokens).toBeNull();
  });
});

describe('snippets and JSON', () => {
  it('marks what was looked for', () => {
    expect(parseSnippet('a \uE000b\uE001 c\uE000d')).toEqual([
      { text: 'a ', isMatch: false },
      { text: 'b', isMatch: true },
      { text: ' c', isMatch: false },
      { text: 'd', isMatch: true },
    ]);
  });

  it('colours without changing a character', () => {
    const text = '{"a":[1,-2.5e3,true,null],"b\\"c":"<x>"} trailing "open';
    const tokens = toJsonTokens(text);
    expect(tokens.map((token) => token.text).join('')).toBe(text);
    expect(tokens.filter((token) => token.kind === 'key').map((token) => token.text)).toEqual(['"a"', '"b\\"c"']);
  });

  it('lays out JSON and leaves everything else alone', () => {
    expect(toPrettyJson('{"a":1}')).toBe('{\n  "a": 1\n}');
    expect(toPrettyJson('{"a":')).toBe('{"a":');
    expect(toPrettyJson('plain')).toBe('plain');
  });
});
