import type { AttemptView, BodyRef, RunView, StepView, Usage, WirePart } from '../src/api/wire.ts';

/** Deep enough for what the wire nests. */
export type Overrides<T> = { readonly [K in keyof T]?: T[K] };

/** A usage; buckets not named were not reported. */
export function aUsage(input: Overrides<Usage['input']> = {}, output: Overrides<Usage['output']> = {}): Usage {
  const none = {
    total: null,
    noCache: null,
    cacheRead: null,
    cacheWrite: null,
    cacheWriteFiveMinutes: null,
    cacheWriteOneHour: null,
  };
  return { input: { ...none, ...input }, output: { total: null, text: null, reasoning: null, ...output }, requests: 1 };
}

/** An id in the form of a UUIDv7 whose order is that of `number`. */
export function anId(number: number): string {
  const hex = number.toString(16).padStart(12, '0');
  return `01938${hex.slice(0, 3)}-${hex.slice(3, 7)}-7${hex.slice(7, 10)}-8${hex.slice(9, 12)}-${hex}`;
}

/** A completed run without steps. */
export function aRun(overrides: Overrides<RunView> & { readonly id: string; readonly startedAtMs: number }): RunView {
  const started = overrides.startedAtMs;
  const durationMs = overrides.durationMs === undefined ? 4200 : overrides.durationMs;
  return {
    projectId: 'default',
    agentId: 'support-agent',
    kind: 'agent',
    source: 'live',
    callerId: null,
    channelId: null,
    sessionId: null,
    endUserId: null,
    parentRunId: null,
    parentStepId: null,
    rootRunId: overrides.id,
    name: null,
    labels: {},
    inputsId: null,
    outputId: null,
    environmentId: null,
    status: 'completed',
    endReason: 'ok',
    errorCode: null,
    errorDetail: null,
    swept: false,
    shadow: false,
    dryRun: false,
    observedAfter: false,
    erased: false,
    capture: 'ai-sdk',
    traceId: null,
    spanId: null,
    triggerMessageId: null,
    historyTipMessageId: null,
    provider: 'anthropic',
    model: 'claude-sonnet-4-5',
    createdAtMs: started,
    finishedAtMs: durationMs === null ? null : started + durationMs,
    updatedAtMs: started + (durationMs ?? 0),
    durationMs,
    counts: {
      steps: 0,
      modelSteps: 0,
      toolSteps: 0,
      attempts: 0,
      retries: 0,
      errors: 0,
      interrupted: 0,
      openSteps: 0,
      gaps: 0,
      missing: 0,
      late: 0,
      events: 2,
      unpriced: 0,
    },
    usage: aUsage(),
    costNanoUsd: 0,
    costKnownNanoUsd: 0,
    summary: { firstMessage: null, lastOutput: null, hasError: false, endpoint: null },
    redactions: {},
    durability: 'process',
    work: null,
    lastSeq: 2,
    lastStepNumber: 0,
    ...overrides,
  };
}

/** A completed model step. */
export function aStep(
  overrides: Overrides<StepView> & { readonly runId: string; readonly number: number; readonly startedAtMs: number },
): StepView {
  const durationMs = overrides.durationMs === undefined ? 900 : overrides.durationMs;
  return {
    id: `${overrides.runId.slice(0, 24)}${overrides.number.toString(16).padStart(12, '0')}`,
    kind: 'model',
    operation: 'generate',
    name: null,
    status: 'completed',
    swept: false,
    parentStepId: null,
    callId: null,
    provider: 'anthropic',
    model: 'claude-sonnet-4-5',
    requestedModel: 'claude-sonnet-4-5',
    contextNodeId: null,
    contextLength: null,
    contextMarks: [],
    prefixBreak: null,
    toolsNodeId: null,
    options: null,
    argsId: null,
    requestId: null,
    responseId: null,
    resultId: null,
    resultStatus: null,
    journalSeq: null,
    gatewayId: null,
    wasBlocked: false,
    blockReason: null,
    inputDigest: null,
    outputDigest: null,
    providerResponseId: null,
    finishReason: null,
    usage: null,
    usageRaw: null,
    cost: null,
    error: null,
    stream: null,
    metadata: null,
    historyTipMessageId: null,
    assistantMessageId: null,
    preview: null,
    inputsWithheld: false,
    outputsWithheld: false,
    observedAfter: false,
    late: false,
    finishedAtMs: durationMs === null ? null : overrides.startedAtMs + durationMs,
    durationMs,
    timeToFirstTokenMs: null,
    attemptCount: 0,
    redactions: {},
    erased: false,
    firstSeq: overrides.number * 2,
    ...overrides,
  };
}

/** A body that was recorded whole. */
export function aBody(bytes: number): BodyRef {
  return {
    contentId: 'c'.repeat(64),
    nodeId: null,
    pieces: 0,
    bytes,
    contentType: 'application/json',
    truncated: false,
    withheld: null,
  };
}

/** A completed attempt. */
export function anAttempt(
  step: StepView,
  overrides: Overrides<AttemptView> & { readonly number: number },
): AttemptView {
  return {
    runId: step.runId,
    stepId: step.id,
    status: 'completed',
    method: 'POST',
    url: 'https://api.anthropic.com/v1/messages',
    path: '/v1/messages',
    requestHeaders: {
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
      'x-api-key': '[redacted:api-key]',
    },
    requestBody: aBody(18_211),
    responseStatus: 200,
    responseHeaders: { 'content-type': 'application/json', 'request-id': 'req_011CVK' },
    responseBody: aBody(1_204),
    startedAtMs: step.startedAtMs,
    durationMs: step.durationMs,
    error: null,
    retryClass: null,
    retryDelayMs: null,
    providerRequestId: 'req_011CVK',
    erased: false,
    ...overrides,
  };
}

/** A message of a conversation before it is numbered. */
export interface DraftMessage {
  readonly role: string;
  readonly parts: readonly WirePart[];
}

/** A message of one text part. */
export function say(role: string, text: string): DraftMessage {
  return { role, parts: [{ type: 'text', text }] };
}

/** A cost from the price table. */
export function aCost(nanoUsd: number): StepView['cost'] {
  return { nanoUsd, status: 'estimated', source: 'price-table', table: '2026-11-21+1a2b3c4d5e6f', reason: null };
}
