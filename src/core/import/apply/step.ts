import type { ContentKind } from '../../content/content.ts';
import { contentToPreview, toSummaryLine } from '../../content/text.ts';
import { isRecordedCost, recordedToStepCost } from '../../cost/step-cost.ts';
import { defaultLimits, truncateBytes } from '../../limits.ts';
import type { StepCost } from '../../model/cost.ts';
import type { RecordedError, StepView } from '../../model/step.ts';
import { isStepStatusAllowed } from '../../model/step.ts';
import { isKeptFromRunning } from '../../model/tool-step.ts';
import type { StepEndFacts } from '../../record/facts.ts';
import type { StoredEvent } from '../../store.ts';
import { readCostActual, readStepEnd, readStepStart } from '../fact-reading.ts';
import type { FoldState } from '../fold-state.ts';
import { addCounts, changeRun, changeStep, stepOf } from '../fold-state.ts';
import { openField, toOpenValue } from '../open-value.ts';
import { errorField, finishReasonField, marksField, streamField } from '../payload-reading.ts';
import type { Fields } from '../reading.ts';
import { digestField, numberField, objectField, payloadOf, textField } from '../reading.ts';

/**
 * The words of a content as lists and trees show them, or `null` when it is not there. `kind` is what it stands for here: the
 * content itself has the kind that it first came with, which may be another's.
 */
export function previewOf(
  state: FoldState,
  of: { readonly runId: string; readonly contentId: string | null; readonly kind: ContentKind },
  bytesMax: number,
): string | null {
  const { runId, contentId, kind } = of;
  if (contentId === null) return null;
  const content = state.contentOf(runId, contentId);
  return content === undefined ? null : truncateBytes(contentToPreview(kind, content.bytes), bytesMax);
}

/** Applies a `step-start`: fills what the step was begun with. A step that ended first keeps its end. */
export function applyStepStart(state: FoldState, event: StoredEvent): void {
  const step = stepOf(state, event);
  const facts = readStepStart(event);
  const payload = payloadOf(event);
  const model = textField(payload, 'model');
  // What is in the journal of tool calls stays there: its number is given once.
  const kind = step.kind === 'tool' ? 'tool' : (facts?.kind ?? step.kind);
  const next = changeStep(state, step, {
    kind,
    journalSeq: kind === step.kind ? step.journalSeq : nextJournalSeq(state, { ...step, kind }),
    gatewayId: textField(payload, 'gatewayId'),
    operation: facts?.operation ?? textField(payload, 'operation') ?? step.operation,
    parentStepId: facts?.parentStepId ?? null,
    observedAfter: facts?.observedAfter ?? false,
    prefixBreak: facts?.prefixBreak ?? null,
    startedAtMs: event.header.timeMs,
    name: textField(payload, 'name'),
    provider: step.provider ?? textField(payload, 'provider'),
    model: step.model ?? model,
    requestedModel: model,
    contextNodeId: digestField(payload, 'context'),
    contextLength: numberField(payload, 'contextLength'),
    contextMarks: marksField(payload, 'contextMarks'),
    toolsNodeId: digestField(payload, 'tools'),
    options: openField(payload, 'options'),
    callId: textField(payload, 'callId'),
    argsId: digestField(payload, 'args'),
    requestId: digestField(payload, 'request'),
    inputsWithheld: payload['inputsWithheld'] === true,
    metadata: mergeMetadata(openField(payload, 'metadata'), step.metadata),
    historyTipMessageId: textField(payload, 'historyTipMessageId'),
    redactions: addCounts(step.redactions, payload['redactions']),
    erased: step.erased || event.payload === null,
  });
  noteFirstMessage(state, next.runId, digestField(payload, 'firstUserMessage'));
  if (next.kind === 'model') noteModel(state, next);
}

/** A tool call that comes to be known gets the next number of its run: as many as were known before it. */
function nextJournalSeq(state: FoldState, { kind, runId }: StepView): number | null {
  return kind === 'tool' ? state.runById.get(runId)!.counts.toolSteps : null;
}

function mergeMetadata(a: Fields | null, b: Fields | null): Fields | null {
  return a === null || b === null ? (a ?? b) : { ...a, ...b };
}

function noteFirstMessage(state: FoldState, runId: string, contentId: string | null): void {
  const run = state.runById.get(runId)!;
  // What the first model call was told says more than the inputs the run was created with.
  if (run.summary.firstMessage !== null && run.counts.modelSteps > 1) return;
  const firstMessage = toSummaryLine(previewOf(state, { runId, contentId, kind: 'message' }, 4000) ?? '');
  if (firstMessage !== null) changeRun(state, runId, { summary: { ...run.summary, firstMessage } });
}

function noteModel(state: FoldState, step: StepView): void {
  const run = state.runById.get(step.runId)!;
  const model = step.model ?? run.model;
  const provider = step.provider ?? run.provider;
  if (model !== run.model || provider !== run.provider) changeRun(state, run.id, { model, provider });
}

/** True when an end may take the place of what the step has: by priority, or because a sweep had only guessed. */
function isEndAllowed(step: StepView, facts: StepEndFacts): boolean {
  if (facts.swept) return step.status === 'in_progress';
  // A call that a guard kept from its tool has had its end, whatever the layers around it say of the answer.
  if (isKeptFromRunning(step.resultStatus) && !step.swept && !isKeptFromRunning(facts.resultStatus)) return false;
  return step.swept || isStepStatusAllowed(step.status, facts.status);
}

