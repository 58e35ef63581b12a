import { expect, it } from 'vitest';
import { TachographError } from './error.ts';
import { errorToTold } from './error-report.ts';
import { createRedactor } from './redact/create.ts';

const redactor = createRedactor({ key: new Uint8Array(32).fill(7) });
const key = ['s', 'k-ant-', 'api03-', 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA'].join('');

it.each([
  ['words', new Error(`no use of ${key} here`)],
  ['a cause', new Error('no', { cause: new TypeError('why', { cause: `it is ${key}` }) })],
  ['a field', Object.assign(new Error('no'), { response: { body: key } })],
  ['words alone', `it is ${key}`],
  ['an object', { note: key }],
])('an error with a secret in %s is told without it (I4)', (_where, error) => {
  const told = errorToTold(error, redactor) as TachographError;
  expect(told).toBeInstanceOf(TachographError);
  expect([told.code, told.cause]).toEqual(['internal', undefined]);
  expect(`${told.message} ${told.stack}`).not.toContain(key.slice(0, 20));
});

it('any other error is told as it is', () => {
  for (const error of [
    new Error('plain', { cause: 3 }),
    Object.assign(new Error('x'), { self: { n: 1n } }),
    'words',
    null,
    undefined,
    Symbol('s'),
  ])
    expect(errorToTold(error, redactor)).toBe(error);
});
