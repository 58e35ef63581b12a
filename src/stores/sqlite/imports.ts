import { TachographError } from '../../core/error.ts';
import { foldEvents } from '../../core/import/fold.ts';
import { attemptKey, stepKey } from '../../core/import/fold-state.ts';
import { batchEpochs, importKeys, planImport } from '../../core/import/plan.ts';
import type { ImportChanges, ImportKeys, ImportRows } from '../../core/import/plan-rows.ts';
import { contentKey } from '../../core/import/plan-rows.ts';
import type { Content } from '../../core/content/content.ts';
import type { AttemptView } from '../../core/model/attempt.ts';
import type { RunView } from '../../core/model/run.ts';
import { isTerminal } from '../../core/model/run.ts';
import type { StepView } from '../../core/model/step.ts';
import { differingFields, type RunViews } from '../../core/query/difference.ts';
import { isSealDue } from '../../core/query/sealing.ts';
import type { BroughtLists } from '../../core/work/work.ts';
import type { ImportBatch, ImportResult, JournalPosition, WriterHead } from '../../core/store.ts';
import { idToCell } from '../sql/value.ts';
import { packContents, putContent, putNode, readContent, type RunKey, useContent } from './contents.ts';
import type { Database } from './database.ts';
import { listEvents, listWriters, packRunEvents, putEvent, putWriter } from './events.ts';
import { packStepViews } from './packing/step-views.ts';
import { findRunKey, projectKeyOf, putRun, readRun } from './runs.ts';
import { newestSeal, setSealDue } from './seals.ts';
import { applyWords, createPending, type Pending } from './search.ts';
import { takeEntries } from './work/filing.ts';
import {
  dropAttempts,
  dropStep,
  findStep,
  listAttempts,
  listSteps,
  packAttempts,
  putAttempt,
  putStep,
} from './steps.ts';

/** Notes that something changed, so that readers in other processes can see it cheaply. */
export function countChange(db: Database): void {
  db.run('UPDATE changes SET count = count + 1');
}

interface Batch {
  readonly project: number;
  readonly rows: ImportRows;
  readonly changes: ImportChanges;
  readonly pending: Pending;
}

function loadRows(
  db: Database,
  project: number,
  keys: ImportKeys,
  epochByRun: ReadonlyMap<string, number>,
): ImportRows {
  const runById = new Map<string, RunView>();
  const writerByKey = new Map<string, WriterHead>();
  const stepByKey = new Map<string, StepView>();
  const attemptByKey = new Map<string, AttemptView>();
  const contentByKey = new Map<string, Content>();
  const runKeyById = new Map<string, RunKey>();
  for (const runId of keys.runIds) {
    const run = findRunKey(db, project, runId);
    if (run === null) continue;
    runKeyById.set(runId, run);
    runById.set(runId, readRun(db, run));
    for (const head of listWriters(db, run)) writerByKey.set(`${runId}/${head.writerId}`, head);
  }
  // Steps and attempts of runs that are all new need not be looked for.
  if (runById.size > 0) {
    for (const { runId, stepId } of keys.steps) {
      const run = runKeyById.get(runId);
      const step = run === undefined ? null : findStep(db, run, stepId);
      if (step !== null) stepByKey.set(stepKey(runId, stepId), step);
    }
    for (const { runId, stepId } of keys.attemptSteps) {
      const run = runKeyById.get(runId);
      if (run === undefined || !stepByKey.has(stepKey(runId, stepId))) continue;
      for (const attempt of listAttempts(db, run, stepId)) attemptByKey.set(attemptKey(attempt), attempt);
    }
  }
  for (const { runId, contentId } of keys.contents) {
    const epoch = runKeyById.get(runId)?.epoch ?? epochByRun.get(runId)!;
    const content = readContent(db, { project, epoch }, contentId);
    if (content !== null) contentByKey.set(contentKey(epoch, contentId), content);
  }
  const epochs = new Map([...runKeyById].map(([id, { epoch }]) => [id, epoch]));
  return { runById, epochByRun: epochs, stepByKey, attemptByKey, writerByKey, contentByKey };
}

/** Stores contents with their words, then the nodes that name them; how many contents were new. */
function putContents(
  db: Database,
  { project, changes, pending }: Pick<Batch, 'project' | 'pending'> & { readonly changes: BroughtLists },
): number {
  let count = 0;
  for (const { epoch, content } of changes.contents) {
    const { isNew, newDocument } = putContent(db, { project, epoch }, content, pending.known);
    if (isNew) count += 1;
    if (newDocument !== null)
      pending.words.push({ epoch, document: newDocument.key, before: '', after: newDocument.words });
  }
  for (const { epoch, node } of changes.nodes) putNode(db, { project, epoch }, node, pending.known);
  return count;
}

