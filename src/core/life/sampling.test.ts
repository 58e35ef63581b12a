import { describe, expect, it } from 'vitest';
import { blankRun } from '../import/blank.ts';
import type { RunView } from '../model/run.ts';
import type { Sampling } from './sampling.ts';
import { isSampledOut, whyKept } from './sampling.ts';

const sampling: Sampling = { keep: 0.25, slowMs: 1000, costUsd: 0.5, afterHours: 24 };

const idOf = (share: number): string => {
  const tail = Math.floor(share * 0x1_0000_0000_0000)
    .toString(16)
    .padStart(12, '0');
  return `01a1998e-47e8-7000-8000-${tail}`;
};

const run = (change: Partial<RunView> = {}, share = 0.9): RunView => ({
  ...blankRun('p', idOf(share), 1),
  status: 'completed',
  endReason: 'ok',
  durationMs: 10,
  costNanoUsd: 1,
  ...change,
});

describe('sampling', () => {
  it.each([
    [{}, null],
    [{ status: 'running' }, 'open'],
    [{ status: 'failed' }, 'error'],
    [{ status: 'timeout' }, 'error'],
    [{ errorCode: 'E' }, 'error'],
    [{ summary: { firstMessage: null, lastOutput: null, hasError: true, endpoint: null } }, 'error'],
    [{ swept: true }, 'incomplete'],
    [{ durationMs: 1000 }, 'slow'],
    [{ durationMs: null }, 'slow'],
    [{ costNanoUsd: 500_000_000 }, 'expensive'],
    [{ costNanoUsd: null }, 'expensive'],
  ] as const)('of %j says %s', (change, reason) => expect(whyKept(run(change), sampling)).toBe(reason));

  it('keeps what has a gap or a hole', () => {
    const { counts } = run();
    expect(whyKept(run({ counts: { ...counts, gaps: 1 } }), sampling)).toBe('incomplete');
    expect(whyKept(run({ counts: { ...counts, missing: 1 } }), sampling)).toBe('incomplete');
  });

  it('asks for no limit that is not set', () => {
    const open = { ...sampling, slowMs: null, costUsd: null };
    expect(whyKept(run({ durationMs: null, costNanoUsd: null }), open)).toBe(null);
  });

  it('draws by the id of the root: a share, the same for the whole tree', () => {
    expect(isSampledOut([run({}, 0.9)], sampling)).toBe(true);
    expect(isSampledOut([run({}, 0.24)], sampling)).toBe(false);
    expect(isSampledOut([run({}, 0.9)], { ...sampling, keep: 1 })).toBe(false);
    expect(isSampledOut([run({}, 0)], { ...sampling, keep: 0 })).toBe(true);
    const outs = Array.from({ length: 1000 }, (_, index) => isSampledOut([run({}, index / 1000)], sampling));
    expect(outs.filter(Boolean).length).toBe(750);
  });

  it('keeps a tree for any of its runs', () => {
    expect(isSampledOut([run(), run({ durationMs: 9000 })], sampling)).toBe(false);
    expect(isSampledOut([], sampling)).toBe(false);
  });
});
