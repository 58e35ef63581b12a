import type { Content } from '../../core/content/content.ts';
import { contentToText } from '../../core/content/text.ts';
import {
  isTextGiven,
  parseTextQuery,
  queryToFts5,
  textToSnippet,
  type TextQuery,
} from '../../core/query/text-query.ts';
import { contentToWords, runToErrorWords, stepToErrorWords } from '../../core/query/words.ts';
import type { SearchHit } from '../../core/store.ts';
import { rowToRun, rowToStep } from '../sql/view-row.ts';
import type { SqlRow } from '../sql/value.ts';
import { cellToId } from '../sql/value.ts';
import {
  contentColumns,
  type ContentReader,
  createContentReader,
  documentKeyOf,
  type KnownKeys,
  type Place,
  type RunKey,
} from './contents.ts';
import type { Database } from './database.ts';
import { createStepRowReader, fromSteps } from './packing/step-views.ts';

/*
 * One FTS5 table for each epoch of a project: neither ranks nor timing tell of another project's words, and what goes
 * with its epoch goes as a table. It keeps no copy of the words, which would double the store: to forget a document it
 * is told its words again, and with `secure-delete` they then leave the file (a contentless table that deletes by itself
 * keeps them). That takes 1 ms for 60 words, 40 times an ordinary deletion (both seen 2026-11-21).
 *
 *   rowid = documents.key         the words of all contents that name this document
 *   rowid = -2 × steps.key        the error of a step
 *   rowid = -2 × runs.key - 1     the error of a run
 */

/** Rowid of a step's error. */
export const stepDocument = (stepKey: number): number => -2 * stepKey;
/** Rowid of a run's error. */
export const runDocument = (runKey: number): number => -2 * runKey - 1;

/** Names of a project's indexes, newest epoch first; only that of one epoch when it is given. */
function listTables(db: Database, project: number, epoch: number | null): string[] {
  const rows = db.all(
    'SELECT key FROM word_tables WHERE project_key = ? AND is_leaving = 0 AND (? IS NULL OR epoch = ?) ORDER BY epoch DESC',
    project,
    epoch,
    epoch,
  );
  return rows.map((row) => `words_${row['key'] as number}`);
}

/** Name of the index of an epoch, made when it is new. */
function tableOf(db: Database, { project, epoch }: Place): string {
  const found = db.get(
    'SELECT key FROM word_tables WHERE project_key = ? AND epoch = ? AND is_leaving = 0',
    project,
    epoch,
  );
  if (found !== undefined) return `words_${found['key'] as number}`;
  const made = db.get(
    'INSERT INTO word_tables (project_key, epoch, is_leaving) VALUES (?, ?, 0) RETURNING key',
    project,
    epoch,
  );
  const table = `words_${made!['key'] as number}`;
  db.exec(`CREATE VIRTUAL TABLE ${table} USING fts5 (words, content = '', tokenize = "unicode61 remove_diacritics 2");
    INSERT INTO ${table} (${table}, rank) VALUES ('secure-delete', 1), ('automerge', 8);`);
  return table;
}

const leavingRows = 200;

/**
 * Drops some of the index of an epoch; false when none is left. A large one is emptied in parts before, since dropping
 * it at once would overwrite all its pages at once.
 */
export function dropWords(db: Database, { project, epoch }: Place): boolean {
  db.run('UPDATE word_tables SET is_leaving = 1 WHERE project_key = ? AND epoch = ?', project, epoch);
  const row = db.get(
    'SELECT key FROM word_tables WHERE project_key = ? AND epoch = ? AND is_leaving = 1',
    project,
    epoch,
  );
  if (row === undefined) return false;
  const key = row['key'] as number;
  // 1 and 10 are the rows that FTS5 itself needs to open the table.
  const emptied = db.run(
    `DELETE FROM words_${key}_data WHERE id IN (SELECT id FROM words_${key}_data WHERE id > 10 LIMIT ?)`,
    leavingRows,
  );
  if (emptied === leavingRows) return true;
  db.exec(`DROP TABLE words_${key}`);
  db.run('DELETE FROM word_tables WHERE key = ?', key);
  return true;
}

/** One document's words before and after; an empty text is no document. */
export interface WordChange {
  readonly epoch: number;
  readonly document: number;
  /** They must be those that were put in. */
  readonly before: string;
  readonly after: string;
}

/** What one transaction gathers while it writes rows: changes of the index, done last, and keys it has met. */
export interface Pending {
  readonly words: WordChange[];
  readonly known: KnownKeys;
  /** Contents at hand, by id: a preview that one of them begins with is not stored again. */
  readonly contentById: { get(id: string): Content | undefined };
}

/** Nothing gathered yet. */
export function createPending(contentById: Pending['contentById'] = new Map<string, Content>()): Pending {
  return { words: [], known: new Map(), contentById };
}

/**
 * Brings the indexes to the new words. Call it once, last in a transaction: every other statement after it makes FTS5
 * write out what it has gathered, which made an insert into contents cost 31 instead of 5 µs (2026-11-21).
 */
