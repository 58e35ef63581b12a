import { generateText, isStepCount, tool } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { tachographTelemetry } from '../../capture/ai-sdk/index.ts';
import { foldEvents } from '../../core/import/fold.ts';
import { createMemoryJournal } from '../../core/memory-journal.ts';
import type { StepView } from '../../core/model/step.ts';
import { createRecorder } from '../../core/record/recorder.ts';
import type { RegisteredTool } from '../../core/work/agent.ts';
import type { RunMode } from '../../core/work/shadow/run-mode.ts';
import { createToolDesk } from './desk.ts';
import { guardFunction, guardTools, toolToHints } from './guard-tools.ts';
import { guardCall } from './guarded-call.ts';
import { rehearse } from './rehearsal.ts';

const registered = (name: string, given: Partial<RegisteredTool> = {}): RegisteredTool => ({
  name,
  class: null,
  environments: [],
  synthetic: null,
  ...given,
});

function createStage(mode: RunMode, tools: readonly RegisteredTool[] = [], environment: string | null = null) {
  const journal = createMemoryJournal();
  const recorder = createRecorder({ contentKey: new Uint8Array(32), journal });
  const desk = createToolDesk({ mode, tools, environment });
  const made: string[] = [];
  const toolsOf = (runId: string): readonly StepView[] => {
    const entries = journal.entries.filter(({ event }) => event.header.runId === runId);
    const events = entries.map(({ event }, index) => ({ ...event, seq: index + 1 }));
    return foldEvents('default', events, new Map()).steps.filter(({ kind }) => kind === 'tool');
  };
  return { recorder, desk, made, toolsOf, context: { desk, recorder } };
}

