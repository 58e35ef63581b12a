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
import { contentColumns, type ContentReader, createContentReader, documentKeyOf, type KnownKeys } from './contents.ts';
import type { Database } from './database.ts';

/*
 * One FTS5 table for each project, so that neither ranks nor timing tell of another's words. It keeps no copy of the
 * words, which would double the store: to forget a document it is told its words again, and with `secure-delete`
 * they then leave the file (a contentless table that deletes by itself keeps them; both seen 2026-11-21).
 *
 *   rowid = documents.key         the words of all contents that name this document
 *   rowid = -2 × steps.key        the error of a step
 *   rowid = -2 × runs.key - 1     the error of a run
 */

const tableOf = (project: number): string => `words_${project}`;

/** Rowid of a step's error. */
export const stepDocument = (stepKey: number): number => -2 * stepKey;
/** Rowid of a run's error. */
export const runDocument = (runKey: number): number => -2 * runKey - 1;

/** Creates the index of a new project. */
export function createWords(db: Database, project: number): void {
  const table = tableOf(project);
  db.exec(`CREATE VIRTUAL TABLE ${table} USING fts5 (words, content = '', tokenize = "unicode61 remove_diacritics 2");
    INSERT INTO ${table} (${table}, rank) VALUES ('secure-delete', 1), ('automerge', 8);`);
}