export function applyWords(db: Database, project: number, changes: readonly WordChange[]): void {
  const real = changes.filter(({ before, after }) => before !== after);
  for (const epoch of new Set(real.map((change) => change.epoch))) {
    const table = tableOf(db, { project, epoch });
    const ofEpoch = real.filter((change) => change.epoch === epoch);
    for (const { document, before } of ofEpoch) {
      if (before !== '')
        db.run(`INSERT INTO ${table} (${table}, rowid, words) VALUES ('delete', ?, ?)`, document, before);
    }
    for (const { document, after } of ofEpoch) {
      if (after !== '') db.run(`INSERT INTO ${table} (rowid, words) VALUES (?, ?)`, document, after);
    }
  }
}

const chunk = 500;

function indexRows(
  db: Database,
  project: number,
  sql: string,
  toChange: (row: SqlRow) => Omit<WordChange, 'before'> | null,
): void {
  for (let after = 0; ;) {
    const rows = db.all(sql, project, after, chunk);
    const changes = rows.flatMap((row) => toChange(row) ?? []);
    applyWords(
      db,
      project,
      changes.map((change) => ({ ...change, before: '' })),
    );
    if (rows.length < chunk) return;
    after = rows.at(-1)!['key'] as number;
  }
}

const epochOf = (row: SqlRow): number => row['epoch'] as number;

function indexContents(db: Database, project: number): void {
  db.run('UPDATE contents SET document_key = NULL WHERE project_key = ?', project);
  db.run('DELETE FROM documents WHERE project_key = ?', project);
  const read = createContentReader(db);
  const rows = `SELECT ${contentColumns}, c.epoch FROM contents c LEFT JOIN content_bytes b ON b.key = c.key WHERE c.project_key = ? AND c.key > ? ORDER BY c.key LIMIT ?`;
  indexRows(db, project, rows, (row) => {
    const content = read(row);
    const after = content === null ? '' : contentToWords(content);
    const document = documentKeyOf(db, { project, epoch: epochOf(row) }, after);
    if (document === null) return null;
    db.run('UPDATE contents SET document_key = ? WHERE key = ?', document.key, row['key']!);
    return document.isNew ? { epoch: epochOf(row), document: document.key, after } : null;
  });
}

function indexErrors(db: Database, project: number): void {
  const read = createStepRowReader(db);
  indexRows(
    db,
    project,
    `SELECT s.*, v.view, r.id AS run_id, r.epoch ${fromSteps} JOIN runs r ON r.key = s.run_key
     WHERE r.project_key = ? AND s.key > ? AND s.status <> 'completed' ORDER BY s.key LIMIT ?`,
    (row) => ({
      epoch: epochOf(row),
      document: stepDocument(row['key'] as number),
      after: stepToErrorWords(rowToStep(read(row), () => null)),
    }),
  );
  indexRows(
    db,
    project,
    `SELECT r.*, v.view, p.id AS project_id FROM runs r JOIN run_views v ON v.key = r.key JOIN projects p ON p.key = r.project_key
     WHERE r.project_key = ? AND r.key > ? ORDER BY r.key LIMIT ?`,
    (row) => ({
      epoch: epochOf(row),
      document: runDocument(row['key'] as number),
      after: runToErrorWords(rowToRun(row)),
    }),
  );
}

/** Builds every index anew after the rules for words have changed; one transaction, done again when killed. */
export function rebuildWords(db: Database, version: number): void {
  db.transaction(() => {
    for (const { key } of db.all('SELECT key FROM word_tables')) db.exec(`DROP TABLE words_${key as number}`);
    db.run('DELETE FROM word_tables');
    for (const { key } of db.all('SELECT key FROM projects')) {
      indexContents(db, key as number);
      indexErrors(db, key as number);
    }
    db.run('UPDATE changes SET words_version = ?', version);
  });
}

/** Keys of the runs in which a text occurs. */
export function textToRunKeys(db: Database, project: number, text: string): number[] {
  const match = queryToFts5(parseTextQuery(text));
  if (match === '') return [];
  const keys = new Set<number>();
  for (const table of listTables(db, project, null)) {
    const rows = db.all(
      `SELECT u.run_key FROM ${table} w CROSS JOIN contents c ON c.document_key = w.rowid CROSS JOIN content_use u ON u.content_key = c.key
       WHERE w.words MATCH ? AND w.rowid > 0
       UNION SELECT CASE WHEN w.rowid % 2 = 0 THEN (SELECT s.run_key FROM steps s WHERE s.key = w.rowid / -2) ELSE (w.rowid + 1) / -2 END
       FROM ${table} w WHERE w.words MATCH ? AND w.rowid < 0`,
      match,
      match,
    );
    for (const row of rows) keys.add(row['run_key'] as number);
  }
  return [...keys];
}

// Of a word that is everywhere only so many documents, newest or best first, are joined with their runs.
const documentsMax = 2000;

/** What is looked for in one index. */
interface Question {
  readonly table: string;
  readonly match: string;
  readonly order: 'time' | 'rank';
  /** Only in this run. */
  readonly run: RunKey | null;
}

