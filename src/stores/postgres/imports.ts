import type { Content } from '../../core/content/content.ts';
import type { Prices } from '../../core/cost/prices.ts';
import { TachographError } from '../../core/error.ts';
import { foldEvents } from '../../core/import/fold.ts';
import { stepKey } from '../../core/import/fold-state.ts';
import { batchEpochs, importKeys, planImport } from '../../core/import/plan.ts';
import type { ImportChanges } from '../../core/import/plan-rows.ts';
import { isTerminal } from '../../core/model/run.ts';
import { differingFields, type RunViews } from '../../core/query/difference.ts';
import { isSealDue } from '../../core/query/sealing.ts';
import { runToErrorWords, stepToErrorWords } from '../../core/query/words.ts';
import type { ImportBatch, ImportResult, JournalPosition, StoredEvent } from '../../core/store.ts';
import type { ContentsAtHand } from '../sql/step-preview.ts';
import type { SqlRow } from '../sql/value.ts';
import {
  contentsToInsert,
  createUses,
  nodesToInsert,
  readContents,
  type RunKey,
  shareContents,
  type Uses,
} from './contents.ts';
import type { Session, Transaction } from './database.ts';
import type { Statement } from './driver/exchange.ts';
import { insertRows, replacing } from './driver/rows.ts';
import { eventsToInsert, eventsToRows, listEvents, writersToInsert } from './events.ts';
import { type Loaded, loadStatements, readLoaded } from './import/loaded.ts';
import { countChange, easily, ensureProject, lockRuns } from './import/lock.ts';
import { readRun, type RunChange, runsToInsert, useRun } from './runs.ts';
import { rowsToEntries, takeEntries } from './work/filing.ts';
import { type ErrorChange, errorsToInsert } from './search.ts';
import {
  attemptsToInsert,
  dropAttempts,
  listAttempts,
  listSteps,
  stepsToInsert,
  useAttempt,
  useStep,
} from './steps.ts';

/*
 * An import is one transaction of two round trips:
 *
 *   begin, project, locks, load what the batch touches ─► planned in core ─► write all of it, commit
 *
 * Importers of other machines work beside it. What two of them could both change is a run with all that is its own, so
 * each takes the locks of its runs first; contents and nodes are the same whoever brings them, and the unique index decides.
 */

const ofProject = 'r.project_key = (SELECT project_key())';

function toErrorChanges(run: RunKey, before: Partial<RunViews>, after: Partial<RunViews>): ErrorChange[] {
  const ofRuns =
    after.run === undefined
      ? []
      : [
          {
            run,
            stepId: null,
            before: before.run === undefined ? '' : runToErrorWords(before.run),
            after: runToErrorWords(after.run),
          },
        ];
  const stepById = new Map(before.steps?.map((step) => [step.id, step]));
  const ofSteps = (after.steps ?? []).map((step) => {
    const known = stepById.get(step.id);
    return {
      run,
      stepId: step.id,
      before: known === undefined ? '' : stepToErrorWords(known),
      after: stepToErrorWords(step),
    };
  });
  return [...ofRuns, ...ofSteps];
}

function viewStatements(
  changes: ImportChanges,
  { rows, runKeyById }: Loaded,
  contentById: ContentsAtHand,
): Statement[] {
  const uses = createUses();
  const keyOf = (runId: string): RunKey => runKeyById.get(runId)!;
  const runs: RunChange[] = changes.runs.map((view) => ({
    run: keyOf(view.id),
    view,
    before: rows.runById.get(view.id) ?? null,
  }));
  const steps = changes.steps.map((step) => ({ run: keyOf(step.runId), step }));
  const attempts = changes.attempts.map((attempt) => ({ run: keyOf(attempt.runId), attempt }));
  for (const change of runs) useRun(change, uses);
  for (const { run, step } of steps) useStep(run, step, uses);
  for (const { run, attempt } of attempts) useAttempt(run, attempt, uses);
  for (const { runId, stepId, contentId } of changes.uses) uses.content(keyOf(runId), contentId, stepId);
  const errors = [
    ...runs.flatMap(({ run, view, before }) => toErrorChanges(run, { run: before ?? undefined }, { run: view })),
    ...steps.flatMap(({ run, step }) => {
      const known = rows.stepByKey.get(stepKey(run.id, step.id));
      return toErrorChanges(run, { steps: known === undefined ? [] : [known] }, { steps: [step] });
    }),
  ];
  return [
    ...runsToInsert(runs),
    ...stepsToInsert(steps, contentById),
    ...attemptsToInsert(attempts),
    ...errorsToInsert(errors),
    ...uses.statements(),
  ];
}

async function eventStatements(
  events: readonly StoredEvent[],
  runKeyById: ReadonlyMap<string, RunKey>,
): Promise<Statement[]> {
  const eventsByRun = Map.groupBy(events, (event) => event.header.runId);
  const rows = await Promise.all(
    [...eventsByRun].map(([runId, some]) => eventsToRows(runKeyById.get(runId)!, some, 'quick')),
  );
  return eventsToInsert(rows.flat());
}

