import { toSummaryLine } from '../../content/text.ts';
import { defaultLimits } from '../../limits.ts';
import type { RunView } from '../../model/run.ts';
import { endReasonToStatus } from '../../model/run.ts';
import type { RunCreateFacts } from '../../record/facts.ts';
import type { StoredEvent } from '../../store.ts';
import { applyPartial, previewOf } from './step.ts';
import { unknownAgentId } from '../blank.ts';
import { noteWork } from './work.ts';
import { readRunCreate, readRunEnd } from '../fact-reading.ts';
import type { FoldState } from '../fold-state.ts';
import { addCounts, changeRun } from '../fold-state.ts';
import { errorField, wordsField } from '../payload-reading.ts';
import { digestField, factFieldsOf, objectField, payloadOf, textField } from '../reading.ts';

/** The agent of a run whose words were erased. */
export const erasedAgentId = '[erased]';

const textKeys = [
  'callerId',
  'channelId',
  'sessionId',
  'endUserId',
  'name',
  'capture',
  'traceId',
  'spanId',
  'triggerMessageId',
  'historyTipMessageId',
  'model',
] as const;

function createdFields(run: RunView, facts: RunCreateFacts | null, event: StoredEvent): Partial<RunView> {
  // A second writer of the run creates it too; only what the first did not say is taken from it.
  if (facts === null || run.agentId !== unknownAgentId) return {};
  const { timeMs } = event.header;
  return {
    parentRunId: facts.parentRunId,
    parentStepId: facts.parentStepId,
    rootRunId: facts.rootRunId,
    source: facts.source,
    dryRun: facts.dryRun,
    shadow: facts.shadow,
    observedAfter: facts.observedAfter,
    durability: run.durability === 'degraded' ? 'degraded' : facts.durability,
    status: run.finishedAtMs === null ? (facts.started ? 'running' : 'pending') : run.status,
    createdAtMs: timeMs,
    startedAtMs: facts.started ? timeMs : null,
  };
}

/** Applies a `run-create`. */
export function applyRunCreate(state: FoldState, event: StoredEvent): void {
  const run = state.runById.get(event.header.runId)!;
  const payload = payloadOf(event);
  const words: Record<string, unknown> = {};
  for (const key of textKeys) words[key] = run[key] ?? textField(payload, key);
  const isFirst = run.agentId === unknownAgentId;
  const agentId = textField(payload, 'agentId') ?? (event.payload === null ? erasedAgentId : unknownAgentId);
  const inputsId = run.inputsId ?? digestField(payload, 'inputs');
  changeRun(state, run.id, {
    ...createdFields(run, readRunCreate(event), event),
    ...(words as Partial<RunView>),
    agentId: isFirst ? agentId : run.agentId,
    kind: isFirst ? (textField(payload, 'kind') ?? run.kind) : run.kind,
    labels: { ...wordsField(payload, 'labels'), ...run.labels },
    inputsId,
    environmentId: run.environmentId ?? digestField(payload, 'environment'),
  });
  noteInputs(state, run.id, inputsId);
  noteWork(state, event);
}

function noteInputs(state: FoldState, runId: string, inputsId: string | null): void {
  const run = state.runById.get(runId)!;
  if (run.summary.firstMessage !== null) return;
  const firstMessage = toSummaryLine(previewOf(state, { runId, contentId: inputsId, kind: 'inputs' }, 4000) ?? '');
  if (firstMessage !== null) changeRun(state, runId, { summary: { ...run.summary, firstMessage } });
}

/** Applies a `run-end`: the first end stands (I7); one that a sweep guessed gives way to one that was given. */
export function applyRunEnd(state: FoldState, event: StoredEvent): void {
  const run = state.runById.get(event.header.runId)!;
  const facts = readRunEnd(event);
  if (facts === null || (run.finishedAtMs !== null && !(run.swept && !facts.swept))) return;
  const payload = payloadOf(event);
  const error = errorField(payload, 'error');
  const outputId = digestField(payload, 'output');
  const lastOutput =
    toSummaryLine(previewOf(state, { runId: run.id, contentId: outputId, kind: 'output' }, 4000) ?? '') ??
    run.summary.lastOutput;
  changeRun(state, run.id, {
    status: endReasonToStatus(facts.endReason),
    endReason: facts.endReason,
    swept: facts.swept,
    // Nobody knows when a recorder died; the last sign of life is what the record can vouch for.
    finishedAtMs: facts.swept ? run.updatedAtMs : event.header.timeMs,
    durationMs: facts.durationMs,
    errorCode: error?.code ?? error?.name ?? null,
    errorDetail: error === null ? null : toDetail(error.message),
    outputId: outputId ?? run.outputId,
    work: run.work === null ? null : { ...run.work, availableAtMs: null, waitingFor: null },
    summary: { ...run.summary, lastOutput },
  });
}

function toDetail(message: string): string {
  const points = Array.from(message.slice(0, 4 * defaultLimits.errorDetailCharsMax));
  const max = defaultLimits.errorDetailCharsMax;
  return points.length <= max ? points.join('') : `${points.slice(0, max - 1).join('')}…`;
}

/** Applies a `log`: only the recorder's own words about durability and unfinished answers change a view. */
export function applyLog(state: FoldState, event: StoredEvent): void {
  const payload = payloadOf(event);
  const data = objectField(payload, 'data');
  if (payload['type'] === 'durability' && data?.['state'] === 'degraded') {
    changeRun(state, event.header.runId, { durability: 'degraded' });
  }
  if (payload['type'] === 'stream-partial') applyPartial(state, event);
}

/** Ends of what has begun, and what is told of a run afterwards, belong to it whenever they come. */
const isNeverLate: ReadonlySet<string> = new Set([
  'run-end',
  'attempt-end',
  'content-erase',
  'cost-actual',
  'gap',
  'budget-entry',
]);

/**
 * What every event does to its run, before its own rule: activity, redactions, and life after a sweep. One that comes from
 * a lease that is lost is late whenever it was written.
 */
export function noteEvent(state: FoldState, event: StoredEvent, isFromLost: boolean): void {
  const { runId, timeMs, type } = event.header;
  const run = state.runById.get(runId)!;
  const isSweep = isSwept(event);
  const isEnded = run.finishedAtMs !== null && !isSweep;
  // Whatever comes behind a sweep shows that it was wrong, also in its own millisecond or by a clock that was set back.
  const isAlive = isEnded && run.swept && type !== 'run-end' && type !== 'content-erase';
  const isLate = isFromLost || (isEnded && !run.swept && timeMs > run.finishedAtMs! && !isNeverLate.has(type));
  changeRun(state, runId, {
    lastSeq: event.seq,
    updatedAtMs: isSweep || type === 'content-erase' ? run.updatedAtMs : Math.max(run.updatedAtMs, timeMs),
    redactions: addCounts(run.redactions, payloadOf(event)['redactions']),
    erased: run.erased || event.payload === null || type === 'content-erase',
    counts: { ...run.counts, events: run.counts.events + 1, late: run.counts.late + (isLate ? 1 : 0) },
    ...(isAlive ? { status: 'running', endReason: null, finishedAtMs: null, swept: false } : {}),
  });
}

function isSwept(event: StoredEvent): boolean {
  if (event.header.type !== 'run-end' && event.header.type !== 'step-end') return false;
  return factFieldsOf(event)?.['swept'] === true;
}
