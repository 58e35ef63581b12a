import { contentToText } from '../../core/content/text.ts';
import type { Content } from '../../core/content/content.ts';
import { isTextGiven, parseTextQuery, textToSnippet, type TextQuery } from '../../core/query/text-query.ts';
import { runToErrorWords, stepToErrorWords, textToTokens } from '../../core/query/words.ts';
import type { SearchHit } from '../../core/store.ts';
import type { SqlRow, SqlValue } from '../sql/value.ts';
import { bytesToHex } from '../sql/value.ts';
import { rowToStep } from '../sql/view-row.ts';
import { readContents, type RunKey } from './contents.ts';
import type { Database, Session } from './database.ts';
import type { Statement } from './driver/exchange.ts';
import { insertRows, replacing } from './driver/rows.ts';
import { toRun } from './driver/run-row.ts';
import { phraseToQuery, toTsQuery, wordsToVector } from './driver/vector.ts';
import { indexWaiting } from './upkeep/indexing.ts';

/*
 * A search asks the words of contents and those of errors. What is looked for goes into a setting of the transaction, which
 * the policies of `words` and `error_words` read.
 */

/** The step of a run's own error. */
const ofRunItself = '00000000-0000-0000-0000-000000000000';

/** One error's words before and after; an empty text is none. */
export interface ErrorChange {
  readonly run: RunKey;
  readonly stepId: string | null;
  readonly before: string;
  readonly after: string;
}

/** Statements that bring the index of errors to the new words. Errors are few and short, so they are indexed at once. */
export function errorsToInsert(changes: readonly ErrorChange[]): Statement[] {
  const real = changes.filter(({ before, after }) => before !== after);
  const gone = real.filter(({ after }) => after === '');
  const rows = real
    .filter(({ after }) => after !== '')
    .map(({ run, stepId, after }) => ({
      epoch: run.epoch,
      run_key: run.key,
      step_id: stepId ?? ofRunItself,
      words: wordsToVector(textToTokens(after).map((token) => token.word)),
    }));
  const statements: Statement[] = [];
  for (const { run, stepId } of gone)
    statements.push({
      sql: `DELETE FROM error_words WHERE project_key = (SELECT project_key()) AND epoch = $1 AND run_key = $2 AND step_id = $3`,
      values: [run.epoch, run.key, stepId ?? ofRunItself],
    });
  const [first] = rows;
  if (first !== undefined)
    statements.push(insertRows('error_words', rows, replacing(['epoch', 'run_key', 'step_id'], first)));
  return statements;
}

/** Of several words in a long document, each may stand in another part of it. */
const longDocuments = ({ phrases }: TextQuery): string =>
  `SELECT epoch, document, min(-ts_rank(words, $1::tsquery)) AS rank, max(key) AS place FROM words
   WHERE project_key = (SELECT project_key()) AND is_long AND words @@ $1::tsquery GROUP BY epoch, document
   HAVING ${phrases.map((_phrase, index) => `bool_or(words @@ $${index + 2}::tsquery)`).join(' AND ')}`;

/** How much of what waits is indexed before an answer. */
const backlogBatches = 25;

/** Keys of the runs in which a text occurs. */
export async function textToRunKeys(db: Database, projectId: string, text: string): Promise<number[]> {
  const query = parseTextQuery(text);
  if (query.phrases.length === 0) return [];
  await indexWaiting(db, projectId, backlogBatches);
  const uses = `SELECT DISTINCT u.run_key FROM found f
    JOIN contents c ON c.project_key = (SELECT project_key()) AND c.epoch = f.epoch AND c.document = f.document
    JOIN content_use u ON u.project_key = c.project_key AND u.epoch = c.epoch AND u.content_id = c.id`;
  const all = toTsQuery(query, '&');
  const keys = new Set<SqlValue>();
  const rows = await db.read(projectId, all).all(
    `WITH found AS MATERIALIZED (SELECT DISTINCT epoch, document FROM words
         WHERE project_key = (SELECT project_key()) AND words @@ $1::tsquery) ${uses}
       UNION SELECT run_key FROM error_words WHERE project_key = (SELECT project_key()) AND words @@ $1::tsquery`,
    all,
  );
  for (const row of rows) keys.add(row['run_key']!);
  if (query.phrases.length > 1) {
    const any = toTsQuery(query, '|');
    const long = await db
      .read(projectId, any)
      .all(`WITH found AS MATERIALIZED (${longDocuments(query)}) ${uses}`, any, ...query.phrases.map(phraseToQuery));
    for (const row of long) keys.add(row['run_key']!);
  }
  return [...keys] as number[];
}

