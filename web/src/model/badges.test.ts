import { describe, expect, it } from 'vitest';
import { aRun } from '../../dev/builders.ts';
import { blockReasons } from '../../../src/core/model/step.ts';
import { blockReasonToText, runToBadges } from './badges.ts';
import { keyToSelection, parseRowKey, selectionToKey } from './run-page-search.ts';

const run = aRun({ id: 'r', startedAtMs: 0 });

describe('badges', () => {
  it('has none for a run of which nothing need be said', () => expect(runToBadges(run)).toEqual([]));

  it('says what a reader must know first', () => {
    const marked = {
      ...run,
      endReason: 'interrupted' as const,
      swept: true,
      dryRun: true,
      shadow: true,
      erased: true,
      observedAfter: true,
      counts: { ...run.counts, gaps: 1, retries: 2, missing: 3 },
    };
    expect(runToBadges(marked).map((badge) => badge.label)).toEqual([
      'interrupted',
      'gap',
      '3 missing',
      'erased',
      'dry run',
      'shadow',
      '2 retries',
      'observed after',
    ]);
  });
});

describe('why a tool was kept from running', () => {
  it('is told in words, and as it stands when a guard has a reason of its own', () => {
    for (const reason of blockReasons) expect(blockReasonToText(reason)).toMatch(/^The [a-z ,]+/);
    expect(blockReasonToText('over the limit of refunds')).toBe('over the limit of refunds');
    expect(blockReasonToText(null)).toBe('No reason was recorded');
  });
});

describe('selection', () => {
  it('is short in the address and whole inside', () => {
    expect(selectionToKey('r', '12')).toBe('r.12');
    expect(keyToSelection('r', 'r.12')).toBe('12');
    expect(selectionToKey('r', keyToSelection('r', 'c.3'))).toBe('c.3');
    expect(parseRowKey('run.c')).toEqual({ runId: 'c', number: null });
    expect(parseRowKey('c.3')).toEqual({ runId: 'c', number: 3 });
    expect(parseRowKey('nonsense').number).toBeNull();
  });
});
