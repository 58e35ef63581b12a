import { describe, expect, it } from 'vitest';
import type { StepRow } from '../../api/wire.ts';
import { cutSides, foldRows, parseDiffSearch, toSegments, toSigned } from './rows.ts';

const row = (differs: StepRow['differs'] = []): StepRow => ({ a: {}, b: {}, differs, delta: {} }) as unknown as StepRow;
const rows = [row(), row(), row(), row(), row(['answer']), row(), row(), row(), row(), row()];
const told = (isOpen: (at: number) => boolean) =>
  foldRows(rows, isOpen).map((item) => (item.kind === 'row' ? item.at : `${item.at}+${item.count}`));

describe('a comparison', () => {
  it('folds what is the same, and keeps what stands beside a difference', () => {
    expect(told(() => false)).toEqual(['0+3', 3, 4, 5, '6+4']);
    expect(told((at) => at <= 2)).toEqual([0, 1, 2, 3, 4, 5, '6+4']);
    expect(foldRows([row(), row()], () => false)).toHaveLength(2);
  });

  it('parts two texts where they differ', () => {
    expect(toSegments('a lamp is on', 'a shade is on')).toEqual([
      { head: 'a ', own: 'lamp', tail: ' is on' },
      { head: 'a ', own: 'shade', tail: ' is on' },
    ]);
    expect(toSegments('aa', 'aaa')).toEqual([
      { head: 'aa', own: '', tail: '' },
      { head: 'aa', own: 'a', tail: '' },
    ]);
    expect(cutSides({ head: 'x'.repeat(20), own: 'y', tail: 'z' }, 4)).toEqual({ head: '…xxxx', own: 'y', tail: 'z' });
  });

  it('shows signs, and unknown as unknown', () => {
    expect([toSigned(3, String), toSigned(-3, String), toSigned(0, String), toSigned(null, String)]).toEqual([
      '+3',
      '−3',
      '±0',
      'n/a',
    ]);
    expect(parseDiffSearch({ row: '3', other: 'x' })).toEqual({ row: '3' });
    expect(parseDiffSearch({ row: '0' })).toEqual({});
  });
});
