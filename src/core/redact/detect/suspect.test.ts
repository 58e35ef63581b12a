import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasAnchor, isSuspect } from './suspect.ts';
import { textFindings } from './text.ts';

const word = fc.constantFrom(
  ...'://|https|mongodb|user|:|@|host|/|?|&|#|key|token|=|a1b2c3d4e5f6g7h8|password|"|\\|%3D|%40|&#64;|\\u003d| |x.y|secret'.split(
    '|',
  ),
  '\n',
  '\u200B',
  '[REDACTED:secret:0123abcd]',
  'secretsecretsecretsecretsecret',
);
const text = fc.array(word, { maxLength: 14 }).map((words) => words.join(''));

describe('what is not suspect', () => {
  it('holds nothing that a detector finds', () => {
    fc.assert(
      fc.property(text, (value) => {
        if (textFindings(value).length === 0) return;
        expect(hasAnchor(value)).toBe(true);
        expect(isSuspect(JSON.stringify({ value }), null)).toBe(true);
      }),
      { numRuns: 20_000 },
    );
  });

  it('are addresses without user and parameters, however many', () => {
    for (const value of ['see https://example.com/a/b#c.', 'https://a/ https://b/', '://'.repeat(1000)])
      expect(hasAnchor(value)).toBe(false);
    for (const value of ['https://a/ https://u@b/', 'https://a/?key=x', 'https://a//https://b?x=1'])
      expect(hasAnchor(value)).toBe(true);
  });
});
