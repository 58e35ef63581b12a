import { z } from 'zod';
import { endReasons, runStatuses } from '../../core/model/run.ts';
import type { RunView } from '../wire.ts';
import { count, id, ms, name, nano } from './scalar.ts';
import { usage } from './usage.ts';

const runCounts = z.strictObject({
  steps: count,
  modelSteps: count,
  toolSteps: count,
  attempts: count,
  retries: count,
  errors: count,
  interrupted: count,
  openSteps: count,
  gaps: count,
  missing: count,
  late: count,
  events: count,
  unpriced: count,
});

const runSummary = z.strictObject({ firstMessage: name, lastOutput: name, hasError: z.boolean(), endpoint: name });

const runWork = z.strictObject({
  priority: z.int(),
  attempts: count,
  attemptsMax: count,
  leaseEpoch: count,
  availableAtMs: ms.nullable(),
  timeoutAtMs: ms.nullable(),
  workerId: name,
  handlerVersion: name,
  waitingFor: name,
  triggerType: name,
  triggerRef: name,
  inputDigest: z.string(),
});

/** A run. */
export const runView = z
  .strictObject({
    id,
    projectId: z.string(),
    agentId: z.string(),
    kind: z.string(),
    source: z.enum(['live', 'import', 'otlp']),
    callerId: name,
    channelId: name,
    sessionId: name,
    endUserId: name,
    parentRunId: id.nullable(),
    parentStepId: id.nullable(),
    rootRunId: id,
    name,
    labels: z.record(z.string(), z.string()),
    inputsId: name,
    outputId: name,
    environmentId: name,
    status: z.enum(runStatuses),
    endReason: z.enum(endReasons).nullable(),
    errorCode: name,
    errorDetail: name,
    swept: z.boolean(),
    shadow: z.boolean(),
    dryRun: z.boolean(),
    observedAfter: z.boolean(),
    erased: z.boolean(),
    capture: name,
    traceId: name,
    spanId: name,
    triggerMessageId: name,
    historyTipMessageId: name,
    provider: name,
    model: name,
    createdAtMs: ms,
    startedAtMs: ms.nullable(),
    finishedAtMs: ms.nullable(),
    updatedAtMs: ms,
    durationMs: ms.nullable(),
    counts: runCounts,
    usage,
    costNanoUsd: nano,
    costKnownNanoUsd: z.number(),
    summary: runSummary,
    redactions: z.record(z.string(), count),
    durability: z.enum(['process', 'power', 'degraded', 'sink']),
    work: runWork.nullable(),
    lastSeq: count,
    lastStepNumber: count,
  })
  .meta({ id: 'RunView' }) satisfies z.ZodType<RunView>;