/** What is looked for. */
interface Question {
  readonly query: TextQuery;
  readonly order: 'time' | 'rank';
  readonly limit: number;
  /** Only in this run. */
  readonly run: RunKey | null;
}

// Of a word that is everywhere only so many documents, the newest, are looked at.
const documentsMax = 2000;

async function contentHits(db: Database, projectId: string, question: Question): Promise<readonly SqlRow[]> {
  const { query, order, limit, run } = question;
  const inRun = run === null ? '' : `AND u.run_key = ${run.key} AND u.epoch = ${run.epoch}`;
  const places = `SELECT f.rank, f.place, c.id AS content_id, c.epoch, r.id AS run_id, s.id AS step_id,
      coalesce(s.started_at_ms, r.sort_ms) AS time_ms
    FROM found f JOIN contents c ON c.project_key = (SELECT project_key()) AND c.epoch = f.epoch AND c.document = f.document
    JOIN content_use u ON u.project_key = c.project_key AND u.epoch = c.epoch AND u.content_id = c.id ${inRun}
    JOIN runs r ON r.project_key = u.project_key AND r.key = u.run_key
    LEFT JOIN steps s ON s.project_key = u.project_key AND s.epoch = u.epoch AND s.run_key = u.run_key AND s.id = u.step_id
    ORDER BY ${order === 'rank' ? 'f.rank, f.place DESC' : 'time_ms DESC, f.place DESC'} LIMIT ${Math.floor(limit)}`;
  // Inside one run its own few documents are looked at; elsewhere the index leads.
  const narrowed =
    run === null
      ? ''
      : `AND epoch = ${run.epoch} AND document IN (SELECT c.document FROM content_use u
           JOIN contents c ON c.project_key = u.project_key AND c.epoch = u.epoch AND c.id = u.content_id
           WHERE u.project_key = (SELECT project_key()) ${inRun})`;
  const all = toTsQuery(query, '&');
  const rows = await db.read(projectId, all).all(
    `WITH newest AS MATERIALIZED (SELECT epoch, document, words, key FROM words
         WHERE project_key = (SELECT project_key()) AND words @@ $1::tsquery ${narrowed} ORDER BY key DESC LIMIT ${documentsMax}),
       found AS MATERIALIZED (SELECT epoch, document, min(-ts_rank(words, $1::tsquery)) AS rank, max(key) AS place FROM newest GROUP BY epoch, document)
     ${places}`,
    all,
  );
  if (query.phrases.length === 1) return rows;
  const any = toTsQuery(query, '|');
  const long = await db
    .read(projectId, any)
    .all(`WITH found AS MATERIALIZED (${longDocuments(query)}) ${places}`, any, ...query.phrases.map(phraseToQuery));
  const nameOf = (row: SqlRow): string => `${row['run_id']}/${row['step_id']}/${bytesToHex(row['content_id'])}`;
  const rowByName = new Map([...long, ...rows].map((row) => [nameOf(row), row]));
  return [...rowByName.values()];
}

