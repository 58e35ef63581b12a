import { expect, it } from 'vitest';
import { errorToLine, errorToWords } from './complaint.ts';

const key = ['s', 'k-ant-', 'api03-', 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA'].join('');

it('what is thrown is told without its secrets, also where the line is cut (I4)', () => {
  expect(errorToLine(new Error(`cannot use ${key} here`))).toMatch(
    /^cannot use \[REDACTED:anthropic-key:[0-9a-f]{8}\] here$/,
  );
  expect(errorToLine(`password=hunter2x`)).not.toContain('hunter2x');
  expect(errorToLine(`${'x '.repeat(990)}${key}`)).not.toContain('api03');
  expect(errorToLine({ toString: () => key })).not.toContain(key);
});

it('it is one line that steers no terminal; words keep their lines', () => {
  expect(errorToLine(new Error('one\ntwo \u001b[31mred'))).toBe('one two ⟨U+001B⟩[31mred');
  expect(errorToWords(new Error('one\ntwo \u001b[31mred'))).toBe('one\ntwo ⟨U+001B⟩[31mred');
});
