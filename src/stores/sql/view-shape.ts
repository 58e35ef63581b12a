import type { AttemptView } from '../../core/model/attempt.ts';
import { attemptStatuses, retryClasses } from '../../core/model/attempt.ts';
import { costSources, costStatuses } from '../../core/model/cost.ts';
import type { RunView } from '../../core/model/run.ts';
import { runSources } from '../../core/model/run.ts';
import type { StepView } from '../../core/model/step.ts';
import { toolResultStatuses } from '../../core/model/step.ts';
import type { Malformed, SqlRow } from './value.ts';
import { cellToText, isMalformed, parseStored, toMalformed } from './value.ts';

/*
 * What a stored view may hold, field by field. Whoever edits the file can put anything there; readers are given each field
 * as its own kind or as the blank view has it, and once, beside it, `{error, raw}` with what was there.
 */

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === 'string';
const number: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const flag: Check = (value) => typeof value === 'boolean';
const open: Check = () => true;
const fields: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const oneOf =
  (list: readonly string[]): Check =>
  (value) =>
    (list as readonly unknown[]).includes(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const record =
  (check: Check): Check =>
  (value) =>
    fields(value) && Object.values(value as object).every(check);
const shape =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    fields(value) &&
    Object.entries(checks).every(([name, check]) => check((value as Readonly<Record<string, unknown>>)[name]));
/** Of these fields any may be left out. */
const partial =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    fields(value) && Object.entries(value as object).every(([name, item]) => checks[name]?.(item) === true);

const maybeText = orNull(text);
const maybeNumber = orNull(number);
const named = (names: string, check: Check): Record<string, Check> =>
  Object.fromEntries(names.split(' ').map((name) => [name, check]));

const error = shape({
  ...named('name message', text),
  code: maybeText,
  status: maybeNumber,
  isRetryable: orNull(flag),
  causes: listOf(shape(named('name message', text))),
});
const body = shape({
  ...named('contentId nodeId contentType withheld', maybeText),
  pieces: count,
  bytes: maybeNumber,
  truncated: flag,
});
const chunkTiming = shape(named('count minMs p10Ms medianMs meanMs p90Ms maxMs', number));
const stream = shape({
  ...named('textDeltas toolCalls sources warnings errors parts', count),
  ...named('finishReason lastError', maybeText),
  chunkTiming: orNull(chunkTiming),
});

type Checks<View> = Readonly<Partial<Record<keyof View & string, Check>>>;

const runChecks: Checks<RunView> = {
  source: oneOf(runSources),
  ...named(
    'endUserId parentStepId name inputsId outputId environmentId errorCode errorDetail capture traceId spanId provider triggerMessageId historyTipMessageId',
    maybeText,
  ),
  rootRunId: text,
  labels: record(text),
  ...named('swept shadow observedAfter erased', flag),
  updatedAtMs: number,
  counts: partial(
    named(
      'steps modelSteps toolSteps attempts retries errors interrupted openSteps gaps missing late events unpriced',
      count,
    ),
  ),
  costNanoUsd: maybeNumber,
  summary: partial({ ...named('firstMessage lastOutput endpoint', maybeText), hasError: flag }),
  redactions: record(count),
  durability: oneOf(['process', 'power', 'degraded', 'sink']),
  work: orNull(
    shape({
      ...named('priority attempts attemptsMax leaseEpoch', number),
      ...named('availableAtMs timeoutAtMs', maybeNumber),
      ...named('workerId handlerVersion waitingFor triggerType triggerRef', maybeText),
      inputDigest: text,
    }),
  ),
  ...named('lastSeq lastStepNumber', count),
};

const stepChecks: Checks<StepView & { previewOf: string }> = {
  ...named(
    'operation name parentStepId callId provider gatewayId blockReason contextNodeId toolsNodeId argsId requestId responseId resultId providerResponseId preview historyTipMessageId assistantMessageId',
    maybeText,
  ),
  ...named('swept wasBlocked inputsWithheld outputsWithheld observedAfter late erased', flag),
  ...named('contextLength finishedAtMs timeToFirstTokenMs', maybeNumber),
  ...named('attemptCount firstSeq', count),
  journalSeq: orNull(count),
  ...named('options metadata', orNull(fields)),
  contextMarks: listOf(shape({ index: count, value: open })),
  prefixBreak: orNull(shape({ previousStepId: text, atIndex: count })),
  resultStatus: orNull(oneOf(toolResultStatuses)),
  finishReason: orNull(shape({ unified: text, raw: maybeText })),
  usageRaw: open,
  cost: orNull(shape({ nanoUsd: maybeNumber, status: oneOf(costStatuses), source: oneOf(costSources) })),
  error: orNull(error),
  stream: orNull(stream),
  redactions: record(count),
  previewOf: oneOf(['response', 'result']),
};

const attemptChecks: Checks<AttemptView> = {
  status: orNull(oneOf(attemptStatuses)),
  ...named('method url path providerRequestId', maybeText),
  ...named('requestHeaders responseHeaders', orNull(record(text))),
  ...named('requestBody responseBody', orNull(body)),
  ...named('responseStatus durationMs retryDelayMs', maybeNumber),
  error: orNull(error),
  retryClass: orNull(oneOf(retryClasses)),
  erased: flag,
};

const checksByKind = { run: runChecks, step: stepChecks, attempt: attemptChecks } as const;

/** The JSON part of a view as far as it is what it should be, and what stood there when some of it is not. */
export function readRest(
  kind: keyof typeof checksByKind,
  cell: unknown,
): { readonly rest: Record<string, unknown>; readonly malformed: Malformed | null } {
  const raw = cellToText(cell) ?? '';
  const parsed = parseStored(raw);
  if (isMalformed(parsed)) return { rest: {}, malformed: parsed };
  const checks: Readonly<Record<string, Check>> = checksByKind[kind];
  const rest: Record<string, unknown> = {};
  let isWhole = true;
  for (const [name, value] of Object.entries(parsed)) {
    // A field that a newer version added means nothing to this one.
    if (!Object.hasOwn(checks, name)) continue;
    if (checks[name]!(value)) rest[name] = value;
    else isWhole = false;
  }
  return { rest, malformed: isWhole ? null : toMalformed(raw) };
}

/** Reads columns of one row as their own kinds, and remembers those that are of another. */
export interface CellReader {
  text(name: string): string;
  textOrNull(name: string): string | null;
  number(name: string): number;
  numberOrNull(name: string): number | null;
  listed<T extends string>(name: string, list: readonly T[], otherwise: T): T;
  listedOrNull<T extends string>(name: string, list: readonly T[]): T | null;
  /** What stood in the columns that were of another kind; `null` when none was. */
  malformed(): Malformed | null;
}

/** A reader of one row. */
export function createCellReader(row: SqlRow): CellReader {
  let wrong: Record<string, unknown> | null = null;
  const note = (name: string): void => {
    wrong ??= {};
    const cell = row[name];
    wrong[name] = cell instanceof Uint8Array ? Buffer.from(cell).toString('hex') : (cell ?? null);
  };
  const read = <T>(name: string, check: Check, otherwise: T): T => {
    const cell: unknown = row[name];
    if (check(cell)) return cell as T;
    note(name);
    return otherwise;
  };
  return {
    text: (name) => read(name, text, ''),
    textOrNull: (name) => read(name, maybeText, null),
    number: (name) => read(name, number, 0),
    numberOrNull: (name) => read(name, maybeNumber, null),
    listed: (name, list, otherwise) => read(name, oneOf(list), otherwise),
    listedOrNull: (name, list) => read(name, orNull(oneOf(list)), null),
    malformed: () => (wrong === null ? null : toMalformed(JSON.stringify(wrong))),
  };
}
