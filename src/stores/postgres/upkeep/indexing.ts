import { contentToWords, textToTokens } from '../../../core/query/words.ts';
import type { SqlRow, SqlValue } from '../../sql/value.ts';
import { bytesToHex } from '../../sql/value.ts';
import { contentColumns, rowsToContents } from '../contents.ts';
import type { Database, Transaction } from '../database.ts';
import { column } from '../driver/cell.ts';
import type { Statement } from '../driver/exchange.ts';
import { insertRows, type Row } from '../driver/rows.ts';
import { wordsToVector } from '../driver/vector.ts';
import { easily, lockWords } from '../import/lock.ts';

/*
 * Full text is made beside the import: an import puts contents on a list, and what stands there is indexed in batches while
 * nothing else is to do, or before a search answers. With the index in the import it fell from 65,000 to 5,000 documents
 * a second (2026-11-20).
 *
 *   import ─► contents, word_queue ─► words (one row for each 2,000 words of a document) ─► search
 *
 * A batch is read and its words are split without any lock, while the server writes the batch before it. Under the lock
 * only those go in that somebody still has: an erasure may have been quicker. The list is read on from where it ended:
 * what was taken off it stays in its pages until they are vacuumed.
 */

const ours = 'project_key = (SELECT project_key())';

// A document has 16,383 places and 256 for each word; in parts of this size no phrase is lost but in a text of one word.
const partWords = 2000;
const partOverlap = 64;

function documentToRows(epoch: number, document: SqlValue, text: string): Row[] {
  const words = textToTokens(text).map((token) => token.word);
  const rows: Row[] = [];
  for (let from = 0, part = 0; from < words.length; from += partWords, part += 1) {
    rows.push({
      epoch,
      document,
      part,
      is_long: words.length > partWords ? 't' : 'f',
      words: wordsToVector(words.slice(from, from + partWords + partOverlap)),
    });
  }
  return rows;
}

const contentsAtOnce = 400;
/** It bounds memory and the time of a transaction. */
const bytesAtOnce = 1_000_000;

/** Some of the list, with their words. */
interface Batch {
  readonly keys: readonly number[];
  readonly rows: readonly Row[];
  /** Nothing stands behind them. */
  readonly isLast: boolean;
}

const nameOf = (epoch: SqlValue, id: SqlValue): string => `${String(epoch)}/${bytesToHex(id)}`;
const idsOf = (rows: readonly SqlRow[], name: string) =>
  column(
    'bytea',
    rows.map((row) => row[name]!),
  );

/** Those of some contents whose words are not indexed, by week and id. */
async function findUnindexed(tx: Transaction, queued: readonly SqlRow[]): Promise<Map<string, SqlRow>> {
  const answers = await tx.askAll(
    [...Map.groupBy(queued, (row) => row['epoch'] as number)].map(([epoch, some]) => ({
      sql: `SELECT c.id, c.size, c.document, $1::int4 AS epoch FROM unnest($2::bytea[]) AS k (id)
        CROSS JOIN LATERAL (SELECT id, size, document FROM contents
          WHERE ${ours} AND epoch = $1 AND id = k.id AND document IS NOT NULL OFFSET 0) c
        LEFT JOIN LATERAL (SELECT 1 AS one FROM words WHERE ${ours} AND epoch = $1 AND document = c.document AND part = 0 OFFSET 0) w ON true
        WHERE w.one IS NULL`,
      values: [epoch, idsOf(some, 'content_id')],
    })),
  );
  return new Map(answers.flatMap(({ rows }) => rows).map((row) => [nameOf(row['epoch']!, row['id']!), row]));
}

async function readWords(tx: Transaction, epoch: number, rows: readonly SqlRow[]): Promise<Row[]> {
  const documentById = new Map(rows.map((row) => [bytesToHex(row['id']), row['document']!]));
  const found = await tx.all(
    `SELECT ${contentColumns} FROM unnest($2::bytea[]) AS k (id) CROSS JOIN LATERAL (
       SELECT * FROM contents WHERE ${ours} AND epoch = $1 AND id = k.id OFFSET 0) c`,
    epoch,
    idsOf(rows, 'id'),
  );
  const contents = await rowsToContents(tx, epoch, found);
  return contents.flatMap((content) => documentToRows(epoch, documentById.get(content.id)!, contentToWords(content)));
}

