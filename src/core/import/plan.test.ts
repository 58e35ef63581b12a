import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Content } from '../content/content.ts';
import type { JournalEntry } from '../journal.ts';
import { createMemoryJournal } from '../memory-journal.ts';
import type { AttemptView } from '../model/attempt.ts';
import type { RunView } from '../model/run.ts';
import type { StepView } from '../model/step.ts';
import { createRecorder } from '../record/recorder.ts';
import type { Recorder } from '../record/recording.ts';
import type { StoredEvent, WriterHead } from '../store.ts';
import { attemptKey, stepKey } from './fold-state.ts';
import { foldEvents } from './fold.ts';
import { importKeys, planImport } from './plan.ts';
import { contentKey } from './plan-rows.ts';

/** Rows as a store would keep them, without the store. */
function createRows() {
  const rows = {
    runById: new Map<string, RunView>(),
    epochByRun: new Map<string, number>(),
    stepByKey: new Map<string, StepView>(),
    attemptByKey: new Map<string, AttemptView>(),
    writerByKey: new Map<string, WriterHead>(),
    contentById: new Map<string, Content>(),
    contentByKey: new Map<string, Content>(),
    events: [] as StoredEvent[],
    duplicates: 0,
  };
  const importEntries = (entries: readonly JournalEntry[]): void => {
    const batch = { projectId: 'default', entries, position: null };
    importKeys(batch);
    const changes = planImport(batch, rows);
    rows.events.push(...changes.events);
    for (const run of changes.runs) rows.runById.set(run.id, run);
    for (const [runId, epoch] of changes.epochByRun) rows.epochByRun.set(runId, epoch);
    for (const step of changes.steps) rows.stepByKey.set(stepKey(step.runId, step.id), step);
    for (const attempt of changes.attempts) rows.attemptByKey.set(attemptKey(attempt), attempt);
    for (const writer of changes.writers) rows.writerByKey.set(`${writer.runId}/${writer.writerId}`, writer);
    for (const { epoch, content } of changes.contents) {
      rows.contentById.set(content.id, content);
      rows.contentByKey.set(contentKey(epoch, content.id), content);
    }
    rows.duplicates += changes.duplicates;
  };
  return { rows, importEntries };
}

function createBasket(): { entries: JournalEntry[]; recorder: Recorder } {
  const journal = createMemoryJournal();
  const recorder = createRecorder({
    contentKey: new Uint8Array(32),
    journal,
  });
  return { entries: journal.entries as JournalEntry[], recorder };
}

const usage = (input: number, output: number) => ({
  input: {
    total: input,
    noCache: null,
    cacheRead: null,
    cacheWrite: null,
    cacheWriteFiveMinutes: null,
    cacheWriteOneHour: null,
  },
  output: { total: output, text: null, reasoning: null },
  requests: null,
});

/** A run with a retried step, a tool, an interrupted step and an error that was cleared. */
function recordSample(recorder: Recorder): string {
  const run = recorder.startRun({ agentId: 'sample', sessionId: 's', labels: { a: 'b' }, inputs: { question: 'why' } });
  const step = run.step({
    kind: 'model',
    operation: 'generate',
    model: 'asked',
    messages: [{ role: 'user', content: 'Why is   the sky\nblue?' }],
  });
  step
    .attempt({
      method: 'POST',
      url: 'https://api.example.com/v1/messages?x=1',
      body: { data: '{"a":1}', contentType: 'application/json' },
    })
    .finish({ status: 'failed', responseStatus: 429, retryClass: 'rate-limit', retryDelayMs: 100 });
  step.finish({ status: 'error', error: new Error('rate limited') });
  step
    .attempt({
      method: 'POST',
      url: 'https://api.example.com/v1/messages',
      body: { data: '{"a":1}', contentType: 'application/json' },
    })
    .finish({ status: 'completed', responseStatus: 200 });
  step.finish({
    status: 'completed',
    model: 'served',
    response: [{ type: 'text', text: 'Rayleigh scattering' }],
    usage: usage(10, 5),
  });
  const tool = run.tool({ name: 'look', args: { at: 'sky' }, parentStepId: step.id });
  tool.succeed({ colour: 'blue' });
  run.step({ kind: 'model', operation: 'stream' });
  run.close({ endReason: 'ok', output: 'It scatters.' });
  return run.id;
}

