import { describe, expect, it } from 'vitest';
import { cutText, toPieces, toVisibleText } from './visible.ts';

describe('visible', () => {
  it.each([
    ['a\u202Eb', 'a⟨U+202E⟩b'],
    ['a\u200Bb', 'a⟨U+200B⟩b'],
    ['\u001B[31m', '⟨ESC⟩[31m'],
    ['a\u0000', 'a⟨NUL⟩'],
    ['x\u{E0041}\u{E0042}', 'x⟨U+E0041⟩⟨U+E0042⟩'],
    ['\uD800x', '⟨U+D800⟩x'],
    ['one\rtwo', 'one⟨CR⟩two'],
    ['\u2066\u2066\u2066', '⟨U+2066 ×3⟩'],
    ['\uFEFF', '⟨U+FEFF⟩'],
    ['a\u2028b', 'a⟨U+2028⟩b'],
  ])('names what %j hides', (text, seen) => expect(toVisibleText(text)).toBe(seen));

  it.each(['plain', 'tab\tand\nline', 'one\r\ntwo', 'שלום', '👩‍💻 and ❤️', 'naïve é', '👋🏽'])(
    'leaves %j as it is',
    (text) => {
      expect(toPieces(text).every((piece) => piece.kind === 'text')).toBe(true);
      expect(toVisibleText(text)).toBe(text);
    },
  );

  it('leaves no invisible character in what is shown as text', () => {
    const text = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code)).join('x');
    const shown = toPieces(text)
      .filter((piece) => piece.kind === 'text')
      .map((piece) => piece.text)
      .join('');
    expect(shown.search(/[\p{Bidi_Control}\u0000-\u0008\u000B-\u001F\u007F-\u009F\u200B-\u200D\u2060\uFEFF]/u)).toBe(
      -1,
    );
  });

  it('makes one mark of a million equal characters', () => {
    expect(toPieces('\u200B'.repeat(1_000_000))).toHaveLength(1);
  });

  it('cuts without splitting a pair', () => {
    expect(cutText('ab😀', 3)).toBe('ab');
    expect(cutText('ab😀', 4)).toBe('ab😀');
  });
});
