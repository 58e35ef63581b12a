export { TachographError, errorCodes, isTachographError } from './core/error.ts';
export type { ErrorCode } from './core/error.ts';
export { defaultLimits } from './core/limits.ts';
export type { Limits } from './core/limits.ts';
export { createIdSource, isUuid, uuidToMs } from './core/id.ts';
export type { IdSource } from './core/id.ts';
export { systemClock } from './core/clock.ts';
export type { Clock } from './core/clock.ts';
export { createRecorder } from './core/record/recorder.ts';
export type { RecorderOptions } from './core/record/recorder.ts';
export { ExactJson } from './core/record/recording.ts';
export type {
  AttemptFinish,
  AttemptRecorder,
  AttemptRequest,
  BodyInput,
  ObservedCall,
  ObservedResponse,
  ParentRef,
  Recorder,
  RunClose,
  RunRecorder,
  RunStart,
  StepFinish,
  StepRecorder,
  StepStart,
  ToolRecorder,
  ToolStart,
} from './core/record/recording.ts';
export { createRedactor } from './core/redact/create.ts';
export type { Redacted, Redactor } from './core/redact/redactor.ts';
export type { Journal, JournalEntry, JournalLoss, FlushReceipt } from './core/journal.ts';
export type { Store, RunFilter, Page, PageRequest, SearchHit, StoredEvent } from './core/store.ts';
export type { RunView, RunStatus, EndReason, RunCounts, RunSummary } from './core/model/run.ts';
export type { StepView, StepStatus, StepKind, RecordedError, FinishReason } from './core/model/step.ts';
export type { AttemptView, BodyRef } from './core/model/attempt.ts';
export type { Usage } from './core/model/usage.ts';
export type { Cost } from './core/model/cost.ts';
export { verifyRun, verifyStoredRun } from './core/verify/verify.ts';
export type { Verdict } from './core/verify/verdict.ts';
export { createJournal, createSink, defaultHome, openHome, openRecorder, openSinkRecorder } from './journal/index.ts';
