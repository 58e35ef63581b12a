import { elapsedMs } from '../clock.ts';
import type { EntryDraft } from '../content/interner.ts';
import { addOwn } from '../content/interner.ts';
import type { Desk } from './desk.ts';
import type { BlockReason, StepStatus } from '../model/step.ts';
import { blockReasons, factOperations, isStepStatusAllowed } from '../model/step.ts';
import { isKeptFromRunning, resultStatusToStepStatus, toResultStatus } from '../model/tool-step.ts';
import type { Usage } from '../model/usage.ts';
import { beginAttempt } from './attempt-recorder.ts';
import { readFields, refused } from './given.ts';
import { actualCostShape, stepFinishShape, stepStartShape, withholdShape } from './given-shapes.ts';
import { nullAttempt } from './null-recorder.ts';
import type { PartialMemory } from './partial.ts';
import { createPartialMemory } from './partial.ts';
import type { StepEndFacts, StepStartFacts } from '../record/facts.ts';
import { toRecordedError } from '../record/failure.ts';
import type { StepEndPayload, StepStartPayload } from '../record/payload.ts';
import type {
  ActualCost,
  AttemptRecorder,
  PartialText,
  RunRecorder,
  StepFinish,
  StepRecorder,
  StepStart,
} from '../record/recording.ts';
import type { RunState } from './run-state.ts';
import { countUsage } from './run-state.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Fields of a start that go into the payload as they are. */
const copiedAtStart = [
  'name',
  'provider',
  'model',
  'contextMarks',
  'options',
  'callId',
  'inputsWithheld',
  'metadata',
  'historyTipMessageId',
  'gatewayId',
] as const;
const copiedAtEnd = [
  'provider',
  'model',
  'providerResponseId',
  'finishReason',
  'usageRaw',
  'stream',
  'outputsWithheld',
  'metadata',
  'assistantMessageId',
] as const;

function copyFields<T extends object>(from: T, keys: readonly (keyof T)[]): Partial<T> {
  const into: Partial<T> = {};
  for (const key of keys) if (from[key] !== undefined && from[key] !== null) into[key] = from[key];
  return into;
}

/** Index of the first message whose role is the user's, for the run's summary; -1 when there is none. */
function firstOfUser(messages: readonly unknown[]): number {
  return messages.findIndex((message) => (message as { role?: unknown } | null | undefined)?.role === 'user');
}

function startPayload(
  state: RunState,
  start: StepStart,
  at: { stepId: string; facts: Mutable<StepStartFacts> },
  draft: EntryDraft,
): StepStartPayload {
  const { interner } = state.desk;
  const payload: Mutable<StepStartPayload> = copyFields(start, copiedAtStart) as StepStartPayload;
  if (start.operation !== undefined && at.facts.operation === null) payload.operation = start.operation;
  if (start.messages !== undefined) {
    const tip = interner.context('message', start.messages, draft);
    if (tip !== null) {
      addOwn(draft, 'context', tip.id);
      addOwn(draft, 'contextLength', tip.depth);
      at.facts.prefixBreak = state.prefixes.next(at.stepId, tip);
      const first = start.kind === 'model' && state.modelSteps === 1 ? firstOfUser(start.messages) : -1;
      if (first !== -1) addOwn(draft, 'firstUserMessage', interner.idAt(tip, first));
    }
  }
  if (start.tools !== undefined) {
    const tip = interner.context('tool', start.tools, draft);
    if (tip !== null) addOwn(draft, 'tools', tip.id);
  }
  if (start.args !== undefined) addOwn(draft, 'args', interner.content('args', start.args, draft));
  if (start.request !== undefined) addOwn(draft, 'request', interner.content('request', start.request, draft));
  return payload;
}

function endPayload(state: RunState, finish: StepFinish, draft: EntryDraft): StepEndPayload {
  const { interner } = state.desk;
  const payload: Mutable<StepEndPayload> = copyFields(finish, copiedAtEnd) as StepEndPayload;
  if (finish.blockReason !== undefined && toBlockReason(finish) === null) payload.blockReason = finish.blockReason;
  if (finish.response !== undefined) addOwn(draft, 'response', interner.content('output', finish.response, draft));
  if (finish.result !== undefined) addOwn(draft, 'result', interner.content('result', finish.result, draft));
  if (finish.error !== undefined && finish.error !== null)
    payload.error = toRecordedError(finish.error, { redactor: state.desk.redactor, draft });
  return payload;
}

/** What a caller says of a step that begins; a kind that is none of the three is a phase. */
export function readStepStart(given: unknown, desk: Desk): StepStart {
  return { kind: 'phase', ...readFields<StepStart>(given, stepStartShape, desk.onError) };
}

