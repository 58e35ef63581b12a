import type { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { EditedHome } from './edited-home.ts';
import { createEditedHome } from './edited-home.ts';

let edited: EditedHome | null = null;
afterEach(async () => {
  await edited?.close();
  edited = null;
});

const one = 'run_key = 1';
const proofOf = (bytes: string): string => `UPDATE events SET proof = ${bytes} WHERE ${one} AND seq = 4`;

/** Moves the first half of an event's facts into the column of its attempt: the joined header text stays the same. */
function splitFacts(db: DatabaseSync): void {
  const row = db.prepare("SELECT key, attempt, facts FROM events WHERE type = 'attempt-end' LIMIT 1").get()!;
  const facts = row['facts'] as string;
  const at = facts.indexOf(',"durationMs"');
  const move = db.prepare('UPDATE events SET attempt = ?, facts = ? WHERE key = ?');
  move.run(`${row['attempt'] as number},${facts.slice(0, at)}`, facts.slice(at + 1), row['key']!);
}

function swapPayloads(db: DatabaseSync): void {
  const [a, b] = db.prepare("SELECT key, payload, proof FROM events WHERE run_key = 1 AND type = 'step-end'").all();
  const put = db.prepare('UPDATE events SET payload = ?, proof = ? WHERE key = ?');
  put.run(b!['payload']!, b!['proof']!, a!['key']!);
  put.run(a!['payload']!, a!['proof']!, b!['key']!);
}

type Edit = string | ((db: DatabaseSync) => void);

/** What is done to the first run, and the verdict with the first bad n where one can be named. */
const edits: readonly (readonly [what: string, edit: Edit, verdict: string, n: number | null])[] = [
  [
    'words of one event dropped',
    `UPDATE events SET payload = NULL, proof = substr(proof, 1, 64) WHERE ${one} AND seq = 3`,
    'edited',
    3,
  ],
  [
    'words of all events dropped',
    `UPDATE events SET payload = NULL, proof = substr(proof, 1, 64) WHERE ${one}`,
    'edited',
    1,
  ],
  [
    'words of the last event dropped',
    `UPDATE events SET payload = NULL, proof = substr(proof, 1, 64) WHERE ${one} AND seq = 20`,
    'edited',
    20,
  ],
  ['payload dropped, salt kept', `UPDATE events SET payload = NULL WHERE ${one} AND seq = 3`, 'edited', 3],
  ['payload changed', `UPDATE events SET payload = replace(payload, 'look', 'lock') WHERE ${one}`, 'edited', 6],
  ['payload as bytes', `UPDATE events SET payload = CAST(payload AS BLOB) WHERE ${one} AND seq = 2`, 'edited', 2],
  ['payloads swapped', swapPayloads, 'edited', 5],
  ['salt changed', proofOf("substr(proof, 1, 79) || x'00'"), 'edited', 4],
  ['salt made longer', proofOf("proof || x'00'"), 'edited', 4],
  ['digest changed', proofOf("x'00' || substr(proof, 2)"), 'edited', 4],
  ['hash changed', proofOf("substr(proof, 1, 32) || x'00' || substr(proof, 34)"), 'edited', 4],
  ['proof as text', 'UPDATE events SET proof = CAST(proof AS TEXT) WHERE run_key = 1 AND seq = 4', 'edited', 4],
  ['proof cut short', proofOf('substr(proof, 1, 20)'), 'edited', 4],
  ['facts split into the attempt', splitFacts, 'edited', 4],
  ['facts changed', `UPDATE events SET facts = replace(facts, 'completed', 'failed') WHERE ${one}`, 'edited', 4],
  ['time changed', `UPDATE events SET time_ms = time_ms + 1 WHERE ${one} AND seq = 3`, 'edited', 3],
  ['time beyond all numbers', `UPDATE events SET time_ms = 9223372036854775807 WHERE ${one} AND seq = 3`, 'edited', 3],
  ['step changed', `UPDATE events SET step_id = zeroblob(16) WHERE ${one} AND seq = 3`, 'edited', 3],
  ['type changed', `UPDATE events SET type = 'log' WHERE ${one} AND seq = 3`, 'edited', 3],
  ['tail deleted', `DELETE FROM events WHERE ${one} AND seq > 18`, 'truncated', 19],
  ['event deleted', `DELETE FROM events WHERE ${one} AND seq = 7`, 'missing', 7],
  ['all events deleted', `DELETE FROM events WHERE ${one}`, 'no-events', null],
  [
    'event appended',
    `INSERT INTO events (run_key, seq, writer_key, n, type, time_ms, payload, proof)
     SELECT run_key, seq + 1, writer_key, n + 1, 'log', time_ms, payload, proof FROM events WHERE ${one} ORDER BY seq DESC LIMIT 1`,
    'edited',
    21,
  ],
  ['writer deleted', 'DELETE FROM writers WHERE run_key = 1', 'edited', 1],
  ['writer renamed', "UPDATE writers SET id = '0000000000000000' WHERE run_key = 1", 'edited', 1],
  ['one node higher up', 'UPDATE nodes SET depth = 1 WHERE depth = 4', 'edited', 8],
  ['nodes further down', 'UPDATE nodes SET depth = depth + 10 WHERE depth > 2', 'edited', 8],
  [
    'context that begins later',
    `UPDATE nodes SET depth = 1 WHERE depth = 2 AND content_key IN
     (SELECT key FROM contents WHERE kind = 'tool')`,
    'edited',
    2,
  ],
  ['node cut off', 'UPDATE nodes SET parent_key = NULL WHERE depth = 3', 'edited', 8],
  ['node deleted', 'DELETE FROM nodes WHERE depth = 2', 'missing', 2],
  [
    'content changed',
    "UPDATE content_bytes SET bytes = x'7b7d' WHERE key = (SELECT content_key FROM content_use WHERE run_key = 1 LIMIT 1)",
    'edited',
    1,
  ],
  ['content salt changed', "UPDATE contents SET salt = zeroblob(16) WHERE kind = 'inputs'", 'edited', 1],
  ['content deleted', "DELETE FROM contents WHERE kind = 'inputs'", 'missing', 1],
  ['seal edited', 'UPDATE seals SET seal = replace(seal, \'"timeMs":1\', \'"timeMs":2\')', 'bad-signature', null],
  ['seal no JSON', "UPDATE seals SET seal = 'x'", 'bad-signature', null],
  ['seal of another shape', 'UPDATE seals SET seal = \'{"writers":7}\'', 'bad-signature', null],
  ['seal given to another run', `UPDATE seals SET run_id = (SELECT id FROM runs WHERE key = 1)`, 'bad-signature', null],
  ['run in another epoch', 'UPDATE runs SET epoch = epoch + 1 WHERE key = 1', 'missing', 1],
];

/** The same for a run whose rows have been packed. */
const packedEdits: readonly (readonly [what: string, edit: Edit, verdict: readonly string[]])[] = [
  ['pack changed', (db) => flip(db, 'event_packs', 'packed'), ['edited', 'no-events']],
  ['proofs changed', (db) => flip(db, 'event_packs', 'proofs'), ['edited']],
  ['proofs cut', 'UPDATE event_packs SET proofs = substr(proofs, 1, length(proofs) - 10)', ['edited']],
  ['proofs as text', "UPDATE event_packs SET proofs = 'text'", ['edited']],
  ['pack deleted', 'DELETE FROM event_packs', ['no-events']],
  ['pack garbage', "UPDATE event_packs SET packed = x'deadbeef'", ['no-events']],
  ['pack as text', "UPDATE event_packs SET packed = 'text'", ['no-events']],
  ['block changed', (db) => flip(db, 'content_blocks', 'packed'), ['edited']],
  ['block deleted', 'DELETE FROM content_blocks', ['edited']],
  ['block as text', "UPDATE content_blocks SET packed = 'text'", ['edited']],
  ['place in the block', 'UPDATE contents SET block_at = block_at + 1 WHERE block_key IS NOT NULL', ['edited']],
  ['size in the block', "UPDATE contents SET size = 'many' WHERE block_key IS NOT NULL", ['edited']],
];

function flip(db: DatabaseSync, table: string, column: string): void {
  for (const row of db.prepare(`SELECT key, ${column} AS bytes FROM ${table}`).all()) {
    const bytes = Buffer.from(row['bytes'] as Uint8Array);
    bytes[bytes.length >> 1]! ^= 1;
    db.prepare(`UPDATE ${table} SET ${column} = ? WHERE key = ?`).run(bytes, row['key']!);
  }
}

const apply = (on: EditedHome, edit: Edit): void =>
  on.edit((db) => (typeof edit === 'string' ? db.exec(edit) : edit(db)));

describe('a store edited by SQL (I6)', () => {
  it.each(edits)('%s', async (_what, edit, verdict, n) => {
    edited = await createEditedHome();
    const runId = edited.runs[0]!.id;
    expect((await edited.home.verify(runId)).intact.verdict).toBe('intact');
    apply(edited, edit);
    const { intact } = await edited.home.verify(runId);
    expect({ verdict: intact.verdict, n: intact.n }).toEqual({ verdict, n });
    // A rebuild of what is left says what is wrong, or does what it can.
    await edited.home.store.rebuildRun('default', runId).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'store-broken' });
    });
  });

  it.each(packedEdits)('packed: %s', async (_what, edit, verdicts) => {
    edited = await createEditedHome({ isPacked: true });
    const runId = edited.runs[0]!.id;
    expect((await edited.home.verify(runId)).intact.verdict).toBe('intact');
    apply(edited, edit);
    expect(verdicts).toContain((await edited.home.verify(runId)).intact.verdict);
    await edited.home.store.rebuildRun('default', runId).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'store-broken' });
    });
  });
});
