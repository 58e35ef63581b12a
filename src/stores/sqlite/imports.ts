import { foldEvents } from '../../core/import/fold.ts';
import { importKeys, planImport } from '../../core/import/plan.ts';
import type { ImportChanges, ImportKeys, ImportRows } from '../../core/import/plan-rows.ts';
import type { Content } from '../../core/content/content.ts';
import type { AttemptView } from '../../core/model/attempt.ts';
import type { RunView } from '../../core/model/run.ts';
import { isTerminal } from '../../core/model/run.ts';
import type { StepView } from '../../core/model/step.ts';
import { differingFields, type RunViews } from '../../core/query/difference.ts';
import { isSealDue } from '../../core/query/sealing.ts';
import type { ImportBatch, ImportResult, JournalPosition, WriterHead } from '../../core/store.ts';
import { idToCell } from '../sql/value.ts';
import { packContents, putContent, putNode, readContent, type RunKey, useContent } from './contents.ts';
import type { Database } from './database.ts';
import { listEvents, listWriters, packRunEvents, putEvent, putWriter } from './events.ts';
import { findRunKey, projectKeyOf, putRun, readRun } from './runs.ts';
import { newestSeal } from './seals.ts';
import { applyWords, createPending, type Pending } from './search.ts';
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
  readonly epochByRun: ReadonlyMap<string, number>;
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
  const stepById = new Map<string, StepView>();
  const attemptByKey = new Map<string, AttemptView>();
  const contentById = new Map<string, Content>();
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
    for (const stepId of keys.stepIds) {
      const step = findStep(db, project, stepId);
      if (step !== null) stepById.set(stepId, step);
    }
    for (const stepId of keys.attemptStepIds) {
      const run = runKeyById.get(stepById.get(stepId)?.runId ?? '');
      if (run === undefined) continue;
      for (const attempt of listAttempts(db, run, stepId)) attemptByKey.set(`${stepId}/${attempt.number}`, attempt);
    }
  }
  for (const { runId, contentId } of keys.contents) {
    const epoch = runKeyById.get(runId)?.epoch ?? epochByRun.get(runId)!;
    const content = readContent(db, { project, epoch }, contentId);
    if (content !== null) contentById.set(contentId, content);
  }
  return { runById, stepById, attemptByKey, writerByKey, contentById };
}

/** Stores contents with their words, then the nodes that name them; how many contents were new. */
function putContents(db: Database, { project, changes, pending }: Batch): number {
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
    const epoch = batch.epochByRun.get(run.id)!;
    runKeyById.set(run.id, putRun(db, { project, epoch }, run, rows.runById.get(run.id) ?? null, pending));
  }
  const stepKeyById = new Map<string, number>();
  for (const step of changes.steps) {
    stepKeyById.set(
      step.id,
      putStep(db, runKeyById.get(step.runId)!, step, rows.stepById.get(step.id) ?? null, pending),
    );
  }
  for (const attempt of changes.attempts) {
    putAttempt(db, runKeyById.get(attempt.runId)!, attempt, stepKeyById.get(attempt.stepId) ?? null, pending);
  }
  const stepKeyOf = (run: RunKey, stepId: string): number | null => {
    const known =
      stepKeyById.get(stepId) ??
      db.get('SELECT key FROM steps WHERE run_key = ? AND id = ?', run.key, idToCell(stepId))?.['key'];
    return (known as number | undefined) ?? null;
  };
  for (const use of changes.uses) {
    const run = runKeyById.get(use.runId)!;
    useContent(db, run, use.contentId, use.stepId === null ? null : stepKeyOf(run, use.stepId), pending.known);
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

/** Imports a batch in the transaction that is open: loads what it touches, plans in core, writes what was planned. */
export function importEntries(db: Database, batch: ImportBatch): ImportResult {
  const project = projectKeyOf(db, batch.projectId);
  const epochByRun = new Map(batch.entries.map((entry) => [entry.event.header.runId, entry.epoch]));
  const rows = loadRows(db, project, importKeys(batch), epochByRun);
  const changes = planImport(batch, rows);
  const brought = new Map(
    batch.entries.flatMap((entry) => entry.contents.map((content) => [content.id, content] as const)),
  );
  const pending = createPending({ get: (id) => brought.get(id) ?? rows.contentById.get(id) });
  const loaded: Batch = { project, epochByRun, rows, changes, pending };
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
  const after = foldEvents(projectId, events, contentById);
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
    const hasMore = [packRunEvents(db, run), packContents(db, run.key), packAttempts(db, run)].some(Boolean);
    if (hasMore) return true;
    db.run('DELETE FROM packing WHERE run_key = ?', run.key);
  }
  return rows.length > 0;
}