function contentHits(db: Database, { table, match, order, run }: Question): SqlRow[] {
  const first = order === 'rank' ? 'rank' : 'w.rowid DESC';
  // Inside one run its own few contents are asked for; elsewhere the index leads.
  const narrowed = `AND w.rowid IN (SELECT c.document_key FROM content_use u CROSS JOIN contents c ON c.key = u.content_key WHERE u.run_key = ?)`;
  return db.all(
    `WITH found AS MATERIALIZED (SELECT w.rowid AS document, w.rank AS rank FROM ${table} w WHERE w.words MATCH ? AND w.rowid > 0
       ${run === null ? '' : narrowed} ORDER BY ${first} LIMIT ${documentsMax})
     SELECT f.document, f.rank, c.key AS content_key, r.id AS run_id, s.id AS step_id, coalesce(s.started_at_ms, r.sort_ms) AS time_ms
     FROM found f CROSS JOIN contents c ON c.document_key = f.document CROSS JOIN content_use u ON u.content_key = c.key CROSS JOIN runs r ON r.key = u.run_key
     LEFT JOIN steps s ON s.key = u.step_key ${run === null ? '' : 'WHERE r.key = ?'}`,
    ...(run === null ? [match] : [match, run.key, run.key]),
  );
}

function errorHits(db: Database, { table, match, order, run }: Question): SqlRow[] {
  const first = order === 'rank' ? 'rank' : 'w.rowid';
  return db.all(
    `WITH found AS MATERIALIZED (SELECT w.rowid AS document, w.rank AS rank FROM ${table} w WHERE w.words MATCH ? AND w.rowid < 0 ORDER BY ${first} LIMIT ${documentsMax})
     SELECT f.document, f.rank, r.id AS run_id, s.id AS step_id, coalesce(s.started_at_ms, r.finished_at_ms, r.sort_ms) AS time_ms
     FROM found f LEFT JOIN steps s ON f.document % 2 = 0 AND s.key = f.document / -2
     CROSS JOIN runs r ON r.key = CASE WHEN f.document % 2 = 0 THEN s.run_key ELSE (f.document + 1) / -2 END
     ${run === null ? '' : 'WHERE r.key = ?'}`,
    ...(run === null ? [match] : [match, run.key]),
  );
}

function documentToHit(db: Database, query: TextQuery, read: ContentReader, row: SqlRow): SearchHit | null {
  const document = row['document'] as number;
  const base = {
    runId: row['run_id'] as string,
    stepId: row['step_id'] === null ? null : cellToId(row['step_id']!),
    timeMs: row['time_ms'] as number,
    rank: row['rank'] as number,
  };
  if (document < 0) {
    const words = errorWordsOf(db, document);
    return words === null ? null : { ...base, kind: 'error', contentId: null, snippet: textToSnippet(words, query) };
  }
  const found = db.get(
    `SELECT ${contentColumns} FROM contents c LEFT JOIN content_bytes b ON b.key = c.key WHERE c.key = ?`,
    row['content_key']!,
  );
  const content = found === undefined ? null : read(found);
  if (content === null) return null;
  const snippet = textToSnippet(contentToText(content.kind, content.bytes), query);
  return { ...base, kind: content.kind, contentId: content.id, snippet };
}

/** The words of an error document, or `null` when its owner is gone. */
function errorWordsOf(db: Database, document: number): string | null {
  if (document % 2 === 0) {
    const row = db.get(`SELECT s.*, v.view, '' AS run_id ${fromSteps} WHERE s.key = ?`, document / -2);
    return row === undefined ? null : stepToErrorWords(rowToStep(createStepRowReader(db)(row), () => null));
  }
  const row = db.get(
    `SELECT r.*, v.view, '' AS project_id FROM runs r JOIN run_views v ON v.key = r.key WHERE r.key = ?`,
    (document + 1) / -2,
  );
  return row === undefined ? null : runToErrorWords(rowToRun(row));
}

/** Hits of a text, best or newest first; of what occurs everywhere, among the 2,000 best or newest contents of each epoch. */
export function searchWords(
  db: Database,
  project: number,
  text: string,
  options: { limit: number; order: 'time' | 'rank'; run: RunKey | null },
): SearchHit[] {
  const query = parseTextQuery(text);
  const match = queryToFts5(query);
  if (!isTextGiven(text) || match === '') return [];
  const { order, run } = options;
  const tables = listTables(db, project, run?.epoch ?? null);
  const questions = tables.map((table) => ({ table, match, order, run }));
  const rows = questions.flatMap((question) => [...contentHits(db, question), ...errorHits(db, question)]);
  const key = (row: SqlRow): number => (order === 'rank' ? (row['rank'] as number) : -(row['time_ms'] as number));
  rows.sort((a, b) => key(a) - key(b) || (b['document'] as number) - (a['document'] as number));
  const read = createContentReader(db);
  return rows.slice(0, Math.max(0, options.limit)).flatMap((row) => documentToHit(db, query, read, row) ?? []);
}
