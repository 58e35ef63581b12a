import { elapsedMs } from '../clock.ts';
import { epochOf } from '../content/context.ts';
import type { EntryDraft, Interner } from '../content/interner.ts';
import { addOwn, countRedactions } from '../content/interner.ts';
import { isUuid, uuidToMs } from '../id.ts';
import type { Redactor } from '../redact/redactor.ts';
import type { Desk, Emission } from './desk.ts';
import { readFields, refused, text } from './given.ts';
import { parentShape, runCloseShape } from './given-shapes.ts';
import { nullStep, nullTool } from './null-recorder.ts';
import { toRecordedError } from '../record/failure.ts';
import type { Observer } from './observer.ts';
import { createObserver } from './observer.ts';
import type { JournalEntry } from '../journal.ts';
import type { RunStateFacts } from '../record/facts.ts';
import type { RunCreatePayload, RunEndPayload, RunStatePayload } from '../record/payload.ts';
import type { Usage } from '../model/usage.ts';
import type {
  ParentRef,
  JoinedRun,
  RunClose,
  RunJoin,
  RunRecorder,
  RunStart,
  StepRecorder,
  StepStart,
  ToolRecorder,
} from '../record/recording.ts';
import type { CallGate } from '../work/gate.ts';
import { openGate } from '../work/gate.ts';
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