function putViews(db: Database, batch: Batch): Map<string, RunKey> {
  const { project, rows, changes, pending } = batch;
  const runKeyById = new Map<string, RunKey>();
  for (const run of changes.runs) {
    const epoch = changes.epochByRun.get(run.id)!;
    runKeyById.set(run.id, putRun(db, { project, epoch }, run, rows.runById.get(run.id) ?? null, pending));
  }
  const rowKeyByStep = new Map<string, number>();
  for (const step of changes.steps) {
    const key = stepKey(step.runId, step.id);
    rowKeyByStep.set(key, putStep(db, runKeyById.get(step.runId)!, step, rows.stepByKey.get(key) ?? null, pending));
  }
  for (const attempt of changes.attempts) {
    const rowKey = rowKeyByStep.get(stepKey(attempt.runId, attempt.stepId)) ?? null;
    putAttempt(db, runKeyById.get(attempt.runId)!, attempt, rowKey, pending);
  }
  const rowKeyOf = (run: RunKey, stepId: string): number | null => {
    const known =
      rowKeyByStep.get(stepKey(run.id, stepId)) ??
      db.get('SELECT key FROM steps WHERE run_key = ? AND id = ?', run.key, idToCell(stepId))?.['key'];
    return (known as number | undefined) ?? null;
  };
  for (const use of changes.uses) {
    const run = runKeyById.get(use.runId)!;
    useContent(db, run, use.contentId, use.stepId === null ? null : rowKeyOf(run, use.stepId), pending.known);
  }
  return runKeyById;
}

function putEvents(db: Database, changes: ImportChanges, runKeyById: ReadonlyMap<string, RunKey>): void {
  const writerKeyByKey = new Map<string, number>();
  for (const head of changes.writers) {
    writerKeyByKey.set(`${head.runId}/${head.writerId}`, putWriter(db, runKeyById.get(head.runId)!.key, head));
  }
  for (const event of changes.events) {
    const { runId, writerId } = event.header;
    putEvent(db, runKeyById.get(runId)!.key, writerKeyByKey.get(`${runId}/${writerId}`)!, event);
  }
}

/** Stores contents and nodes whose events are filed later. */
export function keepBrought(db: Database, projectId: string, { contents, nodes }: BroughtLists): void {
  if (contents.length + nodes.length === 0) return;
  const project = projectKeyOf(db, projectId);
  const pending = createPending(new Map(contents.map(({ content }) => [content.id, content])));
  putContents(db, { project, changes: { contents, nodes }, pending });
  applyWords(db, project, pending.words);
}

/** Imports what waits of some runs of a project; false when nothing did. */
export function importUnfiled(db: Database, projectId: string, runIds: readonly string[]): boolean {
  const project = projectKeyOf(db, projectId);
  const entries = runIds.flatMap((runId) => takeEntries(db, project, runId));
  if (entries.length > 0) importEntries(db, { projectId, entries, position: null });
  return entries.length > 0;
}

/**
 * Imports a batch in the transaction that is open: loads what it touches, plans in core, writes what was planned. What waits
 * of its runs comes first.
 */
export function importEntries(db: Database, given: ImportBatch): ImportResult {
  const project = projectKeyOf(db, given.projectId);
  const runIds = new Set(given.entries.map(({ event }) => event.header.runId));
  const waiting = [...runIds].flatMap((runId) => takeEntries(db, project, runId));
  const batch = waiting.length === 0 ? given : { ...given, entries: [...waiting, ...given.entries] };
  const rows = loadRows(db, project, importKeys(batch), batchEpochs(batch));
  const changes = planImport(batch, rows, db.prices);
  const brought = new Map(
    batch.entries.flatMap((entry) => entry.contents.map((content) => [content.id, content] as const)),
  );
  for (const content of rows.contentByKey.values()) if (!brought.has(content.id)) brought.set(content.id, content);
  const pending = createPending(brought);
  const loaded: Batch = { project, rows, changes, pending };
  const contents = putContents(db, loaded);
  const runKeyById = putViews(db, loaded);
  putEvents(db, changes, runKeyById);
  if (batch.position !== null) putPosition(db, batch.position);
  countChange(db);
  const isDue = (run: RunView): boolean =>
    isSealDue(run, listWriters(db, runKeyById.get(run.id)!), newestSeal(db, project, run.id));
  for (const run of changes.runs)
    if (isTerminal(run.status))
      db.run('INSERT INTO packing (run_key) VALUES (?) ON CONFLICT DO NOTHING', runKeyById.get(run.id)!.key);
  const runsToSeal = changes.runs.filter(isDue).map((run) => run.id);
  for (const runId of runsToSeal) setSealDue(db, runKeyById.get(runId)!.key, true);
  applyWords(db, project, pending.words);
  return {
    events: changes.events.length,
    duplicates: changes.duplicates,
    contents,
    changedRuns: changes.runs.map((run) => ({ runId: run.id, lastSeq: run.lastSeq })),
    runsToSeal,
  };
}

