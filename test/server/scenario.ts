import type { RunRecorder } from '../../src/core/record/recording.ts';
import type { Stage } from './stage.ts';

/** Ids of what the scenario recorded. */
export interface Scenario {
  readonly runId: string;
  readonly childId: string;
}

const question = { role: 'user', content: 'Why is the <b>sky</b> blue?' };
const call = {
  role: 'assistant',
  content: [{ type: 'tool-call', toolCallId: 'c1', toolName: 'lookup', input: { word: 'sky' } }],
};
const result = {
  role: 'tool',
  content: [{ type: 'tool-result', toolCallId: 'c1', toolName: 'lookup', output: { type: 'text', value: 'Rayleigh' } }],
};

function recordAttempt(step: ReturnType<RunRecorder['step']>, messages: readonly unknown[], status: number): void {
  const attempt = step.attempt({
    method: 'POST',
    url: 'https://models.test/v1/messages?beta=true',
    headers: {
      'content-type': 'application/json',
      authorization: 'Bearer sk-ant-api03-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    },
    body: { data: JSON.stringify({ model: 'm-1', messages }), contentType: 'application/json' },
  });
  const isGood = status === 200;
  attempt.finish({
    status: isGood ? 'completed' : 'failed',
    responseStatus: status,
    headers: { 'content-type': 'application/json' },
    body: { data: JSON.stringify({ ok: isGood }), contentType: 'application/json' },
    retryClass: isGood ? null : 'overloaded',
    retryDelayMs: isGood ? null : 10,
  });
}

function recordModelStep(run: RunRecorder, messages: readonly unknown[], text: string): string {
  const step = run.step({
    kind: 'model',
    operation: 'generate',
    provider: 'models.test',
    model: 'm-1',
    messages,
    tools: [{ type: 'function', name: 'lookup', description: 'Looks a word up.', inputSchema: { type: 'object' } }],
    contextMarks: [{ index: 0, value: { cache_control: { type: 'ephemeral' } } }],
    options: { temperature: 0 },
  });
  recordAttempt(step, messages, 529);
  recordAttempt(step, messages, 200);
  const tokens = {
    total: 10,
    noCache: 4,
    cacheRead: 6,
    cacheWrite: null,
    cacheWriteFiveMinutes: null,
    cacheWriteOneHour: null,
  };
  step.finish({
    status: 'completed',
    response: [{ type: 'text', text }],
    usage: { input: tokens, output: { total: 5, text: 5, reasoning: null }, requests: 1 },
    usageRaw: { input_tokens: 10 },
    cost: { nanoUsd: 1500, status: 'estimated', source: 'price-table' },
    finishReason: { unified: 'stop', raw: 'end_turn' },
    stream: {
      finishReason: 'stop',
      textDeltas: 2,
      toolCalls: 0,
      sources: 0,
      warnings: 0,
      errors: 0,
      parts: 3,
      lastError: null,
      chunkTiming: { count: 2, minMs: 1, p10Ms: 1, medianMs: 1, meanMs: 1, p90Ms: 1, maxMs: 1 },
    },
    metadata: { note: 'x' },
  });
  return step.id;
}

/** Records one run that holds a bit of everything: retries, a tool, a child run, an error, a log, a gap. */
export async function recordScenario(stage: Stage): Promise<Scenario> {
  const { recorder } = stage;
  const run = recorder.startRun({
    agentId: 'physicist',
    callerId: 'caller-1',
    channelId: 'channel-1',
    sessionId: 'session-1',
    name: 'sky',
    labels: { team: 'blue', 'odd,name': 'a:b,c=d' },
    inputs: { question: 'Why?' },
  });
  recordModelStep(run, [question], 'Let me look.');
  const tool = run.tool({ name: 'lookup', args: { word: 'sky' }, callId: 'c1' });
  const child = recorder.startRun({ agentId: 'helper', parent: run.ref(tool.id), inputs: 'sky' });
  recordModelStep(child, [{ role: 'user', content: 'sky' }], 'Rayleigh');
  child.close({ endReason: 'ok', output: 'Rayleigh' });
  tool.succeed('Rayleigh');
  recordModelStep(run, [question, call, result], 'Because of Rayleigh scattering.');
  const failed = run.tool({ name: 'broken', args: {} });
  failed.fail(new TypeError('no such word', { cause: new Error('dictionary closed') }));
  run.log('note', { nested: { deep: [1, 2, 3] } });
  run.error('something odd');
  run.close({ endReason: 'ok', output: { answer: 'scattering' } });
  await stage.publish();
  return { runId: run.id, childId: child.id };
}
