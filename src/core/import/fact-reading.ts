import { attemptStatuses, retryClasses } from '../model/attempt.ts';
import type { Cost } from '../model/cost.ts';
import { costSources, costStatuses, unknownCost } from '../model/cost.ts';
import { endReasons, runSources, runStatuses } from '../model/run.ts';
import type { PrefixBreak, StepKind, StepStatus } from '../model/step.ts';
import { blockReasons, stepKinds, toolResultStatuses } from '../model/step.ts';
import type { Usage } from '../model/usage.ts';
import type { RecordedEvent } from '../record/event.ts';
import type {
  AttemptEndFacts,
  CostActualFacts,
  RunCreateFacts,
  RunEndFacts,
  RunStartFacts,
  RunStateFacts,
  RunWorkFacts,
  StepEndFacts,
  StepStartFacts,
} from '../record/facts.ts';
import { leaseEpochMax } from '../work/lease.ts';
import { stateCauses } from '../work/state.ts';
import type { Fields } from './reading.ts';
import {
  costMaxNanoUsd,
  digestField,
  durationMaxMs,
  factFieldsOf,
  listedField,
  numberField,
  objectField,
  textField,
  uuidField,
} from './reading.ts';

const durabilities = ['process', 'power', 'sink'] as const;
const stepEnds = ['interrupted', 'error', 'completed'] as const satisfies readonly StepStatus[];

/** Facts of a `run-create`, or `null` when it has none. A run without a root it can name is its own. */
export function readRunCreate(event: RecordedEvent): RunCreateFacts | null {
  const facts = factFieldsOf(event);
  if (facts === null) return null;
  return {
    parentRunId: uuidField(facts, 'parentRunId'),
    parentStepId: uuidField(facts, 'parentStepId'),
    rootRunId: uuidField(facts, 'rootRunId') ?? event.header.runId,
    source: listedField(facts, 'source', runSources) ?? 'live',
    dryRun: facts['dryRun'] === true,
    shadow: facts['shadow'] === true,
    started: facts['started'] !== false,
    observedAfter: facts['observedAfter'] === true,
    durability: listedField(facts, 'durability', durabilities) ?? 'process',
    ...readWork(objectField(facts, 'work')),
  };
}

function readWork(facts: Fields | null): { work?: RunWorkFacts } {
  if (facts === null) return {};
  return {
    work: {
      priority: integerField(facts, 'priority') ?? 0,
      attemptsMax: numberField(facts, 'attemptsMax') ?? 1,
      availableAtMs: numberField(facts, 'availableAtMs', durationMaxMs) ?? 0,
      timeoutAtMs: numberField(facts, 'timeoutAtMs', durationMaxMs),
      inputDigest: digestField(facts, 'inputDigest') ?? '',
    },
  };
}

/** A whole number of either sign, or `null`. */
function integerField(fields: Fields, key: string): number | null {
  const value = fields[key];
  return typeof value === 'number' && Number.isSafeInteger(value) ? value + 0 : null;
}

/** Facts of a `run-start`, or `null` when it has none. */
export function readRunStart(event: RecordedEvent): RunStartFacts | null {
  const facts = factFieldsOf(event);
  const leaseEpoch = facts === null ? null : numberField(facts, 'leaseEpoch', leaseEpochMax);
  if (facts === null || leaseEpoch === null) return null;
  return { leaseEpoch, attempt: numberField(facts, 'attempt') ?? 1 };
}

/** Facts of a `run-state`, or `null` when it has none or names a status or cause that is not known here. */
export function readRunState(event: RecordedEvent): RunStateFacts | null {
  const facts = factFieldsOf(event);
  if (facts === null) return null;
  const from = listedField(facts, 'from', runStatuses);
  const to = listedField(facts, 'to', runStatuses);
  const cause = listedField(facts, 'cause', stateCauses);
  if (from === null || to === null || cause === null) return null;
  return {
    from,
    to,
    cause,
    leaseEpoch: numberField(facts, 'leaseEpoch', leaseEpochMax) ?? 0,
    attempt: numberField(facts, 'attempt') ?? 0,
    availableAtMs: numberField(facts, 'availableAtMs', durationMaxMs),
  };
}

/** Facts of a `run-end`, or `null` when it has none. An end for no known reason is an `error`. */
export function readRunEnd(event: RecordedEvent): RunEndFacts | null {
  const facts = factFieldsOf(event);
  if (facts === null) return null;
  return {
    endReason: listedField(facts, 'endReason', endReasons) ?? 'error',
    durationMs: numberField(facts, 'durationMs', durationMaxMs),
    swept: facts['swept'] === true,
  };
}

