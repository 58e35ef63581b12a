import { attemptStatuses, retryClasses } from '../model/attempt.ts';
import { actualCostSources } from '../model/cost.ts';
import { endReasons, runSources } from '../model/run.ts';
import { stepKinds, stepStatuses, toolResultStatuses } from '../model/step.ts';
import type { ContextMark, FinishReason } from '../model/step.ts';
import type { Reader, Shape } from './given.ts';
import {
  anything,
  count,
  flag,
  list,
  nested,
  object,
  readFields,
  text,
  textByName,
  textOrNull,
  uuid,
  uuidOrNull,
  wish,
  word,
} from './given.ts';
import { readCost, readUsage } from './given-numbers.ts';

const marks: Reader = (value) => {
  if (!Array.isArray(value)) return undefined;
  return value.flatMap((mark: Partial<ContextMark> | null): ContextMark[] => {
    const index = typeof mark === 'object' && mark !== null ? count(mark.index) : null;
    return typeof index === 'number' ? [{ index, value: mark!.value }] : [];
  });
};

const finishReason: Reader = (value): FinishReason | undefined => {
  if (typeof value === 'string') return { unified: value, raw: value };
  const { unified, raw } = readFields<FinishReason>(value, reasonShape, () => undefined);
  return unified === undefined && raw == null ? undefined : { unified: unified ?? 'other', raw: raw ?? null };
};
const reasonShape: Shape = [
  ['unified', text],
  ['raw', textOrNull],
];

/** Bytes whose buffer has been given away are none. */
const bodyData: Reader = (value) => {
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array && !(value.buffer as ArrayBuffer).detached ? value : null;
};

const bodyParts: Reader = (value) =>
  Array.isArray(value) && value.every((part) => typeof part === 'string') ? [...(value as string[])] : undefined;

const body: Reader = (value) => {
  if (typeof value !== 'object' || value === null) return undefined;
  return { data: null, contentType: null, ...readFields(value, bodyShape, () => undefined) };
};
const bodyShape: Shape = [
  ['data', bodyData],
  ['parts', bodyParts],
  ['contentType', textOrNull],
  ['bytes', count],
  ['truncated', flag],
  ['withheld', text],
];

const status: Reader = word(stepStatuses.slice(1));
const httpStatus: Reader = (value) => (value === null || Number.isInteger(value) ? count(value) : undefined);

/** What is read of a run that starts. */
export const runStartShape: Shape = [
  ['agentId', text],
  ['kind', text],
  ['source', word(runSources)],
  ['callerId', text],
  ['channelId', text],
  ['sessionId', text],
  ['endUserId', text],
  ['parent', anything],
  ['name', text],
  ['labels', textByName],
  ['inputs', anything],
  ['dryRun', flag],
  ['shadow', flag],
  ['capture', text],
  ['model', text],
  ['traceId', text],
  ['spanId', text],
  ['triggerMessageId', text],
  ['historyTipMessageId', text],
  ['observedAfter', flag],
  ['governed', flag],
  ['runId', uuid],
];

/** What is read of a reference to a parent run. */
export const parentShape: Shape = [
  ['runId', uuid],
  ['stepId', uuidOrNull],
  ['rootRunId', uuid],
  ['traceId', textOrNull],
  ['shadow', flag],
];

/** What is read of a run's end. */
export const runCloseShape: Shape = [
  ['endReason', word(endReasons)],
  ['output', anything],
  ['error', anything],
];

/** What is read of a step or tool call that begins. */
export const stepStartShape: Shape = [
  ['kind', word(stepKinds)],
  ['operation', text],
  ['name', text],
  ['provider', text],
  ['model', text],
  ['messages', list],
  ['contextMarks', marks],
  ['tools', list],
  ['options', object],
  ['args', anything],
  ['callId', text],
  ['request', anything],
  ['inputsWithheld', wish],
  ['observedAfter', flag],
  ['parentStepId', uuid],
  ['metadata', object],
  ['historyTipMessageId', text],
  ['gatewayId', text],
];

/** What is read of a step's end. */
export const stepFinishShape: Shape = [
  ['status', status],
  ['response', anything],
  ['result', anything],
  ['resultStatus', word(toolResultStatuses)],
  ['wasBlocked', flag],
  ['blockReason', text],
  ['provider', text],
  ['model', text],
  ['providerResponseId', text],
  ['finishReason', finishReason],
  ['usage', readUsage],
  ['usageRaw', anything],
  ['cost', readCost],
  ['error', anything],
  ['stream', object],
  ['timeToFirstTokenMs', count],
  ['durationMs', count],
  ['outputsWithheld', wish],
  ['metadata', object],
  ['assistantMessageId', text],
];

/** What is read of a cost that became known. */
export const actualCostShape: Shape = [
  ['nanoUsd', count],
  ['source', word(actualCostSources)],
];

/** What is read of a step that withholds more than it said at its start. */
export const withholdShape: Shape = [
  ['inputs', wish],
  ['outputs', wish],
];

/** What is read of an attempt's request. */
export const attemptRequestShape: Shape = [
  ['method', text],
  ['url', text],
  ['headers', textByName],
  ['body', body],
];

/** What is read of an attempt's end. */
export const attemptFinishShape: Shape = [
  ['status', word(attemptStatuses)],
  ['responseStatus', httpStatus],
  ['headers', textByName],
  ['body', body],
  ['error', anything],
  ['retryClass', word(retryClasses)],
  ['retryDelayMs', count],
  ['providerRequestId', text],
  ['durationMs', count],
  ['request', nested(attemptRequestShape)],
];

const observedCallShape: Shape = [
  ['id', text],
  ['name', text],
  ['args', anything],
];
const observedCall = nested(observedCallShape);
const observedUsageShape: Shape = [
  ['input', count],
  ['output', count],
  ['reasoning', count],
  ['cacheRead', count],
];

/** What is read of an answer that a harness reports. */
export const observedResponseShape: Shape = [
  ['text', textOrNull],
  ['reasoning', textOrNull],
  ['model', text],
  ['provider', text],
  ['finishReason', text],
  ['usage', nested(observedUsageShape)],
  [
    'toolCalls',
    (value) => (Array.isArray(value) ? value.map(observedCall).filter((call) => call !== undefined) : undefined),
  ],
];

/** What is read of a tool call that a harness reports. */
export { observedCallShape };
