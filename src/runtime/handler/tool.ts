import { isTachographError, TachographError } from '../../core/error.ts';
import type { ToolRecorder } from '../../core/record/recording.ts';
import type { ToolClass } from '../../core/work/agent.ts';
import type { CallPass } from '../../core/work/gate.ts';
import { openGate } from '../../core/work/gate.ts';
import { errorToRetryClass } from '../../core/work/retry.ts';
import type { CallVerdict } from '../../core/work/shadow/interception.ts';
import { verdictToFinish } from '../../core/work/shadow/interception.ts';
import { runCodes } from '../../core/work/transition.ts';
import type { ToolCall, ToolOptions } from './handler.ts';
import type { Remembered } from './memory.ts';
import { toRememberedValue } from './memory.ts';
import type { ContextParts } from './surroundings.ts';

/*
 * A call of a tool under a lease:
 *
 *   judged ─► start of the step in the store ─► gate ─► announced: memo under the fence ─► made ─► result remembered
 *
 *   taken over     done: remembered · read: made again · idempotent: made again with the same key
 *                  destructive: in doubt, never repeated but by the word of whoever looked
 */

interface Asked<A, T> {
  readonly name: string;
  readonly args: A;
  readonly fn: (args: A, call: ToolCall) => Promise<T> | T;
  readonly options: ToolOptions<T>;
}

function toKey(of: ContextParts, known: Remembered, given: string | undefined): string {
  return given ?? of.secrets.digest(['tool', of.keyRunId, known.name, known.occurrence, known.inputDigest]);
}

/** The call was begun under a lease that was lost, or its end is not known: its step says so. */
async function markDoubt(of: ContextParts, known: Remembered): Promise<void> {
  const { stepId, status } = known.memo!;
  if (status === 'in_doubt') return;
  if (stepId !== null) {
    const { projectId } = of.run;
    const entry = of.parts.scribeOf(projectId).interrupt(of.row, stepId, 'in_doubt');
    await of.parts.store.importBatch({ projectId, entries: [entry], position: null });
  }
  // Last: whoever finds it in doubt takes it that the record says so.
  await known.put({ status: 'in_doubt', stepId });
}

async function resolveDoubt<A, T>(of: ContextParts, asked: Asked<A, T>, known: Remembered): Promise<T | 'repeat'> {
  const { onDoubt, idempotencyKey } = asked.options;
  await markDoubt(of, known);
  const stepId = known.memo!.stepId ?? '';
  const answer = await onDoubt?.({
    idempotencyKey: toKey(of, known, idempotencyKey),
    signal: of.lease.signal,
    stepId,
  });
  if (answer === undefined)
    throw new TachographError(
      runCodes.executionFailed,
      `The call of "${asked.name}" (number ${known.occurrence}) in run ${of.run.id} was begun by an earlier attempt, and nobody knows whether it was done; it is not repeated. Look at its target, and give onDoubt, or drive the run again from behind it.`,
    );
  if ('repeat' in answer) return 'repeat';
  await known.put({ status: 'done', stepId, value: answer.result });
  return answer.result;
}

async function enterGate(of: ContextParts, stepId: string): Promise<CallPass> {
  const { id: runId, rootRunId, agentId } = of.run;
  const gate = of.joined.gate ?? openGate;
  return await gate.enter({
    ...{ kind: 'tool', runId, rootRunId, agentId, stepId },
    ...{ provider: null, model: null, inputTokens: null, outputTokensMax: null },
  });
}

/** A tool that did not run: its answer stands in for a result, or the agent is told why. */
async function answerInPlace<T>(
  of: ContextParts,
  verdict: Exclude<CallVerdict, { action: 'run' }>,
  at: { readonly known: Remembered; readonly step: ToolRecorder },
): Promise<T> {
  const finish = verdictToFinish(verdict);
  if (verdict.action === 'block') {
    const error = new TachographError(runCodes.executionFailed, verdict.message);
    at.step.finish({ ...finish, error });
    throw error;
  }
  await at.known.put({ status: 'done', stepId: at.step.id, value: verdict.result });
  at.step.finish(finish);
  return verdict.result as T;
}

