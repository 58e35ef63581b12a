import { expect, it } from 'vitest';
import { createHandClock } from '../../test/journal/faulty-files.ts';
import { currentIdentity } from '../journal/index.ts';
import type { Archive } from './archive.ts';
import { createPulseTaker } from './pulse.ts';

const writerId = 'a'.repeat(16);

function stage(beatMs: () => readonly number[]) {
  const clock = createHandClock();
  const archive = {
    list: () => ({
      files: beatMs().map((modifiedAtMs, index) => ({
        file: `${index}.tgj`,
        name: `default/${index}.tgj`,
        projectId: 'default',
        identity: currentIdentity(writerId),
        bytes: 1,
        modifiedAtMs,
      })),
      broken: [],
    }),
    processState: () => 'unknown',
  } as Pick<Archive, 'list' | 'processState'> as Archive;
  const taker = createPulseTaker({ archive, clock });
  return { clock, quietMs: () => taker.take().get(writerId)?.quietMs };
}

it('is quiet since the newest of its files was written to', () => {
  const { clock, quietMs } = stage(() => [clock.nowMs() - 9000, startMs - 1000, startMs - 5000]);
  const startMs = clock.nowMs();
  expect(quietMs()).toBe(1000);
});

it('is quiet by our own clock once it was seen to move, whatever its own clock says', () => {
  let skewMs = -3_600_000;
  const { clock, quietMs } = stage(() => [startMs + skewMs]);
  const startMs = clock.nowMs();
  expect(quietMs()).toBe(3_600_000);
  skewMs += 1;
  expect(quietMs()).toBe(0);
  clock.pass(500);
  expect(quietMs()).toBe(500);
});

it('ages although its clock runs ahead', () => {
  const { clock, quietMs } = stage(() => [startMs + 3_600_000]);
  const startMs = clock.nowMs();
  expect(quietMs()).toBe(0);
  clock.pass(400_000);
  expect(quietMs()).toBe(400_000);
});

it('forgets a writer whose files are gone', () => {
  let isThere = true;
  const { quietMs } = stage(() => (isThere ? [1] : []));
  expect(quietMs()).toBeGreaterThan(0);
  isThere = false;
  expect(quietMs()).toBe(undefined);
});
