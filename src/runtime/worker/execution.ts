import { TachographError } from '../../core/error.ts';
import type { JoinedRun, RunJoin } from '../../core/record/recording.ts';
import { interceptCall } from '../../core/work/shadow/interception.ts';
import { runCodes } from '../../core/work/transition.ts';
import { createContext } from '../handler/context.ts';
import type { HandledRun, JudgeTool } from '../handler/handler.ts';
import { createRunMemory } from '../handler/memory.ts';
import type { Wait } from '../handler/waits.ts';
import { createWaits } from '../handler/waits.ts';
import type { RuntimeParts } from '../parts.ts';
import { inProject } from '../project-scope.ts';
import type { FullOrder } from '../runs/order.ts';
import { joinMemos, landMemos, openOrder } from '../runs/order.ts';
import type { Assignment } from './assignment.ts';
import type { WorkerSettings } from './options.ts';
import type { Outcome } from './outcome.ts';
import { toDeadlineAtMs } from './outcome.ts';

/** The worker stops before the handler is through: its lease is given back. */
export class StopReason extends TachographError {
  constructor(runId: string) {
    super(runCodes.leaseLost, `The worker of run ${runId} stops, and gives it back: another one goes on with it.`);
  }
}

/** A deadline of the run passed. */
class LateReason extends TachographError {
  constructor(runId: string) {
    super(runCodes.deadline, `Run ${runId} is out of time.`);
  }
}

function toHandledRun({ row }: Assignment, order: FullOrder, spanId: string): HandledRun {
  const { runId: id, attempts: attempt, ...rest } = row;
  const { projectId, agentId, kind, attemptsMax, leaseEpoch, traceId, parentRunId, rootRunId } = rest;
  const { shadow, dryRun, handlerVersion, createdAtMs, timeoutAtMs } = rest;
  const { name, input, sessionId, callerId, channelId, endUserId, labels, triggerType, triggerRef } = order;
  return {
    ...{ id, projectId, agentId, kind, name, input, attempt, attemptsMax, leaseEpoch, traceId },
    traceparent: `00-${traceId}-${spanId}-01`,
    ...{ parentRunId, rootRunId, sessionId, callerId, channelId, endUserId, labels, triggerType, triggerRef },
    ...{ shadow, dryRun, handlerVersion, createdAtMs, timeoutAtMs },
  };
}

const noResults = { find: () => null };

/** The rule unless a worker has another: in shadow nothing runs that is not known to only read. */
function createJudge({ registration }: Assignment, environment: string | null): JudgeTool {
  const toolByName = new Map((registration.tools ?? []).map((tool) => [tool.name, tool]));
  return (run, call) => {
    const said = call.class === null ? null : { name: call.name, class: call.class, environments: [], synthetic: null };
    const registered = toolByName.get(call.name) ?? null;
    const tool = registered === null ? said : { ...registered, class: registered.class ?? call.class };
    return interceptCall(call, { mode: run.shadow ? 'shadow' : 'live', tool, environment, recorded: noResults });
  };
}

const timerMsMax = 2 ** 31 - 1;

/** Ends the lease when a deadline of the run passes. Gives the function that takes the watch back. */
function watchDeadline(parts: RuntimeParts, { row, lease, claimedAtMs, toldAtMs }: Assignment): () => void {
  const deadlineAtMs = toDeadlineAtMs(row);
  if (deadlineAtMs === null) return () => undefined;
  const leftMs = deadlineAtMs - claimedAtMs - (parts.clock.monotonicMs() - toldAtMs);
  if (leftMs > timerMsMax) return () => undefined;
  const timer = setTimeout(() => lease.end(new LateReason(row.runId)), Math.max(0, leftMs) + 1);
  return () => clearTimeout(timer);
}

