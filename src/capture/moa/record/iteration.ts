import type { RunRecorder } from '../../../core/record/recording.ts';
import type { FanOut } from '../fan-out.ts';
import type { CallStart, RecordedCall } from './model-call.ts';
import { recordCall } from './model-call.ts';

/** What became of an aggregator's step: told once to the traces of its fan-outs. */
export type OnEnded = (fanOuts: readonly FanOut[]) => void;

/** One answer of the aggregator, tried as often as its caller tries: one step, the fan-outs that were made for it. */
export interface Iteration {
  readonly run: RunRecorder;
  /** From 0 within the turn. */
  readonly index: number;
  /** The last try failed, and the same one may be made again. */
  readonly hasFailed: boolean;
  /** Fan-outs that ran for it, those of failed tries included. */
  readonly fanOuts: readonly FanOut[];
  addFanOut(fanOut: FanOut): void;
  /** The step of the aggregator: the first try's, again. */
  step(start: CallStart): RecordedCall;
  /** The try ended. `isFinal`: no other follows; `tell` is then told of all fan-outs, else kept until that is so. */
  end(how: { readonly hasFailed: boolean; readonly isFinal: boolean }, tell: OnEnded): void;
  /** No other try follows: what was kept is told. */
  abandon(): void;
}

/** An iteration that has not been tried. */
export function createIteration(run: RunRecorder, index: number): Iteration {
  const fanOuts: FanOut[] = [];
  let call: RecordedCall | null = null;
  let kept: OnEnded | null = null;
  let hasFailed = false;
  let isTold = false;
  const tellOnce = (tell: OnEnded | null): void => {
    if (tell === null || isTold) return;
    isTold = true;
    tell(fanOuts);
  };
  return {
    run,
    index,
    fanOuts,
    get hasFailed() {
      return hasFailed;
    },
    addFanOut: (fanOut) => void fanOuts.push(fanOut),
    step(start) {
      call ??= recordCall(start);
      return call;
    },
    end(how, tell) {
      hasFailed = how.hasFailed;
      if (how.isFinal) tellOnce(tell);
      else kept = tell;
    },
    abandon: () => tellOnce(kept),
  };
}
