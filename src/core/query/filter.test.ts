import { describe, expect, it } from 'vitest';
import { blankRun } from '../import/blank.ts';
import type { RunFilter } from '../store.ts';
import { checkRunFilter, isRunMatching } from './filter.ts';
import { pageToBounds, runsToPage } from './page.ts';
import { isSealDue } from './sealing.ts';
import { percentileOf } from './totals.ts';

const run = blankRun('default', 'run', 5);

describe('a filter', () => {
  it('names the field and the value that is wrong', () => {
    expect(() => checkRunFilter({ status: ['done'] } as unknown as RunFilter)).toThrow(
      '"status" is ["done"]; it must be a list of pending',
    );
    expect(() => checkRunFilter({ sinceMs: Infinity })).toThrow('"sinceMs" is null');
    expect(checkRunFilter({ labels: {} })).toEqual({ labels: {} });
  });

  it('does not take an inherited name for a label', () => {
    expect(isRunMatching(run, { labels: { toString: 'x' } })).toBe(false);
    expect(
      isRunMatching(
        { ...run, labels: JSON.parse('{"__proto__":"x"}') as Record<string, string> },
        { labels: JSON.parse('{"__proto__":"x"}') as Record<string, string> },
      ),
    ).toBe(true);
  });
});

describe('a page', () => {
  it('ends where there is no more', () => {
    const bounds = pageToBounds({ limit: 2 });
    expect(runsToPage([run, run], bounds).nextCursor).toBeNull();
    expect(runsToPage([run, run, run], bounds).nextCursor).not.toBeNull();
    expect(runsToPage([], bounds).items).toEqual([]);
  });
});

describe('a seal', () => {
  const head = { runId: 'run', writerId: 'w', n: 3, hash: new Uint8Array(32), missing: [] };
  const seal = {
    projectId: 'default',
    runId: 'run',
    number: 1,
    writers: [{ writerId: 'w', count: 3, head: '', erased: 0 }],
    timeMs: 0,
    previous: '',
    publicKey: '',
    signature: '',
  };
  const ended = { ...run, status: 'completed' } as const;

  it('is due when an ended run has events past the newest one', () => {
    expect(isSealDue(run, [head], null)).toBe(false);
    expect(isSealDue(ended, [head], null)).toBe(true);
    expect(isSealDue(ended, [head], seal)).toBe(false);
    expect(isSealDue(ended, [{ ...head, n: 4 }], seal)).toBe(true);
    expect(isSealDue(ended, [head, { ...head, writerId: 'x', n: 1 }], seal)).toBe(true);
  });
});

describe('a percentile', () => {
  it('is the nearest rank', () => {
    const ten = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    expect([50, 90, 99, 100, 1].map((percent) => percentileOf(ten, percent))).toEqual([5, 9, 10, 10, 1]);
    expect(percentileOf([], 50)).toBeNull();
    expect(percentileOf([4], 1)).toBe(4);
  });
});
