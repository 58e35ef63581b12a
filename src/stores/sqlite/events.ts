import type { ErasedPart } from '../../core/life/erased-part.ts';
import { eventsToErase } from '../../core/life/erased-part.ts';
import type { EventType } from '../../core/record/event.ts';
import type { RunPlace, StoredEvent, WriterHead } from '../../core/store.ts';
import { eventsToPacks, packToEvents } from '../sql/block.ts';
import type { SqlRow } from '../sql/value.ts';
import { cellToBytes, cellToId, cellToNumber, cellToText, idToCell, parseStored } from '../sql/value.ts';
import type { RunKey } from './contents.ts';
import type { Database } from './database.ts';
import { findRunKey } from './runs.ts';

/*
 * Digest, hash and salt rest in one value, 32 + 32 + 16 bytes, without the salt once erased: reading 100,000 events back
 * is bound by the number of values that become objects.
 */
const hashAt = 32;
const saltAt = 64;

function toProof(event: StoredEvent): Uint8Array {
  const proof = Buffer.allocUnsafe(saltAt + (event.salt?.length ?? 0));
  proof.set(event.digest, 0);
  proof.set(event.hash, hashAt);
  if (event.salt !== null) proof.set(event.salt, saltAt);
  return proof;
}

function rowToEvent(runId: string, writerIdByKey: ReadonlyMap<unknown, string>, row: SqlRow): StoredEvent {
  const proof = cellToBytes(row['proof']);
  const payload = cellToText(row['payload']);
  return {
    seq: cellToNumber(row['seq']) ?? 0,
    header: {
      runId,
      writerId: writerIdByKey.get(row['writer_key']) ?? '',
      n: cellToNumber(row['n']) ?? 0,
      type: (cellToText(row['type']) ?? '') as EventType,
      timeMs: cellToNumber(row['time_ms']) ?? 0,
      stepId: row['step_id'] === null ? null : cellToId(row['step_id']!),
      attempt: cellToNumber(row['attempt']),
      facts: cellToText(row['facts']),
    },
    payload,
    salt: proof.length > saltAt ? proof.subarray(saltAt) : null,
    digest: proof.subarray(0, hashAt),
    hash: proof.subarray(hashAt, saltAt),
  };
}

