import { AsyncLocalStorage } from 'node:async_hooks';
import type { Recorder } from '../../../core/record/recording.ts';
import type { Call } from '../call.ts';
import type { StepPlan } from '../step-plan.ts';
import type { SixStart } from './events.ts';

/** A call of version 6 under way. */
export interface SixCall {
  readonly call: Call;
  readonly recorder: Recorder;
  /** How it was asked, by reference and word, for telling calls apart; without anything that holds the SDK's own. */
  readonly asked: Pick<SixStart, 'tools' | 'headers' | 'stopWhen' | 'output' | 'abortSignal' | 'metadata' | 'messages'>;
  readonly prompt: unknown;
  readonly maxRetries: number;
  /** What the call was made inside of. */
  readonly around: string | null;
  /** The number of the step announced last; -1 before the first. */
  stepNumber: number;
  /** Tries of the step's model call that failed. */
  failures: number;
  isClosed: boolean;
  /** Once several calls waited for one answer, which of them got which is a guess, the last one's by elimination too. */
  isGuess: boolean;
}

/**
 * The call that a piece of code is part of. It is entered from the SDK's callbacks, which it awaits before it goes on:
 * that reaches the model call and the tools, unless a callback of somebody else was awaited first.
 */
export const sixScope = new AsyncLocalStorage<SixCall>();

const recordedNames = new Set<string>();
const keyOf = (model: { provider?: string; modelId?: string }): string =>
  JSON.stringify([model.provider, model.modelId]);

/** Remembers that this model records its own calls: a step of it begins with its call, which knows the exact prompt. */
export function noteRecorded(model: { provider?: string; modelId?: string }): void {
  recordedNames.add(keyOf(model));
}

/** True when this model records its own calls. */
export function isRecorded(model: { provider?: string; modelId?: string }): boolean {
  return recordedNames.has(keyOf(model));
}

/** True inside a tool of this call: what is asked there is another call's. */
export function isInsideTool(six: SixCall): boolean {
  const step = six.recorder.currentStep();
  return step?.kind === 'tool' && step.run.id === six.call.run.id;
}

/** The call whose announced step a model call now under way is; `null` when it is no part of one. */
export function sixCallInScope(recorder: Recorder, model: { provider?: string; modelId?: string }): SixCall | null {
  const six = sixScope.getStore();
  if (six === undefined || six.isClosed || six.recorder !== recorder || isInsideTool(six)) return null;
  const asked: Pick<StepPlan, 'provider' | 'modelId'> | undefined = six.call.plan ?? six.call.step?.model;
  return asked?.provider === model.provider && asked?.modelId === model.modelId ? six : null;
}
