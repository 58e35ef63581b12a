import { TachographError } from '../error.ts';
import { unknownUsage } from '../model/usage.ts';
import type {
  AttemptRecorder,
  JoinedRun,
  Recorder,
  RunRecorder,
  StepRecorder,
  ToolRecorder,
} from '../record/recording.ts';

const nothing = (): void => undefined;
const call = <T>(fn: () => T): T => (typeof fn === 'function' ? fn() : (undefined as T));
const nil = '00000000-0000-7000-8000-000000000000';

/** What stands in for an attempt that could not be begun. */
export const nullAttempt: AttemptRecorder = {
  number: 1,
  claimed: false,
  finished: true,
  claim: nothing,
  finish: nothing,
};

/** What stands in for a run that could not be begun. */
export const nullRun: RunRecorder = {
  id: nil,
  rootRunId: nil,
  agentId: '',
  closed: false,
  recording: false,
  gate: null,
  losses: 0,
  ref: () => ({ runId: nil, stepId: null, rootRunId: nil }),
  step: () => nullStep,
  tool: () => nullTool,
  onStep: nothing,
  onTool: nothing,
  log: nothing,
  error: nothing,
  usage: () => unknownUsage,
  toolCallCount: () => 0,
  within: call,
  enter: nothing,
  close: nothing,
};

const refuseDraft = (): never => {
  throw new TachographError(
    'E-RUN-007',
    'The recorder records nothing, so a run under a lease cannot go on: give it a journal.',
  );
};

/** What stands in for a run under a lease: it can do nothing, since nothing of it would be recorded. */
export const nullJoinedRun: JoinedRun = {
  ...nullRun,
  gate: { enter: async () => refuseDraft() },
  leave: nothing,
  draftEnd: refuseDraft,
  draftState: refuseDraft,
  takeBack: nothing,
};

/** What stands in for a step that could not be begun. */
export const nullStep: StepRecorder = {
  id: nil,
  run: nullRun,
  isStartKept: false,
  kind: 'model',
  name: null,
  status: 'in_progress',
  openAttempt: null,
  attempt: () => nullAttempt,
  inputsWithheld: false,
  outputsWithheld: false,
  withhold: nothing,
  finish: nothing,
  partial: nothing,
  actualCost: nothing,
  within: call,
  enter: nothing,
};

/** What stands in for a tool call that could not be begun. */
export const nullTool: ToolRecorder = { ...nullStep, kind: 'tool', succeed: nothing, fail: nothing };

/** A complete recorder that records nothing, at the cost of a call. */
export const nullRecorder: Recorder = {
  recording: false,
  onClose: nothing,
  startRun: () => nullRun,
  joinRun: () => nullJoinedRun,
  run: async (_start, fn) => (typeof fn === 'function' ? fn(nullRun) : (undefined as never)),
  current: () => null,
  currentStep: () => null,
  bind: (fn) => fn,
  reuseStep: call,
  together: call,
  flush: async () => ({ state: 'durable', written: 0, lost: 0 }),
  close: async () => undefined,
};
