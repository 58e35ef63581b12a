export { TachographError, errorCodes, isTachographError } from './core/error.ts';
export type { ErrorCode } from './core/error.ts';
export { defaultLimits } from './core/limits.ts';
export type { Limits } from './core/limits.ts';
export { createIdSource, isUuid, uuidToMs } from './core/id.ts';
export type { IdSource } from './core/id.ts';
export { systemClock } from './core/clock.ts';
export type { Clock } from './core/clock.ts';
export { createRecorder } from './core/record/recorder.ts';
export type { ReadSwitches, Switch, SwitchState } from './core/life/switches.ts';
export type { RecorderOptions } from './core/record/recorder.ts';
export { ExactJson } from './core/record/recording.ts';
export type {
  ActualCost,
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
export type { FullRedactor, Redacted, Redactor } from './core/redact/redactor.ts';
export { parseRedactOptions } from './core/redact/options.ts';
export type { RedactOptions } from './core/redact/options.ts';
export type { Detector } from './core/redact/rules/detector.ts';
export type { PersonalKind } from './core/redact/personal/personal.ts';
export type { Journal, JournalEntry, JournalLoss, FlushReceipt } from './core/journal.ts';
export type { Store, RunFilter, Page, PageRequest, SearchHit, StoredEvent } from './core/store.ts';
export type { RunView, RunStatus, EndReason, RunCounts, RunSummary } from './core/model/run.ts';
export type { StepView, StepStatus, StepKind, RecordedError, FinishReason } from './core/model/step.ts';
export type { AttemptView, BodyRef } from './core/model/attempt.ts';
export type { Usage } from './core/model/usage.ts';
export type { Cost, StepCost } from './core/model/cost.ts';
export { createPrices } from './core/cost/prices.ts';
export type { Prices } from './core/cost/prices.ts';
export { parsePriceText } from './core/cost/price-file.ts';
export type { PriceTable } from './core/cost/price-table.ts';
export { shippedPrices } from './core/cost/shipped.ts';
export { verifyRun, verifyStoredRun } from './core/verify/verify.ts';
export { verifyRunFile } from './core/run-file/reader.ts';
export type { RunFileReport } from './core/run-file/reader.ts';
export type { Trust } from './core/verify/verify.ts';
export type { SealHead } from './core/record/seal.ts';
export type { Verdict } from './core/verify/verdict.ts';
export { createJournal, createSink, defaultHome, openHome, openRecorder, openSinkRecorder } from './journal/index.ts';