function putPosition(db: Database, position: JournalPosition): void {
  db.run(
    'INSERT INTO journal_positions (file, bytes) VALUES (?, ?) ON CONFLICT (file) DO UPDATE SET bytes = excluded.bytes',
    position.file,
    position.bytes,
  );
}

/** How far each journal file has been imported, by name. */
export function listPositions(db: Database): JournalPosition[] {
  return db
    .all('SELECT file, bytes FROM journal_positions ORDER BY file')
    .map((row) => ({ file: row['file'] as string, bytes: row['bytes'] as number }));
}

const everything = { fromSeq: 1, fromNumber: 1, limit: Number.MAX_SAFE_INTEGER };

/** The views of a run as they are stored. */
export function readViews(db: Database, run: RunKey): RunViews {
  return { run: readRun(db, run), steps: listSteps(db, run, everything), attempts: listAttempts(db, run, null) };
}

/** Writes views in place of all that a run has; rows that are no longer there go. */
export function replaceViews(db: Database, run: RunKey, before: RunViews, after: RunViews, pending: Pending): void {
  const beforeByNumber = new Map(before.steps.map((step) => [step.number, step]));
  const kept = new Set(after.steps.map((step) => step.number));
  for (const step of before.steps) if (!kept.has(step.number)) dropStep(db, run, step, pending);
  putRun(db, run, after.run, before.run, pending);
  const stepKeyById = new Map<string, number>();
  for (const step of after.steps) {
    stepKeyById.set(step.id, putStep(db, run, step, beforeByNumber.get(step.number) ?? null, pending));
  }
  dropAttempts(db, run);
  for (const attempt of after.attempts) putAttempt(db, run, attempt, stepKeyById.get(attempt.stepId) ?? null, pending);
  db.run('INSERT INTO packing (run_key) VALUES (?) ON CONFLICT DO NOTHING', run.key);
}

/** Computes a run's views anew from its events and stores them; the names of the fields that differed (I11). */
export function rebuildViews(db: Database, projectId: string, run: RunKey): string[] {
  const before = readViews(db, run);
  const events = listEvents(db, run, everything);
  const entries = events.map((event) => ({ epoch: run.epoch, contents: [], nodes: [], event }));
  const contentById = new Map<string, Content>();
  for (const { contentId } of importKeys({ projectId, entries, position: null }).contents) {
    const content = readContent(db, run, contentId);
    if (content !== null) contentById.set(contentId, content);
  }
  if (events.length === 0) {
    throw new TachographError(
      'store-broken',
      `The store has no events of run ${run.id} any more, so its views cannot be computed from them; they stay as they are.`,
    );
  }
  const after = foldEvents(projectId, events, contentById, db.prices);
  const fields = differingFields(before, after);
  if (fields.length > 0) {
    const pending = createPending(contentById);
    replaceViews(db, run, before, after, pending);
    countChange(db);
    applyWords(db, run.project, pending.words);
  }
  return fields;
}

const packedRuns = 16;

/**
 * Packs the next ended runs that wait for it, a bounded part of their rows; false when none waits. Rows of an ended run
 * are moved out of their tables whole, so that their pages are free for the next runs.
 */
export function packNextRuns(db: Database): boolean {
  const rows = db.all(
    'SELECT r.key, r.id, r.epoch, r.project_key FROM packing p CROSS JOIN runs r ON r.key = p.run_key LIMIT ?',
    packedRuns,
  );
  for (const row of rows) {
    const run: RunKey = {
      key: row['key'] as number,
      id: row['id'] as string,
      epoch: row['epoch'] as number,
      project: row['project_key'] as number,
    };
    const hasMore = [
      packRunEvents(db, run),
      packContents(db, run.key),
      packAttempts(db, run),
      packStepViews(db, run),
    ].some(Boolean);
    if (hasMore) return true;
    db.run('DELETE FROM packing WHERE run_key = ?', run.key);
  }
  return rows.length > 0;
}
