import type { ErasedPart } from '../../core/life/erased-part.ts';
import { eventsToErase } from '../../core/life/erased-part.ts';
import type { StoredEvent, WriterHead } from '../../core/store.ts';
import { eventsToPacks, packToEvents, type Pressure } from '../sql/block.ts';
import type { SqlRow } from '../sql/value.ts';
import { cellToBytes, cellToNumber, cellToText, parseStored } from '../sql/value.ts';
import type { RunKey } from './contents.ts';
import type { Session, Transaction } from './database.ts';
import type { Statement } from './driver/exchange.ts';
import { insertRows, replacing, type Row } from './driver/rows.ts';

const ofRun = 'project_key = (SELECT project_key()) AND epoch = $1 AND run_key = $2';

/** Rows of events of one run: one for each import and 128 kB, compressed. */
export function eventsToRows(run: RunKey, events: readonly StoredEvent[], pressure: Pressure): Row[] {
  return eventsToPacks(events, pressure).map(({ firstSeq, lastSeq, packed, proofs }) => ({
    epoch: run.epoch,
    run_key: run.key,
    first_seq: firstSeq,
    last_seq: lastSeq,
    packed,
    proofs,
  }));
}

/** A statement that stores rows of events. A seq that is taken fails the transaction. */
export function eventsToInsert(rows: readonly Row[]): Statement[] {
  return rows.length === 0 ? [] : [insertRows('event_packs', rows, '')];
}

const pagePacks = 32;

/** Events of a run by seq. */
export async function listEvents(
  db: Session,
  run: RunKey,
  options: { fromSeq: number; limit: number },
): Promise<StoredEvent[]> {
  const limit = Math.max(0, options.limit);
  const events: StoredEvent[] = [];
  for (let from = options.fromSeq; events.length < limit;) {
    const rows = await db.all(
      `SELECT last_seq, packed, proofs FROM event_packs WHERE ${ofRun} AND last_seq >= $3 ORDER BY first_seq LIMIT ${pagePacks}`,
      run.epoch,
      run.key,
      from,
    );
    for (const row of rows) {
      const pack = { packed: cellToBytes(row['packed']), proofs: cellToBytes(row['proofs']) };
      for (const event of packToEvents(run.id, pack)) if (event.seq >= options.fromSeq) events.push(event);
      from = (row['last_seq'] as number) + 1;
    }
    if (rows.length < pagePacks) break;
  }
  return events.slice(0, limit);
}

/** Puts events in place of all rows that a run has. */
export function replaceEvents(tx: Transaction, run: RunKey, events: readonly StoredEvent[]): void {
  tx.put(`DELETE FROM event_packs WHERE ${ofRun}`, run.epoch, run.key);
  for (const { sql, values = [] } of eventsToInsert(eventsToRows(run, events, 'tight'))) tx.put(sql, ...values);
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
  replaceEvents(tx, run, remaining);
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
