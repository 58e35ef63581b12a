import { z } from 'zod';
import { stepStatuses } from '../../core/model/step.ts';
import type { RecordedError, StepView, StreamSummary } from '../wire.ts';
import { anything, count, fields, id, maybeCount, maybeMs, ms, name } from './scalar.ts';
import { cost, usage } from './usage.ts';

/** An error as recorded. */
export const recordedError = z
  .strictObject({
    name: z.string(),
    message: z.string(),
    code: name,
    status: maybeCount,
    isRetryable: z.boolean().nullable(),
    causes: z.array(z.strictObject({ name: z.string(), message: z.string() })),
  })
  .meta({ id: 'RecordedError' }) satisfies z.ZodType<RecordedError>;

const chunkTiming = z.strictObject({ count, minMs: ms, p10Ms: ms, medianMs: ms, meanMs: ms, p90Ms: ms, maxMs: ms });

const streamSummary = z.strictObject({
  finishReason: name,
  textDeltas: count,
  toolCalls: count,
  sources: count,
  warnings: count,
  errors: count,
  parts: count,
  lastError: name,
  chunkTiming: chunkTiming.nullable(),
}) satisfies z.ZodType<StreamSummary>;

/** A step. */
export const stepView = z
  .strictObject({
    id,
    runId: id,
    number: count,
    kind: z.enum(['model', 'tool', 'phase']),
    operation: name,
    name,
    status: z.enum(stepStatuses),
    swept: z.boolean(),
    parentStepId: id.nullable(),
    callId: name,
    provider: name,
    model: name,
    requestedModel: name,
    contextNodeId: name,
    contextLength: maybeCount,
    contextMarks: z.array(z.strictObject({ index: count, value: anything })),
    prefixBreak: z.strictObject({ previousStepId: id, atIndex: count }).nullable(),
    toolsNodeId: name,
    options: fields.nullable(),
    argsId: name,
    requestId: name,
    responseId: name,
    resultId: name,
    resultStatus: z.enum(['success', 'error', 'blocked', 'skipped', 'in_doubt']).nullable(),
    journalSeq: maybeCount,
    gatewayId: name,
    wasBlocked: z.boolean(),
    blockReason: name,
    inputDigest: name,
    outputDigest: name,
    providerResponseId: name,
    finishReason: z.strictObject({ unified: z.string(), raw: name }).nullable(),
    usage: usage.nullable(),
    usageRaw: anything,
    cost: cost.nullable(),
    error: recordedError.nullable(),
    stream: streamSummary.nullable(),
    metadata: fields.nullable(),
    historyTipMessageId: name,
    assistantMessageId: name,
    preview: name,
    inputsWithheld: z.boolean(),
    outputsWithheld: z.boolean(),
    observedAfter: z.boolean(),
    late: z.boolean(),
    startedAtMs: ms,
    finishedAtMs: maybeMs,
    durationMs: maybeMs,
    timeToFirstTokenMs: maybeMs,
    attemptCount: count,
    redactions: z.record(z.string(), count),
    erased: z.boolean(),
    firstSeq: count,
  })
  .meta({ id: 'StepView' }) satisfies z.ZodType<StepView>;
