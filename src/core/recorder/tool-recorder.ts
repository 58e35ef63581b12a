import { isAbort } from '../record/failure.ts';
import type { RunRecorder, StepStart, ToolRecorder } from '../record/recording.ts';
import type { RunState } from './run-state.ts';
import { announceStep, OpenStep } from './step-recorder.ts';

/** Begins a step of kind `tool`: its start is in the journal when this returns (I3). */
export function beginTool(state: RunState, run: RunRecorder, start: StepStart): ToolRecorder {
  return new OpenTool(state, announceStep(state, run, { ...start, kind: 'tool' }));
}

/** A step of kind `tool` with its two usual ends. */
class OpenTool extends OpenStep implements ToolRecorder {
  readonly succeed = (result: unknown): void => this.finish({ status: 'completed', result, resultStatus: 'success' });

  readonly fail = (error: unknown): void =>
    this.finish({ status: isAbort(error) ? 'interrupted' : 'error', error, resultStatus: 'error' });
}
