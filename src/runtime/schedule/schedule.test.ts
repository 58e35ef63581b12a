import { afterEach, describe, expect, it as plainIt } from 'vitest';
import { createMemoryStore } from '../../stores/memory/index.ts';
import type { HandClock, World } from '../world.fixture.ts';
import { createHandClock, openWorld } from '../world.fixture.ts';
import { parseCron } from './cron.ts';
import { runSchedules } from './scheduler.ts';
import { createSchedules } from './schedules.ts';

const project = 'default';
const minute = 60_000;

describe('a pattern', () => {
  const at = (text: string): number => Date.parse(text);

  plainIt('hangs on the clock of its time zone, also where that is put back or forward', () => {
    const daily = parseCron('30 8 * * *', 'Europe/Berlin');
    expect(daily.nextAfter(at('2026-10-24T12:00:00Z'))).toBe(at('2026-10-25T07:30:00Z'));
    expect(daily.nextAfter(at('2026-03-28T12:00:00Z'))).toBe(at('2026-03-29T06:30:00Z'));
  });

  plainIt('knows names and seconds, and that some days never come', () => {
    expect(parseCron('@hourly', 'UTC').nextAfter(at('2026-11-21T12:10:00Z'))).toBe(at('2026-11-21T13:00:00Z'));
    expect(parseCron('*/10 * * * * *', 'UTC').nextAfter(at('2026-11-21T12:10:01Z'))).toBe(at('2026-11-21T12:10:10Z'));
    expect(parseCron('0 0 30 2 *', 'UTC').nextAfter(at('2026-01-01T00:00:00Z'))).toBeNull();
  });

  plainIt('finds the newest of many ticks without going through all of them', () => {
    const fromMs = at('2020-01-01T00:00:00Z');
    const nowMs = at('2026-11-21T12:10:33Z');
    expect(parseCron('* * * * *', 'UTC').newestUpTo(nowMs, fromMs)).toBe(at('2026-11-21T12:10:00Z'));
    expect(parseCron('* * * * * *', 'UTC').newestUpTo(nowMs, fromMs)).toBe(nowMs);
    expect(parseCron('0 0 1 1 *', 'UTC').newestUpTo(nowMs, fromMs)).toBe(at('2026-01-01T00:00:00Z'));
    expect(parseCron('0 0 1 1 *', 'UTC').newestUpTo(fromMs + 5, fromMs)).toBe(fromMs);
  });

  plainIt.each([
    ['every day', 'UTC'],
    ['61 * * * *', 'UTC'],
    ['* * * * *', 'Mars/Olympus'],
  ])('is refused: %s in %s', (cron, timeZone) => {
    expect(() => parseCron(cron, timeZone)).toThrow(expect.objectContaining({ code: 'bad-argument' }));
  });
});

describe('a schedule', () => {
  let world: World;
  let clock: HandClock;
  const all = (): boolean => true;
  const runsOf = async () => (await world.work.list(project, { agentId: 'agent' }, {})).items;
  const begin = async (): Promise<ReturnType<typeof createSchedules>> => {
    clock = createHandClock(Date.UTC(2026, 10, 21, 12, 0, 30));
    world = await openWorld({ clock, open: () => createMemoryStore({ clock }) });
    return createSchedules(world.parts);
  };
  const put = { id: 'tick', agentId: 'agent', cron: '* * * * *', request: { input: { n: 1 }, priority: 5 } };

  afterEach(async () => {
    await world.close();
  });

  plainIt('makes one run for each tick, however many processes look', async () => {
    const schedules = await begin();
    await schedules.put(project, put);
    expect(await runSchedules(world.parts, all)).toBe(0);
    for (let tick = 0; tick < 3; tick += 1) {
      clock.advance(minute);
      const made = await Promise.all(
        [world.parts, world.another(), world.another()].map((each) => runSchedules(each, all)),
      );
      expect(made.reduce((sum, count) => sum + count, 0)).toBe(1);
    }
    const runs = await runsOf();
    expect(runs).toHaveLength(3);
    expect(runs[0]).toMatchObject({ priority: 5, state: 'pending' });
    const view = await world.store.getRun(project, runs[0]!.runId);
    expect(view.work).toMatchObject({ triggerType: 'schedule', triggerRef: 'tick' });
    expect(world.errors).toEqual([]);
  });

  plainIt('makes it once also when whoever made it died before the schedule was moved on', async () => {
    const schedules = await begin();
    await schedules.put(project, put);
    clock.advance(minute);
    const dying = { ...world.parts, work: { ...world.work, advanceSchedule: () => Promise.reject(new Error('gone')) } };
    expect(await runSchedules(dying, all)).toBe(0);
    expect(await runSchedules(world.parts, all)).toBe(0);
    expect(await runSchedules(world.parts, all)).toBe(0);
    expect(await runsOf()).toHaveLength(1);
  });

  plainIt('makes up for the newest of the ticks that were missed, and for no other', async () => {
    const schedules = await begin();
    await schedules.put(project, put);
    clock.advance(60 * minute);
    expect(await runSchedules(world.parts, all)).toBe(1);
    expect(await runSchedules(world.parts, all)).toBe(0);
    const [schedule] = await schedules.list(project);
    expect(schedule).toMatchObject({
      nextAtMs: Date.UTC(2026, 10, 21, 13, 1),
      lastAtMs: Date.UTC(2026, 10, 21, 12, 1),
    });
  });

  plainIt('rests while it is paused, and makes up for nothing afterwards', async () => {
    const schedules = await begin();
    await schedules.put(project, { ...put, isPaused: true });
    clock.advance(10 * minute);
    expect(await runSchedules(world.parts, all)).toBe(0);
    await schedules.setPaused(project, 'tick', false);
    expect(await runSchedules(world.parts, all)).toBe(0);
    clock.advance(minute);
    expect(await runSchedules(world.parts, all)).toBe(1);
    await schedules.remove(project, 'tick');
    await expect(schedules.remove(project, 'tick')).rejects.toMatchObject({ code: 'schedule-not-found' });
    clock.advance(minute);
    expect(await runSchedules(world.parts, all)).toBe(0);
  });

  plainIt('is refused with what no run can be made of', async () => {
    const schedules = await begin();
    for (const wrong of [{ id: 'a b' }, { cron: 'x' }, { agentId: '' }, { request: { priority: 1.5 } }])
      await expect(schedules.put(project, { ...put, ...wrong })).rejects.toMatchObject({ code: 'bad-argument' });
  });
});
