import { foldEvents } from '../../core/import/fold.ts';
import { attemptKey, stepKey } from '../../core/import/fold-state.ts';
import { batchEpochs, importKeys, planImport } from '../../core/import/plan.ts';
import type { ImportRows } from '../../core/import/plan-rows.ts';
import { contentKey } from '../../core/import/plan-rows.ts';
import type { Content } from '../../core/content/content.ts';
import type { AttemptView } from '../../core/model/attempt.ts';
import type { RunView } from '../../core/model/run.ts';
import type { StepView } from '../../core/model/step.ts';
import { attemptToContentIds, differingFields, stepToContentIds, type RunViews } from '../../core/query/difference.ts';
import { isSealDue } from '../../core/query/sealing.ts';
import type { BroughtLists } from '../../core/work/work.ts';
import type { ImportBatch, ImportResult, WriterHead } from '../../core/store.ts';
import { epochOf, projectOf, runStateOf, type ProjectState, type RunState, type State } from './state.ts';
import { listAttempts, listSteps } from './steps.ts';

function loadRows(project: ProjectState, batch: ImportBatch): ImportRows {
  const keys = importKeys(batch);
  const wanted = new Set(keys.steps.map(({ runId, stepId }) => stepKey(runId, stepId)));
  const runById = new Map<string, RunView>();
  const writerByKey = new Map<string, WriterHead>();
  const epochByRun = new Map<string, number>();
  const stepByKey = new Map<string, StepView>();
  const attemptByKey = new Map<string, AttemptView>();
  for (const runId of keys.runIds) {
    const run = project.runById.get(runId);
    if (run === undefined) continue;
    runById.set(runId, run.view);
    epochByRun.set(runId, run.epoch);
    for (const head of run.writerById.values()) writerByKey.set(`${runId}/${head.writerId}`, head);
    for (const step of run.stepByNumber.values()) {
      const key = stepKey(runId, step.id);
      if (wanted.has(key)) stepByKey.set(key, step);
    }
    for (const attempt of run.attemptByKey.values())
      if (wanted.has(stepKey(runId, attempt.stepId))) attemptByKey.set(attemptKey(attempt), attempt);
  }
  const contentByKey = new Map<string, Content>();
  const epochInBatch = batchEpochs(batch);
  for (const { runId, contentId } of keys.contents) {
    const epoch = epochByRun.get(runId) ?? epochInBatch.get(runId)!;
    const content = project.epochByNumber.get(epoch)?.contentById.get(contentId);
    if (content !== undefined) contentByKey.set(contentKey(epoch, contentId), content);
  }
  return { runById, epochByRun, stepByKey, attemptByKey, writerByKey, contentByKey };
}

function useContents(run: RunState, ids: readonly (string | null)[], stepId: string | null): void {
  for (const id of ids) if (id !== null && !run.stepIdByContent.has(id)) run.stepIdByContent.set(id, stepId);
}

function putRun(run: RunState, view: RunView): void {
  run.view = view;
  useContents(run, [view.inputsId, view.outputId, view.environmentId], null);
}

function putStep(run: RunState, step: StepView): void {
  run.stepByNumber.set(step.number, step);
  useContents(run, stepToContentIds(step), step.id);
  for (const tip of [step.contextNodeId, step.toolsNodeId]) if (tip !== null) run.tips.add(tip);
}

function putAttempt(run: RunState, attempt: AttemptView): void {
  run.attemptByKey.set(`${attempt.stepId}/${attempt.number}`, attempt);
  useContents(run, attemptToContentIds(attempt), attempt.stepId);
  const tip = attempt.requestBody?.nodeId ?? null;
  if (tip !== null) run.tips.add(tip);
}

function putContents(project: ProjectState, changes: BroughtLists): number {
  let count = 0;
  for (const { epoch, content } of changes.contents) {
    const { contentById } = epochOf(project, epoch);
    if (contentById.has(content.id)) continue;
    contentById.set(content.id, content);
    count += 1;
  }
  for (const { epoch, node } of changes.nodes) epochOf(project, epoch).nodeById.set(node.id, node);
  return count;
}

/** Stores contents and nodes whose events come later. */
export function keepBrought(state: State, projectId: string, brought: BroughtLists): void {
  putContents(projectOf(state, projectId), brought);
}

/** Imports a batch: loads what it touches, plans in core, writes what was planned. Nothing fails after the plan. */
export function importEntries(state: State, batch: ImportBatch): ImportResult {
  const project = projectOf(state, batch.projectId);
  const changes = planImport(batch, loadRows(project, batch), state.prices);
  const contents = putContents(project, changes);
  for (const view of changes.runs) putRun(runStateOf(project, view, changes.epochByRun.get(view.id)!), view);
  for (const step of changes.steps) putStep(project.runById.get(step.runId)!, step);
  for (const attempt of changes.attempts) putAttempt(project.runById.get(attempt.runId)!, attempt);
  for (const use of changes.uses) useContents(project.runById.get(use.runId)!, [use.contentId], use.stepId);
  for (const head of changes.writers) project.runById.get(head.runId)!.writerById.set(head.writerId, head);
  for (const event of changes.events) project.runById.get(event.header.runId)!.events.push(event);
  if (batch.position !== null) state.bytesByJournal.set(batch.position.file, batch.position.bytes);
  state.changes += 1;
  const runsToSeal = changes.runs.filter((run) => isDue(project, run)).map((run) => run.id);
  for (const runId of runsToSeal) project.runById.get(runId)!.isSealDue = true;
  return {
    events: changes.events.length,
    duplicates: changes.duplicates,
    contents,
    changedRuns: changes.runs.map((run) => ({ runId: run.id, lastSeq: run.lastSeq })),
    runsToSeal,
  };
}

function isDue(project: ProjectState, run: RunView): boolean {
  const newest = project.seals.findLast((seal) => seal.runId === run.id) ?? null;
  return isSealDue(run, [...project.runById.get(run.id)!.writerById.values()], newest);
}

/** The views of a run as they are stored. */
export function readViews(run: RunState): RunViews {
  return {
    run: run.view,
    steps: listSteps(run, { fromNumber: 1, limit: Infinity }),
    attempts: listAttempts(run, null),
  };
}

/** Writes views in place of all that a run has. */
export function replaceViews(run: RunState, after: RunViews): void {
  run.stepByNumber.clear();
  run.attemptByKey.clear();
  putRun(run, after.run);
  for (const step of after.steps) putStep(run, step);
  for (const attempt of after.attempts) putAttempt(run, attempt);
}

/** Computes a run's views anew from its events and stores them; the names of the fields that differed (I11). */
export function rebuildViews(state: State, projectId: string, run: RunState): string[] {
  const before = readViews(run);
  const contentById =
    projectOf(state, projectId).epochByNumber.get(run.epoch)?.contentById ?? new Map<string, Content>();
  const after = foldEvents(projectId, run.events, contentById, state.prices);
  const fields = differingFields(before, after);
  if (fields.length > 0) {
    replaceViews(run, after);
    state.changes += 1;
  }
  return fields;
}