describe('a plain function as a tool', () => {
  it('in shadow is answered in its place, and the journal says so', async () => {
    const { recorder, made, toolsOf, context } = createStage('shadow', [registered('look', { class: 'read' })]);
    const look = guardFunction('look', (id: string) => (made.push('look'), { id }), context);
    const refund = guardFunction(
      'refund',
      async (id: string, amount: number) => (made.push('refund'), id + amount),
      context,
    );
    let runId = '';
    await recorder.run({ agentId: 'a', shadow: true }, async (run) => {
      runId = run.id;
      expect(await look('7')).toEqual({ id: '7' });
      expect(await refund('7', 10)).toMatchObject({ tachograph: 'shadow stub', tool: 'refund' });
    });
    expect(made).toEqual(['look']);
    expect(toolsOf(runId)).toMatchObject([
      { journalSeq: 0, name: 'look', resultStatus: 'success', wasBlocked: false },
      {
        journalSeq: 1,
        name: 'refund',
        status: 'completed',
        resultStatus: 'skipped',
        wasBlocked: true,
        blockReason: 'shadow_mode_destructive_blocked',
        metadata: { guard: { class: 'destructive', classSource: 'name', answerSource: 'stub' } },
      },
    ]);
  });

  it('live is called, and fails as it fails', async () => {
    const { recorder, made, toolsOf, context } = createStage('live');
    const refund = guardFunction('refund', () => (made.push('refund'), 1), context);
    const broken = guardFunction('broken', () => Promise.reject(new Error('no')), context);
    const run = recorder.startRun({ agentId: 'a' });
    await run.within(async () => {
      expect(await refund()).toBe(1);
      await expect(broken()).rejects.toThrow('no');
    });
    expect(made).toEqual(['refund']);
    expect(toolsOf(run.id).map(({ resultStatus }) => resultStatus)).toEqual(['success', 'error']);
  });

  it('outside its environment throws, and was not called', async () => {
    const tools = [registered('restart_pod', { environments: ['staging'] })];
    const { recorder, made, toolsOf, context } = createStage('live', tools, 'production');
    const restart = guardFunction('restart_pod', () => made.push('x'), context);
    const run = recorder.startRun({ agentId: 'a' });
    await expect(run.within(() => restart())).rejects.toMatchObject({ code: 'tool-blocked' });
    expect(made).toEqual([]);
    expect(toolsOf(run.id)).toMatchObject([
      {
        status: 'completed',
        resultStatus: 'blocked',
        blockReason: 'environment_not_allowed',
        error: { code: 'tool-blocked' },
      },
    ]);
  });

  it('that sends a message is suppressed in shadow, whatever it is registered as', async () => {
    const { recorder, made, toolsOf, context } = createStage('shadow', [registered('notify', { class: 'read' })]);
    const notify = guardFunction('notify', () => made.push('x'), { ...context, isMessage: true });
    const run = recorder.startRun({ agentId: 'a' });
    await run.within(() => notify());
    expect(made).toEqual([]);
    expect(toolsOf(run.id)).toMatchObject([{ blockReason: 'shadow_mode_message_suppressed', resultStatus: 'skipped' }]);
  });

  it('is intercepted without a run, and recorded in the run that it is given', async () => {
    const { recorder, made, toolsOf, context } = createStage('shadow');
    const run = recorder.startRun({ agentId: 'a' });
    expect(await guardFunction('drop', () => made.push('x'), context)()).toMatchObject({ tool: 'drop' });
    await guardFunction('drop', () => made.push('x'), { ...context, run })();
    expect([made, toolsOf(run.id).length]).toEqual([[], 1]);
  });

  it('inside another of its name has a step of its own', async () => {
    const { recorder, toolsOf, context } = createStage('live');
    const run = recorder.startRun({ agentId: 'a' });
    const inner = guardFunction('count', () => 'inner', context);
    const outer = guardFunction('count', async () => `${await inner()} in outer`, context);
    expect(await run.within(() => outer())).toBe('inner in outer');
    const [first, second] = toolsOf(run.id);
    expect([first!.resultStatus, second!.resultStatus, second!.parentStepId]).toEqual([
      'success',
      'success',
      first!.id,
    ]);
  });

  it('that tells of its progress has its last value as result; one that is left is in doubt', async () => {
    const { recorder, toolsOf, context } = createStage('live');
    async function* count() {
      yield 1;
      yield 2;
    }
    const run = recorder.startRun({ agentId: 'a' });
    const call = () =>
      run.within(() => guardCall(context, { name: 'count', args: null }, count)) as AsyncIterable<number>;
    const seen: number[] = [];
    for await (const value of call()) seen.push(value);
    for await (const value of call()) if (value === 1) break;
    expect(seen).toEqual([1, 2]);
    expect(toolsOf(run.id).map(({ resultStatus }) => resultStatus)).toEqual(['success', 'in_doubt']);
  });

  it.each(['__proto__', 'constructor', 'z\u200Bero', 'x'.repeat(300)])(
    'named %j is intercepted like any other',
    async (name) => {
      const { recorder, made, toolsOf, context } = createStage('shadow', [registered('look', { class: 'read' })]);
      const run = recorder.startRun({ agentId: 'a' });
      await run.within(() => guardFunction(name, () => made.push('x'), context)());
      expect(made).toEqual([]);
      expect(toolsOf(run.id)).toMatchObject([{ name, resultStatus: 'skipped' }]);
    },
  );

  it('cannot be registered twice under one name', () => {
    const tools = [registered('a', { class: 'read' }), registered('a')];
    expect(() => createToolDesk({ mode: 'shadow', tools })).toThrow(/registers the tool "a" twice/);
  });
});

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 1, text: 1, reasoning: undefined },
};
const asks = (toolName: string, input: object) => ({
  content: [{ type: 'tool-call' as const, toolCallId: `c-${toolName}`, toolName, input: JSON.stringify(input) }],
  finishReason: { unified: 'tool-calls' as const, raw: 'tool_calls' },
  usage,
  warnings: [],
});
const says = (text: string) => ({
  content: [{ type: 'text' as const, text }],
  finishReason: { unified: 'stop' as const, raw: 'stop' },
  usage,
  warnings: [],
});

