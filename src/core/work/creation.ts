import { TachographError } from '../error.ts';
import type { IdSource } from '../id.ts';
import { parseTraceparent } from '../trace-context.ts';
import type { RunRequest } from './request.ts';
import { requestDefaults, requestToKey } from './request.ts';
import type { WorkSecrets } from './secrets.ts';
import type { Scribe } from './scribe.ts';
import type { RunMode, RunModeRequest } from './shadow/run-mode.ts';
import type { CreationAnswer, WorkCreation, WorkRow } from './work.ts';

/** What a worker needs word for word of a run: it rests encrypted until the run ends (I4). */
export interface RunOrder {
  readonly input: unknown;
  readonly callerId: string | null;
  readonly sessionId: string | null;
  readonly channelId: string | null;
  readonly endUserId: string | null;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly triggerType: string;
  readonly triggerRef: string | null;
  readonly parentStepId: string | null;
}

/** Where the order of a run is sealed for. */
export const orderPlace = (runId: string): string => `order/${runId}`;

/** How deep runs may start runs. */
export const nestingMax = 32;

/** What a creation needs besides the request. */
export interface CreationParts {
  readonly projectId: string;
  readonly ids: IdSource;
  readonly secrets: WorkSecrets;
  readonly scribe: Scribe;
  /** The store's time. */
  readonly nowMs: number;
  /** The parent's chain, root first, itself last; empty without a parent. What a rehearsal starts is one. */
  readonly ancestors: readonly {
    readonly id: string;
    readonly rootRunId: string;
    readonly traceId: string | null;
    readonly shadow?: boolean;
  }[];
  /** How far the run may act, by its project's mode and its agent; left out, as far as the request says. */
  readonly toMode?: (run: RunModeRequest['run']) => RunMode;
}

function requestToOrder(request: RunRequest): RunOrder {
  return {
    input: request.input ?? {},
    callerId: request.callerId ?? null,
    sessionId: request.sessionId ?? null,
    channelId: request.channelId ?? null,
    endUserId: request.endUserId ?? null,
    name: request.name ?? null,
    labels: request.labels ?? {},
    triggerType: request.triggerType ?? requestDefaults.triggerType,
    triggerRef: request.triggerRef ?? null,
    parentStepId: request.parentStepId ?? null,
  };
}

const afterSeconds = (fromMs: number, seconds: number | null): number | null =>
  seconds === null ? null : fromMs + Math.round(seconds * 1000);

function checkNesting(request: RunRequest, ancestors: CreationParts['ancestors']): void {
  if (request.parentRunId === undefined) return;
  const ids = new Set(ancestors.map(({ id }) => id));
  if (ancestors.length >= nestingMax || ids.size < ancestors.length)
    throw new TachographError(
      'E-RUN-008',
      `The run cannot be created: its parent ${request.parentRunId} is nested ${ancestors.length} deep already, or in a circle; ${nestingMax} is the most.`,
    );
}

/** A rehearsal is what somebody asked to be one, what a rehearsal started, and what its project has rehearsed. */
function isShadow(request: RunRequest, { ancestors, toMode }: CreationParts, rootRunId: string): boolean {
  const isAsked = request.shadow === true || ancestors.some(({ shadow }) => shadow === true);
  return isAsked || toMode?.({ rootRunId, sessionId: request.sessionId ?? null, isShadow: false }) === 'shadow';
}

function requestToRow(request: RunRequest, parts: CreationParts): WorkRow {
  const { projectId, ids, nowMs, ancestors } = parts;
  const runId = ids.uuid();
  const parent = ancestors.at(-1) ?? null;
  const availableAtMs = Math.max(nowMs, request.availableAtMs ?? nowMs);
  const timeoutSeconds = request.timeoutSeconds === undefined ? requestDefaults.timeoutSeconds : request.timeoutSeconds;
  const attemptTimeoutSeconds = request.attemptTimeoutSeconds ?? null;
  return {
    projectId,
    runId,
    agentId: request.agentId,
    kind: request.kind ?? requestDefaults.kind,
    priority: request.priority ?? requestDefaults.priority,
    createdAtMs: nowMs,
    attemptsMax: request.attemptsMax ?? requestDefaults.attemptsMax,
    attemptTimeoutMs: attemptTimeoutSeconds === null ? null : Math.round(attemptTimeoutSeconds * 1000),
    parentRunId: request.parentRunId ?? null,
    rootRunId: parent?.rootRunId ?? runId,
    traceId: parseTraceparent(request.traceparent) ?? parent?.traceId ?? ids.hex(16),
    shadow: isShadow(request, parts, parent?.rootRunId ?? runId),
    dryRun: request.dryRun ?? false,
    inputDigest: parts.secrets.digest(request.input ?? {}),
    isRedrivable: request.isRedrivable ?? false,
    state: 'pending',
    endReason: null,
    errorCode: null,
    queueAtMs: availableAtMs,
    attempts: 0,
    leaseEpoch: 0,
    workerId: null,
    leaseExpiresAtMs: null,
    startedAtMs: null,
    finishedAtMs: null,
    startDeadlineAtMs: afterSeconds(availableAtMs, request.startTimeoutSeconds ?? null),
    attemptDeadlineAtMs: null,
    timeoutAtMs: afterSeconds(availableAtMs, timeoutSeconds),
    askedAtMs: null,
    answerDueAtMs: null,
    waitingFor: null,
    handlerVersion: null,
  };
}

/** A run as the store is to create it. `bad-argument` for an input that is no JSON, `E-RUN-008` when it is nested too deep. */
export function requestToCreation(request: RunRequest, parts: CreationParts): WorkCreation {
  checkNesting(request, parts.ancestors);
  const row = requestToRow(request, parts);
  const order = requestToOrder(request);
  const key = requestToKey(request);
  return {
    row,
    keyDigest: key === null ? null : parts.secrets.digest(key),
    sealed: parts.secrets.seal(JSON.stringify(order), orderPlace(row.runId)),
    entries: [parts.scribe.create(row, order)],
  };
}

/** The answer to a request: `idempotency-conflict` when its key has a run that was made with another input. */
export function answerToResult(
  creation: WorkCreation,
  answer: CreationAnswer,
): { readonly runId: string; readonly duplicate: boolean } {
  const { runId, duplicate, inputDigest } = answer;
  if (!duplicate || inputDigest === creation.row.inputDigest) return { runId, duplicate };
  throw new TachographError(
    'idempotency-conflict',
    `The key of this run was used before with another input, for run ${runId}: give each event a key of its own.`,
  );
}
