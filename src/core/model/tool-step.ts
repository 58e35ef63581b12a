import type { StepStatus, StepView, ToolResultStatus } from './step.ts';

const statusByResult = {
  success: 'completed',
  error: 'error',
  blocked: 'completed',
  skipped: 'completed',
  in_doubt: 'interrupted',
} as const satisfies Record<ToolResultStatus, StepStatus>;

/** The status of a tool step that ended so: a call that a guard answered is over, one that nobody knows the end of is not. */
export function resultStatusToStepStatus(result: ToolResultStatus): Exclude<StepStatus, 'in_progress'> {
  return statusByResult[result];
}

/** True for the end of a call that never reached its tool: nothing that is told later makes a success of it. */
export function isKeptFromRunning(result: ToolResultStatus | null): boolean {
  return result === 'blocked' || result === 'skipped';
}

/** What a tool step tells of its end, given how it was said to end: one given up under way may have done its work or not. */
export function toResultStatus(
  status: Exclude<StepStatus, 'in_progress'>,
  result: ToolResultStatus | null,
): ToolResultStatus | null {
  if (status === 'interrupted' && (result === null || result === 'error')) return 'in_doubt';
  return result;
}

/** The digests of a tool step: the names of its arguments and its result. Steps of another kind have none. */
export function toolDigests(
  step: Pick<StepView, 'kind' | 'argsId' | 'resultId'>,
): Pick<StepView, 'inputDigest' | 'outputDigest'> {
  const isTool = step.kind === 'tool';
  return { inputDigest: isTool ? step.argsId : null, outputDigest: isTool ? step.resultId : null };
}

/** A step as views show it: a tool step's end, digests and blocking agree with each other; other steps have none of them. */
export function settleTool(step: StepView): StepView {
  if (step.kind !== 'tool') return step;
  const resultStatus =
    step.status === 'in_progress' ? step.resultStatus : toResultStatus(step.status, step.resultStatus);
  const wasBlocked = step.wasBlocked || resultStatus === 'blocked';
  return { ...step, ...toolDigests(step), resultStatus, wasBlocked };
}
