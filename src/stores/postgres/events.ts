import type { ErasedPart } from '../../core/life/erased-part.ts';
import { eventsToErase } from '../../core/life/erased-part.ts';
import type { RunPlace, StoredEvent, WriterHead } from '../../core/store.ts';
import { eventsToLoosePacks, packBytesBeside, packToEvents, type Pressure } from '../sql/block.ts';
import type { SqlRow } from '../sql/value.ts';
import { cellToBytes, cellToNumber, cellToText, parseStored } from '../sql/value.ts';
import type { RunKey } from './contents.ts';
import type { Session, Transaction } from './database.ts';
import { column } from './driver/cell.ts';
import type { Statement } from './driver/exchange.ts';
import { insertRows, replacing, type Row } from './driver/rows.ts';

const ofRun = 'project_key = (SELECT project_key()) AND epoch = $1 AND run_key = $2';

/**
 * Rows of events of one run: one for each import and 128 kB, compressed. That is done beside this thread, where it took a
 * fifth of an import of large events (2026-11-21).
 */
export async function eventsToRows(run: RunKey, events: readonly StoredEvent[], pressure: Pressure): Promise<Row[]> {
  return Promise.all(
    [...eventsToLoosePacks(events)].map(async ({ firstSeq, lastSeq, text, proofs }) => ({
      epoch: run.epoch,
      run_key: run.key,
      first_seq: firstSeq,
      last_seq: lastSeq,
      packed: await packBytesBeside(text, pressure),
      proofs,
    })),
  );
}

/** A statement that stores rows of events. A seq that is taken fails the transaction. */
export function eventsToInsert(rows: readonly Row[]): Statement[] {
  return rows.length === 0 ? [] : [insertRows('event_packs', rows, '')];
}

const pagePacks = 32;

/** Events of a run by seq; only rows that hold one of those asked for are read. */
export async function listEvents(
  db: Session,
  run: RunKey,
  options: { fromSeq: number; limit: number },
): Promise<StoredEvent[]> {
  const limit = Math.max(0, options.limit);
  const events: StoredEvent[] = [];
  for (let from = options.fromSeq; events.length < limit;) {
    // Seqs have no gaps, so that many stand before this one.
    const end = Math.min(Math.ceil(from + limit - events.length), Number.MAX_SAFE_INTEGER);
    const rows = await db.all(
      `SELECT last_seq, packed, proofs FROM event_packs WHERE ${ofRun} AND last_seq >= $3 AND first_seq < $4 AND first_seq >= coalesce(
         (SELECT first_seq FROM event_packs WHERE ${ofRun} AND first_seq <= $3 ORDER BY first_seq DESC LIMIT 1), 0)
       ORDER BY first_seq LIMIT ${pagePacks}`,
      run.epoch,
      run.key,
      from,
      end,
    );
    for (const row of rows) {
      const pack = { packed: cellToBytes(row['packed']), proofs: cellToBytes(row['proofs']) };
      for (const event of packToEvents(run.id, pack)) if (event.seq >= options.fromSeq) events.push(event);
      from = (row['last_seq'] as number) + 1;
    }
    // A row that no longer unpacks has fewer than it should; then it goes on behind it.
    if (rows.length === 0 || (rows.length < pagePacks && from < end)) break;
  }
  return events.slice(0, limit);
}

/** Events of several runs, each from a seq of its own on, in one round trip; only rows that hold one of those are read. */
export async function listEventsOfRuns(db: Session, places: readonly RunPlace[]): Promise<Map<string, StoredEvent[]>> {
  if (places.length === 0) return new Map();
  const ofEach = 'project_key = (SELECT project_key()) AND epoch = r.epoch AND run_key = r.key';
  const rows = await db.all(
    `SELECT k.run_id, e.first_seq, e.packed, e.proofs FROM unnest($1::text[], $2::int8[]) AS k (run_id, from_seq)
     CROSS JOIN LATERAL (
       SELECT key, epoch FROM runs WHERE project_key = (SELECT project_key()) AND id = k.run_id COLLATE "C" OFFSET 0) r
     CROSS JOIN LATERAL (
       SELECT first_seq, packed, proofs FROM event_packs WHERE ${ofEach} AND last_seq >= k.from_seq AND first_seq >= coalesce(
         (SELECT first_seq FROM event_packs WHERE ${ofEach} AND first_seq <= k.from_seq ORDER BY first_seq DESC LIMIT 1), 0)
       OFFSET 0) e`,
    column(
      'text',
      places.map(({ runId }) => runId),
    ),
    column(
      'int8',
      places.map(({ fromSeq }) => fromSeq),
    ),
  );
  const rowsByRun = Map.groupBy(rows, (row) => row['run_id'] as string);
  const eventsByRun = new Map<string, StoredEvent[]>();
  for (const { runId, fromSeq } of places) {
    const packs = (rowsByRun.get(runId) ?? []).toSorted(
      (a, b) => (a['first_seq'] as number) - (b['first_seq'] as number),
    );
    const events = packs.flatMap((row) =>
      packToEvents(runId, { packed: cellToBytes(row['packed']), proofs: cellToBytes(row['proofs']) }),
    );
    const wanted = events.filter(({ seq }) => seq >= fromSeq);
    if (wanted.length > 0) eventsByRun.set(runId, wanted);
  }
  return eventsByRun;
}

