import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printShadowReport } from '../../../cli/print/shadow-report-print.ts';
import type { Terminal } from '../../../cli/print/terminal.ts';
import { createMemoryStore } from '../../../stores/memory/index.ts';
import { createMemoryJournal } from '../../memory-journal.ts';
import type { RunStart, StepFinish } from '../../record/recording.ts';
import { createRecorder } from '../../record/recorder.ts';
import type { Store } from '../../store.ts';
import type { CallVerdict } from './interception.ts';
import { interceptCall, verdictToFinish } from './interception.ts';
import { noRecordedResults } from './recorded-results.ts';
import { readShadowReport } from './report-reading.ts';
import type { ShadowReport } from './report.ts';

const kept = (name: string, mode: 'shadow' | 'live' = 'shadow', environments: string[] = []): StepFinish => {
  const tool = { name, class: null, environments, synthetic: null };
  const call = { name, args: {}, hints: null, isTrusted: false };
  const verdict = interceptCall(call, { mode, tool, environment: 'production', recorded: noRecordedResults });
  return verdictToFinish(verdict as Exclude<CallVerdict, { action: 'run' }>);
};

interface Scene {
  readonly start?: Partial<RunStart>;
  /** Name, arguments, end. */
  readonly calls?: readonly (readonly [string, unknown, StepFinish | 'ran'])[];
  readonly isOpen?: boolean;
}

async function createStore(scenes: readonly Scene[]): Promise<{ store: Store; runIds: string[] }> {
  const store = createMemoryStore();
  await store.initialize();
  const journal = createMemoryJournal();
  let nowMs = Date.UTC(2026, 10, 20);
  const recorder = createRecorder({
    contentKey: new Uint8Array(32),
    journal,
    clock: { nowMs: () => (nowMs += 1000), monotonicMs: () => nowMs },
  });
  const runIds = scenes.map(({ start, calls = [], isOpen = false }) => {
    const run = recorder.startRun({ agentId: 'desk', ...start });
    run.step({ kind: 'model' }).finish({
      status: 'completed',
      cost: { nanoUsd: 1_000_000, status: 'actual', source: 'provider-response' },
    });
    for (const [name, args, end] of calls) {
      const tool = run.tool({ name, args });
      if (end === 'ran') tool.succeed('ok');
      else tool.finish(end);
    }
    if (!isOpen) run.close({ endReason: 'ok' });
    return run.id;
  });
  await store.importBatch({ projectId: 'default', entries: journal.entries, position: null });
  return { store, runIds };
}

const rehearsed: Partial<RunStart> = { shadow: true };

function print(report: ShadowReport): string {
  const lines: string[] = [];
  const same = (text: string): string => text;
  const paint = { dim: same, bold: same, red: same, green: same, yellow: same, blue: same };
  const terminal: Terminal = {
    print: (line) => void lines.push(line),
    note: () => undefined,
    progress: () => undefined,
    isInteractive: false,
    width: 120,
    paint,
  };
  printShadowReport(report, terminal);
  return lines.join('\n');
}

