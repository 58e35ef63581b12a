import { z } from 'zod';
import { retryClasses } from '../../core/model/attempt.ts';
import type { AttemptDetail, AttemptView, BodyRef } from '../wire.ts';
import { count, id, maybeCount, maybeMs, ms, name } from './scalar.ts';
import { recordedError } from './step.ts';

const bodyRef = z.strictObject({
  contentId: name,
  nodeId: name,
  pieces: count,
  bytes: maybeCount,
  contentType: name,
  truncated: z.boolean(),
  withheld: name,
}) satisfies z.ZodType<BodyRef>;

const headers = z.record(z.string(), z.string()).nullable();

/** An attempt. */
export const attemptView = z
  .strictObject({
    runId: id,
    stepId: id,
    number: count,
    status: z.enum(['completed', 'failed']).nullable(),
    method: name,
    url: name,
    path: name,
    requestHeaders: headers,
    requestBody: bodyRef.nullable(),
    responseStatus: maybeCount,
    responseHeaders: headers,
    responseBody: bodyRef.nullable(),
    startedAtMs: ms,
    durationMs: maybeMs,
    error: recordedError.nullable(),
    retryClass: z.enum(retryClasses).nullable(),
    retryDelayMs: maybeMs,
    providerRequestId: name,
    erased: z.boolean(),
  })
  .meta({ id: 'AttemptView' }) satisfies z.ZodType<AttemptView>;

/** An attempt with its bodies. */
export const attemptDetail = z
  .strictObject({ attempt: attemptView, requestBody: name, responseBody: name })
  .meta({ id: 'AttemptDetail' }) satisfies z.ZodType<AttemptDetail>;