function toPosition({ file, bytes }: JournalPosition): Statement {
  return {
    sql: `INSERT INTO journal_positions (project_key, file, bytes) VALUES ((SELECT project_key()), $1, $2)
      ON CONFLICT (project_key, file) DO UPDATE SET bytes = excluded.bytes`,
    values: [file, bytes],
  };
}

function noteRuns(table: 'packing' | 'sealing', runs: readonly RunKey[]): Statement[] {
  const rows = runs.map(({ key, epoch }) => ({ epoch, run_key: key })).toSorted((a, b) => a.run_key - b.run_key);
  const [first] = rows;
  if (first === undefined) return [];
  // A row of `sealing` that is there is written all the same, in order: whoever seals holds it and decides whether it may go.
  return [table === 'packing' ? insertRows(table, rows) : insertRows(table, rows, replacing(['run_key'], first))];
}

/** Contents that a batch brings or that were loaded for it. */
function contentsAtHand(batch: ImportBatch, { rows }: Loaded): Map<string, Content> {
  const brought = batch.entries.flatMap((entry) => entry.contents);
  return new Map([...rows.contentByKey.values(), ...brought].map((content) => [content.id, content]));
}

/**
 * Loads what a batch touches, under the locks of its runs and of those that are to be filed besides. What waits of these
 * runs comes first in the batch.
 */
async function openBatch(
  tx: Transaction,
  given: ImportBatch,
  filed: readonly string[],
): Promise<{ batch: ImportBatch; loaded: Loaded }> {
  const keys = importKeys(given);
  const runIds = [...new Set([...filed, ...keys.runIds])];
  const locks =
    runIds.length === 0 ? [ensureProject] : [ensureProject, lockRuns(runIds), shareContents, takeEntries(runIds)];
  const answers = await tx.askAll([...locks, ...loadStatements(keys, batchEpochs(given))]);
  const waiting = runIds.length === 0 ? [] : rowsToEntries(answers[locks.length - 1]!.rows);
  if (waiting.length === 0) return { batch: given, loaded: await readLoaded(tx, keys, answers.slice(locks.length)) };
  const batch = { ...given, entries: [...waiting, ...given.entries] };
  const allKeys = importKeys(batch);
  return { batch, loaded: await readLoaded(tx, allKeys, await tx.askAll(loadStatements(allKeys, batchEpochs(batch)))) };
}

/** Imports a batch in one transaction: loads what it touches, plans in core, writes what was planned. */
export async function importEntries(tx: Transaction, given: ImportBatch, prices: Prices | null): Promise<ImportResult> {
  return importOpened(tx, await openBatch(tx, given, []), prices);
}

/** Imports what waits of some runs; false when nothing did. */
export async function importUnfiled(
  tx: Transaction,
  runIds: readonly string[],
  prices: Prices | null,
): Promise<boolean> {
  // What waits goes in the same transaction: when a crash takes it back, it waits again.
  tx.put(easily.sql);
  const opened = await openBatch(tx, { projectId: tx.projectId, entries: [], position: null }, runIds);
  if (opened.batch.entries.length === 0) return false;
  await importOpened(tx, opened, prices);
  return true;
}

async function importOpened(
  tx: Transaction,
  { batch, loaded }: { batch: ImportBatch; loaded: Loaded },
  prices: Prices | null,
): Promise<ImportResult> {
  const { runKeyById } = loaded;
  const changes = planImport(batch, loaded.rows, prices);
  for (const [id, run] of runKeyById)
    if (Number.isNaN(run.epoch)) runKeyById.set(id, { ...run, epoch: changes.epochByRun.get(id)! });
  // Goes on while the rest is made ready.
  const packing = eventStatements(changes.events, runKeyById);
  packing.catch(() => undefined);
  const views = viewStatements(changes, loaded, contentsAtHand(batch, loaded));
  const headByKey = new Map(
    [...[...loaded.writersByRun.values()].flat(), ...changes.writers].map((head) => [
      `${head.runId}/${head.writerId}`,
      head,
    ]),
  );
  const headsByRun = Map.groupBy(headByKey.values(), (head) => head.runId);
  const runsToSeal = changes.runs
    .filter((run) => isSealDue(run, headsByRun.get(run.id) ?? [], loaded.sealByRun.get(run.id) ?? null))
    .map((run) => run.id);
  const ended = changes.runs.filter((run) => isTerminal(run.status)).map((run) => runKeyById.get(run.id)!);
  const contents = contentsToInsert(changes.contents);
  const nodes = nodesToInsert(changes.nodes);
  const done = await tx.finish([
    ...(contents === null ? [] : [contents]),
    ...(nodes === null ? [] : [nodes]),
    ...views,
    ...writersToInsert(changes.writers.map((head) => ({ run: runKeyById.get(head.runId)!, head }))),
    ...(await packing),
    ...noteRuns('packing', ended),
    ...noteRuns(
      'sealing',
      runsToSeal.map((id) => runKeyById.get(id)!),
    ),
    ...(batch.position === null ? [] : [toPosition(batch.position)]),
    countChange,
  ]);
  return {
    events: changes.events.length,
    duplicates: changes.duplicates,
    contents: contents === null ? 0 : (done[0]!.rows[0]!['count'] as number),
    changedRuns: changes.runs.map((run) => ({ runId: run.id, lastSeq: run.lastSeq })),
    runsToSeal,
  };
}

