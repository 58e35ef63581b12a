import type { StepView } from '../src/api/wire.ts';
import { aCost, aRun, aStep, anAttempt, anId, aUsage, say } from './builders.ts';
import type { DraftMessage } from './builders.ts';
import { addEvent, fixtureOf, sumUp } from './fixture-run.ts';
import type { FixtureRun } from './fixture-run.ts';

const system = say(
  'system',
  'You are the support agent of a bicycle shop. Look up orders before you answer. Never promise a date that the warehouse has not confirmed.\n\nTone: short, friendly, exact.',
);

/** A tool loop with a retry, parallel tools, a child run, a prefix break and a cut stream. */
export function workingRun(startedAtMs: number): readonly FixtureRun[] {
  const id = anId(startedAtMs);
  const childId = anId(startedAtMs + 1);
  const fixture = fixtureOf(
    aRun({
      id,
      startedAtMs,
      durationMs: 21_480,
      name: 'order 88-1204',
      callerId: 'web-chat',
      sessionId: 'chat-5521',
      outputId: 'x',
      summary: {
        firstMessage: 'Where is my order 88-1204? It should have been here on Monday and nobody answers the phone.',
        lastOutput: null,
        hasError: true,
        endpoint: 'POST /v1/messages',
      },
      labels: { team: 'support', release: '2026.11.2' },
      redactions: { 'api-key': 3, email: 1 },
    }),
  );
  const child = fixtureOf(
    aRun({
      id: childId,
      startedAtMs: startedAtMs + 7_200,
      durationMs: 3_900,
      agentId: 'warehouse-agent',
      parentRunId: id,
      rootRunId: id,
      name: 'locate parcel',
    }),
  );
  const step = (overrides: Partial<StepView> & { readonly number: number; readonly startedAtMs: number }): StepView => {
    const made = aStep({ ...overrides, runId: id, startedAtMs: startedAtMs + overrides.startedAtMs });
    fixture.steps.push(made);
    return made;
  };
  const m1 = step({
    number: 1,
    startedAtMs: 120,
    durationMs: 6_010,
    operation: 'stream',
    timeToFirstTokenMs: 5_100,
    attemptCount: 3,
    contextNodeId: 'n1',
    contextLength: 2,
    options: { temperature: 0.2, maxOutputTokens: 4096, toolChoice: 'auto' },
    usage: aUsage(
      { total: 2_140, noCache: 12, cacheRead: 0, cacheWrite: 2_128, cacheWriteFiveMinutes: 2_128 },
      { total: 148, text: 60, reasoning: 88 },
    ),
    cost: aCost(10_234_000),
    finishReason: { unified: 'tool-calls', raw: 'tool_use' },
    stream: {
      finishReason: 'tool-calls',
      textDeltas: 22,
      toolCalls: 2,
      sources: 0,
      warnings: 0,
      errors: 0,
      parts: 31,
      lastError: null,
      chunkTiming: { count: 31, minMs: 3, p10Ms: 8, medianMs: 24, meanMs: 29, p90Ms: 61, maxMs: 180 },
    },
    usageRaw: { input_tokens: 12, cache_creation_input_tokens: 2128, cache_read_input_tokens: 0, output_tokens: 148 },
  });
  const t2 = step({
    number: 2,
    startedAtMs: 6_150,
    durationMs: 340,
    kind: 'tool',
    operation: null,
    name: 'find_order',
    parentStepId: m1.id,
    callId: 'toolu_01A',
    model: null,
    requestedModel: null,
    provider: null,
    resultStatus: 'success',
    preview: '{"order":"88-1204","state":"handed over"}',
  });
  const t3 = step({
    number: 3,
    startedAtMs: 6_160,
    durationMs: 5_010,
    kind: 'tool',
    operation: null,
    name: 'ask_warehouse',
    parentStepId: m1.id,
    callId: 'toolu_01B',
    model: null,
    requestedModel: null,
    provider: null,
    resultStatus: 'success',
    preview: 'The parcel is in Kassel.',
  });
  const m4 = step({
    number: 4,
    startedAtMs: 11_260,
    durationMs: 2_400,
    attemptCount: 1,
    contextNodeId: 'n4',
    contextLength: 5,
    usage: aUsage({ total: 2_588, noCache: 40, cacheRead: 2_128, cacheWrite: 420 }, { total: 96, text: 96 }),
    cost: aCost(3_920_000),
    finishReason: { unified: 'tool-calls', raw: 'tool_use' },
  });
  const t5 = step({
    number: 5,
    startedAtMs: 13_700,
    durationMs: 812,
    kind: 'tool',
    operation: null,
    name: 'refund',
    parentStepId: m4.id,
    model: null,
    requestedModel: null,
    provider: null,
    status: 'error',
    resultStatus: 'error',
    error: {
      name: 'RefundRefused',
      message: 'The refund of 129.00 EUR is above the limit of this agent (100.00 EUR).',
      code: 'LIMIT',
      status: null,
      isRetryable: false,
      causes: [{ name: 'HttpError', message: '403 from https://pay.internal/refunds' }],
    },
  });
  const m6 = step({
    number: 6,
    startedAtMs: 14_600,
    durationMs: 3_300,
    attemptCount: 1,
    contextNodeId: 'n6',
    contextLength: 7,
    prefixBreak: { previousStepId: m4.id, atIndex: 0 },
    usage: aUsage({ total: 2_702, noCache: 2_702, cacheRead: 0, cacheWrite: 0 }, { total: 74, text: 74 }),
    cost: {
      nanoUsd: null,
      status: 'unknown',
      source: 'none',
      table: '2026-11-21+1a2b3c4d5e6f',
      reason: 'time-unpriced',
    },
  });
  step({
    number: 7,
    startedAtMs: 17_960,
    durationMs: 3_400,
    operation: 'stream',
    status: 'interrupted',
    attemptCount: 1,
    contextNodeId: 'n7',
    contextLength: 8,
    timeToFirstTokenMs: 620,
  });
  const user = say(
    'user',
    'Where is my order 88-1204? It should have been here on Monday and nobody answers the phone.',
  );
  const calls: DraftMessage = {
    role: 'assistant',
    parts: [
      { type: 'reasoning', text: 'The customer is upset. I need the order first, and the warehouse.' },
      { type: 'text', text: 'One moment, I look that up.' },
      { type: 'tool-call', callId: 'toolu_01A', name: 'find_order', args: { order: '88-1204' } },
      { type: 'tool-call', callId: 'toolu_01B', name: 'ask_warehouse', args: { question: 'Where is parcel DE-4411?' } },
    ],
  };
  const results: DraftMessage = {
    role: 'tool',
    parts: [
      {
        type: 'tool-result',
        callId: 'toolu_01A',
        name: 'find_order',
        result: { order: '88-1204', state: 'handed over', carrier: 'DHL', weightKg: 12.4 },
        isError: false,
      },
      {
        type: 'tool-result',
        callId: 'toolu_01B',
        name: 'ask_warehouse',
        result: 'The parcel is in Kassel.',
        isError: false,
      },
    ],
  };
  const context = (of: StepView, messages: readonly DraftMessage[], newFrom: number): void =>
    void fixture.contexts.set(of.id, { messages, newFrom });
  context(m1, [system, user], 0);
  context(m4, [system, user, calls, results, say('user', 'And I want 129 EUR back.')], 2);
  context(
    m6,
    [
      say('system', 'You are the support agent of a bicycle shop. Today is Saturday 21 November, 07:12:44.'),
      user,
      calls,
      results,
      say('user', 'And I want 129 EUR back.'),
      {
        role: 'assistant',
        parts: [{ type: 'tool-call', callId: 'toolu_02', name: 'refund', args: { amountEur: 129 } }],
      },
      {
        role: 'tool',
        parts: [
          {
            type: 'tool-result',
            callId: 'toolu_02',
            name: 'refund',
            result: 'RefundRefused: above the limit',
            isError: true,
          },
        ],
      },
    ],
    0,
  );
  fixture.contexts.get(m6.id)!.again = [1, 2, 3, 4];
  context(
    fixture.steps[6]!,
    [
      system,
      user,
      say('assistant', 'Your parcel is in Kassel.'),
      say('user', 'Thanks. When does it arrive?'),
      say('assistant', 'Tuesday.'),
      say('user', 'Sure?'),
      say('assistant', 'I ask.'),
      say('user', 'Please do.'),
    ],
    7,
  );
  fixture.answers.set(m1.id, calls.parts);
  fixture.answers.set(m4.id, [{ type: 'tool-call', callId: 'toolu_02', name: 'refund', args: { amountEur: 129 } }]);
  fixture.answers.set(m6.id, [
    {
      type: 'text',
      text: 'Your parcel is in Kassel and comes on **Tuesday**. I can’t refund 129 EUR myself; a colleague will call you today.',
    },
  ]);
  fixture.answers.set(fixture.steps[6]!.id, [
    { type: 'text', text: 'I have asked the warehouse, and they say that the parc' },
  ]);
  fixture.values.set(t2.id, {
    args: { order: '88-1204' },
    result: { order: '88-1204', state: 'handed over', carrier: 'DHL', weightKg: 12.4 },
  });
  fixture.values.set(t3.id, { args: { question: 'Where is parcel DE-4411?' }, result: 'The parcel is in Kassel.' });
  fixture.values.set(t5.id, { args: { amountEur: 129 } });
  const rateLimit = {
    name: 'AI_APICallError',
    message: 'Number of request tokens has exceeded your per-minute rate limit',
    code: 'rate_limit_error',
    status: 429,
    isRetryable: true,
    causes: [],
  };
  fixture.attempts.set(m1.id, [
    anAttempt(m1, {
      number: 1,
      status: 'completed',
      responseStatus: 429,
      durationMs: 310,
      retryClass: 'rate-limit',
      retryDelayMs: 2_000,
      error: rateLimit,
    }),
    anAttempt(m1, {
      number: 2,
      status: 'failed',
      responseStatus: null,
      startedAtMs: m1.startedAtMs + 2_310,
      durationMs: 700,
      retryClass: 'network',
      retryDelayMs: 1_200,
      responseHeaders: null,
      responseBody: null,
      error: {
        name: 'TypeError',
        message: 'fetch failed',
        code: 'ECONNRESET',
        status: null,
        isRetryable: true,
        causes: [{ name: 'Error', message: 'read ECONNRESET' }],
      },
    }),
    anAttempt(m1, { number: 3, startedAtMs: m1.startedAtMs + 4_210, durationMs: 1_800 }),
  ]);
  for (const made of [m4, m6, fixture.steps[6]!]) fixture.attempts.set(made.id, [anAttempt(made, { number: 1 })]);
  child.run = { ...child.run, parentStepId: t3.id };
  child.steps.push(
    aStep({
      runId: childId,
      number: 1,
      startedAtMs: startedAtMs + 7_300,
      durationMs: 1_600,
      model: 'gpt-5-mini',
      provider: 'openai',
      usage: aUsage({ total: 402, cacheRead: 0 }, { total: 31, reasoning: 12 }),
      cost: aCost(160_000),
    }),
    aStep({
      runId: childId,
      number: 2,
      startedAtMs: startedAtMs + 8_950,
      durationMs: 420,
      kind: 'tool',
      name: 'parcel_position',
      model: null,
      resultStatus: 'success',
      preview: 'Kassel',
    }),
    aStep({
      runId: childId,
      number: 3,
      startedAtMs: startedAtMs + 9_400,
      durationMs: 1_650,
      model: 'gpt-5-mini',
      provider: 'openai',
      usage: aUsage({ total: 466, cacheRead: 384 }, { total: 12 }),
      cost: aCost(90_000),
    }),
  );
  child.chain = [{ id, agentId: fixture.run.agentId, name: fixture.run.name }, ...child.chain];
  addEvent(fixture, {
    type: 'run-create',
    timeMs: startedAtMs,
    facts: { source: 'live' },
    payload: { agentId: 'support-agent', name: 'order 88-1204' },
  });
  for (const made of fixture.steps) {
    addEvent(fixture, {
      type: 'step-start',
      timeMs: made.startedAtMs,
      stepId: made.id,
      facts: { kind: made.kind },
      payload: { name: made.name ?? made.model },
    });
    addEvent(fixture, {
      type: 'step-end',
      timeMs: made.finishedAtMs!,
      stepId: made.id,
      facts: { status: made.status, durationMs: made.durationMs },
      payload: made.error === null ? {} : { error: made.error },
    });
  }
  addEvent(fixture, { type: 'run-end', timeMs: startedAtMs + 21_480, facts: { endReason: 'ok', durationMs: 21_480 } });
  fixture.inputs = { message: 'Where is my order 88-1204?', channel: 'web' };
  fixture.output = 'Your parcel is in Kassel and comes on **Tuesday**.';
  sumUp(fixture);
  sumUp(child);
  return [fixture, child];
}