/** One document's words before and after; an empty text is no document. */
export interface WordChange {
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

function addWords(db: Database, project: number, document: number, words: string): void {
  if (words !== '') db.run(`INSERT INTO ${tableOf(project)} (rowid, words) VALUES (?, ?)`, document, words);
}

/**
 * Brings the index to the new words. Call it once, last in a transaction: every other statement after it makes FTS5
 * write out what it has gathered, which made an insert into contents cost 31 instead of 5 µs (2026-11-21).
 */
export function applyWords(db: Database, project: number, changes: readonly WordChange[]): void {
  const table = tableOf(project);
  for (const { document, before, after } of changes) {
    if (before === after) continue;
    if (before !== '')
      db.run(`INSERT INTO ${table} (${table}, rowid, words) VALUES ('delete', ?, ?)`, document, before);
    addWords(db, project, document, after);
  }
}

const chunk = 500;

function indexRows(
  db: Database,
  project: number,
  sql: string,
  toDocument: (row: SqlRow) => readonly [number, string],
): void {
  for (let after = 0; ;) {
    const rows = db.all(sql, project, after, chunk);
    for (const row of rows) addWords(db, project, ...toDocument(row));
    if (rows.length < chunk) return;
    after = rows.at(-1)!['key'] as number;
  }
}

function indexContents(db: Database, project: number): void {
  db.run('UPDATE contents SET document_key = NULL WHERE project_key = ?', project);
  db.run('DELETE FROM documents WHERE project_key = ?', project);
  const read = createContentReader(db);
  const rows = `SELECT ${contentColumns}, c.epoch FROM contents c LEFT JOIN content_bytes b ON b.key = c.key WHERE c.project_key = ? AND c.key > ? ORDER BY c.key LIMIT ?`;
  indexRows(db, project, rows, (row) => {
    const content = read(row);
    const words = content === null ? '' : contentToWords(content);
    const document = documentKeyOf(db, { project, epoch: row['epoch'] as number }, words);
    if (document === null) return [0, ''];
    db.run('UPDATE contents SET document_key = ? WHERE key = ?', document.key, row['key']!);
    return [document.key, document.isNew ? words : ''];
  });
}

/** Builds every index anew after the rules for words have changed; one transaction, done again when killed. */
export function rebuildWords(db: Database, version: number): void {
  db.transaction(() => {
    for (const { key } of db.all('SELECT key FROM projects')) {
      const project = key as number;
      db.exec(`DROP TABLE IF EXISTS ${tableOf(project)}`);
      createWords(db, project);
      indexContents(db, project);
      indexRows(
        db,
        project,
        `SELECT s.*, v.view, r.id AS run_id FROM steps s JOIN step_views v ON v.key = s.key JOIN runs r ON r.key = s.run_key
         WHERE r.project_key = ? AND s.key > ? AND s.status <> 'completed' ORDER BY s.key LIMIT ?`,
        (row) => [stepDocument(row['key'] as number), stepToErrorWords(rowToStep(row, () => null))],
      );
      indexRows(
        db,
        project,
        `SELECT r.*, v.view, p.id AS project_id FROM runs r JOIN run_views v ON v.key = r.key JOIN projects p ON p.key = r.project_key
         WHERE r.project_key = ? AND r.key > ? ORDER BY r.key LIMIT ?`,
        (row) => [runDocument(row['key'] as number), runToErrorWords(rowToRun(row))],
      );
    }
    db.run('UPDATE changes SET words_version = ?', version);
  });
}

/** SQL that lists the keys of runs in which a text occurs, with the value it takes twice; `null` when nothing can match. */
export function textToRunKeys(project: number, text: string): { sql: string; match: string } | null {
  const match = queryToFts5(parseTextQuery(text));
  if (match === '') return null;
  const table = tableOf(project);
  return {
    sql: `SELECT u.run_key FROM ${table} w CROSS JOIN contents c ON c.document_key = w.rowid CROSS JOIN content_use u ON u.content_key = c.key
      WHERE w.words MATCH ? AND w.rowid > 0
      UNION SELECT CASE WHEN w.rowid % 2 = 0 THEN (SELECT s.run_key FROM steps s WHERE s.key = w.rowid / -2) ELSE (w.rowid + 1) / -2 END
      FROM ${table} w WHERE w.words MATCH ? AND w.rowid < 0`,
    match,
  };
}

// Of a word that is everywhere only so many documents, newest or best first, are joined with their runs.
const documentsMax = 2000;

function contentHits(db: Database, project: number, match: string, order: string, runId: string | null): SqlRow[] {
  const table = tableOf(project);
  const first = order === 'rank' ? 'rank' : 'w.rowid DESC';
  // Inside one run its own few contents are asked for; elsewhere the index leads.
  const narrowed =
    runId === null
      ? ''
      : `AND w.rowid IN (SELECT c.document_key FROM runs r CROSS JOIN content_use u ON u.run_key = r.key CROSS JOIN contents c ON c.key = u.content_key
      WHERE r.project_key = ${project} AND r.id = ?)`;
  return db.all(
    `WITH found AS MATERIALIZED (SELECT w.rowid AS document, w.rank AS rank FROM ${table} w WHERE w.words MATCH ? AND w.rowid > 0 ${narrowed} ORDER BY ${first} LIMIT ${documentsMax})
     SELECT f.document, f.rank, c.key AS content_key, r.id AS run_id, s.id AS step_id, coalesce(s.started_at_ms, r.sort_ms) AS time_ms
     FROM found f CROSS JOIN contents c ON c.document_key = f.document CROSS JOIN content_use u ON u.content_key = c.key CROSS JOIN runs r ON r.key = u.run_key
     LEFT JOIN steps s ON s.key = u.step_key ${runId === null ? '' : 'WHERE r.id = ?'}`,
    ...(runId === null ? [match] : [match, runId, runId]),
  );
}

function errorHits(db: Database, project: number, match: string, order: string, runId: string | null): SqlRow[] {
  const table = tableOf(project);
  const first = order === 'rank' ? 'rank' : 'w.rowid';
  return db.all(
    `WITH found AS MATERIALIZED (SELECT w.rowid AS document, w.rank AS rank FROM ${table} w WHERE w.words MATCH ? AND w.rowid < 0 ORDER BY ${first} LIMIT ${documentsMax})
     SELECT f.document, f.rank, r.id AS run_id, s.id AS step_id, coalesce(s.started_at_ms, r.finished_at_ms, r.sort_ms) AS time_ms
     FROM found f LEFT JOIN steps s ON f.document % 2 = 0 AND s.key = f.document / -2
     CROSS JOIN runs r ON r.key = CASE WHEN f.document % 2 = 0 THEN s.run_key ELSE (f.document + 1) / -2 END
     ${runId === null ? '' : 'WHERE r.id = ?'}`,
    ...(runId === null ? [match] : [match, runId]),
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
    const row = db.get(
      `SELECT s.*, v.view, '' AS run_id FROM steps s JOIN step_views v ON v.key = s.key WHERE s.key = ?`,
      document / -2,
    );
    return row === undefined ? null : stepToErrorWords(rowToStep(row, () => null));
  }
  const row = db.get(
    `SELECT r.*, v.view, '' AS project_id FROM runs r JOIN run_views v ON v.key = r.key WHERE r.key = ?`,
    (document + 1) / -2,
  );
  return row === undefined ? null : runToErrorWords(rowToRun(row));
}

/** Hits of a text, best or newest first; of what occurs everywhere, among the 2,000 best or newest contents. */
export function searchWords(
  db: Database,
  project: number,
  text: string,
  options: { limit: number; order: 'time' | 'rank'; runId: string | null },
): SearchHit[] {
  const query = parseTextQuery(text);
  const match = queryToFts5(query);
  if (!isTextGiven(text) || match === '') return [];
  const { order, runId } = options;
  const rows = [...contentHits(db, project, match, order, runId), ...errorHits(db, project, match, order, runId)];
  const key = (row: SqlRow): number => (order === 'rank' ? (row['rank'] as number) : -(row['time_ms'] as number));
  rows.sort((a, b) => key(a) - key(b) || (b['document'] as number) - (a['document'] as number));
  const read = createContentReader(db);
  return rows.slice(0, Math.max(0, options.limit)).flatMap((row) => documentToHit(db, query, read, row) ?? []);
}