/** What a run's creation says in words: its names, redacted, and its inputs as a content. */
export function toCreatePayload(
  of: Pick<RunSurroundings, 'desk' | 'environment'>,
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

function endPayload(
  { output, error }: RunClose,
  by: { readonly interner: Interner; readonly redactor: Redactor },
  draft: EntryDraft,
): RunEndPayload {
  if (output !== undefined) addOwn(draft, 'output', by.interner.content('output', output, draft));
  if (error === undefined || error === null) return {};
  return { error: toRecordedError(error, { redactor: by.redactor, draft }) };
}

/** A reference as the record needs it. Without a valid root the parent itself is taken for it. */
function readRef(given: unknown, desk: Desk): ParentRef | null {
  const { runId, shadow, ...ref } = readFields<ParentRef>(given, parentShape, desk.onError);
  if (runId === undefined) return null;
  const { stepId = null, rootRunId = runId, traceId = null } = ref;
  return { runId, stepId, rootRunId, traceId, shadow: shadow === true };
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

/** Who is asked before the run's calls leave: whoever is asked for its parent, or for the run that it is begun in. */
function gateOf(start: RunStart, of: RunSurroundings): CallGate | null {
  const { gate } = (start.parent ?? {}) as Partial<RunRecorder>;
  return gate ?? of.scope.state().run?.gate ?? null;
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
  const shadow = start.shadow === true || parent?.shadow === true;
  desk.emit(chain, {
    type: 'run-create',
    facts: {
      parentRunId: parent?.runId ?? null,
      parentStepId: parent?.stepId ?? null,
      rootRunId,
      source: start.source ?? 'live',
      dryRun: start.dryRun ?? false,
      shadow,
      started: true,
      observedAfter: start.observedAfter ?? false,
      durability: desk.journal.durability,
    },
    payload: (draft) => toCreatePayload(of, start, { given, made }, draft),
    spare: { agentId: start.agentId, kind: start.kind ?? 'agent' },
  });
  const gate = desk.safely(() => gateOf(start, of), null);
  const { agentId } = start;
  return new OpenRun(of, state, { runId, rootRunId, agentId, traceId: given ?? made, gate, shadow });
}

/** Goes on with a run under a lease: its creation and its start are in the record already. */
export function joinRun(of: RunSurroundings, join: RunJoin): JoinedRun {
  const { desk, scope } = of;
  const { runId, rootRunId, agentId, traceId, writerId, n, head, gate = openGate, shadow = false } = join;
  const chain = desk.joinChain({ runId, epoch: epochOf(uuidToMs(rootRunId)), writerId, n, head });
  const state = createRunState({ desk, chain, scope, observedAfter: false });
  return new LeasedRun(of, state, { runId, rootRunId, agentId, traceId, gate, shadow });
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
  readonly gate: CallGate | null;
  readonly shadow: boolean;
}

/** A run under way. Its methods are bound, as those of a step. */
class OpenRun implements RunRecorder {
  readonly id: string;
  readonly rootRunId: string;
  readonly agentId: string;
  readonly recording = true;
  readonly gate: CallGate | null;
  protected readonly of: RunSurroundings;
  protected readonly state: RunState;
  readonly #traceId: string | null;
  readonly #isShadow: boolean;
  readonly #sinceMs: number;
  #isClosed = false;
  #observer: Observer | null = null;

  constructor(of: RunSurroundings, state: RunState, id: RunIdentity) {
    this.id = id.runId;
    this.rootRunId = id.rootRunId;
    this.agentId = id.agentId;
    this.gate = id.gate;
    this.of = of;
    this.state = state;
    this.#traceId = id.traceId;
    this.#isShadow = id.shadow;
    this.#sinceMs = of.desk.clock.monotonicMs();
  }

  get losses(): number {
    return this.state.chain.losses;
  }

  get closed(): boolean {
    return this.#isClosed;
  }

  readonly ref = (stepId: string | null = null): ParentRef => ({
    runId: this.id,
    stepId: typeof stepId === 'string' && isUuid(stepId) ? stepId : null,
    rootRunId: this.rootRunId,
    traceId: this.#traceId,
    ...(this.#isShadow ? { shadow: true } : {}),
  });

  readonly step = (start: unknown): StepRecorder => {
    const { desk } = this.of;
    return desk.safely(() => reusedStep(this.state, this, readStepStart(start, desk)), nullStep);
  };

  readonly tool = (start: unknown): ToolRecorder => {
    const { desk } = this.of;
    return desk.safely(() => {
      this.state.toolCalls += 1;
      return beginTool(this.state, this, readStepStart(start, desk));
    }, nullTool);
  };

  readonly onStep = (iteration: unknown, response: unknown): void =>
    this.of.desk.safely(() => this.#observe().onStep(iteration, response), undefined);

  readonly onTool = (call: unknown, result: unknown): void =>
    this.of.desk.safely(() => this.#observe().onTool(call, result), undefined);

  readonly log = (type: unknown, data?: unknown): void =>
    this.of.desk.safely(() => {
      const fields = { type: text(type) ?? 'unnamed', ...(data === undefined ? {} : { data }) };
      const special = typeof data === 'object' && data !== null;
      this.#say('log', () => fields, special);
    }, undefined);

  readonly error = (messageOrError: unknown): void =>
    this.of.desk.safely(() => {
      const { redactor } = this.of.desk;
      this.#say('error', (draft) => ({ error: toRecordedError(messageOrError, { redactor, draft }) }), false);
    }, undefined);

  readonly usage = (): Usage => this.state.usage;

  readonly toolCallCount = (): number => this.state.toolCalls;

  readonly within = <T>(fn: () => T): T => this.of.scope.enter({ run: this, step: null }, fn);

  readonly enter = (): void => this.of.scope.enterHere({ run: this, step: null });

  readonly close = (close: unknown): void => {
    const { desk } = this.of;
    desk.safely(() => this.#end(readClose(close, desk)), undefined);
  };

  #observe(): Observer {
    const { isWithheld } = this.of;
    return (this.#observer ??= createObserver(this.state, {
      run: this,
      isBearing: isWithheld,
      sinceMs: this.#sinceMs,
    }));
  }

  /** An event of the caller's own, at the step in scope if it is one of this run. */
  #say(type: 'log' | 'error', payload: (draft: EntryDraft) => object, special: boolean): void {
    const { desk, scope } = this.of;
    desk.emit(this.state.chain, { type, facts: null, ...stepInScope(scope, this.id), payload, special });
  }

  #end(close: RunClose): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { desk } = this.of;
    if (this.state.openStepById.size === 0) this.write(close);
    else
      desk.together(() => {
        for (const step of [...this.state.openStepById.values()]) step.finish({ status: 'interrupted' });
        this.write(close);
      });
    this.of.onClosed(this);
  }

  protected write(close: RunClose): void {
    const { desk } = this.of;
    desk.emit(this.state.chain, {
      type: 'run-end',
      facts: { endReason: close.endReason, durationMs: elapsedMs(desk.clock, this.#sinceMs), swept: false },
      payload: (draft) => endPayload(close, desk, draft),
    });
  }
}

/** A run under a lease. */
class LeasedRun extends OpenRun implements JoinedRun {
  /** Hash before the newest draft. */
  #headBefore: Uint8Array | null = null;

  readonly leave = (): void => this.close({ endReason: 'interrupted' });

  readonly draftEnd = ({ durationMs, ...close }: RunClose & { durationMs: number | null }): JournalEntry => {
    const { redactor, apart, interner } = this.of.desk;
    return this.#draft({
      type: 'run-end',
      facts: { endReason: close.endReason, durationMs, swept: false },
      payload: (draft) => endPayload(close, { redactor, interner: apart ?? interner }, draft),
    });
  };

  readonly draftState = (facts: RunStateFacts, payload: RunStatePayload): JournalEntry =>
    this.#draft({ type: 'run-state', facts, payload: () => payload });

  readonly takeBack = ({ event }: JournalEntry): void => {
    const { chain } = this.state;
    if (this.#headBefore === null || chain.n !== event.header.n) return;
    chain.n -= 1;
    chain.head = this.#headBefore;
    this.#headBefore = null;
  };

  #draft<T extends 'run-end' | 'run-state'>(emission: Emission<T>): JournalEntry {
    const { chain } = this.state;
    const { head } = chain;
    const entry = this.of.desk.draft(chain, emission);
    this.#headBefore = head;
    return entry;
  }

  protected override write(): void {
    // The end is written with the change of state that it tells of, by whoever holds the lease.
  }
}

function stepInScope(scope: Scope, runId: string): { stepId?: string } {
  const { step } = scope.state();
  return step !== null && step.run.id === runId ? { stepId: step.id } : {};
}
