import type { AttemptView } from '../model/attempt.ts';
import type { RunCounts, RunView } from '../model/run.ts';
import type { StepView } from '../model/step.ts';
import { unknownUsage } from '../model/usage.ts';

/** The agent of a run whose creation has not arrived. */
export const unknownAgentId = 'unknown';

const noCounts: RunCounts = {
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
  events: 0,
  unpriced: 0,
};

/** A run of which nothing is known but that it exists: its creation may arrive later or be lost. */
export function blankRun(projectId: string, runId: string, timeMs: number): RunView {
  return {
    id: runId,
    projectId,
    agentId: unknownAgentId,
    kind: 'agent',
    source: 'live',
    callerId: null,
    channelId: null,
    sessionId: null,
    endUserId: null,
    parentRunId: null,
    parentStepId: null,
    rootRunId: runId,
    name: null,
    labels: {},
    inputsId: null,
    outputId: null,
    environmentId: null,
    status: 'running',
    endReason: null,
    errorCode: null,
    errorDetail: null,
    swept: false,
    shadow: false,
    dryRun: false,
    observedAfter: false,
    erased: false,
    capture: null,
    traceId: null,
    spanId: null,
    triggerMessageId: null,
    historyTipMessageId: null,
    provider: null,
    model: null,
    createdAtMs: timeMs,
    startedAtMs: timeMs,
    finishedAtMs: null,
    updatedAtMs: timeMs,
    durationMs: null,
    counts: noCounts,
    usage: unknownUsage,
    costNanoUsd: 0,
    costKnownNanoUsd: 0,
    summary: { firstMessage: null, lastOutput: null, hasError: false, endpoint: null },
    redactions: {},
    durability: 'process',
    work: null,
    lastSeq: 0,
    lastStepNumber: 0,
  };
}

/** A step of which only the id is known. */
export function blankStep(of: {
  runId: string;
  stepId: string;
  number: number;
  timeMs: number;
  seq: number;
}): StepView {
  return {
    id: of.stepId,
    runId: of.runId,
    number: of.number,
    kind: 'phase',
    operation: null,
    name: null,
    status: 'in_progress',
    swept: false,
    parentStepId: null,
    callId: null,
    provider: null,
    model: null,
    requestedModel: null,
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
    startedAtMs: of.timeMs,
    finishedAtMs: null,
    durationMs: null,
    timeToFirstTokenMs: null,
    attemptCount: 0,
    redactions: {},
    erased: false,
    firstSeq: of.seq,
  };
}

/** An attempt of which only the number is known. */
export function blankAttempt(of: { runId: string; stepId: string; number: number; timeMs: number }): AttemptView {
  return {
    runId: of.runId,
    stepId: of.stepId,
    number: of.number,
    status: null,
    method: null,
    url: null,
    path: null,
    requestHeaders: null,
    requestBody: null,
    responseStatus: null,
    responseHeaders: null,
    responseBody: null,
    startedAtMs: of.timeMs,
    durationMs: null,
    error: null,
    retryClass: null,
    retryDelayMs: null,
    providerRequestId: null,
    erased: false,
  };
}
