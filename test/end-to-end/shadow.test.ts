import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText } from 'ai';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tachographTelemetry } from '../../src/capture/ai-sdk/index.ts';
import { openTachograph } from '../../src/cli/open.ts';
import { startSampleProvider } from '../../src/cli/sample/provider.ts';
import type { SampleProvider } from '../../src/cli/sample/provider.ts';
import { createSupportDesk } from '../../src/cli/sample/support-desk.ts';
import type { StepView } from '../../src/core/model/step.ts';
import type { RegisteredTool } from '../../src/core/work/agent.ts';
import { readShadowReport } from '../../src/core/work/shadow/report-reading.ts';
import type { ShadowReport } from '../../src/core/work/shadow/report.ts';
import { openRecorder } from '../../src/index.ts';
import { createToolDesk, guardTools, rehearse, toRunMode } from '../../src/runtime/shadow/index.ts';
import type { TemporaryHome } from '../indexer/home.ts';
import { createTemporaryHome } from '../indexer/home.ts';

const registered = (name: string, toolClass: RegisteredTool['class']): RegisteredTool => ({
  name,
  class: toolClass,
  environments: [],
  synthetic: null,
});
/** The sample agent, as its owner registers it. Of the tool that sends parcels nothing is said. */
const tools = [
  registered('look_up_order', 'read'),
  registered('check_stock', 'read'),
  registered('ask_policy', 'read'),
  registered('send_replacement', null),
];

let place: TemporaryHome;
let provider: SampleProvider;
let ledgerFile: string;
beforeEach(async () => {
  place = createTemporaryHome();
  ledgerFile = join(place.home, 'ledger.jsonl');
  provider = await startSampleProvider();
});
afterEach(async () => {
  await provider.close();
  place.remove();
});

const ledger = (): string[] => (existsSync(ledgerFile) ? readFileSync(ledgerFile, 'utf8').trim().split('\n') : []);

/** Runs the sample agent under a recorder of the home, with its tools guarded as the project's mode says. */
async function runSample(mode: 'shadow' | 'live'): Promise<string> {
  const recorder = openRecorder({ home: place.home });
  const model = createOpenAI({ baseURL: provider.baseUrl, apiKey: 'sample' }).chat('sample-model');
  const telemetry = { isEnabled: true, integrations: [tachographTelemetry(recorder)] };
  const runMode = toRunMode({
    project: { id: 'default', mode, canaryPercent: null },
    isAgentShadow: false,
    run: { rootRunId: 'any', sessionId: null, isShadow: false },
  });
  const desk = createToolDesk({ mode: runMode, tools });
  let runId = '';
  await recorder.run({ agentId: 'support-desk', shadow: runMode === 'shadow' }, async (run) => {
    runId = run.id;
    const agent = createSupportDesk({
      model,
      ledgerFile,
      telemetry,
      guard: (own) => guardTools(own, { desk, recorder }),
      askPolicy: async (question) => {
        const instructions = 'You are the policy-reader.';
        const policy = { ...telemetry, functionId: 'policy-reader' };
        return (await generateText({ model, instructions, prompt: question, telemetry: policy })).text;
      },
    });
    const { text } = await agent.generate({ prompt: 'My lamp from order 4417 arrived broken. What now?' });
    expect(text).toContain('a replacement LAMP-02 leaves our store today');
  });
  await recorder.close();
  return runId;
}

/** What the home's store has of a run's tool calls, and the report over all its runs. */
async function readHome(runId: string): Promise<{ calls: StepView[]; report: ShadowReport; childShadows: boolean[] }> {
  const opened = await openTachograph({ home: place.home });
  await opened.indexer.catchUp();
  const { store } = opened;
  const calls = (await store.listSteps('default', runId)).filter(({ kind }) => kind === 'tool');
  const report = await readShadowReport(store, { projectId: 'default', agentId: 'support-desk' });
  const children = await store.listChildren('default', runId);
  expect(await opened.verify(runId)).toMatchObject({
    intact: { verdict: 'intact' },
    complete: { verdict: 'complete' },
  });
  await opened.close();
  return { calls, report, childShadows: children.map(({ shadow }) => shadow) };
}

describe('the sample agent', () => {
  test('in shadow sends no parcel; all it called is in the journal, and the report says what it would have done', async () => {
    const runId = await runSample('shadow');
    expect(ledger()).toEqual([]);
    const { calls, report, childShadows } = await readHome(runId);
    expect(calls.map(({ journalSeq, name, resultStatus }) => [journalSeq, name, resultStatus])).toEqual([
      [0, 'look_up_order', 'success'],
      [1, 'check_stock', 'success'],
      [2, 'ask_policy', 'success'],
      [3, 'send_replacement', 'skipped'],
    ]);
    expect(calls[3]).toMatchObject({
      status: 'completed',
      wasBlocked: true,
      blockReason: 'shadow_mode_destructive_blocked',
      callId: 'call_send',
    });
    expect(childShadows).toEqual([true]);
    expect(report.wouldHaveDone).toMatchObject([
      {
        tool: 'send_replacement',
        classSource: 'name',
        calls: 1,
        arguments: [
          { calls: 1, args: '{"orderId":"4417","sku":"LAMP-02"}', inputDigest: calls[3]!.inputDigest, runId },
        ],
      },
    ]);
    expect(report).toMatchObject({
      shadow: { runs: 1, toolSteps: 4, ends: { ok: 1 } },
      live: { runs: 0 },
      unknown: [],
    });
  });

  test('live sends its parcel: the same agent, the same tools', async () => {
    const runId = await runSample('live');
    expect(ledger()).toEqual(['{"orderId":"4417","sku":"LAMP-02"}']);
    const { calls, report, childShadows } = await readHome(runId);
    expect(calls.map(({ resultStatus }) => resultStatus)).toEqual(Array(4).fill('success'));
    expect([childShadows, report.wouldHaveDone]).toEqual([[false], []]);
    expect(report).toMatchObject({ shadow: { runs: 0 }, live: { runs: 1, toolSteps: 4 } });
  });

  test('is rehearsed without a model: a dry run with every tool in it', async () => {
    const recorder = openRecorder({ home: place.home });
    const { runId } = rehearse({ recorder, agentId: 'support-desk', tools });
    await recorder.close();
    const { calls, report } = await readHome(runId);
    expect(calls.map(({ name, wasBlocked, blockReason }) => [name, wasBlocked, blockReason])).toEqual([
      ['look_up_order', false, null],
      ['check_stock', false, null],
      ['ask_policy', false, null],
      ['send_replacement', true, 'shadow_mode_destructive_blocked'],
    ]);
    expect(calls.every(({ resultStatus }) => resultStatus === 'skipped')).toBe(true);
    expect(report.shadow.runs).toBe(0);
  });
});
