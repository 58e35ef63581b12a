import assert from 'node:assert/strict';
import { toSleep } from '../../core/work/transition.ts';
import type { Signal } from '../../core/work/work.ts';
import type { WorkContext } from './work-suite.ts';
import { leaseOf, memoOf } from './work-world.ts';

const signalOf = (runId: string, signal: Partial<Signal> = {}): Signal => ({
  id: 'signal',
  runId,
  name: 'answer',
  sealed: Uint8Array.of(9),
  sentAtMs: 1,
  ...signal,
});

/** A run remembers what it did while its lease is held; signals reach it once and wake it. */
export function describeMemos({ api: { describe, it }, withWork }: WorkContext): void {
  describe('memos and signals', () => {
    it(
      'keeps memos under the lease only, each in place of the one before it, in the order they were begun',
      withWork(async (world) => {
        const [runId] = await world.create(1);
        const [claimed] = await world.claim();
        const lease = leaseOf(claimed!);
        const long = 'n'.repeat(4000);
        const second = memoOf(runId!, { name: long, sequence: 1, sealed: null, status: 'announced', stepId: 'step' });
        const first = memoOf(runId!, { handlerVersion: 'v1' });
        assert.equal(await world.work.putMemos('default', lease, [second, first]), true);
        assert.deepEqual(plain(await world.work.listMemos('default', runId!)), plain([first, second]));
        const done = { ...second, status: 'done' as const, sealed: Uint8Array.of(7) };
        const again = memoOf(runId!, { occurrence: 1, sequence: 2 });
        assert.equal(await world.work.putMemos('default', lease, [done, again]), true);
        assert.deepEqual(plain(await world.work.listMemos('default', runId!)), plain([first, done, again]));
        for (const wrong of [
          { ...lease, leaseEpoch: 2 },
          { ...lease, runId: 'nobody' },
        ])
          assert.equal(await world.work.putMemos('default', wrong, [memoOf(runId!, { sequence: 9 })]), false);
        assert.equal(await world.work.putMemos('other', lease, [memoOf(runId!, { sequence: 9 })]), false);
        await world.work.dropMemosFrom('default', runId!, 1);
        assert.deepEqual(plain(await world.work.listMemos('default', runId!)), plain([first]));
        assert.deepEqual(await world.work.listMemos('other', runId!), []);
      }),
    );

    it(
      'brings memos with a change, or not at all',
      withWork(async (world) => {
        const [runId] = await world.create(1);
        const [claimed] = await world.claim();
        const sleep = toSleep(claimed!.row, { untilMs: null, signal: null });
        const change = { ...world.toChange(claimed!.row, sleep), memos: [memoOf(runId!)] };
        const late = {
          ...change,
          expected: { ...change.expected, leaseEpoch: 9 },
          memos: [memoOf(runId!, { sequence: 5, occurrence: 5 })],
        };
        assert.deepEqual(await world.work.change('default', [late, change]), [false, true]);
        assert.deepEqual(plain(await world.work.listMemos('default', runId!)), plain([memoOf(runId!)]));
      }),
    );

    it(
      'takes a signal once, in the order they came, under the lease only',
      withWork(async (world) => {
        const [runId] = await world.create(1);
        const put = (signal: Partial<Signal>) => world.work.putSignal('default', signalOf(runId!, signal));
        assert.equal(await put({ id: 'a', sealed: Uint8Array.of(1) }), true);
        assert.equal(await put({ id: 'b', sealed: Uint8Array.of(2) }), true);
        assert.equal(await put({ id: 'a', sealed: Uint8Array.of(3) }), false);
        assert.equal(await put({ id: 'c', name: 'other' }), true);
        assert.equal(await world.work.putSignal('default', signalOf('nobody')), false);
        assert.equal(await world.work.putSignal('other', signalOf(runId!, { id: 'd' })), false);
        const [claimed] = await world.claim();
        const toMemo = (signal: Signal) => memoOf(runId!, { name: signal.id, kind: 'signal', sealed: signal.sealed });
        const take = (lease = leaseOf(claimed!), name = 'answer') =>
          world.work.takeSignal('default', { lease, name, toMemo });
        assert.equal(await take({ ...leaseOf(claimed!), leaseEpoch: 4 }), null);
        const taken = await Promise.all([take(), take(), take()]);
        assert.deepEqual(taken.map((signal) => signal?.id ?? 'none').toSorted(), ['a', 'b', 'none']);
        assert.equal(await put({ id: 'a' }), false);
        assert.equal(await take(leaseOf(claimed!), 'nothing'), null);
        const memos = await world.work.listMemos('default', runId!);
        assert.deepEqual(memos.map(({ name }) => name).toSorted(), ['a', 'b']);
        await world.work.change('default', [await world.end(claimed!.row)]);
        assert.equal(await put({ id: 'e' }), false);
      }),
    );

    it(
      'wakes a run that waits for the signal, and no other',
      withWork(async (world) => {
        const laterMs = (await world.work.nowMs()) + 60_000;
        const [runId] = await world.create(1);
        const sleepFor = async (signal: string | null, untilMs: number | null) => {
          const [claimed] = await world.claim();
          const change = world.toChange(claimed!.row, toSleep(claimed!.row, { untilMs, signal }));
          assert.deepEqual(await world.work.change('default', [change]), [true]);
        };
        await sleepFor('answer', laterMs);
        await world.work.putSignal('default', signalOf(runId!, { id: 'x', name: 'another' }));
        assert.equal((await world.row(runId!)).queueAtMs, laterMs);
        await world.work.putSignal('default', signalOf(runId!));
        assert.ok((await world.row(runId!)).queueAtMs! < laterMs - 50_000);
        // One that waits already wakes it at once.
        await sleepFor('answer', null);
        assert.ok((await world.row(runId!)).queueAtMs! < laterMs - 50_000);
        await sleepFor('never', null);
        assert.equal((await world.row(runId!)).queueAtMs, null);
        assert.deepEqual(await world.claim(), []);
      }),
    );

    it(
      'loses no wake-up when the signal comes while the run goes to sleep',
      withWork(async (world) => {
        await world.create(40);
        const claimed = await world.claim({ limit: 40 });
        assert.equal(claimed.length, 40);
        await Promise.all(
          claimed.flatMap(({ row }, at) => {
            const change = world.toChange(row, toSleep(row, { untilMs: null, signal: 'answer' }));
            const acts = [
              () => world.work.change('default', [change]),
              () => world.work.putSignal('default', signalOf(row.runId)),
            ];
            return (at % 2 === 0 ? acts : acts.toReversed()).map((act) => act());
          }),
        );
        assert.equal((await world.claim({ limit: 40 })).length, 40);
      }),
    );
  });
}

/** Bytes of stores may be Buffers. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, each: unknown) => {
      if (each instanceof Uint8Array) return Buffer.from(each).toString('hex');
      const buffer = each as { type?: unknown; data?: readonly number[] } | null;
      return buffer?.type === 'Buffer' ? Buffer.from(buffer.data!).toString('hex') : each;
    }),
  );