describe('the shadow report', () => {
  it('says what would have been done, by tool and arguments, and compares with the runs that acted', async () => {
    const { store, runIds } = await createStore([
      {
        start: rehearsed,
        calls: [
          ['look', { id: 1 }, 'ran'],
          ['refund', { id: 1 }, kept('refund')],
          ['refund', { id: 2 }, kept('refund')],
          ['fetch_rates', {}, kept('fetch_rates')],
        ],
      },
      { start: rehearsed, calls: [['refund', { id: 1 }, kept('refund')]], isOpen: true },
      { start: rehearsed, calls: [['restart', {}, kept('restart', 'shadow', ['staging'])]] },
      {
        calls: [
          ['look', { id: 1 }, 'ran'],
          ['refund', { id: 9 }, 'ran'],
        ],
      },
    ]);
    const report = await readShadowReport(store, { projectId: 'default', agentId: 'desk' });
    expect(report.wouldHaveDone).toMatchObject([
      {
        tool: 'refund',
        class: 'destructive',
        classSource: 'name',
        blockReason: 'shadow_mode_destructive_blocked',
        calls: 3,
        runs: 2,
        arguments: [
          { calls: 2, args: '{"id":1}', runId: runIds[1], journalSeq: 0 },
          { calls: 1, args: '{"id":2}', runId: runIds[0], journalSeq: 2 },
        ],
        argumentsLeftOut: 0,
      },
      { tool: 'fetch_rates', classSource: 'nobody', calls: 1 },
    ]);
    expect(report.blocked).toMatchObject([{ tool: 'restart', blockReason: 'environment_not_allowed', calls: 1 }]);
    expect(report.unknown).toEqual([{ tool: 'fetch_rates', calls: 1 }]);
    expect(report.shadow).toMatchObject({
      runs: 3,
      modelSteps: 3,
      toolSteps: 6,
      ends: { ok: 2, open: 1 },
      costNanoUsd: 3_000_000,
    });
    expect(report.live).toMatchObject({ runs: 1, toolSteps: 2, ends: { ok: 1 }, errors: 0 });
    expect(report.tools).toContainEqual({
      tool: 'refund',
      shadowCalls: 3,
      liveCalls: 1,
      shadowPerRun: 1,
      livePerRun: 1,
    });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    const text = print(report);
    expect(text).toContain('3 runs in shadow, 1 live');
    expect(text).toMatch(
      /refund {2}3 calls in 2 runs {2}\(destructive, by its name; shadow_mode_destructive_blocked\)/,
    );
    expect(text).toMatch(/2 × {2}[0-9a-f]{12} {2}\{"id":1\}/);
    expect(text).toContain('Nobody says what these tools do, so they count as destructive: fetch_rates (1).');
    expect(text).toMatch(/^cost +\$0\.0030 +\$0\.0010$/m);
  });

  it('of nothing says so, and knows no figure that is not there (I12)', async () => {
    const { store } = await createStore([]);
    const report = await readShadowReport(store, { projectId: 'default' });
    expect(report).toMatchObject({ agentId: null, wouldHaveDone: [], tools: [], isCut: false });
    expect(report.shadow).toMatchObject({ runs: 0, durationP50Ms: null, ends: {} });
    expect(print(report)).toContain('nothing: no call was kept');
    expect(print(report)).toMatch(/^cost +n\/a +n\/a$/m);
  });

  it('leaves dry runs and other agents out unless asked, and says when it read not all', async () => {
    const { store } = await createStore([
      { start: { ...rehearsed, dryRun: true } },
      { start: { ...rehearsed, agentId: 'other' } },
      { start: rehearsed },
      { start: rehearsed },
    ]);
    const count = async (given: object): Promise<readonly [number, boolean]> => {
      const { shadow, isCut } = await readShadowReport(store, { projectId: 'default', ...given });
      return [shadow.runs, isCut];
    };
    expect(await count({})).toEqual([3, false]);
    expect(await count({ includeDryRun: true })).toEqual([4, false]);
    expect(await count({ agentId: 'desk' })).toEqual([2, false]);
    expect(await count({ runsMax: 2 })).toEqual([2, true]);
    expect(await count({ runsMax: 3 })).toEqual([3, false]);
    expect(await count({ untilMs: 1 })).toEqual([0, false]);
  });

  it('lists twenty arguments of a tool and counts the rest; withheld ones are one group', async () => {
    const calls = Array.from({ length: 25 }, (_, id) => ['refund', { id }, kept('refund')] as const);
    const { store } = await createStore([{ start: rehearsed, calls }]);
    const [refund] = (await readShadowReport(store, { projectId: 'default' })).wouldHaveDone;
    expect([refund!.arguments.length, refund!.argumentsLeftOut, refund!.calls]).toEqual([20, 5, 25]);
    const blank = await createStore([{ start: rehearsed, calls: [['refund', undefined, kept('refund')]] }]);
    const [none] = (await readShadowReport(blank.store, { projectId: 'default' })).wouldHaveDone;
    expect(none!.arguments).toMatchObject([{ inputDigest: null, args: null, calls: 1 }]);
  });

  it('shows what hides in names and arguments, and takes any name', async () => {
    const names = ['__proto__', 'constructor', 're\u202Efund', 'x'.repeat(300)];
    const calls = names.map((name) => [name, { a: '\u202E' }, kept(name)] as const);
    const { store } = await createStore([{ start: rehearsed, calls }]);
    const report = await readShadowReport(store, { projectId: 'default' });
    expect(report.wouldHaveDone.map(({ tool }) => tool).sort()).toEqual([...names].sort());
    expect(print(report)).not.toContain('\u202E');
    expect(print(report)).toContain('⟨U+202E⟩');
  });

  it('counts every kept call once, whatever the calls', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.array(fc.tuple(fc.constantFrom('look', 'refund', 'drop'), fc.nat(2), fc.boolean()), { maxLength: 5 }),
          {
            maxLength: 4,
          },
        ),
        async (runs) => {
          const { store } = await createStore(
            runs.map((calls) => ({
              start: rehearsed,
              calls: calls.map(([name, id, ran]) => [name, { id }, ran ? 'ran' : kept(name)] as const),
            })),
          );
          const report = await readShadowReport(store, { projectId: 'default' });
          const wanted = runs.flat().filter(([, , ran]) => !ran).length;
          const sum = (of: readonly { calls: number }[]): number => of.reduce((total, { calls }) => total + calls, 0);
          expect(sum(report.wouldHaveDone)).toBe(wanted);
          expect(sum(report.wouldHaveDone.flatMap((tool) => tool.arguments))).toBe(wanted);
          expect(report.tools.reduce((total, { shadowCalls }) => total + shadowCalls, 0)).toBe(runs.flat().length);
        },
      ),
      { numRuns: 25 },
    );
  });
});
