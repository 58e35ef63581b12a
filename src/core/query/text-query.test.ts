import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countMatches, isTextGiven, parseTextQuery, queryToFts5, snippetMarks, textToSnippet } from './text-query.ts';
import { contentToWords, textToTokens, toIndexed, wordsVersion } from './words.ts';

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

describe('a text query', () => {
  it('reads words and phrases', () => {
    expect(parseTextQuery('one  "two Three" four').phrases).toEqual([['one'], ['two', 'three'], ['four']]);
    expect(parseTextQuery('"left open').phrases).toEqual([['left', 'open']]);
    expect(parseTextQuery('e-mail').phrases).toEqual([['e', 'mail']]);
    expect(parseTextQuery('!? ""').phrases).toEqual([]);
    expect(isTextGiven(' \n')).toBe(false);
    expect(isTextGiven('!')).toBe(true);
  });

  it('never becomes more than quoted words of FTS5', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        expect(queryToFts5(parseTextQuery(text))).toMatch(/^("[^"]+"( "[^"]+")*)?$/u);
      }),
      { numRuns: 50 },
    );
  });

  it('matches when every phrase occurs', () => {
    expect(countMatches('a b c a b', parseTextQuery('"a b"'))).toBe(2);
    expect(countMatches('a b c', parseTextQuery('"a c"'))).toBe(0);
    expect(countMatches('a b c', parseTextQuery('c a'))).toBe(2);
    expect(countMatches('a b c', parseTextQuery('a d'))).toBe(0);
  });

  it('cuts a snippet that holds the match and nothing that was not there', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('one', 'two', 'Drei', 'vier,', '五', '"'), { minLength: 1, maxLength: 80 }),
        (words) => {
          const text = words.join(' ');
          const snippet = textToSnippet(text, parseTextQuery('two drei'));
          const plain = snippet
            .replaceAll(snippetMarks.open, '')
            .replaceAll(snippetMarks.close, '')
            .replaceAll('…', '');
          expect(text).toContain(plain.trim());
          if (countMatches(text, parseTextQuery('two drei')) > 0) expect(snippet).toMatch(/\uE000(two|Drei)\uE001/u);
        },
      ),
    );
  });

  it('lets no text bring marks of its own', () => {
    expect(textToSnippet('a \uE000b\uE001 c', parseTextQuery('c'))).toBe('a b \uE000c\uE001');
  });

  it('keeps the snippet of a hostile text short', () => {
    const text = `${'a'.repeat(100_000)} ${'́'.repeat(50_000)} ${'日'.repeat(50_000)}`;
    expect(textToTokens(text).length).toBe(50_001);
    expect(textToSnippet(text, parseTextQuery('日')).length).toBeLessThan(500);
  });
});

describe('indexed words', () => {
  it('are those of messages, outputs, arguments and results, and of nothing else', () => {
    expect(contentToWords({ kind: 'message', bytes: bytes({ role: 'user', content: 'hello' }) })).toBe('hello');
    expect(contentToWords({ kind: 'args', bytes: bytes({ a: 'x', b: [1, 'y'] }) })).toBe('x 1 y');
    for (const kind of ['tool', 'body', 'environment'] as const)
      expect(contentToWords({ kind, bytes: bytes('x') })).toBe('');
    expect(toIndexed('ab日本c')).toBe('ab 日  本 c');
  });

  it('follow rules of a version: whoever changes them raises it', () => {
    const samples = [
      contentToWords({
        kind: 'message',
        bytes: bytes({
          role: 'assistant',
          content: [
            { type: 'text', text: 'Ünï' },
            { type: 'tool-call', toolCallId: 'c', toolName: 't', input: { q: 'é' } },
          ],
        }),
      }),
      contentToWords({
        kind: 'output',
        bytes: bytes([
          { type: 'reasoning', text: 'r' },
          { type: 'text', text: '日本' },
        ]),
      }),
      contentToWords({ kind: 'result', bytes: bytes({ a: { b: [true, null, 2.5, 'z'] } }) }),
    ];
    expect([wordsVersion, ...samples]).toMatchInlineSnapshot(`
      [
        1,
        "Ünï
      t é",
        "r
       日  本 ",
        "2.5 z",
      ]
    `);
  });
});
