import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparePositions, parseCursor, positionToCursor, runTimeMs } from './cursor.ts';

const position = fc.record({
  // Few times, so that many are equal.
  timeMs: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: -8e12, max: 8e12 })),
  id: fc.oneof(fc.uuid(), fc.constantFrom('a', 'b', 'A', '0')),
});

describe('the order of runs', () => {
  it('is total: antisymmetric, transitive, equal only for the same position', () => {
    fc.assert(
      fc.property(position, position, position, (a, b, c) => {
        expect(Math.sign(comparePositions(a, b))).toBe(-Math.sign(comparePositions(b, a)) + 0);
        if (comparePositions(a, b) <= 0 && comparePositions(b, c) <= 0)
          expect(comparePositions(a, c)).toBeLessThanOrEqual(0);
        expect(comparePositions(a, b) === 0).toBe(a.timeMs === b.timeMs && a.id === b.id);
      }),
    );
  });

  it('survives the way through a cursor', () => {
    fc.assert(
      fc.property(position, (of) => {
        expect(parseCursor(positionToCursor(of))).toEqual(of);
      }),
    );
  });

  it('takes no other text for a cursor', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
        try {
          expect(positionToCursor(parseCursor(text))).toBe(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad-cursor' });
        }
      }),
    );
  });

  it('lets creation stand for a start that has not come', () => {
    expect(runTimeMs({ startedAtMs: null, createdAtMs: 5 })).toBe(5);
    expect(runTimeMs({ startedAtMs: 7, createdAtMs: 5 })).toBe(7);
  });
});
