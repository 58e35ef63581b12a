/** Runs as work: creating them, and the workers that do them. Everything it works with is handed to it. */
export type {
  AgentRegistration,
  ChildEnd,
  DoubtAnswer,
  HandledRun,
  Handler,
  JudgeTool,
  RunContext,
  ToolCall,
  ToolOptions,
} from './handler/handler.ts';
export type { RuntimeParts } from './parts.ts';
export { inProject, projectInScope } from './project-scope.ts';
export type { LeasedRecorder, LeasedRecorderOptions } from './recording/leased-recorder.ts';
export { createLeasedRecorder } from './recording/leased-recorder.ts';
export type { Cancelled, CancelOptions } from './runs/cancel.ts';
export type { CreatedRun } from './runs/creation.ts';
export type { RedriveOptions } from './runs/redrive.ts';
export type { Runs, SignalRequest } from './runs/runs.ts';
export { createRuns } from './runs/runs.ts';
export { parseCron } from './schedule/cron.ts';
export type { CronTimes } from './schedule/cron.ts';
export { runSchedules } from './schedule/scheduler.ts';
export type { ScheduledRequest, ScheduleRequest, Schedules } from './schedule/schedules.ts';
export { createSchedules } from './schedule/schedules.ts';
export type { GovernedRun, WorkerOptions } from './worker/options.ts';
export type { ReapCount } from './worker/reaper.ts';
export { reapOnce } from './worker/reaper.ts';
export type { Worker, WorkerStatus } from './worker/worker.ts';
export { createWorker } from './worker/worker.ts';