describe('import', () => {
  it('computes the views of a run', () => {
    const { entries, recorder } = createBasket();
    const runId = recordSample(recorder);
    const { rows, importEntries } = createRows();
    importEntries(entries);
    expect(rows.runById.get(runId)).toMatchObject({
      status: 'completed',
      endReason: 'ok',
      agentId: 'sample',
      model: 'served',
      counts: {
        steps: 3,
        modelSteps: 2,
        toolSteps: 1,
        attempts: 2,
        retries: 1,
        errors: 0,
        interrupted: 1,
        openSteps: 0,
        gaps: 0,
        missing: 0,
        late: 0,
      },
      usage: { input: { total: 10, cacheRead: null }, output: { total: 5 } },
      costNanoUsd: null,
      summary: {
        firstMessage: 'Why is the sky blue?',
        lastOutput: 'It scatters.',
        hasError: false,
        endpoint: 'POST /v1/messages',
      },
    });
    const steps = [...rows.stepByKey.values()].sort((a, b) => a.number - b.number);
    expect(steps.map(({ number, status, preview }) => ({ number, status, preview }))).toEqual([
      { number: 1, status: 'completed', preview: 'Rayleigh scattering' },
      { number: 2, status: 'completed', preview: '{"colour":"blue"}' },
      { number: 3, status: 'interrupted', preview: null },
    ]);
    expect(steps[0]).toMatchObject({ error: null, requestedModel: 'asked', model: 'served', attemptCount: 2 });
  });

  it('gives the same rows however the entries are cut into batches and repeated, and rebuild equals them (I11)', () => {
    const { entries, recorder } = createBasket();
    const runId = recordSample(recorder);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 30 }),
        fc.boolean(),
        (sizes, isRepeated) => {
          const { rows, importEntries } = createRows();
          for (let at = 0, turn = 0; at < entries.length; turn += 1) {
            const size = sizes[turn % sizes.length]!;
            importEntries(entries.slice(at, at + size));
            if (isRepeated) importEntries(entries.slice(0, at + size));
            at += size;
          }
          const folded = foldEvents('default', rows.events, rows.contentById);
          expect(rows.runById.get(runId)).toEqual(folded.run);
          expect([...rows.stepByKey.values()].sort((a, b) => a.number - b.number)).toEqual(folded.steps);
          expect([...rows.attemptByKey.values()]).toEqual(folded.attempts);
          expect(rows.events.map(({ seq }) => seq)).toEqual(entries.map((_entry, index) => index + 1));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('loses nothing when entries arrive in any order: the counts agree and rebuild equals the rows', () => {
    const { entries, recorder } = createBasket();
    const runId = recordSample(recorder);
    fc.assert(
      fc.property(
        fc.shuffledSubarray(entries, { minLength: entries.length, maxLength: entries.length }),
        (shuffled) => {
          const { rows, importEntries } = createRows();
          for (const entry of shuffled) importEntries([entry]);
          const run = rows.runById.get(runId)!;
          expect(run.counts.missing).toBe(0);
          expect(run.counts).toMatchObject({ steps: 3, attempts: 2, events: entries.length });
          expect(new Set([...rows.stepByKey.values()].map(({ number }) => number))).toEqual(new Set([1, 2, 3]));
          expect(foldEvents('default', rows.events, rows.contentById).run).toEqual(run);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('shows a hole in the numbers until it is filled', () => {
    const { entries, recorder } = createBasket();
    const runId = recordSample(recorder);
    const { rows, importEntries } = createRows();
    importEntries([...entries.slice(0, 2), ...entries.slice(4)]);
    expect(rows.runById.get(runId)!.counts.missing).toBe(2);
    importEntries(entries.slice(2, 4));
    expect(rows.runById.get(runId)!.counts.missing).toBe(0);
  });

  it('keeps a given end, gives way from a swept one to a live writer (I7), and counts what is late', () => {
    const { entries, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    run.close({ endReason: 'ok' });
    const late = run.step({ kind: 'model' });
    late.finish({ status: 'error', error: new Error('after') });
    const shifted = entries.map((entry, index) => ({
      ...entry,
      event: { ...entry.event, header: { ...entry.event.header, timeMs: 1000 + index } },
    }));
    const { rows, importEntries } = createRows();
    importEntries(shifted);
    expect(rows.runById.get(run.id)).toMatchObject({ status: 'completed', finishedAtMs: 1001, counts: { late: 2 } });
  });

  it.each([1, 0, -86_400_000])(
    'goes on behind a sweep that was wrong, %i ms after its last sign of life (I7)',
    (ms) => {
      const { entries, recorder } = createBasket();
      const run = recorder.startRun({ agentId: 'a' });
      run.step({ kind: 'phase', name: 'part' });
      const at = (entry: JournalEntry, header: Partial<JournalEntry['event']['header']>): JournalEntry => ({
        ...entry,
        event: { ...entry.event, header: { ...entry.event.header, ...header } },
      });
      const [begun, step] = entries as [JournalEntry, JournalEntry];
      const facts = JSON.stringify({ endReason: 'interrupted', durationMs: null, swept: true });
      const sweep = { writerId: 'f'.repeat(16), n: 1, type: 'run-end', timeMs: 2000, facts } as const;
      const { rows, importEntries } = createRows();
      importEntries([at(begun, { timeMs: 1000 }), at({ ...begun, contents: [], nodes: [] }, sweep)]);
      expect(rows.runById.get(run.id)).toMatchObject({ status: 'failed', swept: true, finishedAtMs: 1000 });
      importEntries([at(step, { timeMs: 1000 + ms })]);
      expect(rows.runById.get(run.id)).toMatchObject({ status: 'running', swept: false, finishedAtMs: null });
    },
  );

  it('shows what an unfinished answer said, until its end brings the whole', () => {
    const { entries, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    const step = run.step({ kind: 'model', messages: [] });
    const text = Array.from({ length: 2000 }, (_unused, index) => `word${index} `).join('');
    step.partial([{ index: 0, type: 'text', text }]);
    const { rows, importEntries } = createRows();
    importEntries(entries.splice(0));
    const preview = () => [...rows.stepByKey.values()][0]!.preview;
    expect(preview()).toMatch(/^word0 word1 .*…\[\+\d+ bytes\]$/);
    step.finish({ status: 'completed', response: [{ type: 'text', text: 'all of it' }] });
    importEntries(entries);
    expect(preview()).toBe('all of it');
  });
});
