import type { RunStart, StepFinish, StepRecorder, StepStart } from '../../core/record/recording.ts';
import { claimExchanges } from '../spans/exchange-flow.ts';
import type { SpanBook } from '../spans/span-book.ts';

/** A model call that begins. */
export interface CallBegin {
  /** The span or run it is made in, or `null` when async scope decides. */
  readonly parentId: string | null;
  /** The parent is an agent at work: what follows a failed call there is another try of it. */
  readonly isInLoop: boolean;
  readonly start: StepStart;
  readonly lone: Omit<RunStart, 'parent'>;
}

/** A model call under way. */
export interface ModelCall {
  readonly step: StepRecorder;
  /** Runs `fn` in the call's scope: an HTTP exchange that begins there is this step's, whichever recorder sees it. */
  within<T>(fn: () => T): T;
  /** Makes what follows in this async flow the call's scope. */
  enter(): void;
  /** Ends it. One that did not complete stays open until its agent goes on, in case that it is tried again. */
  finish(finish: StepFinish): void;
}

/** The model calls of one recorder. */
export interface ModelCalls {
  /** The step of a call, or, when the agent's last call failed, that of this one: then this is another try. */
  begin(begin: CallBegin): ModelCall | null;
  /** The agent or turn goes on or is over: what failed in it has failed for good. */
  settle(parentId: string): void;
  /** True for a step that is one of these calls. */
  has(step: StepRecorder): boolean;
}

interface Failed {
  readonly id: string;
  readonly finish: StepFinish;
}

/** No call is under way. The SDK tries a call again inside the turn that made it, by calling the model again. */
export function createModelCalls(book: SpanBook): ModelCalls {
  const failedByParent = new Map<string, Failed>();
  const steps = new WeakSet<StepRecorder>();
  let count = 0;

  const end = (id: string, { parentId, isInLoop }: CallBegin, finish: StepFinish): void => {
    if (finish.status === 'completed' || parentId === null || !isInLoop) book.finish(id, finish);
    else failedByParent.set(parentId, { id, finish });
  };

  return {
    has: (step) => steps.has(step),
    begin(call) {
      const { parentId, start, lone } = call;
      const failed = parentId === null ? undefined : failedByParent.get(parentId);
      if (parentId !== null) failedByParent.delete(parentId);
      const id = failed?.id ?? `call:${(count += 1)}`;
      const open =
        failed === undefined ? book.begin({ id, parentId, shape: { as: 'step', start }, lone }) : book.find(id);
      const step = open?.ownStep ?? null;
      if (step === null) return null;
      steps.add(step);
      return {
        step,
        within: (fn) => step.within(() => (claimExchanges(step), fn())),
        enter: () => (step.enter(), claimExchanges(step)),
        finish: (finish) => end(id, call, finish),
      };
    },
    settle(parentId) {
      const failed = failedByParent.get(parentId);
      if (failed === undefined) return;
      failedByParent.delete(parentId);
      book.finish(failed.id, failed.finish);
    },
  };
}
