import { describe, expect, it } from 'vitest';
import { panSpan, toBar, toSpan, toTicks, zoomSpan } from './timeline.ts';

const bounds = { startMs: 1000, endMs: 11_000 };

describe('timeline', () => {
  it('never makes an empty or a backward span', () => expect(toSpan(5000, 10)).toEqual({ startMs: 5000, endMs: 5001 }));

  it('zooms around the pointer and stays within the run', () => {
    expect(zoomSpan(bounds, bounds, { factor: 0.5, at: 0.25 })).toEqual({
      startMs: 3500 - 2500 * 0.5,
      endMs: 2250 + 5000,
    });
    expect(zoomSpan({ startMs: 1000, endMs: 3000 }, bounds, { factor: 100, at: 0 })).toEqual(bounds);
    const deep = zoomSpan(bounds, bounds, { factor: 1e-9, at: 0.5 });
    expect(deep.endMs - deep.startMs).toBe(1);
  });

  it('moves no further than the run', () => {
    expect(panSpan({ startMs: 2000, endMs: 4000 }, bounds, -5)).toEqual({ startMs: 1000, endMs: 3000 });
    expect(panSpan({ startMs: 2000, endMs: 4000 }, bounds, 50)).toEqual({ startMs: 9000, endMs: 11_000 });
  });

  it('ticks at round offsets, few of them, for spans from a millisecond to ten years', () => {
    for (let length = 1; length < 3e11; length *= 7) {
      const ticks = toTicks({ startMs: 0, endMs: length }, 0, 5);
      expect(ticks.length).toBeGreaterThan(0);
      expect(ticks.length).toBeLessThanOrEqual(7);
    }
    expect(toTicks({ startMs: 1000, endMs: 11_000 }, 1000, 5)).toEqual([0, 2000, 4000, 6000, 8000, 10_000]);
  });

  it('clips bars to the track', () => {
    expect(toBar(bounds, 0, 6000)).toEqual({ left: 0, width: 50 });
    expect(toBar(bounds, 6000, 99_999)).toEqual({ left: 50, width: 50 });
    expect(toBar(bounds, 12_000, 13_000)).toBeNull();
    expect(toBar(bounds, 6000, 2000)).toEqual({ left: 50, width: 0 });
  });
});