/** How far each journal file has been imported, by name; of all projects or of the session's. */
export async function listPositions(db: Session, isForAll: boolean): Promise<JournalPosition[]> {
  const rows = await db.all(
    isForAll
      ? 'SELECT file, bytes FROM all_positions()'
      : 'SELECT file, bytes FROM journal_positions WHERE project_key = (SELECT project_key()) ORDER BY file',
  );
  return rows.map((row) => ({ file: row['file'] as string, bytes: row['bytes'] as number }));
}

const everything = { fromSeq: 1, fromNumber: 1, limit: Number.MAX_SAFE_INTEGER };

/** The views of a run as they are stored. */
export async function readViews(db: Session, run: RunKey): Promise<RunViews> {
  return {
    run: await readRun(db, run.id),
    steps: await listSteps(db, run, everything),
    attempts: await listAttempts(db, run, null),
  };
}

/** Writes views in place of all that a run has; rows that are no longer there go. Contents are those that stay. */
export function replaceViews(
  tx: Transaction,
  run: RunKey,
  views: { readonly before: RunViews; readonly after: RunViews; readonly contentById: ContentsAtHand },
): void {
  const { before, after, contentById } = views;
  const place = [run.epoch, run.key] as const;
  const gone = 'project_key = (SELECT project_key()) AND epoch = $1 AND run_key = $2';
  tx.put(`DELETE FROM steps WHERE ${gone}`, ...place);
  tx.put(`DELETE FROM error_words WHERE ${gone}`, ...place);
  dropAttempts(tx, run);
  for (const { sql, values = [] } of [
    ...runsToInsert([{ run, view: after.run, before: before.run }]),
    ...stepsToInsert(
      after.steps.map((step) => ({ run, step })),
      contentById,
    ),
    ...attemptsToInsert(after.attempts.map((attempt) => ({ run, attempt }))),
    ...errorsToInsert(toErrorChanges(run, {}, after)),
    ...noteRuns('packing', [run]),
  ])
    tx.put(sql, ...values);
}

/** Contents that events name for previews and summaries, by id. */
export async function namedContents(
  db: Session,
  run: RunKey,
  events: readonly StoredEvent[],
): Promise<Map<string, Content>> {
  const entries = events.map((event) => ({ epoch: run.epoch, contents: [], nodes: [], event }));
  const keys = importKeys({ projectId: db.projectId, entries, position: null });
  const contents = await readContents(
    db,
    run,
    keys.contents.map(({ contentId }) => contentId),
  );
  return new Map(contents.map((content) => [content.id, content]));
}

/** Computes a run's views anew from its events and stores them; the names of the fields that differed (I11). */
export async function rebuildViews(tx: Transaction, runId: string, prices: Prices | null): Promise<string[]> {
  const { run } = await openRun(tx, runId);
  const before = await readViews(tx, run);
  const events = await listEvents(tx, run, everything);
  if (events.length === 0) {
    throw new TachographError(
      'store-broken',
      `The store has no events of run ${run.id} any more, so its views cannot be computed from them; they stay as they are.`,
    );
  }
  const contentById = await namedContents(tx, run, events);
  const after = foldEvents(tx.projectId, events, contentById, prices);
  const fields = differingFields(before, after);
  if (fields.length > 0) {
    replaceViews(tx, run, { before, after, contentById });
    const uses = createUses();
    useViews(run, after, uses);
    for (const { sql, values = [] } of [...uses.statements(), countChange]) tx.put(sql, ...values);
  }
  return fields;
}

/** Notes all contents and contexts that views name. */
export function useViews(run: RunKey, views: RunViews, uses: Uses): void {
  useRun({ run, view: views.run }, uses);
  for (const step of views.steps) useStep(run, step, uses);
  for (const attempt of views.attempts) useAttempt(run, attempt, uses);
}

/** A run under its lock, or `run-not-found`. */
export async function openRun(tx: Transaction, runId: string): Promise<{ run: RunKey; row: SqlRow }> {
  const [, found] = await tx.askAll([
    lockRuns([runId]),
    { sql: `SELECT r.* FROM runs r WHERE ${ofProject} AND r.id = $1`, values: [runId] },
  ]);
  const row = found!.rows[0];
  if (row === undefined)
    throw new TachographError('run-not-found', `There is no run ${runId} in project ${tx.projectId}.`);
  return { run: { id: runId, key: row['key'] as number, epoch: row['epoch'] as number }, row };
}
