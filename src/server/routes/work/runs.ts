import { TachographError } from '../../../core/error.ts';
import { parseTraceparent } from '../../../core/trace-context.ts';
import { runPath } from '../../field.ts';
import { findWork, rowToWire, runsOf, workOf } from '../../reading/work-reading.ts';
import type { Route } from '../../route.ts';
import { defineRoute, toJson } from '../../route.ts';
import {
  redriveInput,
  runCancelled,
  runCreated,
  runInput,
  signalInput,
  signalSent,
} from '../../schema/work/run-input.ts';
import { workDetail } from '../../schema/work/work.ts';
import type { RunCancelled, RunInput, SignalSent, WorkDetail } from '../../wire-work.ts';

/** Inputs, with room for a conversation. */
const inputBytesMax = 1024 * 1024;

/** The request with what its headers say of it. A trace context that is none is passed over, as W3C has it. */
function withHeaders(input: RunInput, headers: Headers): RunInput {
  const key = headers.get('idempotency-key');
  if (key !== null && input.idempotencyKey !== undefined && input.idempotencyKey !== key)
    throw new TachographError('bad-argument', 'The header Idempotency-Key and the field idempotencyKey differ.');
  const traceparent = headers.get('traceparent') ?? undefined;
  const isTraced = input.traceparent === undefined && parseTraceparent(traceparent) !== null;
  return {
    ...input,
    ...(key === null ? {} : { idempotencyKey: key }),
    ...(isTraced ? { traceparent } : {}),
  };
}

const create = defineRoute({
  method: 'POST',
  path: '/api/v1/runs',
  scope: 'run',
  summary:
    'Creates a run for a worker to take: 201, or 200 with the run that has the key already. The headers Idempotency-Key and traceparent are heeded.',
  body: runInput,
  bodyBytesMax: inputBytesMax,
  status: 201,
  answer: runCreated,
  async handle({ body, request }, around) {
    const created = await runsOf(around).create(withHeaders(body, request.headers));
    return toJson(JSON.stringify(created), created.duplicate ? 200 : 201);
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/api/v1/runs/{id}/work',
  scope: 'read',
  summary: 'Says how a run stands as work: its queue, lease, attempts and deadlines.',
  params: runPath,
  answer: workDetail,
  async handle({ params }, around): Promise<WorkDetail> {
    const row = await findWork(around, params.id);
    return { work: rowToWire(row), nowMs: await workOf(around).nowMs() };
  },
});

const cancel = defineRoute({
  method: 'POST',
  path: '/api/v1/runs/{id}/cancel',
  scope: 'run',
  summary:
    'Cancels a run and its open child runs. One that has ended stays as it is; its worker hears of it at its next heartbeat or step.',
  params: runPath,
  answer: runCancelled,
  async handle({ params }, around): Promise<RunCancelled> {
    const { runId } = await findWork(around, params.id);
    const { isCancelled, row, children } = await runsOf(around).cancel(runId);
    // Whoever cancelled them reads them as cancelled.
    await workOf(around).file(around.projectId, children === 0 ? runId : undefined);
    return { runId, isCancelled, state: row.state, children };
  },
});

const signal = defineRoute({
  method: 'POST',
  path: '/api/v1/runs/{id}/signals',
  scope: 'run',
  summary: 'Sends a message to a run, which wakes it if it waits for it. One that comes twice is taken once.',
  params: runPath,
  body: signalInput,
  bodyBytesMax: inputBytesMax,
  answer: signalSent,
  async handle({ params, body }, around): Promise<SignalSent> {
    const { runId } = await findWork(around, params.id);
    const { name, payload = null } = body;
    const id = body.id ?? around.ids.uuid();
    return { id, isNew: await runsOf(around).signal(runId, { id, name, payload }) };
  },
});

const redrive = defineRoute({
  method: 'POST',
  path: '/api/v1/runs/{id}/redrive',
  scope: 'run',
  summary:
    'Has a failed run that was kept for it done again, as a run of its own: 201, or 200 with the one that was made from this step before.',
  params: runPath,
  body: redriveInput,
  status: 201,
  answer: runCreated,
  async handle({ params, body }, around) {
    const { runId, state, isRedrivable } = await findWork(around, params.id);
    if (state === 'failed' && !isRedrivable)
      throw new TachographError(
        'E-RUN-003',
        `Run ${runId} was not kept to be driven again: create runs with isRedrivable for that.`,
      );
    const created = await runsOf(around).redrive(runId, body);
    return toJson(JSON.stringify(created), created.duplicate ? 200 : 201);
  },
});

/** Routes by which runs are created and steered. */
export const workRunRoutes: readonly Route[] = [create, get, cancel, signal, redrive];