/** Applies a `step-end`. An error is cleared by a later completion; a late abort changes nothing. */
export function applyStepEnd(state: FoldState, event: StoredEvent): void {
  const step = stepOf(state, event);
  const facts = readStepEnd(event);
  if (facts === null || !isEndAllowed(step, facts)) return;
  const run = state.runById.get(step.runId)!;
  const payload = payloadOf(event);
  const { timeMs } = event.header;
  const next = changeStep(state, step, {
    status: facts.status,
    swept: facts.swept,
    durationMs: facts.durationMs,
    // A swept step is not known to have lasted until the sweep: its end is the last sign of life of its run.
    finishedAtMs: facts.swept ? Math.max(run.updatedAtMs, step.startedAtMs) : timeMs,
    timeToFirstTokenMs: facts.timeToFirstTokenMs ?? step.timeToFirstTokenMs,
    usage: facts.usage ?? step.usage,
    cost: nextCost(step, facts, payload),
    ...toolEnd(step, facts, payload),
    ...endFields(payload, step),
    error: endError(step, facts, payload),
    late: step.late || (!facts.swept && run.finishedAtMs !== null && !run.swept && timeMs > run.finishedAtMs),
    erased: step.erased || event.payload === null,
    preview: endPreview(state, step, payload),
  });
  noteEnd(state, next);
}

/** A completion clears the error, unless the error is what the agent was told by the guard that kept it from its tool. */
function endError(step: StepView, facts: StepEndFacts, payload: Fields): RecordedError | null {
  const told = errorField(payload, 'error');
  if (facts.status !== 'completed') return told ?? step.error;
  return isKeptFromRunning(facts.resultStatus) ? told : null;
}

/** How a tool call ended, by this end alone: what an earlier one said of its result stands only as long as its status does. */
function toolEnd(step: StepView, facts: StepEndFacts, payload: Fields): Partial<StepView> {
  return {
    resultStatus: facts.resultStatus ?? (step.status === facts.status ? step.resultStatus : null),
    wasBlocked: facts.wasBlocked === true,
    blockReason: facts.blockReason ?? textField(payload, 'blockReason'),
  };
}

/**
 * The cost that an end tells, to be estimated when it tells none. What was told before stays, unless this end brings
 * counts of its own and the cost came with the counts that they replace.
 */
function nextCost(step: StepView, facts: StepEndFacts, payload: Fields): StepCost | null {
  if (facts.cost !== null && facts.cost.nanoUsd !== null) return recordedToStepCost(facts.cost);
  // What the wire told before the first end belongs to that end's counts.
  const isRecounted = step.status !== 'in_progress' && (facts.usage !== null || payload['usageRaw'] !== undefined);
  if (isRecordedCost(step.cost) && !(isRecounted && step.cost!.source === 'provider-response')) return step.cost;
  return facts.cost === null ? null : recordedToStepCost(facts.cost);
}

/** Applies a `cost-actual`: what a step cost in fact, whenever it became known. */
export function applyCostActual(state: FoldState, event: StoredEvent): void {
  const facts = readCostActual(event);
  if (facts === null || event.header.stepId === null) return;
  changeStep(state, stepOf(state, event), { cost: recordedToStepCost(facts.cost) });
}

function endFields(payload: Fields, step: StepView): Partial<StepView> {
  return {
    responseId: digestField(payload, 'response') ?? step.responseId,
    resultId: digestField(payload, 'result') ?? step.resultId,
    provider: textField(payload, 'provider') ?? step.provider,
    model: textField(payload, 'model') ?? step.model,
    providerResponseId: textField(payload, 'providerResponseId') ?? step.providerResponseId,
    finishReason: finishReasonField(payload, 'finishReason') ?? step.finishReason,
    usageRaw: toOpenValue(payload['usageRaw'] ?? step.usageRaw),
    stream: streamField(payload, 'stream') ?? step.stream,
    outputsWithheld: payload['outputsWithheld'] === true || step.outputsWithheld,
    metadata: mergeMetadata(step.metadata, openField(payload, 'metadata')),
    assistantMessageId: textField(payload, 'assistantMessageId') ?? step.assistantMessageId,
    redactions: addCounts(step.redactions, payload['redactions']),
  };
}

function endPreview(state: FoldState, step: StepView, payload: Fields): string | null {
  const isTool = step.kind === 'tool';
  const contentId = digestField(payload, isTool ? 'result' : 'response');
  const bytesMax = isTool ? defaultLimits.toolPreviewBytes : defaultLimits.stepPreviewBytes;
  const kind = isTool ? 'result' : 'output';
  return previewOf(state, { runId: step.runId, contentId, kind }, bytesMax) ?? step.preview;
}

/** Applies what an unfinished answer said so far: the preview grows, until an end brings the whole answer. */
export function applyPartial(state: FoldState, event: StoredEvent): void {
  const parts = objectField(payloadOf(event), 'data')?.['parts'];
  if (event.header.stepId === null || !Array.isArray(parts)) return;
  const step = stepOf(state, event);
  const known = step.preview ?? '';
  if (step.responseId !== null || Buffer.byteLength(known) >= defaultLimits.stepPreviewBytes) return;
  const said = (parts as readonly unknown[])
    .map((part) => part as Readonly<Record<string, unknown>> | null)
    .filter((part) => part?.['type'] === 'text' && typeof part['text'] === 'string')
    .map((part) => part!['text'] as string);
  if (said.length === 0) return;
  changeStep(state, step, { preview: truncateBytes(known + said.join(''), defaultLimits.stepPreviewBytes) });
}

function noteEnd(state: FoldState, step: StepView): void {
  if (step.kind !== 'model') return;
  noteModel(state, step);
  const run = state.runById.get(step.runId)!;
  const lastOutput = toSummaryLine(step.preview ?? '');
  // What comes after the end is kept, but changes neither end nor output.
  if (lastOutput === null || (run.finishedAtMs !== null && !run.swept)) return;
  changeRun(state, run.id, { summary: { ...run.summary, lastOutput } });
}
