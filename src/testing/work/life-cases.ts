import assert from 'node:assert/strict';
import { toEnd, toRelease, toRetry } from '../../core/work/transition.ts';
import type { CreationAnswer, WorkCreation } from '../../core/work/work.ts';
import type { WorkContext } from './work-suite.ts';
import { memoOf, pause, pickState } from './work-world.ts';

/** Runs come into being once, change only from where they are, and end once. */
export function describeLife({ api: { describe, it }, withWork }: WorkContext): void {
  describe('life of a run', () => {
    it(
      'creates one run for each event, however many ask at once (I8)',
      withWork(async (world) => {
        const keys = Array.from({ length: 100 }, (_, at) => `event ${at}`);
        const lanes = await Promise.all(
          Array.from({ length: 20 }, async (_, lane) => {
            const ordered = lane % 2 === 0 ? keys : keys.toReversed();
            const creations: WorkCreation[] = [];
            for (const key of ordered) creations.push(await world.creation({ idempotencyKey: key, input: { key } }));
            // Some one by one, some in batches.
            const size = [1, 7, 100][lane % 3]!;
            const answers: CreationAnswer[] = [];
            for (let from = 0; from < creations.length; from += size)
              answers.push(...(await world.work.create('default', creations.slice(from, from + size))));
            return new Map(ordered.map((key, at) => [key, { answer: answers[at]!, creation: creations[at]! }]));
          }),
        );
        const runs = new Set<string>();
        let winners = 0;
        for (const key of keys) {
          const answers = lanes.map((lane) => lane.get(key)!);
          assert.equal(new Set(answers.map(({ answer }) => answer.runId)).size, 1);
          const firsts = answers.filter(({ answer }) => !answer.duplicate);
          assert.equal(firsts.length, 1);
          assert.equal(firsts[0]!.answer.runId, firsts[0]!.creation.row.runId);
          for (const { answer, creation } of answers) assert.equal(answer.inputDigest, creation.row.inputDigest);
          winners += firsts.length;
          runs.add(answers[0]!.answer.runId);
        }
        assert.equal(winners, 100);
        assert.equal(runs.size, 100);
        const counts = await world.work.counts('default');
        assert.deepEqual(
          counts.map(({ state, count }) => ({ state, count })),
          [{ state: 'pending', count: 100 }],
        );
        await world.work.file('default');
        assert.equal(await world.store.countRuns('default', {}), 100);
      }),
    );

    it(
      'answers a key that has a run with that run and its input, also within one call, and in its project only',
      withWork(async (world) => {
        const first = await world.creation({ idempotencyKey: 'k', input: 1 });
        const second = await world.creation({ idempotencyKey: 'k', input: 2 });
        const other = await world.creation({ idempotencyKey: 'k', input: 2, projectId: 'other' });
        const answers = await world.work.create('default', [first, second, await world.creation({ input: 3 })]);
        assert.deepEqual(answers[1], { runId: first.row.runId, duplicate: true, inputDigest: first.row.inputDigest });
        assert.equal(answers[2]!.duplicate, false);
        assert.deepEqual(await world.work.create('default', [second]), [answers[1]]);
        assert.equal((await world.work.create('other', [other]))[0]!.duplicate, false);
        assert.equal(await world.work.get('other', first.row.runId), null);
        assert.equal(await world.work.get('default', second.row.runId), null);
        assert.deepEqual(await world.work.get('default', first.row.runId), first.row);
      }),
    );

    it(
      'makes a change only from where the run is, and of those that lose leaves nothing',
      withWork(async (world) => {
        const [runId] = await world.create(1);
        const [claimed] = await world.claim();
        const { row } = claimed!;
        assert.equal(row.runId, runId);
        const ends = await Promise.all([1, 2, 3, 4, 5].map(() => world.end(row)));
        const made = await Promise.all(ends.map((end) => world.work.change('default', [end])));
        assert.equal(made.flat().filter(Boolean).length, 1);
        const after = await world.row(runId!);
        assert.deepEqual(pickState(after, 'state', 'endReason', 'workerId', 'queueAtMs', 'leaseExpiresAtMs'), {
          state: 'completed',
          endReason: 'ok',
          workerId: null,
          queueAtMs: null,
          leaseExpiresAtMs: null,
        });
        // Of another run, another project, an earlier lease: nothing.
        const late = { ...ends[0]!, expected: { ...ends[0]!.expected, leaseEpoch: 0 } };
        assert.deepEqual(await world.work.change('default', [late]), [false]);
        assert.deepEqual(await world.work.change('other', [ends[0]!]), [false]);
        assert.deepEqual(await world.row(runId!), after);
        await world.work.file('default');
        const events = await world.store.listEvents('default', runId!);
        assert.deepEqual(
          events.map(({ header }) => header.type),
          ['run-create', 'run-start', 'run-end'],
        );
      }),
    );

    it(
      'makes several changes of one run in their order, each from where the one before has left it',
      withWork(async (world) => {
        const [runId] = await world.create(1);
        const [claimed] = await world.claim();
        const { row } = claimed!;
        const nowMs = await world.work.nowMs();
        const released = toRelease(row, nowMs);
        const afterwards = { ...row, ...released.next };
        const cancelled = toEnd(afterwards, { endReason: 'cancelled', nowMs });
        const changes = [
          world.toChange(row, released),
          world.toChange(afterwards, cancelled, false),
          world.toChange(row, released),
        ];
        assert.deepEqual(await world.work.change('default', changes), [true, true, false]);
        assert.equal((await world.row(runId!)).state, 'cancelled');
      }),
    );

    it(
      'refuses what comes under a lease that has run out, by its own clock',
      withWork(async (world) => {
        await world.create(1);
        const [claimed] = await world.claim({ leaseMs: 40 });
        const { row } = claimed!;
        await pause(60);
        const end = await world.end(row);
        assert.deepEqual(await world.work.change('default', [end]), [false]);
        assert.equal(await world.work.putMemos('default', row, [memoOf(row.runId)]), false);
        assert.deepEqual(await world.work.listMemos('default', row.runId), []);
        const [beat] = await world.work.heartbeat('default', [row], 30_000);
        assert.equal(beat!.isHeld, false);
        // Whoever does not ask for the lease may end it.
        const forced = { ...end, expected: { ...end.expected, isHeld: false } };
        assert.deepEqual(await world.work.change('default', [forced]), [true]);
      }),
    );

    it(
      'forgets order, memos and signals when the run ends, but of one that failed and may be driven again (I4)',
      withWork(async (world) => {
        const kept: string[] = [];
        for (const [isRedrivable, endReason] of [
          [false, 'ok'],
          [false, 'error'],
          [true, 'ok'],
          [true, 'error'],
        ] as const) {
          const [runId] = await world.create(1, { isRedrivable, input: 'words' });
          const [claimed] = await world.claim();
          assert.equal(claimed!.row.runId, runId);
          assert.ok(claimed!.sealed !== null && claimed!.sealed.length > 0);
          assert.deepEqual(await world.work.readOrder('default', runId!), claimed!.sealed);
          const change = { ...(await world.end(claimed!.row, endReason)), memos: [memoOf(runId!)] };
          assert.deepEqual(await world.work.change('default', [change]), [true]);
          const memos = await world.work.listMemos('default', runId!);
          if ((await world.work.readOrder('default', runId!)) !== null) kept.push(`${isRedrivable} ${endReason}`);
          assert.equal(memos.length, isRedrivable && endReason === 'error' ? 1 : 0);
          await world.work.dropSealed('default', runId!);
          assert.equal(await world.work.readOrder('default', runId!), null);
          assert.deepEqual(await world.work.listMemos('default', runId!), []);
        }
        assert.deepEqual(kept, ['true error']);
      }),
    );

    it(
      'keeps the failure that was tried again, and counts attempts as they were told',
      withWork(async (world) => {
        const [runId] = await world.create(1);
        const [claimed] = await world.claim();
        const nowMs = await world.work.nowMs();
        const failure = { code: 'E-RUN-001', message: 'It failed.' };
        const retry = toRetry(claimed!.row, { nowMs, delayMs: 0, failure });
        assert.deepEqual(await world.work.change('default', [world.toChange(claimed!.row, retry)]), [true]);
        const [again] = await world.claim();
        assert.deepEqual(pickState(again!.row, 'attempts', 'leaseEpoch', 'errorCode', 'state'), {
          attempts: 2,
          leaseEpoch: 2,
          errorCode: 'E-RUN-001',
          state: 'running',
        });
        assert.deepEqual(await world.row(runId!), again!.row);
        // Whoever had the run before has it no more (I9).
        const late = await world.end(claimed!.row);
        const forced = { ...late, expected: { ...late.expected, isHeld: false } };
        assert.deepEqual(await world.work.change('default', [late, forced]), [false, false]);
        assert.deepEqual(await world.row(runId!), again!.row);
      }),
    );
  });
}