/** Reads on in the list and splits the words of what stands there; `null` when nothing does. */
async function readBatch(tx: Transaction, after: number): Promise<Batch | null> {
  const queued = await tx.all(
    `SELECT key, epoch, content_id FROM word_queue WHERE ${ours} AND key > $1 ORDER BY key LIMIT ${contentsAtOnce}`,
    after,
  );
  if (queued.length === 0) return null;
  const unindexed = await findUnindexed(tx, queued);
  const chosen = new Map<string, SqlRow>();
  const keys: number[] = [];
  let bytes = 0;
  for (const row of queued) {
    const content = unindexed.get(nameOf(row['epoch']!, row['content_id']!));
    if (content !== undefined) {
      bytes += content['size'] as number;
      if (bytes > bytesAtOnce && chosen.size > 0) break;
      // Equal words are one document.
      chosen.set(nameOf(content['epoch']!, content['document']!), content);
    }
    keys.push(row['key'] as number);
  }
  const rows: Row[] = [];
  for (const [epoch, some] of Map.groupBy(chosen.values(), (row) => row['epoch'] as number))
    rows.push(...(await readWords(tx, epoch, some)));
  return { keys, rows, isLast: keys.length === queued.length && queued.length < contentsAtOnce };
}

/** A statement that indexes the words of one week, of documents that some content still has. */
function wordsToInsert(epoch: number, rows: readonly Row[]): Statement {
  const { sql, values = [] } = insertRows('words', rows, '');
  return {
    sql: `${sql} CROSS JOIN LATERAL (SELECT 1 FROM contents
        WHERE ${ours} AND epoch = $${values.length + 1} AND document = r.document LIMIT 1) c ON CONFLICT DO NOTHING`,
    values: [...values, epoch],
  };
}

/*
 * New words wait in the index until they fill so much, and then whoever comes sorts them in: with the server's own 4 MB a
 * transaction took up to 440 ms, with 1 MB 170 at 7 % more work for the server (2026-11-21).
 */
const smallPending: Statement = { sql: `SELECT set_config('gin_pending_list_limit', '1MB', true)` };

async function writeBatch(tx: Transaction, { keys, rows }: Batch): Promise<void> {
  await tx.finish([
    easily,
    smallPending,
    lockWords,
    { sql: `DELETE FROM word_queue WHERE ${ours} AND key = ANY ($1::int8[])`, values: [column('int8', keys)] },
    ...[...Map.groupBy(rows, (row) => row['epoch'] as number)].map(([epoch, some]) => wordsToInsert(epoch, some)),
  ]);
}

/** Indexes the words that wait in a project. */
export interface Indexing {
  /** Indexes some of them; false when none waits. */
  next(): Promise<boolean>;
}

/** Indexing from the beginning of the list. */
export function createIndexing(db: Database, projectId: string): Indexing {
  const read = (after: number): Promise<Batch | null> => db.change(projectId, (tx) => readBatch(tx, after));
  let reading: Promise<Batch | null> | null = null;
  return {
    async next() {
      const batch = await (reading ?? read(0));
      reading = null;
      if (batch === null) return false;
      if (!batch.isLast) {
        reading = read(batch.keys.at(-1)!);
        // Heard when it is waited for; until then it must not end the process.
        reading.catch(() => undefined);
      }
      await db.change(projectId, (tx) => writeBatch(tx, batch));
      return true;
    },
  };
}

/** Indexes what waits, a batch at a time, at most so many. */
export async function indexWaiting(db: Database, projectId: string, batchesMax: number): Promise<void> {
  // One round trip when nothing does. In order, so that no pages of what was taken off are read.
  const first = await db.read(projectId).get(`SELECT key FROM word_queue WHERE ${ours} ORDER BY key LIMIT 1`);
  if (first === undefined) return;
  const indexing = createIndexing(db, projectId);
  for (let batch = 0; batch < batchesMax && (await indexing.next()); batch += 1);
}
