import { expect, it } from 'vitest';
import { createMemoryStore } from '../../../stores/memory/index.ts';
import { createMemoryJournal } from '../../memory-journal.ts';
import { createRecorder } from '../../record/recorder.ts';
import { readRecordedCalls } from './recorded-calls.ts';
import { createRecordedResults } from './recorded-results.ts';

it('what an agent did for real answers the same calls in shadow: newest first, whole calls only', async () => {
  const store = createMemoryStore();
  await store.initialize();
  const journal = createMemoryJournal();
  let nowMs = Date.UTC(2026, 10, 20);
  const clock = { nowMs: () => (nowMs += 1000), monotonicMs: () => nowMs };
  const recorder = createRecorder({ contentKey: new Uint8Array(32), journal, clock });
  const first = recorder.startRun({ agentId: 'desk' });
  first.tool({ name: 'rate', args: { from: 'EUR', to: 'USD' } }).succeed(1.1);
  first.tool({ name: 'old', args: {} }).succeed('kept');
  first.tool({ name: 'failed', args: {} }).fail(new Error('no'));
  first.tool({ name: 'secret', inputsWithheld: true }).succeed('x');
  const second = recorder.startRun({ agentId: 'desk' });
  second.tool({ name: 'rate', args: { to: 'USD', from: 'EUR' } }).succeed(1.2);
  const rehearsed = recorder.startRun({ agentId: 'desk', shadow: true });
  rehearsed.tool({ name: 'rate', args: { to: 'USD', from: 'EUR' } }).succeed(9.9);
  recorder.startRun({ agentId: 'other' }).tool({ name: 'rate', args: {} }).succeed(0);
  await store.importBatch({ projectId: 'default', entries: journal.entries, position: null });
  const calls = await readRecordedCalls(store, { projectId: 'default', agentId: 'desk' });
  const results = createRecordedResults(calls);
  expect(results.find('rate', { from: 'EUR', to: 'USD' })).toEqual({ result: 1.2 });
  expect(results.find('old', {})).toEqual({ result: 'kept' });
  for (const [name, args] of [
    ['failed', {}],
    ['secret', {}],
    ['secret', null],
    ['rate', {}],
  ] as const)
    expect(results.find(name, args)).toBeNull();
  const newest = await readRecordedCalls(store, { projectId: 'default', agentId: 'desk', runsMax: 2 });
  expect(newest.map(({ result }) => result)).toEqual([1.2]);
});
