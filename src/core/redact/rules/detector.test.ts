import { describe, expect, it } from 'vitest';
import { findPatternFault } from './detector.ts';

const fault = (pattern: string): string | null => findPatternFault(pattern, pattern.includes('\\p') ? 'u' : '');

describe('patterns that are safe on hostile text', () => {
  it.each([
    'ACME-[0-9]{8}',
    '\\bemp-\\d{6,}\\b',
    's[k]-[\\w-]{16,}',
    '(?:foo|bar)_[a-z0-9]{10,64}',
    '\\b\\d{3}-\\d{2}-\\d{4}\\b',
    '^X-[A-Z]+$',
    'employee (?<secret>\\d+)',
    '\\bACME\\w+\\b',
    '(?<=id=)\\d{5,}',
    'patient:\\s{0,3}\\w+',
    '(?!x)abc',
    '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}',
    '\\p{L}{2}-\\d+',
    'id=[^&\\s]+',
  ])('%s is taken', (pattern) => expect(fault(pattern)).toBeNull());
});

describe('patterns whose work outgrows the text', () => {
  it.each(['(a+)+b', '(a|a)*b', '(a|aa)+$', '(x+x+)+y', '(?:[a-z]|[aeiou])+!', '(?:a?a?)*b'])(
    '%s grows exponentially',
    (pattern) => expect(fault(pattern)).toMatch(/exponentially|outgrow|grow/),
  );

  it.each([
    'a*a*b',
    '\\d+-\\d+',
    '.*x',
    '[a-z]+@',
    '(.*)(.*)z',
    '(?=.*x)y',
    '\\s+$',
    '(?:a*)*b',
    '^(([a-z])+.)+[A-Z]([a-z])+$',
    '"[^"]*',
    'a[^x]{0,5000}x',
  ])('%s grows with the square', (pattern) => {
    // `"[^"]*` can match wherever it begins, so it is the one of these that is harmless.
    if (pattern === '"[^"]*') expect(fault(pattern)).toBeNull();
    else expect(fault(pattern)).toMatch(/grow/);
  });

  it('what the automaton lets through the probe may still refuse', () => {
    expect(fault('(a?){50}a{50}')).toMatch(/grew faster/);
  });
});

describe('patterns that cannot be judged', () => {
  it.each(['(\\w+)\\1', '(?<a>x)\\k<a>', '(?<=a+)b'])('%s is refused', (pattern) => {
    expect(fault(pattern)).toMatch(/cannot be shown/);
  });

  it('judging itself is bounded', () => {
    for (const pattern of ['(?:a|b|c|d){200}x{200}', `(?:${'a?'.repeat(60)})*b`, '((((a{9}){9}){9}){9}){9}'])
      expect(fault(pattern) === null || typeof fault(pattern) === 'string').toBe(true);
  }, 20_000);
});
