import assert from 'node:assert/strict';
import type { Store } from '../core/store.ts';
import { importAll } from './import-cases.ts';
import type { SuiteContext } from './store-suite.ts';
import { createWorld, type RunBuilder, usageOf, type World } from './world.ts';

/** A conversation of two turns in one run; what the second turn said contains `secretword`. */
function buildTurns(world: World): { run: RunBuilder; first: string; second: string; tool: string } {
  const run = world.run({ name: 'turns' }).step({
    messages: ['system', 'hello'],
    output: ['good day'],
    body: { text: 'hello' },
    usage: usageOf(10, 2),
  });
  const first = run.lastStepId;
  run.emit('log', { payload: { type: 'early', data: 'early word' } }).step({
    messages: ['system', 'hello', 'good day', 'secretword question'],
    output: ['secretword answer'],
    body: { text: 'secretword body' },
    usage: usageOf(20, 3),
  });
  const second = run.lastStepId;
  run.step({ kind: 'tool', name: 'secretword tool', args: { text: 'secretword args' }, result: 'secretword result' });
  const tool = run.lastStepId;
  run.emit('log', { payload: { type: 'late', data: 'secretword log' } }).end('ok', { output: 'secretword output' });
  return { run, first, second, tool };
}

const note = (id: string, runId: string, stepId: string | null) =>
  ({
    id,
    runId,
    stepId,
    kind: 'note',
    name: null,
    value: `${id} note`,
    author: null,
    createdAtMs: 1,
    updatedAtMs: 1,
  }) as const;

async function answersOf(store: Store, runId: string): Promise<string> {
  const steps = await store.listSteps('default', runId);
  const contexts = steps.flatMap((step) => (step.contextNodeId === null ? [] : [step.contextNodeId]));
  const shown: unknown[] = [
    await store.getRun('default', runId),
    (await store.listEvents('default', runId)).map(({ header, payload }) => [header, payload]),
    steps,
    await store.listAttempts('default', runId),
    await store.listAnnotations('default', runId),
    await store.search('default', 'secretword'),
  ];
  for (const node of contexts)
    for (const { bytes } of await store.readContext('default', runId, node)) shown.push(Buffer.from(bytes).toString());
  return JSON.stringify(shown);
}

/** Erasing some steps of a run: their words go, the rest reads as before. */
export function describeErasedPart({ api: { describe, it }, withStore }: SuiteContext): void {
  describe('erasure of steps', () => {
    it(
      'drops the words of steps and what the run said after them, and leaves the rest',
      withStore(async (store) => {
        const world = createWorld();
        const { run, first, second, tool } = buildTurns(world);
        await importAll(store, run);
        await store.putAnnotation('default', note('kept', run.id, first));
        await store.putAnnotation('default', note('secretword', run.id, second));
        const before = await store.getRun('default', run.id);
        const [firstBefore] = await store.listSteps('default', run.id);
        const [attemptBefore] = await store.listAttempts('default', run.id, first);
        const result = await store.eraseRun('default', run.id, { stepIds: new Set([second, tool]) });
        // The start and end of the step, its attempt's two, the tool's two, the later log, the end of the run.
        assert.deepEqual([result.events, result.contents, result.shared], [8, 7, 0]);
        const answers = await answersOf(store, run.id);
        assert.ok(!answers.includes('secretword'));
        assert.ok(answers.includes('early word'));
        assert.ok(answers.includes('good day'));
        const after = await store.getRun('default', run.id);
        assert.deepEqual(
          [after.erased, after.name, after.outputId, after.status, after.usage, after.counts],
          [true, 'turns', null, 'completed', before.usage, before.counts],
        );
        const [firstAfter, secondAfter] = await store.listSteps('default', run.id);
        assert.deepEqual(firstAfter, firstBefore);
        assert.deepEqual((await store.listAttempts('default', run.id, first))[0], attemptBefore);
        assert.deepEqual(
          [secondAfter!.erased, secondAfter!.contextNodeId, secondAfter!.usage],
          [true, null, usageOf(20, 3)],
        );
        assert.deepEqual(
          (await store.listAnnotations('default', run.id)).map(({ id }) => id),
          ['kept'],
        );
        assert.equal((await store.search('default', 'hello')).length > 0, true);
        assert.deepEqual(await store.rebuildRun('default', run.id), []);
      }),
    );

    it(
      'keeps what steps that stay brought or name themselves',
      withStore(async (store) => {
        const world = createWorld();
        const run = world.run().step({ messages: ['same'], output: ['shared answer'] });
        const first = run.lastStepId;
        run.step({ messages: ['same', 'shared answer'], output: ['shared answer'] }).end();
        await importAll(store, run);
        const result = await store.eraseRun('default', run.id, { stepIds: new Set([first]) });
        assert.deepEqual([result.contents, await store.rebuildRun('default', run.id)], [0, []]);
        const step = await store.getStep('default', run.id, 2);
        assert.equal((await store.readContext('default', run.id, step.contextNodeId!)).length, 2);
        assert.equal((await store.readContents('default', run.id, [step.responseId!])).length, 1);
        await store.eraseRun('default', run.id);
        assert.deepEqual(await store.search('default', 'answer'), []);
      }),
    );

    it(
      'finds a run and its steps by the messages they name, until these are erased',
      withStore(async (store) => {
        const world = createWorld();
        const run = world.run({ triggerMessageId: '7', historyTipMessageId: '6' });
        const stepId = world.uuid();
        const begun = {
          kind: 'model',
          operation: 'generate',
          parentStepId: null,
          observedAfter: false,
          prefixBreak: null,
        };
        const ended = { status: 'completed', durationMs: 1, timeToFirstTokenMs: null, usage: null, cost: null };
        run
          .emit('step-start', { stepId, facts: begun, payload: { historyTipMessageId: '7' } })
          .emit('step-end', {
            stepId,
            facts: { ...ended, resultStatus: null, swept: false },
            payload: { assistantMessageId: '8' },
          })
          .end();
        await importAll(store, run);
        const named = async () => {
          const view = await store.getRun('default', run.id);
          const step = await store.getStep('default', run.id, 1);
          return [view.triggerMessageId, view.historyTipMessageId, step.historyTipMessageId, step.assistantMessageId];
        };
        assert.deepEqual(await named(), ['7', '6', '7', '8']);
        assert.deepEqual(await store.rebuildRun('default', run.id), []);
        await store.eraseRun('default', run.id, { stepIds: new Set([stepId]) });
        assert.deepEqual(await named(), ['7', '6', null, null]);
        await store.eraseRun('default', run.id);
        assert.deepEqual(await named(), [null, null, null, null]);
      }),
    );

    it(
      'changes nothing for steps that the run does not have',
      withStore(async (store) => {
        const world = createWorld();
        const { run } = buildTurns(world);
        await importAll(store, run);
        const before = await answersOf(store, run.id);
        const result = await store.eraseRun('default', run.id, { stepIds: new Set([world.uuid()]) });
        assert.deepEqual([result.events, result.contents], [0, 0]);
        assert.equal(await answersOf(store, run.id), before);
      }),
    );
  });
}
