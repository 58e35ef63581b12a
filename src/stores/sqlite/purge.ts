import type { Content } from '../../core/content/content.ts';
import { epochStartMs } from '../../core/content/context.ts';
import { isTerminal } from '../../core/model/run.ts';
import { contentToWords, runToErrorWords, stepToErrorWords } from '../../core/query/words.ts';
import type { PurgeOptions } from '../../core/store.ts';
import type { SqlRow } from '../sql/value.ts';
import { bytesToHex, cellToNumber, cellToText, parseStored } from '../sql/value.ts';
import { rowToRun, rowToStep } from '../sql/view-row.ts';
import {
  contentColumns,
  type ContentReader,
  createContentReader,
  type Place,
  repackBlocks,
  type RunKey,
} from './contents.ts';
import type { Database } from './database.ts';
import { countChange } from './imports.ts';
import { createStepRowReader, fromSteps } from './packing/step-views.ts';
import { applyWords, dropWords, runDocument, stepDocument, type WordChange } from './search.ts';
import { dropWork, isOpenWork } from './work/going.ts';

/*
 * Contents and nodes that nobody needs any more. A node is needed while a step names it (context_use) or another node
 * continues it; a content while a run uses it (content_use) or a node holds it. So a dead context is trimmed from its
 * tip upwards, at a cost in proportion to what goes, and what is shared is met and left alone on the way.
 */

/** What trimming did: ids of contents. */
export interface Trimmed {
  readonly dropped: readonly string[];
  /** They were asked for but are still in use. */
  readonly shared: readonly string[];
}

function isNodeNeeded(db: Database, node: number): boolean {
  const row = db.get(
    'SELECT EXISTS (SELECT 1 FROM context_use WHERE node_key = ?) OR EXISTS (SELECT 1 FROM nodes WHERE parent_key = ?) AS needed',
    node,
    node,
  );
  return row!['needed'] === 1;
}

/** Removes a context from its tip upwards, as far as nobody else needs it; the contents it held are added to `held`. */
function trimContext(db: Database, tip: number, held: Set<number>): void {
  let node: number | null = tip;
  while (node !== null && !isNodeNeeded(db, node)) {
    const row = db.get('DELETE FROM nodes WHERE key = ? RETURNING parent_key, content_key', node);
    if (row === undefined) return;
    if (row['content_key'] !== null) held.add(row['content_key'] as number);
    node = row['parent_key'] as number | null;
  }
}

function isContentNeeded(db: Database, content: number): boolean {
  const row = db.get(
    'SELECT EXISTS (SELECT 1 FROM content_use WHERE content_key = ?) OR EXISTS (SELECT 1 FROM nodes WHERE content_key = ?) AS needed',
    content,
    content,
  );
  return row!['needed'] === 1;
}

/** Contents on their way out: their words, and the blocks that must be packed without them. */
interface Leaving {
  readonly words: WordChange[];
  readonly blocks: Set<number>;
  readonly read: ContentReader;
}

const createLeaving = (db: Database): Leaving => ({ words: [], blocks: new Set(), read: createContentReader(db) });

/** Removes a content; its id, or `null` when its bytes were not there. */
function dropContent(db: Database, key: number, leaving: Leaving): string | null {
  const row = db.get(
    `SELECT ${contentColumns} FROM contents c LEFT JOIN content_bytes b ON b.key = c.key WHERE c.key = ?`,
    key,
  );
  if (row === undefined) return null;
  const content = leaving.read(row);
  if (row['block_key'] !== null) leaving.blocks.add(row['block_key'] as number);
  db.run('DELETE FROM contents WHERE key = ?', key);
  db.run('DELETE FROM content_bytes WHERE key = ?', key);
  const document = row['document_key'] as number | null;
  if (content !== null && document !== null) dropDocument(db, document, content, leaving);
  return content === null ? null : content.id;
}