/** Stores an event under the keys of its run and writer. */
export function putEvent(db: Database, runKey: number, writerKey: number, event: StoredEvent): void {
  const { n, type, timeMs, stepId, attempt, facts } = event.header;
  db.run(
    `INSERT INTO events (run_key, seq, writer_key, n, type, time_ms, step_id, attempt, facts, payload, proof)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    runKey,
    event.seq,
    writerKey,
    n,
    type,
    timeMs,
    stepId === null ? null : idToCell(stepId),
    attempt,
    facts,
    event.payload,
    toProof(event),
  );
}

/** Events of a run by seq, packed ones and others. */
export function listEvents(db: Database, run: RunKey, options: { fromSeq: number; limit: number }): StoredEvent[] {
  const limit = Math.max(0, options.limit);
  const events: StoredEvent[] = [];
  const packs = db.all(
    'SELECT key FROM event_packs WHERE run_key = ? AND last_seq >= ? ORDER BY first_seq',
    run.key,
    options.fromSeq,
  );
  for (const { key } of packs) {
    if (events.length >= limit) break;
    const pack = db.get('SELECT packed, proofs FROM event_packs WHERE key = ?', key!)!;
    const unpacked = packToEvents(run.id, {
      packed: cellToBytes(pack['packed']),
      proofs: cellToBytes(pack['proofs']),
    });
    for (const event of unpacked) if (event.seq >= options.fromSeq) events.push(event);
  }
  // seq only grows, so what is not packed yet comes after what is.
  if (events.length < limit)
    for (const event of listUnpacked(db, run, { fromSeq: options.fromSeq, limit })) events.push(event);
  return events.slice(0, limit);
}

/** Events of several runs of a project, each from a seq of its own on. */
export function listEventsOfRuns(
  db: Database,
  project: number,
  places: readonly RunPlace[],
): Map<string, StoredEvent[]> {
  const eventsByRun = new Map<string, StoredEvent[]>();
  for (const { runId, fromSeq } of places) {
    const run = findRunKey(db, project, runId);
    const events = run === null ? [] : listEvents(db, run, { fromSeq, limit: Number.MAX_SAFE_INTEGER });
    if (events.length > 0) eventsByRun.set(runId, events);
  }
  return eventsByRun;
}

function listUnpacked(db: Database, run: RunKey, options: { fromSeq: number; limit: number }): StoredEvent[] {
  const writers = db.all('SELECT key, id FROM writers WHERE run_key = ?', run.key);
  const writerIdByKey = new Map(writers.map((row) => [row['key'], cellToText(row['id']) ?? '']));
  const rows = db.all(
    `SELECT seq, writer_key, n, type, time_ms, step_id, attempt, facts, payload, proof FROM events
     WHERE run_key = ? AND seq >= ? ORDER BY seq LIMIT ?`,
    run.key,
    options.fromSeq,
    options.limit,
  );
  return rows.map((row) => rowToEvent(run.id, writerIdByKey, row));
}

const packEvents = 1000;
const packEventsMin = 8;

/** Moves events of a run into packs, some of them; false when nothing worth it is left. */
export function packRunEvents(db: Database, run: RunKey): boolean {
  const events = listUnpacked(db, run, { fromSeq: 1, limit: packEvents });
  if (events.length < packEventsMin) return false;
  putPacks(db, run, events);
  db.run('DELETE FROM events WHERE run_key = ? AND seq <= ?', run.key, events.at(-1)!.seq);
  return events.length === packEvents;
}

function putPacks(db: Database, run: RunKey, events: readonly StoredEvent[]): void {
  for (const { firstSeq, lastSeq, packed, proofs } of eventsToPacks(events)) {
    db.run(
      'INSERT INTO event_packs (run_key, first_seq, last_seq, packed, proofs) VALUES (?, ?, ?, ?, ?)',
      run.key,
      firstSeq,
      lastSeq,
      packed,
      proofs,
    );
  }
}

/**
 * Drops the words of events of a run, of all without a part; how many had any, and all events as they remain. Headers,
 * facts, digests and hashes stay.
 */
export function eraseEvents(
  db: Database,
  run: RunKey,
  part: ErasedPart | null,
): { count: number; remaining: StoredEvent[] } {
  const events = listEvents(db, run, { fromSeq: 1, limit: Number.MAX_SAFE_INTEGER });
  const leaving = eventsToErase(events, part);
  const remaining = events.map((event) => (leaving.has(event) ? { ...event, payload: null, salt: null } : event));
  const packed = db.all('SELECT first_seq, last_seq FROM event_packs WHERE run_key = ?', run.key);
  db.run('DELETE FROM event_packs WHERE run_key = ?', run.key);
  for (const { first_seq: first, last_seq: last } of packed) {
    const within = remaining.filter((event) => event.seq >= (first as number) && event.seq <= (last as number));
    if (within.length > 0) putPacks(db, run, within);
  }
  const strip = `UPDATE events SET payload = NULL, proof = substr(proof, 1, ${saltAt}) WHERE run_key = ?`;
  if (part === null) db.run(strip, run.key);
  else for (const { seq } of leaving) db.run(`${strip} AND seq = ?`, run.key, seq);
  return { count: [...leaving].filter((event) => event.payload !== null).length, remaining };
}

function parseMissing(cell: unknown): number[] {
  const value: unknown = parseStored(cellToText(cell) ?? '');
  return Array.isArray(value) ? value.filter((n) => Number.isSafeInteger(n)) : [];
}

function rowToWriter(runId: string, row: SqlRow): WriterHead {
  return {
    runId,
    writerId: cellToText(row['id']) ?? '',
    n: cellToNumber(row['n']) ?? 0,
    hash: cellToBytes(row['hash']),
    missing: parseMissing(row['missing']),
  };
}

/** Writes a writer's head; its key. */
export function putWriter(db: Database, runKey: number, head: WriterHead): number {
  const row = db.get(
    `INSERT INTO writers (run_key, id, n, hash, missing) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (run_key, id) DO UPDATE SET n = excluded.n, hash = excluded.hash, missing = excluded.missing RETURNING key`,
    runKey,
    head.writerId,
    head.n,
    head.hash,
    JSON.stringify(head.missing),
  );
  return row!['key'] as number;
}

/** Heads of a run's writers, by the order in which they came. */
export function listWriters(db: Database, run: Pick<RunKey, 'id' | 'key'>): WriterHead[] {
  return db.all('SELECT * FROM writers WHERE run_key = ? ORDER BY key', run.key).map((row) => rowToWriter(run.id, row));
}
