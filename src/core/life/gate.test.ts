import { expect, it } from 'vitest';
import { createMemoryJournal } from '../memory-journal.ts';
import type { RunStart } from '../record/recording.ts';
import { createRecorder } from '../record/recorder.ts';
import type { SwitchState } from './switches.ts';
import { openSwitches } from './switches.ts';

function stage(read: (callerId: string | null) => SwitchState) {
  const journal = createMemoryJournal();
  const errors: unknown[] = [];
  const recorder = createRecorder({ journal, switches: read, onError: (error) => void errors.push(error) });
  return { recorder, journal, errors };
}

const off: SwitchState = { ...openSwitches, project: 'off' };
const start: RunStart = { agentId: 'agent' };

it('records everything while nobody has said anything', () => {
  const { recorder, journal } = stage(() => openSwitches);
  recorder.startRun(start).close({ endReason: 'ok' });
  expect(journal.entries.length).toBe(2);
});

it('records nothing of a run that is off, nor of what begins inside it, and passes everything through', async () => {
  const asked: (string | null)[] = [];
  const { recorder, journal, errors } = stage((callerId) => {
    asked.push(callerId);
    return callerId === 'shy' ? off : openSwitches;
  });
  const output = await recorder.run({ ...start, callerId: 'shy' }, async (run) => {
    expect([run.recording, recorder.current()]).toEqual([false, run]);
    const step = run.step({ kind: 'model' });
    await step.within(async () => {
      recorder.startRun(start).step({ kind: 'tool' }).finish({ status: 'completed' });
      await new Promise((resolve) => setImmediate(resolve));
      recorder.current()!.tool({ name: 'look' }).succeed(1);
    });
    recorder.startRun({ ...start, parent: run.ref() }).close({ endReason: 'ok' });
    recorder.startRun({ ...start, parent: run, callerId: 'bold' }).close({ endReason: 'ok' });
    return 42;
  });
  expect([output, journal.entries.length, errors]).toEqual([42, 0, []]);
  expect(asked).toEqual(['shy']);
  recorder.startRun({ ...start, callerId: 'bold' }).close({ endReason: 'ok' });
  expect(journal.entries.length).toBe(2);
});

it('holds the first "off" for the rest of the turn, and lets what has begun end', () => {
  let state = openSwitches;
  const { recorder, journal } = stage(() => state);
  const root = recorder.startRun(start);
  const before = root.within(() => recorder.startRun(start));
  state = off;
  expect(root.within(() => recorder.startRun(start)).recording).toBe(false);
  state = openSwitches;
  expect(root.within(() => recorder.startRun(start)).recording).toBe(false);
  expect(recorder.startRun({ ...start, parent: before.ref() }).recording).toBe(false);
  before.close({ endReason: 'ok' });
  root.close({ endReason: 'ok' });
  expect(journal.entries.length).toBe(4);
  expect(recorder.startRun(start).recording).toBe(true);
});

it('asks for runs that name no caller with the caller of their turn', () => {
  const asked: (string | null)[] = [];
  const { recorder } = stage((callerId) => {
    asked.push(callerId);
    return openSwitches;
  });
  recorder.startRun({ ...start, callerId: 'ada' }).within(() => recorder.startRun(start));
  recorder.startRun(start);
  expect(asked).toEqual(['ada', 'ada', null]);
});

it('takes switches that cannot be read for off, and says so once until they can be', () => {
  let isBroken = true;
  const { recorder, journal, errors } = stage(() => {
    if (isBroken) throw new Error('no such table');
    return openSwitches;
  });
  for (let n = 0; n < 3; n += 1) expect(recorder.startRun(start).recording).toBe(false);
  expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining('no such table') })]);
  expect(recorder.startRun({ ...start, governed: true }).recording).toBe(true);
  isBroken = false;
  expect(recorder.startRun(start).recording).toBe(true);
  expect(journal.entries.length).toBe(2);
});

it('never turns off what is governed', () => {
  const { recorder } = stage(() => ({ ...off, deployment: 'off', requireOptIn: true }));
  expect(recorder.startRun({ ...start, governed: true }).recording).toBe(true);
  expect(recorder.startRun(start).recording).toBe(false);
});