function errorHits(
  db: Database,
  projectId: string,
  { query, order, limit, run }: Question,
): Promise<readonly SqlRow[]> {
  const all = toTsQuery(query, '&');
  return db.read(projectId, all).all(
    `SELECT -ts_rank(e.words, $1::tsquery) AS rank, e.run_key AS place, r.id AS run_id, r.epoch, s.id AS step_id, s.number,
       coalesce(s.started_at_ms, r.finished_at_ms, r.sort_ms) AS time_ms
     FROM error_words e JOIN runs r ON r.project_key = e.project_key AND r.key = e.run_key
     LEFT JOIN steps s ON s.project_key = e.project_key AND s.epoch = e.epoch AND s.run_key = e.run_key AND s.id = e.step_id
     WHERE e.project_key = (SELECT project_key()) AND e.words @@ $1::tsquery ${run === null ? '' : `AND e.run_key = ${run.key}`}
     ORDER BY ${order === 'rank' ? 'rank' : 'time_ms DESC'} LIMIT ${Math.floor(limit)}`,
    all,
  );
}

async function readErrorWords(db: Session, row: SqlRow): Promise<string> {
  const run = await db.get('SELECT * FROM runs WHERE project_key = (SELECT project_key()) AND id = $1', row['run_id']!);
  if (run === undefined) return '';
  if (row['step_id'] === null) return runToErrorWords(toRun(db, run));
  const step = await db.get(
    `SELECT *, $3::text AS run_id FROM steps WHERE project_key = (SELECT project_key()) AND epoch = $1 AND run_key = $2 AND number = $4`,
    run['epoch']!,
    run['key']!,
    row['run_id']!,
    row['number']!,
  );
  return step === undefined ? '' : stepToErrorWords(rowToStep(step, () => null));
}

async function readHitContents(db: Session, rows: readonly SqlRow[]): Promise<Map<string, Content>> {
  const contentById = new Map<string, Content>();
  const withContent = rows.filter((row) => row['content_id'] instanceof Uint8Array);
  for (const [epoch, some] of Map.groupBy(withContent, (row) => row['epoch'] as number)) {
    const ids = some.map((row) => bytesToHex(row['content_id']));
    for (const content of await readContents(db, { epoch }, ids)) contentById.set(`${epoch}/${content.id}`, content);
  }
  return contentById;
}

/** Hits of a text, best or newest first; of what occurs everywhere, among the newest 2,000 documents. */
export async function searchWords(
  db: Database,
  projectId: string,
  text: string,
  options: { limit: number; order: 'time' | 'rank'; run: RunKey | null },
): Promise<SearchHit[]> {
  const query = parseTextQuery(text);
  const { order, run } = options;
  const limit = Math.min(Math.max(0, options.limit), 10_000);
  if (!isTextGiven(text) || query.phrases.length === 0 || limit === 0) return [];
  await indexWaiting(db, projectId, backlogBatches);
  const question = { query, order, limit, run };
  const rows = [...(await contentHits(db, projectId, question)), ...(await errorHits(db, projectId, question))];
  const key = (row: SqlRow): number => (order === 'rank' ? (row['rank'] as number) : -(row['time_ms'] as number));
  const best = rows.sort((a, b) => key(a) - key(b)).slice(0, limit);
  const session = db.read(projectId);
  const contentById = await readHitContents(session, best);
  const hits: SearchHit[] = [];
  for (const row of best) {
    const place = {
      runId: row['run_id'] as string,
      stepId: row['step_id'] as string | null,
      timeMs: row['time_ms'] as number,
      rank: row['rank'] as number,
    };
    if (row['content_id'] === undefined) {
      const words = await readErrorWords(session, row);
      hits.push({ ...place, kind: 'error', contentId: null, snippet: textToSnippet(words, query) });
      continue;
    }
    const content = contentById.get(`${row['epoch'] as number}/${bytesToHex(row['content_id'])}`);
    if (content === undefined) continue;
    const snippet = textToSnippet(contentToText(content.kind, content.bytes), query);
    hits.push({ ...place, kind: content.kind, contentId: content.id, snippet });
  }
  return hits;
}