/** Puts events in place of all rows that a run has. */
export function replaceEvents(tx: Transaction, run: RunKey, events: readonly StoredEvent[]): Promise<void> {
  return putEvents(tx, run.epoch, new Map([[run, events]]));
}

async function putEvents(
  tx: Transaction,
  epoch: number,
  eventsByRun: ReadonlyMap<RunKey, readonly StoredEvent[]>,
): Promise<void> {
  tx.put(
    `DELETE FROM event_packs WHERE project_key = (SELECT project_key()) AND epoch = $1 AND run_key = ANY ($2::int8[])`,
    epoch,
    column(
      'int8',
      [...eventsByRun.keys()].map(({ key }) => key),
    ),
  );
  const rows = await Promise.all([...eventsByRun].map(([run, events]) => eventsToRows(run, events, 'tight')));
  for (const { sql, values = [] } of eventsToInsert(rows.flat())) tx.put(sql, ...values);
}

/** Joins the rows of events of each of some runs of one week. A run with a row that cannot be read stays as it is. */
export async function joinEvents(tx: Transaction, epoch: number, runs: readonly RunKey[]): Promise<void> {
  if (runs.length === 0) return;
  const rows = await tx.all(
    `SELECT e.* FROM unnest($2::int8[]) AS k (run_key) CROSS JOIN LATERAL (
       SELECT run_key, packed, proofs FROM event_packs
       WHERE project_key = (SELECT project_key()) AND epoch = $1 AND run_key = k.run_key ORDER BY first_seq) e`,
    epoch,
    column(
      'int8',
      runs.map(({ key }) => key),
    ),
  );
  const rowsByRun = Map.groupBy(rows, (row) => row['run_key']);
  const eventsByRun = new Map<RunKey, readonly StoredEvent[]>();
  for (const run of runs) {
    const parts = (rowsByRun.get(run.key) ?? []).map((row) =>
      packToEvents(run.id, { packed: cellToBytes(row['packed']), proofs: cellToBytes(row['proofs']) }),
    );
    if (parts.length > 1 && parts.every((part) => part.length > 0)) eventsByRun.set(run, parts.flat());
  }
  if (eventsByRun.size > 0) await putEvents(tx, epoch, eventsByRun);
}

const everything = { fromSeq: 1, limit: Number.MAX_SAFE_INTEGER };

/**
 * Drops the words of events of a run, of all without a part; how many had any, and all events as they remain. Headers,
 * facts, digests and hashes stay.
 */
export async function eraseEvents(
  tx: Transaction,
  run: RunKey,
  part: ErasedPart | null,
): Promise<{ count: number; remaining: StoredEvent[] }> {
  const events = await listEvents(tx, run, everything);
  const leaving = eventsToErase(events, part);
  const remaining = events.map((event) => (leaving.has(event) ? { ...event, payload: null, salt: null } : event));
  await replaceEvents(tx, run, remaining);
  return { count: [...leaving].filter((event) => event.payload !== null).length, remaining };
}

function parseMissing(cell: unknown): number[] {
  const value: unknown = parseStored(cellToText(cell) ?? '');
  return Array.isArray(value) ? value.filter((n) => Number.isSafeInteger(n)) : [];
}

/** A writer's head from its row. */
export function rowToWriter(runId: string, row: SqlRow): WriterHead {
  return {
    runId,
    writerId: cellToText(row['id']) ?? '',
    n: cellToNumber(row['n']) ?? 0,
    hash: cellToBytes(row['hash']),
    missing: parseMissing(row['missing']),
  };
}

/** Writes heads in place of the old ones. */
export function writersToInsert(heads: readonly { run: RunKey; head: WriterHead }[]): Statement[] {
  const rows = heads.map(({ run, head }) => ({
    epoch: run.epoch,
    run_key: run.key,
    id: head.writerId,
    n: head.n,
    hash: head.hash,
    missing: JSON.stringify(head.missing),
  }));
  const [first] = rows;
  return first === undefined ? [] : [insertRows('writers', rows, replacing(['epoch', 'run_key', 'id'], first))];
}

/** Heads of a run's writers, by the order in which they came. */
export async function listWriters(db: Session, run: RunKey): Promise<WriterHead[]> {
  const rows = await db.all(`SELECT * FROM writers WHERE ${ofRun} ORDER BY place`, run.epoch, run.key);
  return rows.map((row) => rowToWriter(run.id, row));
}
