import type { EventType } from '../../core/record/event.ts';
import type { StoredEvent, WriterHead } from '../../core/store.ts';
import type { SqlRow } from '../sql/value.ts';
import { cellToId, idToCell } from '../sql/value.ts';
import type { RunKey } from './contents.ts';
import type { Database } from './database.ts';

function rowToEvent(row: SqlRow): StoredEvent {
  return {
    seq: row['seq'] as number,
    header: {
      runId: row['run_id'] as string,
      writerId: row['writer_id'] as string,
      n: row['n'] as number,
      type: row['type'] as EventType,
      timeMs: row['time_ms'] as number,
      stepId: row['step_id'] === null ? null : cellToId(row['step_id']!),
      attempt: row['attempt'] as number | null,
      facts: row['facts'] as string | null,
    },
    payload: row['payload'] as string | null,
    salt: row['salt'] as Uint8Array | null,
    digest: row['digest'] as Uint8Array,
    hash: row['hash'] as Uint8Array,
  };
}

/** Stores an event under the keys of its run and writer. */
export function putEvent(db: Database, runKey: number, writerKey: number, event: StoredEvent): void {
  const { n, type, timeMs, stepId, attempt, facts } = event.header;
  db.run(
    `INSERT INTO events (run_key, seq, writer_key, n, type, time_ms, step_id, attempt, facts, payload, salt, digest, hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    runKey, event.seq, writerKey, n, type, timeMs, stepId === null ? null : idToCell(stepId), attempt, facts,
    event.payload, event.salt, event.digest, event.hash,
  );
}

/** Events of a run by seq. */
export function listEvents(db: Database, run: RunKey, options: { fromSeq: number; limit: number }): StoredEvent[] {
  const rows = db.all(
    `SELECT e.*, w.id AS writer_id, ? AS run_id FROM events e CROSS JOIN writers w ON w.key = e.writer_key
     WHERE e.run_key = ? AND e.seq >= ? ORDER BY e.seq LIMIT ?`,
    run.id, run.key, options.fromSeq, options.limit,
  );
  return rows.map(rowToEvent);
}

/** Drops the words of all events of a run; how many had any. Headers, facts, digests and hashes stay. */
export function eraseEvents(db: Database, run: RunKey): number {
  return db.run('UPDATE events SET payload = NULL, salt = NULL WHERE run_key = ? AND payload IS NOT NULL', run.key);
}

function rowToWriter(runId: string, row: SqlRow): WriterHead {
  return {
    runId,
    writerId: row['id'] as string,
    n: row['n'] as number,
    hash: row['hash'] as Uint8Array,
    missing: JSON.parse(row['missing'] as string) as number[],
  };
}

/** Writes a writer's head; its key. */
export function putWriter(db: Database, runKey: number, head: WriterHead): number {
  const row = db.get(
    `INSERT INTO writers (run_key, id, n, hash, missing) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (run_key, id) DO UPDATE SET n = excluded.n, hash = excluded.hash, missing = excluded.missing RETURNING key`,
    runKey, head.writerId, head.n, head.hash, JSON.stringify(head.missing),
  );
  return row!['key'] as number;
}

/** Heads of a run's writers, by the order in which they came. */
export function listWriters(db: Database, run: Pick<RunKey, 'id' | 'key'>): WriterHead[] {
  return db.all('SELECT * FROM writers WHERE run_key = ? ORDER BY key', run.key).map((row) => rowToWriter(run.id, row));
}
