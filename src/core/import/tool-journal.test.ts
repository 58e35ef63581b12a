import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blankStep } from './blank.ts';
import { foldEvents } from './fold.ts';
import type { FoldedRun } from './fold.ts';
import type { JournalEntry } from '../journal.ts';
import { createMemoryJournal } from '../memory-journal.ts';
import type { Recorder, StepFinish } from '../record/recording.ts';
import { createRecorder } from '../record/recorder.ts';
import { toolResultStatuses } from '../model/step.ts';
import { resultStatusToStepStatus, settleTool } from '../model/tool-step.ts';
import { createMemoryStore } from '../../stores/memory/index.ts';
import { openSqliteStore } from '../../stores/sqlite/index.ts';

function createBasket(): { entries: readonly JournalEntry[]; recorder: Recorder } {
  const journal = createMemoryJournal();
  return { entries: journal.entries, recorder: createRecorder({ contentKey: new Uint8Array(32), journal }) };
}

function fold(entries: readonly JournalEntry[]): FoldedRun {
  const contents = entries.flatMap((entry) => entry.contents);
  const events = entries.map(({ event }, index) => ({ ...event, seq: index + 1 }));
  return foldEvents('default', events, new Map(contents.map((content) => [content.id, content])));
}

const factsOf = (entry: JournalEntry): Record<string, unknown> =>
  JSON.parse(entry.event.header.facts!) as Record<string, unknown>;

