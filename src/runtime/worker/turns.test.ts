import { describe, expect, it } from 'vitest';
import { createTurns } from './turns.ts';

describe('turns', () => {
  it('share room out evenly, and give what is over to others each time', () => {
    const turns = createTurns();
    const shares = [1, 2, 3].map(() => turns.share(4, ['b', 'a', 'c']));
    expect(shares[0]).toEqual([
      { name: 'a', room: 2 },
      { name: 'b', room: 1 },
      { name: 'c', room: 1 },
    ]);
    const twice = shares.map((round) => round.find(({ room }) => room === 2)!.name);
    expect(twice).toEqual(['a', 'b', 'c']);
  });

  it('serve everybody within as many rounds as it takes, when there is less room than names', () => {
    const turns = createTurns();
    const served = Array.from({ length: 5 }, () => turns.share(2, ['a', 'b', 'c', 'd', 'e']).map(({ name }) => name));
    expect(served.slice(0, 3).flat()).toEqual(['a', 'b', 'c', 'd', 'e', 'a']);
    expect(turns.share(0, ['a'])).toEqual([]);
    expect(turns.share(3, [])).toEqual([]);
  });

  it('go on with whoever comes behind the last, also when names come and go', () => {
    const turns = createTurns();
    expect([['a', 'c'], ['a', 'b', 'c'], ['a', 'b', 'c'], ['a'], ['a', 'b']].map((names) => turns.next(names))).toEqual(
      ['a', 'b', 'c', 'a', 'b'],
    );
    expect(turns.next([])).toBeNull();
  });
});
