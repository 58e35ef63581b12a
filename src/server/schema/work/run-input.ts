import { z } from 'zod';
import { runStatuses } from '../../../core/model/run.ts';
import type { RunCancelled, RunCreated, RedriveInput, RunInput, SignalInput, SignalSent } from '../../wire-work.ts';
import { anything, count, id } from '../scalar.ts';

const short = z.string().min(1, 'must not be empty').max(512, 'must be at most 512 characters long');
const yearSeconds = 366 * 24 * 3600;
const seconds = z.number().min(0).max(yearSeconds).nullable().optional();

/** What a run is created with. */
export const runInput = z
  .strictObject({
    agentId: short.describe('The agent whose workers take it.'),
    triggerType: short.optional().describe('What started it; api unless said.'),
    triggerRef: short.optional(),
    input: anything.optional().describe('Any JSON value; {} when left out.'),
    channelType: short.optional().describe('With providerEventId the event that starts the run: one event, one run.'),
    providerEventId: short.optional(),
    idempotencyKey: short.optional().describe('In place of these; the header Idempotency-Key says the same.'),
    parentRunId: id.optional(),
    parentStepId: id.optional(),
    sessionId: short.optional(),
    callerId: short.optional(),
    channelId: short.optional(),
    endUserId: short.optional(),
    kind: short.optional(),
    name: short.optional(),
    labels: z.record(z.string(), z.string()).optional(),
    priority: z.int().min(-1000).max(1000).optional().describe('Higher first; 0 unless said.'),
    availableAtMs: z.int().min(0).max(1e14).optional().describe('Not before this does a worker take it.'),
    attemptsMax: z.int().min(1).max(100).optional().describe('3 unless said.'),
    startTimeoutSeconds: seconds.describe('Until the first claim; null and left out: none.'),
    attemptTimeoutSeconds: seconds.describe('Each attempt; null and left out: none.'),
    timeoutSeconds: seconds.describe('All attempts together; 600 unless said, null for none.'),
    shadow: z.boolean().optional(),
    dryRun: z.boolean().optional(),
    traceparent: short.optional().describe('W3C trace context; the header of that name says the same.'),
    isRedrivable: z.boolean().optional().describe('Should it fail, what it needs to be driven again stays, encrypted.'),
  })
  .meta({ id: 'RunInput' }) satisfies z.ZodType<RunInput>;

/** A run that was created, or is there already. */
export const runCreated = z
  .strictObject({ runId: id, duplicate: z.boolean() })
  .meta({ id: 'RunCreated' }) satisfies z.ZodType<RunCreated>;

/** What was cancelled. */
export const runCancelled = z
  .strictObject({ runId: id, isCancelled: z.boolean(), state: z.enum(runStatuses), children: count })
  .meta({ id: 'RunCancelled' }) satisfies z.ZodType<RunCancelled>;

/** A message to a run. */
export const signalInput = z
  .strictObject({
    id: short.optional().describe('The sender’s: one that comes twice is taken once. Made when left out.'),
    name: short,
    payload: anything.optional(),
  })
  .meta({ id: 'SignalInput' }) satisfies z.ZodType<SignalInput>;

/** A message that was sent. */
export const signalSent = z
  .strictObject({ id: z.string(), isNew: z.boolean() })
  .meta({ id: 'SignalSent' }) satisfies z.ZodType<SignalSent>;

/** From where a failed run is driven again. */
export const redriveInput = z
  .strictObject({ fromStep: count.optional().describe('From 0; left out: all that is remembered is kept.') })
  .meta({ id: 'RedriveInput' }) satisfies z.ZodType<RedriveInput>;
