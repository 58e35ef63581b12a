import { unknownUsage } from '../model/usage.ts';
import type { AttemptRecorder, Recorder, RunRecorder, StepRecorder, ToolRecorder } from '../record/recording.ts';

const nothing = (): void => undefined;
const nil = '00000000-0000-7000-8000-000000000000';

const attempt: AttemptRecorder = { number: 1, claimed: false, finished: true, claim: nothing, finish: nothing };

const run: RunRecorder = {
  id: nil,
  rootRunId: nil,
  agentId: '',
  closed: false,
  recording: false,
  ref: (stepId = null) => ({ runId: nil, stepId, rootRunId: nil }),
  step: () => step,
  tool: () => tool,
  onStep: nothing,
  onTool: nothing,
  log: nothing,
  error: nothing,
  usage: () => unknownUsage,
  toolCallCount: () => 0,
  within: (fn) => fn(),
  close: nothing,
};

const step: StepRecorder = {
  id: nil,
  run,
  kind: 'model',
  status: 'in_progress',
  openAttempt: null,
  attempt: () => attempt,
  inputsWithheld: false,
  outputsWithheld: false,
  withhold: nothing,
  finish: nothing,
  within: (fn) => fn(),
  enter: nothing,
};

const tool: ToolRecorder = { ...step, kind: 'tool', succeed: nothing, fail: nothing };

/** A complete recorder that records nothing, at the cost of a call. */
export const nullRecorder: Recorder = {
  recording: false,
  startRun: () => run,
  run: async (_start, fn) => fn(run),
  current: () => null,
  currentStep: () => null,
  bind: (fn) => fn,
  reuseStep: (fn) => fn(),
  flush: async () => ({ state: 'durable', written: 0, lost: 0 }),
  close: async () => undefined,
};
