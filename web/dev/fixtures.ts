import type { AttemptView, RunDetail, RunView, StepView, WireEvent, WirePart } from '../src/api/wire.ts';
import { aRun, aStep, anAttempt, anId, aUsage, say } from './builders.ts';
import type { DraftMessage } from './builders.ts';

/** Everything known of one run. Mutable: the live run grows in it. */
export interface FixtureRun {
  run: RunView;
  steps: StepView[];
  attempts: Map<string, AttemptView[]>;
  /** By step id: the whole context, and how many of its messages the previous one had. */
  contexts: Map<string, { messages: readonly DraftMessage[]; newFrom: number; again?: readonly number[] }>;
  answers: Map<string, readonly WirePart[]>;
  values: Map<string, { args?: unknown; result?: unknown }>;
  events: WireEvent[];
  inputs: unknown;
  output: unknown;
  environment: unknown;
  chain: RunDetail['chain'];
}

/** A run without steps, around its view. */
export function fixtureOf(run: RunView): FixtureRun {
  return {
    run,
    steps: [],
    attempts: new Map(),
    contexts: new Map(),
    answers: new Map(),
    values: new Map(),
    events: [],
    inputs: null,
    output: null,
    environment: {
      git: { commit: '9dd72fc', dirty: false },
      cwd: '/srv/agents',
      argv: ['node', 'agent.mjs'],
      pid: 4242,
      node: 'v24.21.0',
    },
    chain: [{ id: run.id, agentId: run.agentId, name: run.name }],
  };
}

/** Puts an event at the end of a run's record. */
export function addEvent(
  fixture: FixtureRun,
  event: Partial<WireEvent> & { readonly type: string; readonly timeMs: number },
): WireEvent {
  const seq = fixture.events.length + 1;
  const whole: WireEvent = {
    seq,
    writerId: '0123456789abcdef',
    n: seq,
    stepId: null,
    attempt: null,
    facts: null,
    payload: {},
    hash: 'ab'.repeat(32),
    ...event,
  };
  fixture.events.push(whole);
  return whole;
}

/** Recomputes what a run's header sums up. */
export function sumUp(fixture: FixtureRun): void {
  const { steps } = fixture;
  const models = steps.filter((step) => step.kind === 'model');
  const sum = (valueOf: (step: StepView) => number | null | undefined): number | null => {
    const known = models.map(valueOf).filter((value) => typeof value === 'number');
    return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
  };
  const ended = models.filter((step) => step.status !== 'in_progress');
  const unpriced = ended.filter((step) => (step.cost?.nanoUsd ?? null) === null).length;
  const known = sum((step) => step.cost?.nanoUsd) ?? 0;
  fixture.run = {
    ...fixture.run,
    usage: aUsage(
      {
        total: sum((step) => step.usage?.input.total),
        noCache: sum((step) => step.usage?.input.noCache),
        cacheRead: sum((step) => step.usage?.input.cacheRead),
        cacheWrite: sum((step) => step.usage?.input.cacheWrite),
      },
      { total: sum((step) => step.usage?.output.total), reasoning: sum((step) => step.usage?.output.reasoning) },
    ),
    costNanoUsd: unpriced > 0 ? null : known,
    costKnownNanoUsd: known,
    counts: {
      ...fixture.run.counts,
      steps: steps.length,
      modelSteps: models.length,
      toolSteps: steps.filter((step) => step.kind === 'tool').length,
      attempts: steps.reduce((total, step) => total + step.attemptCount, 0),
      retries: steps.reduce((total, step) => total + Math.max(0, step.attemptCount - 1), 0),
      errors: steps.filter((step) => step.status === 'error').length,
      interrupted: steps.filter((step) => step.status === 'interrupted').length,
      openSteps: steps.filter((step) => step.status === 'in_progress').length,
      events: fixture.events.length,
      unpriced,
    },
    lastSeq: Math.max(fixture.run.lastSeq, fixture.events.length),
    lastStepNumber: steps.length,
  };
}

const system = say(
  'system',
  'You are the support agent of a bicycle shop. Look up orders before you answer. Never promise a date that the warehouse has not confirmed.\n\nTone: short, friendly, exact.',
);

