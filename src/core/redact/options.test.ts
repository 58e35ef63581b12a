import { describe, expect, it } from 'vitest';
import type { RedactorOptions } from './create.ts';
import { createRedactor } from './create.ts';
import { parseRedactOptions } from './options.ts';

const withOptions = (options: Omit<RedactorOptions, 'key'>): ReturnType<typeof createRedactor> =>
  createRedactor({ key: new Uint8Array(32).fill(7), ...options });
const hide = (text: string): string => text.replaceAll(/\[REDACTED:([a-z0-9-]+):[0-9a-f]{8}\]/g, '<$1>');
const key = ['s', 'k-ant-', 'api03-', 'aB3dE5gH7jK9mN1pQ2rS'.repeat(4)].join('');

describe('detectors of one’s own', () => {
  const redactor = withOptions({
    detectors: [
      { kind: 'staff-number', pattern: /\bEMP-\d{6,12}\b/ },
      { kind: 'patient', pattern: 'patient (?<secret>[A-Z]\\d{5,10})' },
    ],
  });

  it('find in text and in every JSON string, the named group alone where there is one', () => {
    expect(hide(redactor.text('EMP-123456 met patient B12345').value)).toBe('<staff-number> met patient <patient>');
    expect(hide(redactor.json('{"a":["EMP-12\\u00334567"],"EMP-7654321":1}').value)).toBe(
      '{"a":["<staff-number>"],"<staff-number>":1}',
    );
    expect(redactor.text('EMP-1').counts).toBeNull();
    expect(redactor.text('EMP-123456 EMP-123457').counts).toEqual({ 'staff-number': 2 });
  });

  it('are refused when they are not safe, not patterns, or match nothing at all', () => {
    const refuse =
      (kind: string, pattern: string): (() => unknown) =>
      () =>
        withOptions({ detectors: [{ kind, pattern }] });
    expect(refuse('a', '(a+)+b')).toThrow('exponentially');
    expect(refuse('a', '\\d+-\\d+')).toThrow('square');
    expect(refuse('a', '(')).toThrow('refused');
    expect(refuse('a', 'a*')).toThrow('empty text');
    expect(refuse('A kind', 'abc')).toThrow('kind');
  });
});

describe('places in JSON', () => {
  const redactor = withOptions({
    deniedPaths: ['user.birthday', 'items.*.note', '**.ssn', '$.list[1]'],
    allowedPaths: ['config.token', 'config.secrets.*'],
    personal: true,
  });
  const json = (value: unknown): unknown => JSON.parse(hide(redactor.json(JSON.stringify(value)).value));

  it('lose whatever they hold', () => {
    expect(json({ user: { birthday: true, name: 'n' }, birthday: 'b' })).toEqual({
      user: { birthday: '<key>', name: 'n' },
      birthday: 'b',
    });
    expect(json({ items: [{ note: 'a', x: 1 }, { note: { deep: 1 } }], note: 'b' })).toEqual({
      items: [{ note: '<key>', x: 1 }, { note: '<key>' }],
      note: 'b',
    });
    expect(json({ a: [{ b: { ssn: 5 } }], ssn: null, list: ['a', 'b', 'c'] })).toEqual({
      a: [{ b: { ssn: '<key>' } }],
      ssn: null,
      list: ['a', '<key>', 'c'],
    });
  });

  it('keep what a rule of names would take; credentials still go', () => {
    expect(json({ config: { token: 'abc', secrets: { a: 'b@c.example' } }, token: 'abc' })).toEqual({
      config: { token: 'abc', secrets: '<key>' },
      token: '<key>',
    });
    expect(json({ config: { token: key } })).toEqual({ config: { token: '<anthropic-key>' } });
  });

  it('say that documents must be redacted whole', () => {
    expect(redactor.hasPaths).toBe(true);
    expect(withOptions({}).hasPaths).toBe(false);
  });

  it('must be paths', () => expect(() => withOptions({ deniedPaths: ['a..b'] })).toThrow('is no path'));
});

describe('identifiers', () => {
  it('are no personal data, wherever they stand', () => {
    const redactor = withOptions({ personal: true });
    expect(redactor.identifier('bob@example.com')).toEqual({ value: 'bob@example.com', counts: null });
    expect(hide(redactor.json('{"callerId":"bob@example.com","note":"bob@example.com"}').value)).toBe(
      '{"callerId":"bob@example.com","note":"<email>"}',
    );
    expect(hide(redactor.identifier(key).value)).toBe('<anthropic-key>');
  });

  it('become keyed digests on request, the same for a record and a query', () => {
    const redactor = withOptions({ pseudonymise: true });
    const first = redactor.identifier('bob@example.com').value;
    expect(first).toMatch(/^pseudonym:[0-9a-f]{24}$/);
    expect(redactor.identifier('bob@example.com').value).toBe(first);
    expect(redactor.identifier(first).value).toBe(first);
    expect(redactor.identifier('').value).toBe('');
    expect(
      createRedactor({ key: new Uint8Array(32).fill(8), pseudonymise: true }).identifier('bob@example.com').value,
    ).not.toBe(first);
  });
});

describe('options in a file', () => {
  it('are read with patterns as text', () => {
    const options = parseRedactOptions({
      personal: ['email'],
      detectors: [{ kind: 'a', pattern: '/emp-\\d{3}/i' }],
      deniedKeys: ['x'],
    });
    expect(hide(withOptions(options).text('EMP-123 a@b.example +49 30 1234567').value)).toBe(
      '<a> <email> +49 30 1234567',
    );
  });

  it.each([
    [[]],
    [{ deniedKey: ['a'] }],
    [{ deniedKeys: 'a' }],
    [{ personal: 'email' }],
    [{ pseudonymise: 1 }],
    [{ detectors: [{ kind: 'a' }] }],
    [{ detectors: [{ kind: 'a', pattern: '/(/' }] }],
  ])('%j is refused', (value) => expect(() => parseRedactOptions(value)).toThrow('redaction options'));

  it('a kind of personal data that is none is refused', () => {
    expect(() => withOptions(parseRedactOptions({ personal: ['shoe-size'] }))).toThrow('shoe-size');
  });
});
