import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from './create.ts';

const redactor = createRedactor({ key: new Uint8Array(32).fill(7) });
const key = ['s', 'k-ant-', 'api03-', 'aB3dE5gH7jK9mN1pQ2rS'.repeat(4)].join('');
const pem = [
  '-----BEGIN ',
  'PRIVATE KEY-----\n',
  `${'aB3dE5gH'.repeat(8)}\n`.repeat(24),
  '-----END ',
  'PRIVATE KEY-----',
].join('');

/** What comes out when a text is pushed in chunks and taken after each of them. */
function grow(text: string, chunk: number): string[] {
  const holdback = redactor.holdback();
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += chunk) {
    holdback.push(text.slice(at, at + chunk));
    pieces.push(holdback.take().value);
  }
  return [...pieces, holdback.end().value];
}

describe('a growing text', () => {
  it('is handed on as it grows, all but the last 4 KiB', () => {
    const text = 'some words of a story\n'.repeat(1000);
    const pieces = grow(text, 500);
    expect(pieces.join('')).toBe(text);
    expect(pieces.filter((piece) => piece !== '').length).toBeGreaterThan(20);
    expect(pieces.at(-1)!.length).toBeGreaterThanOrEqual(4096);
    expect(pieces.at(-1)!.length).toBeLessThan(5200);
  });

  it.each([
    ['a key', key, key.slice(20, 40)],
    ['a block', pem, pem.slice(300, 360)],
    ['a name and its value', `password = "S3cret ${'correct horse 9 '.repeat(4)}"`, 'correct horse'],
  ])('%s is never split, wherever it stands and however it comes', (_name, secret, part) => {
    for (let offset = 3600; offset < 4700; offset += 37) {
      const text = `${'a word '.repeat(1000).slice(0, offset)} ${secret} ${'and so on '.repeat(900)}`;
      for (const chunk of [61, 997]) expect(grow(text, chunk).join('')).not.toContain(part);
    }
  });

  it('comes out as if it had been redacted whole', () => {
    const words = fc.constantFrom(
      'word ',
      'and\n',
      ` ${key} `,
      'token: ',
      'a=b,',
      'https://u:p@h.example/x ',
      'x'.repeat(700),
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 60 }), fc.integer({ min: 1, max: 3000 }), (parts, chunk) => {
        const text = `. ${parts.join('')}`;
        expect(grow(text, chunk).join('')).toBe(redactor.text(text).value);
      }),
      { numRuns: 60 },
    );
  });

  it('a secret without an end withholds the rest and says so', () => {
    const holdback = redactor.holdback();
    holdback.push(`before ${pem.slice(0, 40)}`);
    holdback.push('aB3dE5gH'.repeat(40_000));
    const taken = holdback.take();
    expect(taken.counts).toEqual({ 'secret-without-end': 1 });
    holdback.push('more of it');
    expect(holdback.end().value).toBe('');
    expect(taken.value).not.toContain('aB3dE5gH');
  });

  it('counts what it takes out', () => {
    const holdback = redactor.holdback();
    holdback.push(`a ${key} b`);
    expect(holdback.take()).toEqual({ value: '', counts: null });
    expect(holdback.end().counts).toEqual({ 'anthropic-key': 1 });
  });
});