const cost = (nanoUsd: number): StepView['cost'] => ({ nanoUsd, status: 'estimated', source: 'price-table' });

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
    cost: cost(10_234_000),
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
    cost: cost(3_920_000),
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
    cost: { nanoUsd: null, status: 'unknown', source: 'none' },
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
      cost: cost(160_000),
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
      cost: cost(90_000),
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

/** What an attacker would like to get into the page. */
export const hostile = {
  script: '<script>window.__owned = 1</script>',
  svg: '<svg onload="window.__owned = 2"><image href="https://evil.example/x.png"/></svg>',
  image: '<img src="https://evil.example/pixel.png" onerror="window.__owned = 3"> ![x](https://evil.example/md.png)',
  link: 'javascript:window.__owned=4 [click](javascript:window.__owned=5) https://evil.example/',
  bidi: 'invoice\u202Etxt.exe and zero\u200Bwidth\u2066 and tag\u{E0041}s',
  ansi: '\u001B[31mred\u001B[0m \u001B]8;;https://evil.example\u0007link\u0000',
} as const;

/** A run whose every field is hostile. */
export function hostileRun(startedAtMs: number): FixtureRun {
  const id = anId(startedAtMs);
  const fixture = fixtureOf(
    aRun({
      id,
      startedAtMs,
      agentId: hostile.script,
      name: hostile.bidi,
      callerId: hostile.svg,
      model: hostile.image,
      sessionId: hostile.link,
      status: 'failed',
      endReason: 'error',
      errorCode: hostile.svg,
      errorDetail: `${hostile.script}${hostile.ansi}`,
      labels: { [hostile.svg]: hostile.link },
      summary: { firstMessage: Object.values(hostile).join(' '), lastOutput: null, hasError: true, endpoint: null },
    }),
  );
  const all = Object.values(hostile).join('\n');
  const model = aStep({
    runId: id,
    number: 1,
    startedAtMs,
    name: hostile.script,
    model: hostile.svg,
    contextNodeId: 'n',
    contextLength: 3,
    attemptCount: 1,
    finishReason: { unified: hostile.svg, raw: hostile.link },
    usage: aUsage({ total: 10 }, { total: 1 }),
    options: { [hostile.script]: hostile.svg },
  });
  const tool = aStep({
    runId: id,
    number: 2,
    startedAtMs: startedAtMs + 1000,
    kind: 'tool',
    name: hostile.bidi,
    parentStepId: model.id,
    preview: hostile.svg,
    status: 'error',
    error: {
      name: hostile.script,
      message: all,
      code: hostile.svg,
      status: null,
      isRetryable: null,
      causes: [{ name: hostile.bidi, message: hostile.ansi }],
    },
  });
  const long = aStep({
    runId: id,
    number: 3,
    startedAtMs: startedAtMs + 2000,
    kind: 'tool',
    name: 'ten megabytes',
    resultStatus: 'success',
  });
  fixture.steps.push(model, tool, long);
  const source: WirePart = { type: 'source', title: hostile.script, url: hostile.link };
  const file: WirePart = {
    type: 'file',
    mediaType: 'image/svg+xml',
    name: hostile.svg,
    bytes: 12,
    digest: hostile.script,
  };
  fixture.contexts.set(model.id, {
    newFrom: 0,
    messages: [
      say(hostile.script, all),
      { role: 'user', parts: [source, file, { type: 'other', value: { [hostile.svg]: all } }] },
      {
        role: 'assistant',
        parts: [
          { type: 'tool-call', callId: hostile.link, name: hostile.image, args: { html: all } },
          { type: 'tool-result', callId: hostile.link, name: hostile.bidi, result: all, isError: true },
          { type: 'reasoning', text: all },
        ],
      },
    ],
  });
  fixture.answers.set(model.id, [{ type: 'text', text: all }]);
  fixture.attempts.set(model.id, [
    anAttempt(model, {
      number: 1,
      url: hostile.link,
      path: hostile.svg,
      responseHeaders: { [hostile.script]: hostile.svg },
    }),
  ]);
  fixture.values.set(tool.id, { args: { html: all }, result: all });
  fixture.values.set(long.id, { args: null, result: `${'x'.repeat(10 * 1024 * 1024)}END` });
  addEvent(fixture, { type: 'log', timeMs: startedAtMs, payload: { type: hostile.script, data: all } });
  fixture.inputs = all;
  fixture.output = { [hostile.svg]: all };
  fixture.environment = { [hostile.script]: all };
  sumUp(fixture);
  return fixture;
}

