import { elapsedMs } from '../clock.ts';
import type { EntryDraft } from '../content/interner.ts';
import type { Desk } from './desk.ts';
import type { StepStatus } from '../model/step.ts';
import { factOperations, isStepStatusAllowed } from '../model/step.ts';
import type { Usage } from '../model/usage.ts';
import { beginAttempt } from './attempt-recorder.ts';
import { readFields, refused } from './given.ts';
import { actualCostShape, stepFinishShape, stepStartShape, withholdShape } from './given-shapes.ts';
import { nullAttempt } from './null-recorder.ts';
import { createPartialMemory } from './partial.ts';
import type { StepStartFacts } from '../record/facts.ts';
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

/** A message whose role is the user's, for the run's summary. */
function firstUserMessage(messages: readonly unknown[]): unknown {
  return messages.find((message) => (message as { role?: unknown } | null | undefined)?.role === 'user');
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
      payload.context = tip.id;
      payload.contextLength = tip.depth;
      at.facts.prefixBreak = state.prefixes.next(at.stepId, tip);
    }
    const first = start.kind === 'model' && state.modelSteps === 1 ? firstUserMessage(start.messages) : undefined;
    if (first !== undefined) payload.firstUserMessage = interner.content('message', first, draft);
  }
  if (start.tools !== undefined) {
    const tip = interner.context('tool', start.tools, draft);
    if (tip !== null) payload.tools = tip.id;
  }
  if (start.args !== undefined) payload.args = interner.content('args', start.args, draft);
  if (start.request !== undefined) payload.request = interner.content('request', start.request, draft);
  return payload;
}

function endPayload(state: RunState, finish: StepFinish, draft: EntryDraft): StepEndPayload {
  const { interner } = state.desk;
  const payload: Mutable<StepEndPayload> = copyFields(finish, copiedAtEnd) as StepEndPayload;
  if (finish.response !== undefined) payload.response = interner.content('output', finish.response, draft);
  if (finish.result !== undefined) payload.result = interner.content('result', finish.result, draft);
  if (finish.error !== undefined && finish.error !== null)
    payload.error = toRecordedError(finish.error, { redactor: state.desk.redactor, draft });
  return payload;
}

/** What a caller says of a step that begins; a kind that is none of the three is a phase. */
export function readStepStart(given: unknown, desk: Desk): StepStart {
  return { kind: 'phase', ...readFields<StepStart>(given, stepStartShape, desk.onError) };
}

/** What a caller says of a step's end. Without a status the record knows, nobody said that it went well. */
function readFinish(given: unknown, desk: Desk): StepFinish {
  const fields = readFields<StepFinish>(given, stepFinishShape, desk.onError);
  if (fields.status === undefined) desk.onError(refused('status'));
  return { status: fields.error == null ? 'interrupted' : 'error', ...fields };
}

/** Begins a step: its start is in the journal when this returns (I3). */
export function beginStep(state: RunState, run: RunRecorder, start: StepStart): StepRecorder {
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
  // The payload is built before the facts are written down, so the break it finds is in them.
  desk.emit(chain, {
    type: 'step-start',
    stepId,
    facts,
    payload: (draft) => startPayload(state, start, { stepId, facts }, draft),
  });
  return openStep(state, { run, stepId, sinceMs, kind: start.kind, inputsWithheld: start.inputsWithheld === true });
}

interface StepIdentity {
  readonly run: RunRecorder;
  readonly stepId: string;
  readonly sinceMs: number;
  readonly kind: StepStart['kind'];
  readonly inputsWithheld: boolean;
}

function openStep(state: RunState, of: StepIdentity): StepRecorder {
  const { desk, chain } = state;
  let status: StepStatus = 'in_progress';
  let usage: Usage | null = null;
  let attempts = 0;
  let openAttempt: AttemptRecorder | null = null;
  let { inputsWithheld } = of;
  let outputsWithheld = false;

  const endOpenAttempt = (finish: StepFinish): void => {
    // What the wire has claimed it finishes itself, when the body has been read.
    if (openAttempt === null || openAttempt.claimed) return;
    const isDone = finish.status === 'completed';
    openAttempt.finish(
      isDone
        ? { status: 'completed' }
        : { status: 'failed', error: finish.error ?? new Error('the step ended before its attempt') },
    );
  };

  const nextAttempt = (request: unknown): AttemptRecorder => {
    attempts += 1;
    const onFinished = (): void => {
      if (openAttempt === attempt) openAttempt = null;
    };
    const attempt = beginAttempt({ desk, chain, stepId: of.stepId, number: attempts, onFinished }, request);
    openAttempt = attempt;
    return attempt;
  };

  const end = (finish: StepFinish): void => {
    if (status !== 'in_progress' && !isStepStatusAllowed(status, finish.status)) return;
    endOpenAttempt(finish);
    status = finish.status;
    state.openStepById.delete(of.stepId);
    if (finish.usage != null) {
      countUsage(state, usage, finish.usage);
      usage = finish.usage;
    }
    desk.emit(chain, {
      type: 'step-end',
      stepId: of.stepId,
      facts: {
        status: finish.status,
        durationMs: finish.durationMs === undefined ? elapsedMs(desk.clock, of.sinceMs) : finish.durationMs,
        timeToFirstTokenMs: finish.timeToFirstTokenMs ?? null,
        usage: finish.usage ?? null,
        cost: finish.cost ?? null,
        resultStatus: finish.resultStatus ?? null,
        swept: false,
      },
      payload: (draft) => endPayload(state, finish, draft),
    });
  };

  const partials = createPartialMemory(desk.redactor);
  const partial = (texts: readonly PartialText[]): void => {
    if (status !== 'in_progress' || outputsWithheld) return;
    const pieces = partials.next(texts);
    if (pieces.length === 0) return;
    const payload = { type: 'stream-partial', data: { parts: pieces } };
    desk.emit(chain, { type: 'log', stepId: of.stepId, facts: null, payload: () => payload });
  };

  const tellCost = (given: unknown): void => {
    const { nanoUsd, source = 'provider-api' } = readFields<ActualCost>(given, actualCostShape, desk.onError);
    if (typeof nanoUsd !== 'number') return desk.onError(refused('nanoUsd'));
    const cost = { nanoUsd: Math.round(nanoUsd), status: 'actual', source } as const;
    desk.emit(chain, { type: 'cost-actual', stepId: of.stepId, facts: { cost }, payload: () => ({}) });
  };

  const recorder: StepRecorder = {
    id: of.stepId,
    run: of.run,
    kind: of.kind,
    get status() {
      return status;
    },
    get openAttempt() {
      return openAttempt;
    },
    attempt: (request = {}) => desk.safely(() => nextAttempt(request), nullAttempt),
    finish: (finish) => desk.safely(() => end(readFinish(finish, desk)), undefined),
    partial: (texts) => desk.safely(() => partial(texts), undefined),
    actualCost: (cost) => desk.safely(() => tellCost(cost), undefined),
    get inputsWithheld() {
      return inputsWithheld;
    },
    get outputsWithheld() {
      return outputsWithheld;
    },
    withhold(given) {
      const sides = readFields<{ inputs: boolean; outputs: boolean }>(given, withholdShape, desk.onError);
      inputsWithheld ||= sides.inputs === true;
      outputsWithheld ||= sides.outputs === true;
    },
    within: (fn) => state.scope.enter({ run: of.run, step: recorder }, fn),
    enter: () => state.scope.enterHere({ run: of.run, step: recorder }),
  };
  state.openStepById.set(of.stepId, recorder);
  return recorder;
}