/** Facts of a `step-start` with `kind` absent when it is not known; `null` when it has none. */
export function readStepStart(
  event: RecordedEvent,
): (Omit<StepStartFacts, 'kind'> & { readonly kind: StepKind | null }) | null {
  const facts = factFieldsOf(event);
  if (facts === null) return null;
  return {
    kind: listedField(facts, 'kind', stepKinds),
    operation: textField(facts, 'operation'),
    parentStepId: uuidField(facts, 'parentStepId'),
    observedAfter: facts['observedAfter'] === true,
    prefixBreak: toPrefixBreak(objectField(facts, 'prefixBreak')),
  };
}

function toPrefixBreak(fields: Fields | null): PrefixBreak | null {
  const previousStepId = fields === null ? null : uuidField(fields, 'previousStepId');
  const atIndex = fields === null ? null : numberField(fields, 'atIndex');
  return previousStepId === null || atIndex === null ? null : { previousStepId, atIndex };
}

/** Facts of a `step-end`, or `null` when it has none. An end without a known status is an `error`. */
export function readStepEnd(event: RecordedEvent): StepEndFacts | null {
  const facts = factFieldsOf(event);
  if (facts === null) return null;
  const blockReason = listedField(facts, 'blockReason', blockReasons);
  return {
    status: listedField(facts, 'status', stepEnds) ?? 'error',
    durationMs: numberField(facts, 'durationMs', durationMaxMs),
    timeToFirstTokenMs: numberField(facts, 'timeToFirstTokenMs', durationMaxMs),
    usage: toKnownUsage(objectField(facts, 'usage')),
    cost: toKnownCost(objectField(facts, 'cost')),
    resultStatus: listedField(facts, 'resultStatus', toolResultStatuses),
    ...(facts['wasBlocked'] === true ? { wasBlocked: true } : {}),
    ...(blockReason === null ? {} : { blockReason }),
    swept: facts['swept'] === true,
  };
}

function toKnownUsage(fields: Fields | null): Usage | null {
  if (fields === null) return null;
  const input = objectField(fields, 'input') ?? {};
  const output = objectField(fields, 'output') ?? {};
  return {
    input: {
      total: numberField(input, 'total'),
      noCache: numberField(input, 'noCache'),
      cacheRead: numberField(input, 'cacheRead'),
      cacheWrite: numberField(input, 'cacheWrite'),
      cacheWriteFiveMinutes: numberField(input, 'cacheWriteFiveMinutes'),
      cacheWriteOneHour: numberField(input, 'cacheWriteOneHour'),
    },
    output: {
      total: numberField(output, 'total'),
      text: numberField(output, 'text'),
      reasoning: numberField(output, 'reasoning'),
    },
    requests: numberField(fields, 'requests'),
  };
}

function toKnownCost(fields: Fields | null): Cost | null {
  if (fields === null) return null;
  const source = listedField(fields, 'source', costSources) ?? 'none';
  const nanoUsd = numberField(fields, 'nanoUsd', costMaxNanoUsd);
  const status = listedField(fields, 'status', costStatuses) ?? 'unknown';
  // An amount and an unknown status exclude each other: then neither is known (I12).
  if (nanoUsd === null || status === 'unknown') return { ...unknownCost, source };
  return { nanoUsd: Math.round(nanoUsd), status, source };
}

/** Facts of a `cost-actual`, or `null` when it has none or names no amount. */
export function readCostActual(event: RecordedEvent): CostActualFacts | null {
  const facts = factFieldsOf(event);
  const cost = facts === null ? null : toKnownCost(objectField(facts, 'cost'));
  return cost === null || cost.status !== 'actual' ? null : { cost };
}

/** Facts of an `attempt-end`, or `null` when it has none. An end without a known status has `failed`. */
export function readAttemptEnd(event: RecordedEvent): AttemptEndFacts | null {
  const facts = factFieldsOf(event);
  if (facts === null) return null;
  return {
    status: listedField(facts, 'status', attemptStatuses) ?? 'failed',
    responseStatus: numberField(facts, 'responseStatus', 999),
    durationMs: numberField(facts, 'durationMs', durationMaxMs),
    retryClass: listedField(facts, 'retryClass', retryClasses),
    retryDelayMs: numberField(facts, 'retryDelayMs', durationMaxMs),
  };
}