/** The reason that a tool was kept from running, when the record has a word for it; any other is payload. */
function toBlockReason({ blockReason }: StepFinish): BlockReason | null {
  return blockReasons.find((known) => known === blockReason) ?? null;
}

/**
 * What a caller says of a step's end. Without a status the record knows, nobody said that it went well; that of a tool
 * follows its result.
 */
function readFinish(given: unknown, desk: Desk, kind: StepStart['kind']): StepFinish {
  const fields = readFields<StepFinish>(given, stepFinishShape, desk.onError);
  const told = kind === 'tool' ? (fields.resultStatus ?? null) : null;
  if (fields.status === undefined && told === null) desk.onError(refused('status'));
  const status = fields.status ?? (fields.error == null && told !== 'error' ? 'interrupted' : 'error');
  const resultStatus = kind === 'tool' ? toResultStatus(status, told) : null;
  if (resultStatus === null) return { ...fields, status };
  return { ...fields, resultStatus, status: resultStatusToStepStatus(resultStatus) };
}

/** What only the end of a tool has that was kept from running. */
function toBlockFacts(finish: StepFinish): Pick<StepEndFacts, 'wasBlocked' | 'blockReason'> {
  const blockReason = toBlockReason(finish);
  return {
    ...(finish.wasBlocked === true || finish.resultStatus === 'blocked' ? { wasBlocked: true } : {}),
    ...(blockReason === null ? {} : { blockReason }),
  };
}

/** What a step under way is known by. */
export interface StepIdentity {
  readonly run: RunRecorder;
  readonly stepId: string;
  readonly isStartKept: boolean;
  readonly sinceMs: number;
  readonly kind: StepStart['kind'];
  readonly name: string | null;
  readonly inputsWithheld: boolean;
}

/** Records that a step begins: its start is in the journal when this returns (I3). */
export function announceStep(state: RunState, run: RunRecorder, start: StepStart): StepIdentity {
  const { desk, chain } = state;
  const stepId = desk.ids.uuid();
  const sinceMs = desk.clock.monotonicMs();
  if (start.kind === 'model') state.modelSteps += 1;
  const facts: Mutable<StepStartFacts> = {
    kind: start.kind,
    // Any other word is the caller's own: it is payload, where it can be redacted and erased.
    operation: factOperations.find((known) => known === start.operation) ?? null,
    parentStepId: start.parentStepId ?? null,
    observedAfter: start.observedAfter ?? state.observedAfter,
    prefixBreak: null,
  };
  const { losses } = chain;
  // The payload is built before the facts are written down, so the break it finds is in them.
  desk.emit(chain, {
    type: 'step-start',
    stepId,
    facts,
    payload: (draft) => startPayload(state, start, { stepId, facts }, draft),
  });
  const { kind, name = null, inputsWithheld } = start;
  const isStartKept = chain.losses === losses;
  return { run, stepId, isStartKept, sinceMs, kind, name, inputsWithheld: inputsWithheld === true };
}

/** Begins a step: its start is in the journal when this returns (I3). */
export function beginStep(state: RunState, run: RunRecorder, start: StepStart): StepRecorder {
  return new OpenStep(state, announceStep(state, run, start));
}

/**
 * A step under way. A class, as everything under way is: an object literal with accessors costs 2 µs to make, this 0.1
 * (2026-11-21). Its methods are bound, so that none that was taken off the object can throw at the host (I1).
 */
export class OpenStep implements StepRecorder {
  readonly id: string;
  readonly run: RunRecorder;
  readonly isStartKept: boolean;
  readonly kind: StepStart['kind'];
  readonly name: string | null;
  readonly #state: RunState;
  readonly #sinceMs: number;
  #status: StepStatus = 'in_progress';
  #isKept = false;
  #usage: Usage | null = null;
  #attempts = 0;
  #openAttempt: AttemptRecorder | null = null;
  #inputsWithheld: boolean;
  #outputsWithheld = false;
  #partials: PartialMemory | null = null;

  constructor(state: RunState, of: StepIdentity) {
    this.id = of.stepId;
    this.run = of.run;
    this.isStartKept = of.isStartKept;
    this.kind = of.kind;
    this.name = of.name;
    this.#state = state;
    this.#sinceMs = of.sinceMs;
    this.#inputsWithheld = of.inputsWithheld;
    state.openStepById.set(of.stepId, this);
  }

  get status(): StepStatus {
    return this.#status;
  }

  get openAttempt(): AttemptRecorder | null {
    return this.#openAttempt;
  }

