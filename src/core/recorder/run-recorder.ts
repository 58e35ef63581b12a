import { elapsedMs } from '../clock.ts';
import { epochOf } from '../content/context.ts';
import type { EntryDraft } from '../content/interner.ts';
import { addOwn, countRedactions } from '../content/interner.ts';
import { isUuid, uuidToMs } from '../id.ts';
import type { Desk } from './desk.ts';
import { readFields, refused, text } from './given.ts';
import { parentShape, runCloseShape } from './given-shapes.ts';
import { nullStep, nullTool } from './null-recorder.ts';
import { toRecordedError } from '../record/failure.ts';
import type { Observer } from './observer.ts';
import { createObserver } from './observer.ts';
import type { RunCreatePayload, RunEndPayload } from '../record/payload.ts';
import type { Usage } from '../model/usage.ts';
import type {
  ParentRef,
  RunClose,
  RunRecorder,
  RunStart,
  StepRecorder,
  StepStart,
  ToolRecorder,
} from '../record/recording.ts';
import type { RunState } from './run-state.ts';
import { createRunState } from './run-state.ts';
import type { Scope } from './scope.ts';
import { beginStep, readStepStart } from './step-recorder.ts';
import { beginTool } from './tool-recorder.ts';

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
  trace: { readonly given: string | null; readonly made: string | null },
  draft: EntryDraft,
): Partial<RunCreatePayload> {
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
  if (trace.given !== null) fields['traceId'] = trace.given;
  if (trace.made !== null) addOwn(draft, 'traceId', trace.made);
  if (start.inputs !== undefined) addOwn(draft, 'inputs', interner.content('inputs', start.inputs, draft));
  if (of.environment !== null) addOwn(draft, 'environment', interner.content('environment', of.environment, draft));
  return fields;
}

function endPayload({ desk }: RunState, { output, error }: RunClose, draft: EntryDraft): RunEndPayload {
  if (output !== undefined) addOwn(draft, 'output', desk.interner.content('output', output, draft));
  if (error === undefined || error === null) return {};
  return { error: toRecordedError(error, { redactor: desk.redactor, draft }) };
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
  const given = start.traceId ?? parent?.traceId ?? null;
  const made = given === null && parent === null ? desk.ids.hex(16) : null;
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
    payload: (draft) => createPayload(of, start, { given, made }, draft),
    spare: { agentId: start.agentId, kind: start.kind ?? 'agent' },
  });
  return new OpenRun(of, state, { runId, rootRunId, agentId: start.agentId, traceId: given ?? made });
}

/** What a caller says of a run's end. Without a reason the record knows, nobody said that it went well. */
function readClose(given: unknown, desk: Desk): RunClose {
  const fields = readFields<RunClose>(given, runCloseShape, desk.onError);
  if (fields.endReason === undefined) desk.onError(refused('endReason'));
  return { endReason: fields.error == null ? 'interrupted' : 'error', ...fields };
}

interface RunIdentity {
  readonly runId: string;
  readonly rootRunId: string;
  readonly agentId: string;
  readonly traceId: string | null;
}

/** A run under way. Its methods are bound, as those of a step. */
class OpenRun implements RunRecorder {
  readonly id: string;
  readonly rootRunId: string;
  readonly agentId: string;
  readonly recording = true;
  readonly #of: RunSurroundings;
  readonly #state: RunState;
  readonly #traceId: string | null;
  readonly #sinceMs: number;
  #isClosed = false;
  #observer: Observer | null = null;

  constructor(of: RunSurroundings, state: RunState, id: RunIdentity) {
    this.id = id.runId;
    this.rootRunId = id.rootRunId;
    this.agentId = id.agentId;
    this.#of = of;
    this.#state = state;
    this.#traceId = id.traceId;
    this.#sinceMs = of.desk.clock.monotonicMs();
  }

  get closed(): boolean {
    return this.#isClosed;
  }

  readonly ref = (stepId: string | null = null): ParentRef => ({
    runId: this.id,
    stepId: typeof stepId === 'string' && isUuid(stepId) ? stepId : null,
    rootRunId: this.rootRunId,
    traceId: this.#traceId,
  });

  readonly step = (start: unknown): StepRecorder => {
    const { desk } = this.#of;
    return desk.safely(() => reusedStep(this.#state, this, readStepStart(start, desk)), nullStep);
  };

  readonly tool = (start: unknown): ToolRecorder => {
    const { desk } = this.#of;
    return desk.safely(() => {
      this.#state.toolCalls += 1;
      return beginTool(this.#state, this, readStepStart(start, desk));
    }, nullTool);
  };

  readonly onStep = (iteration: unknown, response: unknown): void =>
    this.#of.desk.safely(() => this.#observe().onStep(iteration, response), undefined);

  readonly onTool = (call: unknown, result: unknown): void =>
    this.#of.desk.safely(() => this.#observe().onTool(call, result), undefined);

  readonly log = (type: unknown, data?: unknown): void =>
    this.#of.desk.safely(() => {
      const fields = { type: text(type) ?? 'unnamed', ...(data === undefined ? {} : { data }) };
      const special = typeof data === 'object' && data !== null;
      this.#say('log', () => fields, special);
    }, undefined);

  readonly error = (messageOrError: unknown): void =>
    this.#of.desk.safely(() => {
      const { redactor } = this.#of.desk;
      this.#say('error', (draft) => ({ error: toRecordedError(messageOrError, { redactor, draft }) }), false);
    }, undefined);

  readonly usage = (): Usage => this.#state.usage;

  readonly toolCallCount = (): number => this.#state.toolCalls;

  readonly within = <T>(fn: () => T): T => this.#of.scope.enter({ run: this, step: null }, fn);

  readonly enter = (): void => this.#of.scope.enterHere({ run: this, step: null });

  readonly close = (close: unknown): void => {
    const { desk } = this.#of;
    desk.safely(() => this.#end(readClose(close, desk)), undefined);
  };

  #observe(): Observer {
    const { isWithheld } = this.#of;
    return (this.#observer ??= createObserver(this.#state, {
      run: this,
      isBearing: isWithheld,
      sinceMs: this.#sinceMs,
    }));
  }

  /** An event of the caller's own, at the step in scope if it is one of this run. */
  #say(type: 'log' | 'error', payload: (draft: EntryDraft) => object, special: boolean): void {
    const { desk, scope } = this.#of;
    desk.emit(this.#state.chain, { type, facts: null, ...stepInScope(scope, this.id), payload, special });
  }

  #end(close: RunClose): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { desk } = this.#of;
    if (this.#state.openStepById.size === 0) this.#write(close);
    else
      desk.together(() => {
        for (const step of [...this.#state.openStepById.values()]) step.finish({ status: 'interrupted' });
        this.#write(close);
      });
    this.#of.onClosed(this);
  }

  #write(close: RunClose): void {
    const { desk } = this.#of;
    desk.emit(this.#state.chain, {
      type: 'run-end',
      facts: { endReason: close.endReason, durationMs: elapsedMs(desk.clock, this.#sinceMs), swept: false },
      payload: (draft) => endPayload(this.#state, close, draft),
    });
  }
}

function stepInScope(scope: Scope, runId: string): { stepId?: string } {
  const { step } = scope.state();
  return step !== null && step.run.id === runId ? { stepId: step.id } : {};
}
