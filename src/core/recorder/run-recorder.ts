import { elapsedMs } from '../clock.ts';
import { epochOf } from '../content/context.ts';
import type { EntryDraft } from '../content/interner.ts';
import { countRedactions } from '../content/interner.ts';
import { isUuid, uuidToMs } from '../id.ts';
import type { Desk } from './desk.ts';
import { readFields, refused, text } from './given.ts';
import { parentShape, runCloseShape } from './given-shapes.ts';
import { nullStep, nullTool } from './null-recorder.ts';
import { toRecordedError } from '../record/failure.ts';
import { createObserver } from './observer.ts';
import type { RunCreatePayload, RunEndPayload } from '../record/payload.ts';
import type { ParentRef, RunClose, RunRecorder, RunStart, StepRecorder, StepStart } from '../record/recording.ts';
import type { RunState } from './run-state.ts';
import { createRunState } from './run-state.ts';
import type { Scope } from './scope.ts';
import { beginStep, readStepStart } from './step-recorder.ts';
import { toToolRecorder } from './tool-recorder.ts';

/** What a recorder lends to its runs. */
export interface RunSurroundings {
  readonly desk: Desk;
  readonly scope: Scope;
  /** Recorded as a content on every run, or `null`. */
  readonly environment: Readonly<Record<string, unknown>> | null;
  readonly isWithheld: (toolName: string) => boolean;
  readonly onClosed: (run: RunRecorder) => void;
}

/** Names of people and places, which may be recorded as pseudonyms. */
const identifiers = ['callerId', 'channelId', 'sessionId', 'endUserId'] as const;

const copied = ['name', 'labels', 'capture', 'model', 'spanId', 'triggerMessageId', 'historyTipMessageId'] as const;

function createPayload(
  of: RunSurroundings,
  start: RunStart,
  traceId: string | null,
  draft: EntryDraft,
): RunCreatePayload {
  const { interner, redactor } = of.desk;
  const fields: Record<string, unknown> = { agentId: start.agentId, kind: start.kind ?? 'agent' };
  for (const key of identifiers) {
    const name = start[key];
    if (name === undefined) continue;
    const redacted = redactor.identifier?.(name) ?? { value: name, counts: null };
    fields[key] = redacted.value;
    countRedactions(draft, redacted.counts);
  }
  for (const key of copied) if (start[key] !== undefined) fields[key] = start[key];
  if (traceId !== null) fields['traceId'] = traceId;
  if (start.inputs !== undefined) fields['inputs'] = interner.content('inputs', start.inputs, draft);
  if (of.environment !== null) fields['environment'] = interner.content('environment', of.environment, draft);
  return fields as unknown as RunCreatePayload;
}

function endPayload(state: RunState, close: RunClose, draft: EntryDraft): RunEndPayload {
  return {
    ...(close.output === undefined ? {} : { output: state.desk.interner.content('output', close.output, draft) }),
    ...(close.error === undefined || close.error === null
      ? {}
      : { error: toRecordedError(close.error, { redactor: state.desk.redactor, draft }) }),
  };
}

/** A reference as the record needs it. Without a valid root the parent itself is taken for it. */
function readRef(given: unknown, desk: Desk): ParentRef | null {
  const { runId, stepId, rootRunId, traceId } = readFields<ParentRef>(given, parentShape, desk.onError);
  if (runId === undefined) return null;
  return { runId, stepId: stepId ?? null, rootRunId: rootRunId ?? runId, traceId: traceId ?? null };
}

/** The parent of a run that begins: the one named, else the run in scope, else none. */
function parentOf(start: RunStart, of: RunSurroundings): ParentRef | null {
  if (start.parent === null) return null;
  const { run, step } = of.scope.state();
  const parent = start.parent ?? run;
  if (parent === null) return null;
  const { ref, recording } = parent as Partial<RunRecorder>;
  if (typeof ref !== 'function') return readRef(parent, of.desk);
  if (recording !== true) return null;
  const named = parent as RunRecorder;
  return readRef(named.ref(step !== null && step.run.id === named.id ? step.id : null), of.desk);
}

function reusedStep(state: RunState, run: RunRecorder, start: StepStart): StepRecorder {
  const reuse = start.kind === 'model' ? state.scope.state().reuse : null;
  const shared = reuse?.get(run.id);
  if (shared !== undefined) return shared;
  const step = beginStep(state, run, start);
  reuse?.set(run.id, step);
  return step;
}

