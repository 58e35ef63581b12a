import { describe, expect, it } from 'vitest';
import { paths } from '../api/paths.ts';
import { changeRunSearch, isNarrowed, parseLabels, parseMoment, parseRunSearch } from './run-search.ts';

describe('run search', () => {
  it('reads an address and leaves out what it does not know', () => {
    expect(parseRunSearch({ status: ' failed ', agent: '', nested: '1', dry: 'yes', evil: 'x', q: 7 })).toEqual({
      status: 'failed',
      nested: '1',
    });
  });

  it('takes a field away when it is emptied', () => {
    expect(changeRunSearch({ status: 'failed', agent: 'a' }, { status: '' })).toEqual({ agent: 'a' });
  });

  it('tells narrowing from widening', () => {
    expect(isNarrowed({ nested: '1', dry: '1' })).toBe(false);
    expect(isNarrowed({ q: 'x' })).toBe(true);
  });

  it('reads times before now and ISO times', () => {
    expect(parseMoment('24h', 100_000_000)).toBe(13_600_000);
    expect(parseMoment('2026-11-21T00:00:00Z', 0)).toBe(Date.UTC(2026, 10, 21));
    expect(parseMoment('yesterday', 0)).toBeNull();
  });

  it('reads labels', () => {
    expect(parseLabels('team=support, x , a=b=c')).toEqual([
      ['team', 'support'],
      ['a', 'b=c'],
    ]);
  });

  it('asks the API in its own words', () => {
    const path = paths.runs(
      { status: 'failed,timeout', q: 'a "b c"', error: '1', since: '1h' },
      { nowMs: 7_200_000, limit: 100, cursor: null },
    );
    expect(Object.fromEntries(new URL(path, 'http://x').searchParams)).toEqual({
      status: 'failed,timeout',
      text: 'a "b c"',
      hasError: 'true',
      nested: 'true',
      since: '3600000',
      limit: '100',
      count: 'true',
    });
    expect(paths.step('../../evil?x', 1)).toBe('/api/v1/runs/..%2F..%2Fevil%3Fx/steps/1');
  });
});
