import { elapsedMs } from '../clock.ts';
import { epochOf } from '../content/context.ts';
import type { EntryDraft } from '../content/interner.ts';
import { uuidToMs } from '../id.ts';
import type { Desk } from './desk.ts';
import { toRecordedError } from '../record/failure.ts';
import { createObserver } from './observer.ts';
import type { RunCreatePayload, RunEndPayload } from '../record/payload.ts';
import type { ParentRef, RunClose, RunRecorder, RunStart, StepRecorder, StepStart } from '../record/recording.ts';
import type { RunState } from './run-state.ts';
import { createRunState } from './run-state.ts';
import type { Scope } from './scope.ts';
import { beginStep } from './step-recorder.ts';
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

const copied = [
  'callerId',
  'channelId',
  'sessionId',
  'endUserId',
  'name',
  'labels',
  'capture',
  'model',
  'spanId',
] as const;

function createPayload(
  of: RunSurroundings,
  start: RunStart,
  traceId: string | null,
  draft: EntryDraft,
): RunCreatePayload {
  const { interner } = of.desk;
  const fields: Record<string, unknown> = { agentId: start.agentId, kind: start.kind ?? 'agent' };
  for (const key of copied) if (start[key] !== undefined) fields[key] = start[key];
  if (traceId !== null) fields['traceId'] = traceId;
  if (start.inputs !== undefined) fields['inputs'] = interner.content('inputs', start.inputs, draft);
  if (of.environment !== null) fields['environment'] = interner.content('environment', of.environment, draft);
  return fields as unknown as RunCreatePayload;
}

function endPayload(state: RunState, close: RunClose, draft: EntryDraft): RunEndPayload {
  return {
    ...(close.output === undefined ? {} : { output: state.desk.interner.content('output', close.output, draft) }),
    ...(close.error === undefined || close.error === null ? {} : { error: toRecordedError(close.error) }),
  };
}

/** The parent of a run that begins: the one named, else the run in scope, else none. */
function parentOf(start: RunStart, scope: Scope): ParentRef | null {
  if (start.parent === null) return null;
  const { run, step } = scope.state();
  const parent = start.parent ?? run;
  if (parent === null) return null;
  if (!('ref' in parent)) return parent;
  if (!parent.recording) return null;
  return parent.ref(step !== null && step.run.id === parent.id ? step.id : null);
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
  const parent = parentOf(start, scope);
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
  });
  return openRun(of, state, { runId, rootRunId, agentId: start.agentId, traceId });
}

function openRun(
  of: RunSurroundings,
  state: RunState,
  id: { runId: string; rootRunId: string; agentId: string; traceId: string | null },
): RunRecorder {
  const { desk, scope } = of;
  const sinceMs = desk.clock.monotonicMs();
  let isClosed = false;

  const run: RunRecorder = {
    id: id.runId,
    rootRunId: id.rootRunId,
    agentId: id.agentId,
    get closed() {
      return isClosed;
    },
    recording: true,
    ref: (stepId = null) => ({ runId: id.runId, stepId, rootRunId: id.rootRunId, traceId: id.traceId }),
    step: (start) => reusedStep(state, run, start),
    tool(start) {
      state.toolCalls += 1;
      return toToolRecorder(beginStep(state, run, { ...start, kind: 'tool' }));
    },
    onStep: (iteration, response) => observer.onStep(iteration, response),
    onTool: (call, result) => observer.onTool(call, result),
    log(type, payload) {
      const fields = { type, ...(payload === undefined ? {} : { data: payload }) };
      desk.emit(state.chain, { type: 'log', facts: null, ...stepInScope(scope, id.runId), payload: () => fields });
    },
    error(messageOrError) {
      const fields = { error: toRecordedError(messageOrError) };
      desk.emit(state.chain, { type: 'error', facts: null, ...stepInScope(scope, id.runId), payload: () => fields });
    },
    usage: () => state.usage,
    toolCallCount: () => state.toolCalls,
    within: (fn) => scope.enter({ run, step: null }, fn),
    close(close) {
      if (isClosed) return;
      isClosed = true;
      for (const step of [...state.openStepById.values()]) step.finish({ status: 'interrupted' });
      desk.emit(state.chain, {
        type: 'run-end',
        facts: { endReason: close.endReason, durationMs: elapsedMs(desk.clock, sinceMs), swept: false },
        payload: (draft) => endPayload(state, close, draft),
      });
      of.onClosed(run);
    },
  };
  const observer = createObserver(state, run, of.isWithheld);
  return run;
}

function stepInScope(scope: Scope, runId: string): { stepId?: string } {
  const { step } = scope.state();
  return step !== null && step.run.id === runId ? { stepId: step.id } : {};
}