/** Begins a run: its creation is in the journal when this returns (I3). */
export function beginRun(of: RunSurroundings, start: RunStart): RunRecorder {
  const { desk, scope } = of;
  const runId = start.runId ?? desk.ids.uuid();
  const parent = desk.safely(() => parentOf(start, of), null);
  const rootRunId = parent?.rootRunId ?? runId;
  const inherited = parent === null ? null : (parent.traceId ?? null);
  const traceId = start.traceId ?? inherited ?? (parent === null ? desk.ids.hex(16) : null);
  const chain = desk.openChain(runId, epochOf(uuidToMs(rootRunId)));
  const state = createRunState({ desk, chain, scope, observedAfter: start.observedAfter ?? false });
  desk.emit(chain, {
    type: 'run-create',
    facts: {
      parentRunId: parent?.runId ?? null,
      parentStepId: parent?.stepId ?? null,
      rootRunId,
      source: start.source ?? 'live',
      dryRun: start.dryRun ?? false,
      shadow: start.shadow ?? false,
      started: true,
      observedAfter: start.observedAfter ?? false,
      durability: desk.journal.durability,
    },
    payload: (draft) => createPayload(of, start, traceId, draft),
    spare: { agentId: start.agentId, kind: start.kind ?? 'agent' },
  });
  return openRun(of, state, { runId, rootRunId, agentId: start.agentId, traceId });
}

/** What a caller says of a run's end. Without a reason the record knows, nobody said that it went well. */
function readClose(given: unknown, desk: Desk): RunClose {
  const fields = readFields<RunClose>(given, runCloseShape, desk.onError);
  if (fields.endReason === undefined) desk.onError(refused('endReason'));
  return { endReason: fields.error == null ? 'interrupted' : 'error', ...fields };
}

function openRun(
  of: RunSurroundings,
  state: RunState,
  id: { runId: string; rootRunId: string; agentId: string; traceId: string | null },
): RunRecorder {
  const { desk, scope } = of;
  const { chain } = state;
  const sinceMs = desk.clock.monotonicMs();
  let isClosed = false;

  const end = (close: RunClose): void => {
    if (isClosed) return;
    isClosed = true;
    for (const step of [...state.openStepById.values()]) step.finish({ status: 'interrupted' });
    desk.emit(chain, {
      type: 'run-end',
      facts: { endReason: close.endReason, durationMs: elapsedMs(desk.clock, sinceMs), swept: false },
      payload: (draft) => endPayload(state, close, draft),
    });
    of.onClosed(run);
  };

  const run: RunRecorder = {
    id: id.runId,
    rootRunId: id.rootRunId,
    agentId: id.agentId,
    get closed() {
      return isClosed;
    },
    recording: true,
    ref: (stepId = null) => ({
      runId: id.runId,
      stepId: typeof stepId === 'string' && isUuid(stepId) ? stepId : null,
      rootRunId: id.rootRunId,
      traceId: id.traceId,
    }),
    step: (start) => desk.safely(() => reusedStep(state, run, readStepStart(start, desk)), nullStep),
    tool: (start) =>
      desk.safely(() => {
        state.toolCalls += 1;
        return toToolRecorder(beginStep(state, run, { ...readStepStart(start, desk), kind: 'tool' }));
      }, nullTool),
    onStep: (iteration, response) => desk.safely(() => observer.onStep(iteration, response), undefined),
    onTool: (call, result) => desk.safely(() => observer.onTool(call, result), undefined),
    log: (type, payload) =>
      desk.safely(() => {
        const fields = { type: text(type) ?? 'unnamed', ...(payload === undefined ? {} : { data: payload }) };
        const special = typeof payload === 'object' && payload !== null;
        desk.emit(chain, { type: 'log', facts: null, ...stepInScope(scope, id.runId), payload: () => fields, special });
      }, undefined),
    error: (messageOrError) =>
      desk.safely(() => {
        const payload = (draft: EntryDraft): object => ({
          error: toRecordedError(messageOrError, { redactor: desk.redactor, draft }),
        });
        desk.emit(chain, { type: 'error', facts: null, ...stepInScope(scope, id.runId), payload });
      }, undefined),
    usage: () => state.usage,
    toolCallCount: () => state.toolCalls,
    within: (fn) => scope.enter({ run, step: null }, fn),
    close: (close) => desk.safely(() => end(readClose(close, desk)), undefined),
  };
  const observer = createObserver(state, run, of.isWithheld);
  return run;
}

function stepInScope(scope: Scope, runId: string): { stepId?: string } {
  const { step } = scope.state();
  return step !== null && step.run.id === runId ? { stepId: step.id } : {};
}
