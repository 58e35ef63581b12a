import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createRedactor } from './create.ts';
import { decodeEscapes } from './detect/encoded.ts';
import { createKeyedDigest, placeholderEnd } from './placeholder.ts';

describe('keyed digests', () => {
  it('are HMAC-SHA-256 of every length of text, one after the other', () => {
    for (const key of [new Uint8Array(32).fill(7), new Uint8Array(100).fill(9), new Uint8Array(0)]) {
      const digest = createKeyedDigest(key);
      for (const text of ['x'.repeat(5000), '', 'a', 'é'.repeat(682), '€'.repeat(683), '\ud800x', 'a'])
        expect(digest(text)).toBe(createHmac('sha256', key).update(text).digest('hex'));
    }
  });
});

describe('placeholders are passed over', () => {
  const redactor = createRedactor({ key: new Uint8Array(32).fill(1) });

  it('only where they are whole', () => {
    expect(placeholderEnd('x[REDACTED:secret:0123abcd]y', 1)).toBe(27);
    expect(placeholderEnd('x[REDACTED:secret:0123abc]y', 1)).toBe(0);
    expect(placeholderEnd('[REDACTED:Secret:0123abcd]', 0)).toBe(0);
  });

  it('what touches one on either side is still found', () => {
    const key = `AKIA${'Q7Z2'.repeat(4)}`;
    for (const text of [`[REDACTED:secret:0123abcd]${key}`, `${key}[REDACTED:secret:0123abcd]`])
      expect(redactor.text(text).value).not.toContain(key);
    expect(redactor.text('[REDACTED:secret:0123abcd] password="hunter2x"').value).not.toContain('hunter2x');
    expect(redactor.text('[REDACTED:x:0123abc] password="hunter2x"').value).not.toContain('hunter2x');
  });
});

describe('decoded escapes', () => {
  it('know where each of their characters stood', () => {
    const raw = 'a%41b\\u0042&#67;&quot;d';
    const decoded = decodeEscapes(raw);
    expect(decoded.text).toBe('aAbBC"d');
    expect(Array.from({ length: 8 }, (_, at) => decoded.rawAt(at))).toEqual([0, 1, 4, 5, 11, 16, 22, 23]);
  });
});

describe('a long run of name characters', () => {
  const redactor = createRedactor({ key: new Uint8Array(32).fill(1) });

  it('hides no name at its end', () => {
    for (let length = 0; length < 80; length += 1) {
      const text = `${'secret'.repeat(20).slice(0, length)}_password="hunter2x9"`;
      expect(redactor.text(text).value, text).not.toContain('hunter2x9');
      expect(redactor.json(JSON.stringify({ a: text })).value, text).not.toContain('hunter2x9');
    }
  });
});