/** True when a failed call may have been done all the same. */
function isUnknownEnd(error: unknown, of: ContextParts): boolean {
  if (of.lease.reason !== null) return true;
  const name = (error as { name?: unknown } | null | undefined)?.name;
  const retryClass = errorToRetryClass(error);
  return name === 'AbortError' || retryClass === 'network' || retryClass === 'timeout';
}

async function failCall(
  of: ContextParts,
  error: unknown,
  at: { readonly known: Remembered; readonly step: ToolRecorder; readonly toolClass: ToolClass },
): Promise<void> {
  const inDoubt = at.toolClass === 'destructive' && isUnknownEnd(error, of);
  at.step.finish(
    inDoubt
      ? { status: 'interrupted', resultStatus: 'in_doubt', error }
      : { status: 'error', resultStatus: 'error', error },
  );
  if (at.toolClass === 'read' || of.lease.reason !== null) return;
  await at.known.put({ status: inDoubt ? 'in_doubt' : 'failed', stepId: at.step.id });
}

async function callOnce<A, T>(
  of: ContextParts,
  asked: Asked<A, T>,
  at: { readonly known: Remembered; readonly step: ToolRecorder; readonly toolClass: ToolClass },
): Promise<T> {
  const call: ToolCall = {
    idempotencyKey: toKey(of, at.known, asked.options.idempotencyKey),
    signal: of.lease.signal,
    stepId: at.step.id,
  };
  try {
    return await at.step.within(() => asked.fn(asked.args, call));
  } catch (error) {
    await failCall(of, error, at);
    throw error;
  }
}

async function makeCall<A, T>(
  of: ContextParts,
  asked: Asked<A, T>,
  at: { readonly known: Remembered; readonly step: ToolRecorder; readonly toolClass: ToolClass },
): Promise<T> {
  const { known, step, toolClass } = at;
  // The start of the step first (I3): a memo names a step that the record has. Nothing is announced that the gate keeps in.
  await of.parts.recorderOf(of.run.projectId).settle();
  const pass = await enterGate(of, step.id);
  try {
    if (toolClass !== 'read') await known.put({ status: 'announced', stepId: step.id });
    of.lease.check();
    // A result that cannot be remembered leaves the call announced: it was made, and is not made again.
    return toRememberedValue(asked.name, await callOnce(of, asked, at));
  } finally {
    await pass.end({ usage: null, outputBytes: 0, isUsed: true });
  }
}

async function beginCall<A, T>(of: ContextParts, asked: Asked<A, T>, known: Remembered): Promise<T> {
  const { name, args, options } = asked;
  const { hints = null, isTrusted = false, isMessage = false, callId } = options;
  const verdict = await of.judge(of.run, { name, args, hints, isTrusted, isMessage, class: options.class ?? null });
  const wasBegun = known.memo !== null && (known.memo.status === 'announced' || known.memo.status === 'in_doubt');
  if (wasBegun && verdict.class === 'destructive') {
    const resolved = await resolveDoubt(of, asked, known);
    if (resolved !== 'repeat') return resolved;
  }
  const step = of.joined.tool({ name, args, ...(callId === undefined ? {} : { callId }) });
  if (verdict.action !== 'run') return await answerInPlace<T>(of, verdict, { known, step });
  try {
    const value = await makeCall(of, asked, { known, step, toolClass: verdict.class });
    step.succeed(value);
    await known.put({ status: 'done', stepId: step.id, value });
    return value;
  } catch (error) {
    if (step.status === 'in_progress') {
      const isCut = of.lease.reason !== null && isTachographError(error);
      step.finish({ status: isCut ? 'interrupted' : 'error', resultStatus: 'error', error });
    }
    throw error;
  }
}

/** Calls a tool, or gives what an earlier lease remembers of it. */
export async function callTool<A, T>(of: ContextParts, asked: Asked<A, T>): Promise<T> {
  of.lease.check();
  const known = of.memory.next('tool', asked.name, asked.args);
  if (known.memo?.status === 'done') return known.value() as T;
  return await of.waits.busy(async () => {
    try {
      return await beginCall(of, asked, known);
    } catch (error) {
      throw of.lease.reason ?? error;
    }
  });
}
