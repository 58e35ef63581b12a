/**
 * Model output against a JSON Schema: a model is asked at most three times, told each time what was wrong, and every try is
 * in the record. Answers are checked in a thread that is stopped when its time or memory is up.
 */
export type { Refusal } from './feedback.ts';
export { refusalToText } from './feedback.ts';
export type { SchemaCall } from './generate.ts';
export { generateWithSchema } from './generate.ts';
export type { CallModel, ModelAnswer, ModelRequest, TokenCounts } from './model-call.ts';
export type { SchemaOutcome, TriesUsed } from './outcome.ts';
export { outcomeToRunClose } from './outcome.ts';
export type { JsonSchema } from './schema-text.ts';
export type { StepWords } from './try-record.ts';
export type { SchemaViolation } from './violation.ts';