function contentIdOf(db: Database, key: number): string {
  return bytesToHex(db.get('SELECT id FROM contents WHERE key = ?', key)?.['id']);
}

/** Forgets words that no other content has. */
function dropDocument(db: Database, document: number, content: Content, leaving: Leaving): void {
  if (db.get('SELECT 1 AS one FROM contents WHERE document_key = ? LIMIT 1', document) !== undefined) return;
  const epoch = db.get('DELETE FROM documents WHERE key = ? RETURNING epoch', document)!['epoch'] as number;
  leaving.words.push({ epoch, document, before: contentToWords(content), after: '' });
}

/** Removes those of the contexts and contents that nobody needs; their words are added to `words`. */
export function trim(db: Database, tips: readonly number[], contents: Iterable<number>, words: WordChange[]): Trimmed {
  const held = new Set(contents);
  for (const tip of tips) trimContext(db, tip, held);
  const dropped: string[] = [];
  const shared: string[] = [];
  const leaving = createLeaving(db);
  for (const key of held) {
    if (isContentNeeded(db, key)) shared.push(contentIdOf(db, key));
    else {
      const id = dropContent(db, key, leaving);
      if (id !== null) dropped.push(id);
    }
  }
  repackBlocks(db, leaving.blocks);
  words.push(...leaving.words);
  return { dropped, shared };
}

/** Takes a run's uses away and gives back what it used. */
export function releaseUses(db: Database, run: RunKey): { tips: number[]; contents: number[] } {
  const contents = db.all('DELETE FROM content_use WHERE run_key = ? RETURNING content_key', run.key);
  const tips = db.all('DELETE FROM context_use WHERE run_key = ? RETURNING node_key', run.key);
  return {
    tips: tips.map((row) => row['node_key'] as number),
    contents: contents.map((row) => row['content_key'] as number),
  };
}

/** When a run was last written to; a view that cannot be read tells no more than when it was created. */
function lastWriteMs(row: SqlRow): number {
  return cellToNumber(parseStored(cellToText(row['view']) ?? '')['updatedAtMs']) ?? (row['created_at_ms'] as number);
}

function* candidates(db: Database, project: number, options: PurgeOptions, from: SqlRow): Generator<SqlRow> {
  const { beforeMs, clock = 'start', dryRunsOnly = false } = options;
  // A page at a time, since the rows before a page may stay (pinned, live) and the rows of a page go.
  for (let after = from; ;) {
    const rows = db.all(
      `SELECT r.key, r.id, r.epoch, r.status, r.sort_ms, r.created_at_ms${clock === 'write' ? ', v.view' : ''} FROM runs r
       ${clock === 'write' ? 'LEFT JOIN run_views v ON v.key = r.key' : ''}
       WHERE r.project_key = ? AND r.sort_ms < ? AND (r.sort_ms, r.id) > (?, ?)${dryRunsOnly ? ' AND r.dry_run = 1' : ''}
       AND NOT EXISTS (SELECT 1 FROM annotations a WHERE a.project_key = r.project_key AND a.run_id = r.id AND a.kind = 'pin') AND NOT ${isOpenWork}
       ORDER BY r.sort_ms, r.id LIMIT 200`,
      project,
      beforeMs,
      after['sort_ms']!,
      after['id']!,
    );
    // A run was never written to before it started, so the others need not be looked at.
    yield* clock === 'start' ? rows : rows.filter((row) => lastWriteMs(row) < beforeMs);
    if (rows.length < 200) return;
    after = rows.at(-1)!;
  }
}

function errorWordsOf(db: Database, run: RunKey): WordChange[] {
  const steps = db.all(
    `SELECT s.*, v.view, '' AS run_id ${fromSteps} WHERE s.run_key = ? AND s.status <> 'completed' ORDER BY s.number`,
    run.key,
  );
  const read = createStepRowReader(db);
  const words = steps.map((row) => ({
    epoch: run.epoch,
    document: stepDocument(row['key'] as number),
    before: stepToErrorWords(rowToStep(read(row), () => null)),
    after: '',
  }));
  const row = db.get(
    `SELECT r.*, v.view, '' AS project_id FROM runs r JOIN run_views v ON v.key = r.key WHERE r.key = ?`,
    run.key,
  );
  if (row !== undefined)
    words.push({ epoch: run.epoch, document: runDocument(run.key), before: runToErrorWords(rowToRun(row)), after: '' });
  return words;
}