describe('tools of the AI SDK', () => {
  const runAgent = async (mode: RunMode, isCaptured: boolean) => {
    const tools = [registered('look', { class: 'read' }), registered('refund', { synthetic: '{"refunded":true}' })];
    const stage = createStage(mode, tools);
    const { recorder, made, context } = stage;
    const model = new MockLanguageModelV3({
      doGenerate: [asks('look', { id: '7' }), asks('refund', { id: '7' }), says('done')] as never,
    });
    const shown: unknown[] = [];
    const plain = {
      look: tool({ inputSchema: z.object({ id: z.string() }), execute: async ({ id }) => (made.push('look'), { id }) }),
      refund: tool({
        inputSchema: z.object({ id: z.string() }),
        execute: async () => (made.push('refund'), { items: ['money'] }),
        toModelOutput: ({ output }) => (shown.push(output), { type: 'text', value: output.items.join() }),
      }),
    };
    let runId = '';
    const { text } = await recorder.run({ agentId: 'a', shadow: mode === 'shadow' }, (run) => {
      runId = run.id;
      return generateText({
        model,
        prompt: 'refund 7',
        tools: guardTools(plain, context),
        stopWhen: isStepCount(4),
        ...(isCaptured ? { telemetry: { isEnabled: true, integrations: [tachographTelemetry(recorder)] } } : {}),
      });
    });
    expect(text).toBe('done');
    return { ...stage, runId, shown, prompts: JSON.stringify(model.doGenerateCalls.at(-1)!.prompt) };
  };

  it.each([true, false])('in shadow are answered in their place, recorded once (capture: %s)', async (isCaptured) => {
    const { made, runId, toolsOf, shown, prompts } = await runAgent('shadow', isCaptured);
    expect(made).toEqual(['look']);
    expect(prompts).toContain('"refunded":true');
    expect(shown).toEqual([]);
    expect(toolsOf(runId)).toMatchObject([
      { name: 'look', callId: 'c-look', resultStatus: 'success', journalSeq: 0 },
      { name: 'refund', callId: 'c-refund', resultStatus: 'skipped', wasBlocked: true, journalSeq: 1 },
    ]);
    expect(toolsOf(runId).length).toBe(2);
  });

  it.each([true, false])('live are called, recorded once (capture: %s)', async (isCaptured) => {
    const { made, runId, toolsOf, shown } = await runAgent('live', isCaptured);
    expect([made, shown]).toEqual([['look', 'refund'], [{ items: ['money'] }]]);
    expect(toolsOf(runId).map(({ resultStatus }) => resultStatus)).toEqual(['success', 'success']);
  });

  it('that the provider runs are left out of a rehearsal unless they only read; the others stay as they are', () => {
    const { context } = createStage('shadow', [registered('web', { class: 'read' })]);
    const web = { type: 'provider', id: 'x.web', args: {} };
    const code = { type: 'provider', id: 'x.code', args: {} };
    const client = { inputSchema: {} };
    const guarded = guardTools({ web, code, client, text: 1 }, context);
    expect(Object.keys(guarded)).toEqual(['web', 'client', 'text']);
    expect(guarded.client).toBe(client);
    expect(
      Object.keys(guardTools({ web, code }, { ...context, desk: createToolDesk({ mode: 'live', tools: [] }) })),
    ).toEqual(['web', 'code']);
  });

  it('are not changed, and keep what else they are', () => {
    const { context } = createStage('shadow');
    class Own {
      readonly kind = 'own';
      execute(): string {
        return this.kind;
      }
    }
    const given = new Own();
    const { own } = guardTools({ own: given }, context);
    expect([own instanceof Own, own.kind, given.execute()]).toEqual([true, 'own', 'own']);
    expect(own.execute()).toMatchObject({ tool: 'own' });
  });

  it('are believed only when they are trusted', async () => {
    const { desk, recorder, made } = createStage('shadow');
    const lookup = { annotations: { readOnlyHint: true, destructiveHint: 'no' }, execute: () => made.push('x') };
    expect(toolToHints(lookup)).toEqual({ readOnlyHint: true, destructiveHint: null, idempotentHint: null });
    guardTools({ lookup }, { desk, recorder }).lookup.execute();
    expect(made).toEqual([]);
    const trusting = createToolDesk({ mode: 'shadow', tools: [], isTrusted: (name) => name === 'lookup' });
    guardTools({ lookup }, { desk: trusting, recorder }).lookup.execute();
    expect(made).toEqual(['x']);
  });
});

describe('a rehearsal without a model', () => {
  it('journals every registered tool with what shadow would do, in a dry run, and calls none', async () => {
    const { recorder, toolsOf } = createStage('shadow');
    const tools = [
      registered('look', { class: 'read' }),
      registered('refund'),
      registered('count', { class: 'idempotent', synthetic: '3' }),
      registered('restart', { environments: ['staging'] }),
    ];
    const { runId, tools: told } = rehearse({ recorder, agentId: 'desk', tools, environment: 'production' });
    expect(told.map(({ name, action }) => [name, action])).toEqual([
      ['look', 'run'],
      ['refund', 'answer'],
      ['count', 'answer'],
      ['restart', 'block'],
    ]);
    expect(
      toolsOf(runId).map(({ journalSeq, resultStatus, blockReason }) => [journalSeq, resultStatus, blockReason]),
    ).toEqual([
      [0, 'skipped', null],
      [1, 'skipped', 'shadow_mode_destructive_blocked'],
      [2, 'skipped', 'shadow_mode_destructive_blocked'],
      [3, 'blocked', 'environment_not_allowed'],
    ]);
  });
});

describe('what a run in shadow starts', () => {
  it('is in shadow, in its scope and by reference', async () => {
    const journal = createMemoryJournal();
    const recorder = createRecorder({ contentKey: new Uint8Array(32), journal });
    const run = recorder.startRun({ agentId: 'a', shadow: true });
    const child = run.within(() => recorder.startRun({ agentId: 'b' }));
    recorder.startRun({ agentId: 'c', parent: JSON.parse(JSON.stringify(child.ref())) });
    recorder.startRun({ agentId: 'd', parent: recorder.startRun({ agentId: 'live' }) });
    const shadows = journal.entries.map(({ event }) => (JSON.parse(event.header.facts!) as { shadow: boolean }).shadow);
    expect(shadows).toEqual([true, true, true, false, false]);
  });
});
