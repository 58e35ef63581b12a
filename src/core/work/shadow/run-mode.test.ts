import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProjectMode } from '../../access/project.ts';
import { projectModes } from '../../access/project.ts';
import type { RunModeRequest } from './run-mode.ts';
import { canaryBucket, toRunMode } from './run-mode.ts';

const request = (
  mode: ProjectMode,
  given: { percent?: number | null; isAgentShadow?: boolean; run?: Partial<RunModeRequest['run']> } = {},
): RunModeRequest => ({
  project: { id: 'shop', mode, canaryPercent: given.percent ?? null },
  isAgentShadow: given.isAgentShadow ?? false,
  run: { rootRunId: 'r-1', sessionId: null, isShadow: false, ...given.run },
});
const canary = (percent: number, run: Partial<RunModeRequest['run']>): string =>
  toRunMode(request('canary', { percent, run }));

describe('how far a run may act', () => {
  it('follows the mode of its project', () => {
    expect(projectModes.map((mode) => toRunMode(request(mode, { percent: 100 })))).toEqual([
      'recorded',
      'shadow',
      'live',
      'live',
    ]);
    expect(toRunMode(request('night' as ProjectMode))).toBe('shadow');
    expect(toRunMode(request('canary'))).toBe('shadow');
  });

  it('is a rehearsal for whoever asks for one, in every mode', () => {
    for (const mode of projectModes) {
      expect(toRunMode(request(mode, { percent: 100, isAgentShadow: true }))).toBe('shadow');
      expect(toRunMode(request(mode, { percent: 100, run: { isShadow: true } }))).toBe('shadow');
    }
  });

  it('in a canary is the same for a session, else for a tree of runs', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.nat(100), (sessionId, one, two, percent) => {
        expect(canary(percent, { rootRunId: one, sessionId })).toBe(canary(percent, { rootRunId: two, sessionId }));
        expect(canary(percent, { rootRunId: one })).toBe(canary(percent, { rootRunId: one }));
      }),
    );
  });

  it('in a canary stays live when the percentage grows; 0 is none, 100 is all', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(100), fc.nat(100), (rootRunId, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        if (canary(low, { rootRunId }) === 'live') expect(canary(high, { rootRunId })).toBe('live');
        expect([canary(0, { rootRunId }), canary(100, { rootRunId })]).toEqual(['shadow', 'live']);
      }),
    );
  });

  it('in a canary of 20 % is live for a fifth of the runs', () => {
    const live = Array.from({ length: 5000 }, (_, index) => canary(20, { rootRunId: `run-${index}` })).filter(
      (mode) => mode === 'live',
    ).length;
    expect(live).toBeGreaterThan(900);
    expect(live).toBeLessThan(1100);
  });

  it('a session and a run of the same name, and two projects, are apart', () => {
    const buckets = [
      canaryBucket('a', { rootRunId: 'x', sessionId: null }),
      canaryBucket('a', { rootRunId: '', sessionId: 'x' }),
      canaryBucket('b', { rootRunId: 'x', sessionId: null }),
    ];
    expect(new Set(buckets).size).toBe(3);
  });
});