function dropRun(db: Database, run: RunKey): void {
  const { tips, contents } = releaseUses(db, run);
  const wait = 'INSERT INTO orphans (project_key, epoch, content_key, node_key) VALUES (?, ?, ?, ?)';
  for (const content of contents) db.run(wait, run.project, run.epoch, content, null);
  for (const tip of tips) db.run(wait, run.project, run.epoch, null, tip);
  db.run('DELETE FROM step_views WHERE key IN (SELECT key FROM steps WHERE run_key = ?)', run.key);
  for (const table of [
    'events',
    'event_packs',
    'attempt_packs',
    'step_packs',
    'packing',
    'sealing',
    'writers',
    'attempts',
    'steps',
    'run_labels',
  ])
    db.run(`DELETE FROM ${table} WHERE run_key = ?`, run.key);
  db.run('DELETE FROM run_views WHERE key = ?', run.key);
  db.run('DELETE FROM annotations WHERE project_key = ? AND run_id = ?', run.project, run.id);
  dropWork(db, run);
  db.run('DELETE FROM runs WHERE key = ?', run.key);
}

/** How far a purge has come. */
export interface PurgeProgress {
  readonly count: number;
  readonly isDone: boolean;
  /** The last run that was looked at. */
  readonly last: SqlRow;
}

/** Nothing of a purge is done. */
export const purgeBeginning: PurgeProgress = { count: 0, isDone: false, last: { sort_ms: -Infinity, id: '' } };

// A hundred runs in one transaction take 12 ms, and 54 when pages must be written back (2026-11-21).
const runsPerSlice = 25;

/**
 * Drops the next runs of a purge in the transaction that is open: a few, so that nobody waits long for the lock. What
 * they alone used waits among the orphans.
 */
export function purgeRuns(db: Database, project: number, options: PurgeOptions, from: PurgeProgress): PurgeProgress {
  const limit = Math.min(options.limit - from.count, runsPerSlice);
  let count = 0;
  let { last } = from;
  const words: WordChange[] = [];
  for (const row of limit > 0 ? candidates(db, project, options, last) : []) {
    last = row;
    const run: RunKey = { project, id: row['id'] as string, key: row['key'] as number, epoch: row['epoch'] as number };
    const isOpen = !isTerminal(row['status'] as Parameters<typeof isTerminal>[0]);
    if ((isOpen && options.isLive?.(run.id) === true) || options.isKept?.(run.id) === true) continue;
    words.push(...errorWordsOf(db, run));
    dropRun(db, run);
    count += 1;
    if (count >= limit) break;
  }
  if (count > 0) countChange(db);
  applyWords(db, project, words);
  return { count: from.count + count, last, isDone: !(count >= limit && from.count + count < options.limit) };
}

// Forgetting the words of one content takes about 1 ms at 60 words and 2 ms at 150, and committing them as much again;
// dropping rows takes 10 µs. Others wait for a slice at most.
const trimRows = 40;
const dropRows = 200;
/** Of contents fewer: their pages are overwritten when they go, which took up to 59 ms of a commit at 200. */
const dropContentRows = 50;

function* epochsWithRemains(db: Database, project: number): Generator<number> {
  for (let epoch = -Infinity; ;) {
    const row = db.get(
      `SELECT coalesce((SELECT min(epoch) FROM orphans WHERE project_key = ? AND epoch > ?), 1e9) AS waiting,
         coalesce((SELECT min(epoch) FROM word_tables WHERE project_key = ? AND epoch > ?), 1e9) AS indexed`,
      project,
      epoch,
      project,
      epoch,
    )!;
    epoch = Math.min(row['waiting'] as number, row['indexed'] as number);
    if (epoch === 1e9) return;
    yield epoch;
  }
}

