import { describe, expect, it } from 'vitest';
import { aRun } from '../../dev/builders.ts';
import { mergeNewest, patchRuns } from './run-list.ts';

const run = (id: string, startedAtMs: number, lastSeq = 1) => aRun({ id, startedAtMs, lastSeq });

describe('run list', () => {
  it('replaces what is newer and keeps what is not', () => {
    const list = [run('b', 2, 5), run('a', 1, 5)];
    const patched = patchRuns(
      list,
      new Map([
        ['a', run('a', 1, 9)],
        ['b', run('b', 2, 3)],
      ]),
    );
    expect(patched.map((one) => one.lastSeq)).toEqual([5, 9]);
    expect(patchRuns(list, new Map([['z', run('z', 3)]]))).toBe(list);
  });

  it('adds unknown runs in the order of the server: newest first, ties by id', () => {
    const merged = mergeNewest([run('b', 5), run('a', 1)], [run('d', 9), run('c', 5), run('b', 5, 4)]);
    expect(merged.map((one) => one.id)).toEqual(['d', 'c', 'b', 'a']);
    expect(merged[2]?.lastSeq).toBe(4);
  });
});
