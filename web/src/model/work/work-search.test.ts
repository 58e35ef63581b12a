import { describe, expect, it } from 'vitest';
import { countsToRows, parseWorkSearch, toDistance, workToPlace } from './work-search.ts';

describe('the page about work', () => {
  it('reads its address and leaves out what it does not know', () => {
    expect(parseWorkSearch({ tab: 'dead', state: 'failed', agent: 'a', more: 1 })).toEqual({
      tab: 'dead',
      state: 'failed',
      agent: 'a',
    });
    expect(parseWorkSearch({ tab: 'x', state: 'y', agent: '' })).toEqual({});
  });

  it('adds up runs by agent', () => {
    const rows = countsToRows([
      { agentId: 'a', state: 'pending', count: 2 },
      { agentId: 'b', state: 'failed', count: 1 },
      { agentId: 'a', state: 'running', count: 3 },
    ]);
    expect(rows.map(({ agentId }) => agentId)).toEqual(['a', 'b']);
    expect(rows[0]!.countByState.get('running')).toBe(3);
  });

  it('says where a run stands', () => {
    const at = (
      state: 'pending' | 'running' | 'waiting_approval' | 'failed',
      queueAtMs: number | null,
      waitingFor: string | null = null,
    ) => workToPlace({ state, queueAtMs, waitingFor }, 1000);
    expect([at('pending', 900), at('pending', 2000), at('pending', null, 'paid')]).toEqual([
      'waits for a worker',
      'sleeps',
      'waits for a signal',
    ]);
    expect([at('running', null), at('waiting_approval', null), at('waiting_approval', 5), at('failed', null)]).toEqual([
      'at work',
      'waits for a person',
      'waits for a worker',
      'over',
    ]);
  });

  it('tells times as distances and says when there is none', () => {
    const words = (ms: number): string => `${ms / 1000} s`;
    expect([
      toDistance(null, 0, words),
      toDistance(100, 0, words),
      toDistance(4000, 0, words),
      toDistance(0, 3000, words),
    ]).toEqual(['n/a', 'now', 'in 4 s', '3 s ago']);
  });
});