const openStatuses = "('pending', 'running', 'waiting_tool', 'waiting_approval')";

function hasRun(db: Database, { project, epoch }: Place, condition: string): boolean {
  const row = db.get(
    `SELECT 1 AS one FROM runs WHERE project_key = ? AND epoch = ? ${condition} LIMIT 1`,
    project,
    epoch,
  );
  return row !== undefined;
}

/** Removes what nobody needs among some of the orphans of an epoch that still has runs; false when none is left. */
function trimSlice(db: Database, { project, epoch }: Place): boolean {
  const rows = db.all(
    'DELETE FROM orphans WHERE key IN (SELECT key FROM orphans WHERE project_key = ? AND epoch = ? ORDER BY key LIMIT ?) RETURNING content_key, node_key',
    project,
    epoch,
    trimRows,
  );
  const keysOf = (name: string): number[] => rows.flatMap((row) => (row[name] === null ? [] : (row[name] as number)));
  const words: WordChange[] = [];
  trim(db, keysOf('node_key'), keysOf('content_key'), words);
  applyWords(db, project, words);
  return rows.length > 0;
}

function dropSome(db: Database, table: string, { project, epoch }: Place): number {
  const some = `SELECT key FROM ${table} WHERE project_key = ? AND epoch = ? LIMIT ?`;
  return db.run(`DELETE FROM ${table} WHERE key IN (${some})`, project, epoch, dropRows);
}

function dropContents(db: Database, { project, epoch }: Place): number {
  const some = 'SELECT key, block_key FROM contents WHERE project_key = ? AND epoch = ? LIMIT ?';
  const rows = db.all(some, project, epoch, dropContentRows);
  for (const { key } of rows) {
    db.run('DELETE FROM content_bytes WHERE key = ?', key!);
    db.run('DELETE FROM contents WHERE key = ?', key!);
  }
  // All contents of the epoch go, so their blocks may go with the first of them.
  for (const block of new Set(rows.map((row) => row['block_key']!))) {
    if (block !== null) db.run('DELETE FROM content_blocks WHERE key = ?', block);
  }
  return rows.length;
}

/** Drops some of what an epoch without runs left; false when nothing is left, or when it has a run again. */
function dropSlice(db: Database, place: Place): boolean {
  if (hasRun(db, place, '')) return false;
  if (dropWords(db, place)) return true;
  const dropped = ['orphans', 'nodes', 'documents'].map((table) => dropSome(db, table, place));
  return dropContents(db, place) + dropped.reduce((sum, count) => sum + count, 0) > 0;
}

/**
 * Drops contents and nodes that purged runs left behind, a slice in each transaction, so that nobody waits long for
 * the lock. They go when their whole week lies before the cut and no open run could still name what it knows: with their
 * epoch as soon as it has no run left, else one by one once `isLast` says that no more runs will go; at once when all
 * recorders have forgotten them. Killed between two
 * slices, the rest is done by the next purge. Yields after each slice.
 */
export function* dropOrphans(
  db: Database,
  project: number,
  options: { readonly beforeMs: number; readonly isLast: boolean; readonly isForgotten: boolean },
): Generator<void> {
  for (const epoch of epochsWithRemains(db, project)) {
    const place = { project, epoch };
    const isOver = epochStartMs(epoch + 1) <= options.beforeMs && !hasRun(db, place, `AND status IN ${openStatuses}`);
    if (!isOver && !options.isForgotten) continue;
    if (!hasRun(db, place, '')) while (db.transaction(() => dropSlice(db, place))) yield;
    else if (options.isLast || options.isForgotten) while (db.transaction(() => trimSlice(db, place))) yield;
  }
}