describe('the journal of tool calls', () => {
  it('numbers tool steps from 0 in the order of the run, and no others', () => {
    const { entries, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    run.step({ kind: 'model' }).finish({ status: 'completed' });
    run.tool({ name: 'first' }).succeed(1);
    run.step({ kind: 'phase', name: 'between' }).finish({ status: 'completed' });
    const open = run.tool({ name: 'second' });
    run.tool({ name: 'third' }).fail(new Error('no'));
    open.succeed(2);
    const { steps } = fold(entries);
    expect(steps.map(({ name, journalSeq }) => [name, journalSeq])).toEqual([
      [null, null],
      ['first', 0],
      ['between', null],
      ['second', 1],
      ['third', 2],
    ]);
  });

  it('has no gap and no number twice, whatever order the events of several writers come in', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('tool', 'model', 'phase'), { maxLength: 12 }),
        fc.infiniteStream(fc.nat()),
        (kinds, stream) => {
          const { entries, recorder } = createBasket();
          const run = recorder.startRun({ agentId: 'a' });
          for (const kind of kinds) run.step({ kind: kind as 'tool' }).finish({ status: 'completed' });
          const order = entries.map((entry) => [stream.next().value as number, entry] as const);
          const shuffled = order.sort(([a], [b]) => a - b).map(([, entry]) => entry);
          const numbers = fold(shuffled).steps.flatMap(({ journalSeq }) => (journalSeq === null ? [] : [journalSeq]));
          expect(numbers.toSorted((a, b) => a - b)).toEqual(
            kinds.filter((kind) => kind === 'tool').map((_kind, index) => index),
          );
        },
      ),
    );
  });

  it('says through which gateway a call went, and what kept it from its tool', () => {
    const { entries, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    const tool = run.tool({ name: 'drop_table', args: { name: 't' }, gatewayId: 'front' });
    tool.finish({
      status: 'completed',
      resultStatus: 'skipped',
      wasBlocked: true,
      blockReason: 'shadow_mode_destructive_blocked',
      result: { ok: true },
    });
    run.tool({ name: 'x' }).finish({ status: 'completed', resultStatus: 'blocked', blockReason: 'policy-7' });
    expect(factsOf(entries[2]!)).toMatchObject({ wasBlocked: true, blockReason: 'shadow_mode_destructive_blocked' });
    // A guard's own word is no fact: facts outlive every erasure.
    expect(entries[4]!.event.header.facts).not.toContain('policy-7');
    const [first, second] = fold(entries).steps;
    expect(first).toMatchObject({
      gatewayId: 'front',
      status: 'completed',
      resultStatus: 'skipped',
      wasBlocked: true,
      blockReason: 'shadow_mode_destructive_blocked',
    });
    expect(second).toMatchObject({ status: 'completed', wasBlocked: true, blockReason: 'policy-7', gatewayId: null });
  });

  it('has keyed digests of what went in and came out: equal for equal words, none for words withheld', () => {
    const { entries, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    run.tool({ name: 'a', args: { id: 7 } }).succeed('ok');
    run.tool({ name: 'b', args: { id: 7 } }).succeed('other');
    run.tool({ name: 'c', inputsWithheld: true }).finish({ status: 'completed', outputsWithheld: true });
    run.step({ kind: 'model', request: 'q' }).finish({ status: 'completed' });
    const [a, b, c, model] = fold(entries).steps;
    expect(a!.inputDigest).toMatch(/^[0-9a-f]{64}$/);
    expect(a!.inputDigest).toBe(b!.inputDigest);
    expect(a!.outputDigest).not.toBe(b!.outputDigest);
    expect([c!.inputDigest, c!.outputDigest, model!.inputDigest]).toEqual([null, null, null]);
  });

  it.each(toolResultStatuses)('a step of a tool that ended as %s has the status that follows', (resultStatus) => {
    const { entries, recorder } = createBasket();
    recorder
      .startRun({ agentId: 'a' })
      .tool({ name: 't' })
      .finish({ resultStatus } as StepFinish);
    const expected = {
      success: 'completed',
      blocked: 'completed',
      skipped: 'completed',
      error: 'error',
      in_doubt: 'interrupted',
    }[resultStatus];
    expect(resultStatusToStepStatus(resultStatus)).toBe(expected);
    expect(fold(entries).steps[0]).toMatchObject({ status: expected, resultStatus });
  });

  it('a call that nobody ended, or that was given up under way, is in doubt', () => {
    const { entries, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    run.tool({ name: 'left' });
    run.tool({ name: 'aborted' }).fail(new DOMException('stop', 'AbortError'));
    run.close({ endReason: 'cancelled' });
    for (const step of fold(entries).steps)
      expect(step).toMatchObject({ status: 'interrupted', resultStatus: 'in_doubt' });
  });

  it('a call that was kept from its tool never becomes a success, told by whomever', () => {
    const { entries, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    const tool = run.tool({ name: 'refund' });
    tool.finish({ status: 'completed', resultStatus: 'skipped', wasBlocked: true, result: { stub: 1 } });
    tool.succeed({ stub: 1 });
    tool.fail(new Error('later'));
    expect(entries.length).toBe(3);
    // Nor when another process tells it.
    const forged = JSON.parse(entries[2]!.event.header.facts!) as Record<string, unknown>;
    const facts = JSON.stringify({ ...forged, resultStatus: 'success', wasBlocked: undefined });
    const later = {
      ...entries[2]!,
      event: { ...entries[2]!.event, header: { ...entries[2]!.event.header, n: 4, facts } },
    };
    expect(fold([...entries, later]).steps[0]).toMatchObject({ resultStatus: 'skipped', wasBlocked: true });
  });

  it('a completion without a word of the result says nothing of it', () => {
    const { entries, recorder } = createBasket();
    const tool = recorder.startRun({ agentId: 'a' }).tool({ name: 't' });
    tool.fail(new Error('first'));
    tool.finish({ status: 'completed' });
    expect(fold(entries).steps[0]).toMatchObject({ status: 'completed', resultStatus: null, error: null });
  });

  it('settles tool steps only', () => {
    const step = blankStep({ runId: 'r', stepId: 's', number: 1, timeMs: 0, seq: 1 });
    const phase = { ...step, status: 'interrupted' as const, argsId: 'x' };
    expect(settleTool(phase)).toBe(phase);
    expect(settleTool({ ...phase, kind: 'tool' })).toMatchObject({ resultStatus: 'in_doubt', inputDigest: 'x' });
  });

  it.each([
    ['memory', () => createMemoryStore()],
    ['sqlite', () => openSqliteStore({ file: ':memory:' })],
  ] as const)('reads back the same from a store (%s), and from one rebuilt (I11)', async (_name, createStore) => {
    const store = createStore();
    await store.initialize();
    const { entries, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    run.step({ kind: 'model' }).finish({ status: 'completed' });
    run.tool({ name: 'look', args: { a: 1 } }).succeed({ b: 2 });
    run.tool({ name: 'drop', args: {}, gatewayId: 'g' }).finish({
      status: 'completed',
      resultStatus: 'skipped',
      wasBlocked: true,
      blockReason: 'own word',
      result: null,
    });
    run.close({ endReason: 'ok' });
    await store.importBatch({ projectId: 'default', entries, position: null });
    const folded = fold(entries).steps;
    const stored = await store.listSteps('default', run.id);
    const fields = (steps: typeof stored): unknown =>
      steps.map(({ journalSeq, gatewayId, wasBlocked, blockReason, inputDigest, outputDigest, resultStatus }) => ({
        ...{ journalSeq, gatewayId, wasBlocked, blockReason, inputDigest, outputDigest, resultStatus },
      }));
    expect(fields(stored)).toEqual(fields(folded));
    expect(stored[2]).toMatchObject({ journalSeq: 1, gatewayId: 'g', wasBlocked: true, blockReason: 'own word' });
    expect(await store.rebuildRun('default', run.id)).toEqual([]);
    await store.close();
  });
});