/** A run of many steps: model calls with two tools each, one in 500 in error. */
export function largeRun(startedAtMs: number, count: number): FixtureRun {
  const id = anId(startedAtMs);
  const fixture = fixtureOf(
    aRun({
      id,
      startedAtMs,
      durationMs: count * 40,
      agentId: 'crawler',
      name: `${count.toLocaleString('en-US')} steps`,
    }),
  );
  let parent: StepView | null = null;
  for (let number = 1; number <= count; number += 1) {
    const isModel = number % 3 === 1;
    const common = { runId: id, number, startedAtMs: startedAtMs + number * 40, durationMs: 25 + (number % 7) * 12 };
    const made: StepView = isModel
      ? aStep({
          ...common,
          usage: aUsage({ total: 900 + (number % 90) }, { total: 40 }),
          cost: cost(1_200_000),
          attemptCount: 1,
        })
      : aStep({
          ...common,
          kind: 'tool',
          name: number % 2 === 0 ? 'fetch_page' : 'store',
          model: null,
          parentStepId: parent?.id ?? null,
          resultStatus: 'success',
          status: number % 500 === 0 ? 'error' : 'completed',
        });
    if (isModel) parent = made;
    fixture.steps.push(made);
  }
  sumUp(fixture);
  return fixture;
}

/** Runs for the list: many days, statuses, agents and badges. */
export function pastRuns(nowMs: number, count: number): readonly FixtureRun[] {
  const agents = ['support-agent', 'warehouse-agent', 'nightly-report', 'code-review'];
  const messages = [
    'Summarise the tickets of yesterday',
    'Review pull request 4411',
    'Which parcels are late?',
    'Write the release notes for 2026.11.2 and send them to the list',
    null,
  ];
  const models = ['claude-sonnet-4-5', 'gpt-5-mini', 'gemini-3-pro', 'claude-haiku-4-5'];
  return Array.from({ length: count }, (_, index) => {
    const startedAtMs = nowMs - 240_000 - index * 373_000 - ((index * 7919) % 240_000);
    const isBad = index % 11 === 3;
    const isUnknown = index % 6 === 2;
    const nano = 1_200_000 * (1 + (index % 37));
    const dead = index % 23 === 9;
    return fixtureOf(
      aRun({
        id: anId(startedAtMs),
        startedAtMs,
        durationMs: 1_500 + ((index * 7919) % 90_000),
        agentId: agents[index % 4]!,
        model: models[(index * 3) % 4]!,
        callerId: index % 3 === 0 ? 'cron' : index % 3 === 1 ? 'web-chat' : null,
        status: dead
          ? 'failed'
          : isBad
            ? 'failed'
            : index % 29 === 5
              ? 'cancelled'
              : index % 31 === 7
                ? 'timeout'
                : 'completed',
        endReason: dead
          ? 'interrupted'
          : isBad
            ? 'error'
            : index % 29 === 5
              ? 'cancelled'
              : index % 31 === 7
                ? 'timeout'
                : 'ok',
        swept: dead,
        errorDetail: isBad ? 'AI_APICallError: Overloaded' : null,
        dryRun: index % 17 === 4,
        shadow: index % 19 === 6,
        observedAfter: index % 41 === 8,
        erased: index % 43 === 12,
        summary: { firstMessage: messages[index % 5]!, lastOutput: null, hasError: isBad, endpoint: null },
        usage: isUnknown
          ? aUsage()
          : aUsage({ total: 1_000 + ((index * 977) % 80_000), cacheRead: 400 }, { total: 80 + (index % 900) }),
        costNanoUsd: isUnknown ? null : nano,
        costKnownNanoUsd: isUnknown ? 0 : nano,
        counts: {
          steps: 3 + (index % 40),
          modelSteps: 2 + (index % 20),
          toolSteps: 1,
          attempts: 4,
          retries: index % 9 === 1 ? 2 : 0,
          errors: isBad ? 1 : 0,
          interrupted: 0,
          openSteps: 0,
          gaps: index % 37 === 11 ? 1 : 0,
          missing: 0,
          late: 0,
          events: 12,
          unpriced: isUnknown ? 1 : 0,
        },
      }),
    );
  });
}
