import { z } from 'zod';
import { endReasons, runStatuses } from '../../../core/model/run.ts';
import type { WireLease, WireWork, WireWorker, WorkCounts, WorkDetail, WorkerPage, WorkPage } from '../../wire-work.ts';
import { count, id, maybeMs, ms, name } from '../scalar.ts';

/** The store's clock when it was asked. */
const nowMs = ms.describe('The clock that leases are measured by, when it was asked.');

/** A run as work. */
export const wireWork = z
  .strictObject({
    runId: id,
    agentId: z.string(),
    kind: z.string(),
    priority: z.int(),
    createdAtMs: ms,
    attemptsMax: count,
    attemptTimeoutMs: maybeMs,
    parentRunId: id.nullable(),
    rootRunId: id,
    traceId: z.string(),
    shadow: z.boolean(),
    dryRun: z.boolean(),
    inputDigest: z.string().describe('Keyed digest of the input: equal inputs of a project have equal ones.'),
    isRedrivable: z.boolean(),
    state: z.enum(runStatuses),
    endReason: z.enum(endReasons).nullable(),
    errorCode: name.describe('Code of the last failure, also of one that was tried again.'),
    queueAtMs: maybeMs.describe('From when on a worker may take it; null while none may.'),
    attempts: count,
    leaseEpoch: count.describe('The number of the newest lease; 0 before the first.'),
    workerId: name,
    leaseExpiresAtMs: maybeMs,
    startedAtMs: maybeMs,
    finishedAtMs: maybeMs,
    startDeadlineAtMs: maybeMs,
    attemptDeadlineAtMs: maybeMs,
    timeoutAtMs: maybeMs,
    askedAtMs: maybeMs,
    answerDueAtMs: maybeMs,
    waitingFor: name.describe('The signal that a sleeping run waits for.'),
    handlerVersion: name,
  })
  .meta({ id: 'Work' }) satisfies z.ZodType<WireWork>;

/** A page of the queue. */
export const workPage = z
  .strictObject({
    items: z.array(wireWork),
    nextCursor: name,
    limit: count,
    limitCorrected: z.boolean(),
    nowMs,
  })
  .meta({ id: 'WorkPage' }) satisfies z.ZodType<WorkPage>;

/** One run as work. */
export const workDetail = z
  .strictObject({ work: wireWork, nowMs })
  .meta({ id: 'WorkDetail' }) satisfies z.ZodType<WorkDetail>;

/** How many runs are in which state. */
export const workCounts = z
  .strictObject({
    counts: z.array(
      z.strictObject({
        agentId: z.string(),
        state: z.enum(runStatuses),
        count,
        oldestQueueAtMs: maybeMs.describe('Since when the oldest that may be claimed waits.'),
      }),
    ),
    nowMs,
  })
  .meta({ id: 'WorkCounts' }) satisfies z.ZodType<WorkCounts>;

const leaseFields = {
  runId: id,
  agentId: z.string(),
  state: z.enum(runStatuses),
  leaseEpoch: count,
  attempts: count,
  attemptsMax: count,
  startedAtMs: maybeMs,
  leaseExpiresAtMs: maybeMs,
};

const wireLease = z.strictObject(leaseFields).meta({ id: 'Lease' }) satisfies z.ZodType<WireLease>;

const wireWorker = z
  .strictObject({
    workerId: z.string(),
    host: z.string(),
    pid: count,
    agentIds: z.array(z.string()),
    concurrency: count,
    startedAtMs: ms,
    seenAtMs: ms,
    isStopping: z.boolean().describe('It takes no more and ends when its runs have.'),
    leases: z.array(wireLease),
  })
  .meta({ id: 'Worker' }) satisfies z.ZodType<WireWorker>;

/** Workers with their leases. */
export const workerPage = z
  .strictObject({
    workers: z.array(wireWorker),
    strays: z
      .array(z.strictObject({ ...leaseFields, workerId: name }))
      .describe('Leases of workers that do not show themselves.'),
    nowMs,
  })
  .meta({ id: 'WorkerPage' }) satisfies z.ZodType<WorkerPage>;