  get inputsWithheld(): boolean {
    return this.#inputsWithheld;
  }

  get outputsWithheld(): boolean {
    return this.#outputsWithheld;
  }

  readonly attempt = (request: unknown = {}): AttemptRecorder =>
    this.#state.desk.safely(() => this.#nextAttempt(request), nullAttempt);

  readonly finish = (given: unknown): void => {
    const { desk } = this.#state;
    desk.safely(() => this.#end(readFinish(given, desk, this.kind)), undefined);
  };

  readonly partial = (texts: readonly PartialText[]): void =>
    this.#state.desk.safely(() => this.#writePartial(texts), undefined);

  readonly actualCost = (cost: unknown): void => this.#state.desk.safely(() => this.#writeCost(cost), undefined);

  readonly withhold = (given: unknown): void => {
    const { onError } = this.#state.desk;
    const sides = readFields<{ inputs: boolean; outputs: boolean }>(given, withholdShape, onError);
    this.#inputsWithheld ||= sides.inputs === true;
    this.#outputsWithheld ||= sides.outputs === true;
  };

  readonly within = <T>(fn: () => T): T => this.#state.scope.enter({ run: this.run, step: this }, fn);

  readonly enter = (): void => this.#state.scope.enterHere({ run: this.run, step: this });

  #nextAttempt(request: unknown): AttemptRecorder {
    const { desk, chain } = this.#state;
    this.#attempts += 1;
    const onFinished = (): void => {
      if (this.#openAttempt === attempt) this.#openAttempt = null;
    };
    const attempt = beginAttempt({ desk, chain, stepId: this.id, number: this.#attempts, onFinished }, request);
    this.#openAttempt = attempt;
    return attempt;
  }

  /** Ends the attempt that nobody ended. What the wire has claimed it finishes itself, when the body has been read. */
  #endOpenAttempt(finish: StepFinish): void {
    const attempt = this.#openAttempt;
    if (attempt === null || attempt.claimed) return;
    const isDone = finish.status === 'completed';
    attempt.finish(
      isDone
        ? { status: 'completed' }
        : { status: 'failed', error: finish.error ?? new Error('the step ended before its attempt') },
    );
  }

  #end(finish: StepFinish): void {
    if (this.#status !== 'in_progress' && !isStepStatusAllowed(this.#status, finish.status)) return;
    // A call that a guard kept from its tool has had its end, whatever the layers around it say of the answer.
    if (this.#isKept && !isKeptFromRunning(finish.resultStatus ?? null)) return;
    if (this.#openAttempt === null) this.#write(finish);
    else this.#state.desk.together(() => (this.#endOpenAttempt(finish), this.#write(finish)));
  }

  #write(finish: StepFinish): void {
    const state = this.#state;
    const { desk, chain } = state;
    this.#status = finish.status;
    this.#isKept = isKeptFromRunning(finish.resultStatus ?? null);
    state.openStepById.delete(this.id);
    if (finish.usage != null) {
      countUsage(state, this.#usage, finish.usage);
      this.#usage = finish.usage;
    }
    desk.emit(chain, {
      type: 'step-end',
      stepId: this.id,
      facts: {
        status: finish.status,
        durationMs: finish.durationMs === undefined ? elapsedMs(desk.clock, this.#sinceMs) : finish.durationMs,
        timeToFirstTokenMs: finish.timeToFirstTokenMs ?? null,
        usage: finish.usage ?? null,
        cost: finish.cost ?? null,
        resultStatus: finish.resultStatus ?? null,
        ...toBlockFacts(finish),
        swept: false,
      },
      payload: (draft) => endPayload(state, finish, draft),
    });
  }

  #writePartial(texts: readonly PartialText[]): void {
    const { desk, chain } = this.#state;
    if (this.#status !== 'in_progress' || this.#outputsWithheld) return;
    const pieces = (this.#partials ??= createPartialMemory(desk.redactor)).next(texts);
    if (pieces.length === 0) return;
    const payload = { type: 'stream-partial', data: { parts: pieces } };
    desk.emit(chain, { type: 'log', stepId: this.id, facts: null, payload: () => payload });
  }

  #writeCost(given: unknown): void {
    const { desk, chain } = this.#state;
    const { nanoUsd, source = 'provider-api' } = readFields<ActualCost>(given, actualCostShape, desk.onError);
    if (typeof nanoUsd !== 'number') return desk.onError(refused('nanoUsd'));
    const cost = { nanoUsd: Math.round(nanoUsd), status: 'actual', source } as const;
    desk.emit(chain, { type: 'cost-actual', stepId: this.id, facts: { cost }, payload: () => ({}) });
  }
}