async function callHandler(
  parts: RuntimeParts,
  settings: WorkerSettings,
  of: {
    readonly assignment: Assignment;
    readonly order: FullOrder;
    readonly joined: JoinedRun;
    readonly onWait: (waits: readonly Wait[]) => void;
  },
): Promise<unknown> {
  const { assignment, joined, onWait } = of;
  const { projectId, row, ref, lease, registration } = assignment;
  const { order } = of;
  const secrets = parts.secretsOf(projectId);
  // The first lease of a run finds nothing but what came along with its order.
  const own = row.leaseEpoch === 1 ? [] : await parts.work.listMemos(projectId, row.runId);
  const memos = joinMemos(landMemos(secrets, row.runId, order.carried?.memos ?? []), own);
  const { handlerVersion } = row;
  const run = toHandledRun(assignment, order, parts.ids.hex(8));
  const context = createContext({
    ...{ parts, run, row, ref, lease, joined, secrets },
    memory: createRunMemory({ projectId, ref, work: parts.work, secrets, lease, handlerVersion, memos }),
    waits: createWaits({ runId: row.runId, lease, onWait }),
    keyRunId: order.carried?.keyRunId ?? row.runId,
    judge: settings.judgeTool ?? createJudge(assignment, settings.environment),
  });
  return await registration.run(run, context);
}

/** The order of a run, or why it cannot be read: then nothing can be done, and the run fails with it. */
function findOrder(parts: RuntimeParts, { projectId, row, sealed }: Assignment): FullOrder | Error {
  try {
    return openOrder(parts.secretsOf(projectId), row.runId, sealed);
  } catch (error) {
    return error as Error;
  }
}

function toJoin({ gateOf }: WorkerSettings, { row, join }: Assignment, order: FullOrder | Error): RunJoin {
  const shadow = row.shadow ? { shadow: true } : {};
  if (gateOf === null || order instanceof Error) return { ...join, ...shadow };
  const { callerId, sessionId } = order;
  return { ...join, ...shadow, gate: gateOf({ row, callerId, sessionId }) };
}

/** Rejects with the end of a lease. */
function toLost({ lease }: Assignment): Promise<never> {
  return new Promise((_resolve, reject) => {
    const { signal } = lease;
    if (signal.aborted) reject(signal.reason as Error);
    else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

function toOutcome(assignment: Assignment, waited: readonly Wait[] | null, ended: Outcome): Outcome {
  const { reason } = assignment.lease;
  if (waited !== null) return { kind: 'waits', waits: waited };
  if (reason === null) return ended;
  if (reason instanceof StopReason) return { kind: 'released' };
  return reason instanceof LateReason ? { kind: 'late' } : { kind: 'lost' };
}

/**
 * Runs the handler of a run, until it is through or the lease is over: a handler that does not heed its signal is left
 * behind, and can change nothing any more. Never rejects.
 */
export async function executeRun(
  parts: RuntimeParts,
  settings: WorkerSettings,
  assignment: Assignment,
): Promise<{ readonly joined: JoinedRun; readonly outcome: Outcome }> {
  const { projectId, lease } = assignment;
  const order = findOrder(parts, assignment);
  const joined = parts.recorderOf(projectId).joinRun(toJoin(settings, assignment, order));
  const stopWatch = watchDeadline(parts, assignment);
  let waited: readonly Wait[] | null = null;
  const onWait = (waits: readonly Wait[]): void => void (waited = waits);
  const lost = toLost(assignment);
  let ended: Outcome;
  try {
    if (order instanceof Error) throw order;
    const handled = inProject(projectId, () =>
      joined.within(() => callHandler(parts, settings, { assignment, order, joined, onWait })),
    );
    ended = { kind: 'done', output: await Promise.race([handled, lost]) };
  } catch (error) {
    ended = { kind: 'failed', error };
    // What the handler was about is told by itself, where it heeds the signal in time.
    if (lease.reason !== null) await new Promise<void>((resolve) => setImmediate(resolve));
  }
  stopWatch();
  lost.catch(() => undefined);
  joined.leave();
  return { joined, outcome: toOutcome(assignment, waited, ended) };
}
