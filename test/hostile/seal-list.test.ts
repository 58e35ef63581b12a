import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainEvent, zeroHash } from '../../src/core/record/chain.ts';
import type { RecordedEvent } from '../../src/core/record/event.ts';
import { createForgedEntry } from './forged-entry.ts';
import { tachograph } from '../end-to-end/command.ts';
import type { EditedHome } from './edited-home.ts';
import { createEditedHome, recordRun } from './edited-home.ts';

let edited: EditedHome;
beforeEach(async () => {
  edited = await createEditedHome();
});
afterEach(() => edited.close());

const idOf = (index: number): string => edited.runs[index]!.id;
const keyFile = (name: string): string => join(edited.place.home, 'keys', name);

/** What the command line says of the whole project, in a process of its own. */
async function verifyAll(): Promise<{ status: number | null; wanting: number; sealChain: string }> {
  await edited.home.indexer.catchUp();
  const { status, out } = await tachograph(edited.place.home, 'verify', '--all', '--json');
  const answer = JSON.parse(out) as { wanting: unknown[]; sealChain: { verdict: string } };
  return { status, wanting: answer.wanting.length, sealChain: answer.sealChain.verdict };
}

/** Computes a run's chain anew over changed payloads, as anybody can: it takes no key. */
function rewriteChain(runKey: number): void {
  edited.edit((db) => {
    const rows = db.prepare('SELECT * FROM events WHERE run_key = ? ORDER BY seq').all(runKey);
    const runId = db.prepare('SELECT id FROM runs WHERE key = ?').get(runKey)!['id'] as string;
    const writerId = db.prepare('SELECT id FROM writers WHERE run_key = ?').get(runKey)!['id'] as string;
    let previous: Uint8Array = zeroHash;
    for (const row of rows) {
      const bytes = row['step_id'] === null ? null : Buffer.from(row['step_id'] as Uint8Array).toString('hex');
      const header = {
        runId,
        writerId,
        n: row['n'] as number,
        type: row['type'] as RecordedEvent['header']['type'],
        timeMs: row['time_ms'] as number,
        stepId: bytes === null ? null : bytes.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
        attempt: row['attempt'] as number | null,
        facts: row['facts'] as string | null,
      };
      const payload = (row['payload'] as string).replace('look', 'loot');
      const salt = (row['proof'] as Uint8Array).subarray(64);
      const event = chainEvent({ header, payload, salt, previous });
      previous = event.hash;
      const proof = Buffer.concat([event.digest, event.hash, salt]);
      db.prepare('UPDATE events SET payload = ?, proof = ? WHERE key = ?').run(payload, proof, row['key']!);
    }
    db.prepare('UPDATE writers SET hash = ? WHERE run_key = ?').run(previous, runKey);
  });
}

describe('the list of seals (I6)', () => {
  it('is whole, and says so', async () => {
    expect(await verifyAll()).toEqual({ status: 0, wanting: 0, sealChain: 'intact' });
    const one = await tachograph(edited.place.home, 'verify', idOf(0));
    expect([one.status, one.out]).toEqual([0, expect.stringContaining('intact, complete')]);
    expect(statSync(keyFile('default.head')).mode & 0o777).toBe(0o600);
  });

  it('shortened by its last seal, with or without the tail of the run', async () => {
    edited.edit((db) => db.exec('DELETE FROM seals WHERE number = 3'));
    expect((await edited.home.verify(idOf(2))).intact.verdict).toBe('missing');
    expect(await verifyAll()).toMatchObject({ status: 1, sealChain: 'missing' });
    edited.edit((db) => db.exec('DELETE FROM events WHERE run_key = 3 AND seq > 15'));
    edited.edit((db) => db.exec("UPDATE runs SET status = 'running', end_reason = NULL WHERE key = 3"));
    expect((await tachograph(edited.place.home, 'verify', idOf(2))).status).toBe(1);
  });

  it('emptied, also after the indexer has sealed on', async () => {
    edited.edit((db) => db.exec('DELETE FROM seals'));
    expect(await verifyAll()).toMatchObject({ status: 1, wanting: 3, sealChain: 'missing' });
    recordRun(edited.recorder, 'four');
    expect(await verifyAll()).toMatchObject({ status: 1, wanting: 4, sealChain: 'missing' });
  });

  it('robbed of a seal whose run is then rewritten and put up for sealing again', async () => {
    rewriteChain(3);
    expect((await edited.home.verify(idOf(2))).intact.verdict).toBe('edited');
    edited.edit((db) => db.exec('DELETE FROM seals WHERE number = 3; INSERT INTO sealing VALUES (3)'));
    await edited.home.indexer.catchUp();
    // Its hashes add up again, and it has a seal again. The one that was taken is what tells.
    expect((await edited.home.verify(idOf(2))).intact.verdict).toBe('missing');
    expect(await verifyAll()).toMatchObject({ status: 1, sealChain: 'missing' });
  });

  it('with a rewritten run: a late event is sealed behind what was sealed, never behind what is there now', async () => {
    rewriteChain(1);
    const [before] = await edited.home.store.listSeals('default', idOf(0));
    edited.runs[0]!.log('late', {});
    await edited.home.indexer.catchUp();
    expect(await edited.home.store.listSeals('default', idOf(0))).toHaveLength(2);
    expect((await edited.home.verify(idOf(0))).intact).toMatchObject({
      verdict: 'edited',
      n: before!.writers[0]!.count,
    });
  });

  it('with a rewritten run or a forged seal: no further seal is made over it, and the operator is told', async () => {
    rewriteChain(1);
    edited.edit((db) => db.exec('UPDATE writers SET n = 999 WHERE run_key = 1; INSERT INTO sealing VALUES (1)'));
    edited.edit((db) =>
      db.exec(
        'UPDATE seals SET seal = replace(seal, \'"count":20\', \'"count":19\') WHERE number = 2; INSERT INTO sealing VALUES (2)',
      ),
    );
    await edited.home.indexer.catchUp();
    expect(await edited.home.store.listSeals('default')).toHaveLength(3);
    const told = edited.home.problems.map(({ file }) => file);
    expect(told).toEqual([`run ${idOf(0)}`, `run ${idOf(1)}`]);
    expect(await edited.home.store.listSealDue(10)).toEqual([]);
    expect((await edited.home.verify(idOf(0))).intact.verdict).toBe('edited');
    expect((await edited.home.verify(idOf(1))).intact.verdict).toBe('bad-signature');
  });

  it('signs heads of events, whatever the rows of writers say', async () => {
    for (const change of ['hash = zeroblob(32)', 'n = 3', 'n = 999']) {
      edited.edit((db) =>
        db.exec(
          `UPDATE writers SET ${change} WHERE run_key = 1; INSERT INTO sealing VALUES (1) ON CONFLICT DO NOTHING`,
        ),
      );
      await edited.home.indexer.catchUp();
      expect((await edited.home.verify(idOf(0))).intact.verdict).toBe('intact');
      expect(await edited.home.store.listSealDue(10)).toEqual([]);
    }
    expect(await verifyAll()).toEqual({ status: 0, wanting: 0, sealChain: 'intact' });
  });

  it('with a filler, a copy or garbage in the place of a seal', async () => {
    const fillers = [
      'UPDATE seals SET seal = (SELECT seal FROM seals WHERE number = 1) WHERE number = 3',
      "UPDATE seals SET seal = '{}' WHERE number = 2",
      'UPDATE seals SET seal = replace(seal, \'"timeMs":1\', \'"timeMs":2\') WHERE number = 2',
      'INSERT INTO seals SELECT project_key, 4, run_id, seal FROM seals WHERE number = 1',
    ];
    for (const filler of fillers) {
      edited.edit((db) => db.exec(`CREATE TABLE kept AS SELECT * FROM seals; ${filler}`));
      expect(await edited.home.checkSeals()).not.toBeNull();
      edited.edit((db) => db.exec('DELETE FROM seals; INSERT INTO seals SELECT * FROM kept; DROP TABLE kept'));
      expect(await edited.home.checkSeals()).toBeNull();
    }
  });

  it('put back to an earlier state together with the whole store', async () => {
    edited.edit((db) => db.exec('PRAGMA wal_checkpoint(TRUNCATE)'));
    const file = join(edited.place.home, 'tachograph.db');
    await edited.home.close();
    const backup = readFileSync(file);
    await edited.reopen();
    recordRun(edited.recorder, 'four');
    await edited.home.indexer.catchUp();
    await edited.home.close();
    for (const end of ['-wal', '-shm']) rmSync(file + end, { force: true });
    writeFileSync(file, backup);
    await edited.reopen();
    expect(await verifyAll()).toMatchObject({ status: 1, sealChain: 'missing' });
  });

  it('whose head cannot be read: a clear error, and recording is sealed on', async () => {
    writeFileSync(keyFile('default.head'), 'scribble');
    const run = recordRun(edited.recorder, 'four');
    await edited.home.indexer.catchUp();
    expect(await edited.home.store.listSeals('default', run.id)).toHaveLength(1);
    await expect(edited.home.verify(run.id)).rejects.toMatchObject({ code: 'key-broken' });
    const { status, err } = await tachograph(edited.place.home, 'verify', '--all');
    expect([status, err]).toEqual([1, expect.stringContaining('default.head')]);
  });

  it('is not fooled by an erasure that somebody else writes into the record', async () => {
    // The journal takes what any recorder writes; only the key can say that words were erased.
    await edited.home.store.importBatch({
      projectId: 'default',
      position: null,
      entries: [createForgedEntry(idOf(0), 'content-erase', { scope: 'run', events: 20, contents: 9, shared: 0 })],
    });
    await edited.home.indexer.catchUp();
    expect((await edited.home.verify(idOf(0))).intact.verdict).toBe('intact');
    edited.edit((db) => db.exec('UPDATE events SET payload = NULL, proof = substr(proof, 1, 64) WHERE run_key = 1'));
    expect((await edited.home.verify(idOf(0))).intact).toMatchObject({ verdict: 'edited', n: 1 });
  });

  it('calls a run wanting that has ended and is not sealed, though nothing else is left to do', async () => {
    const run = recordRun(edited.recorder, 'four');
    await edited.home.indexer.catchUp();
    edited.edit((db) => db.exec('DELETE FROM seals WHERE number = 4'));
    rmSync(keyFile('default.head'));
    const { status, out } = await tachograph(edited.place.home, 'verify', run.id);
    expect([status, out]).toEqual([1, expect.stringContaining('should have been sealed')]);
    expect(await verifyAll()).toMatchObject({ status: 1, wanting: 1 });
  });

  it('leaves a run alone that goes on', async () => {
    const run = edited.recorder.startRun({ agentId: 'open' });
    expect(await verifyAll()).toEqual({ status: 0, wanting: 0, sealChain: 'intact' });
    expect((await tachograph(edited.place.home, 'verify', run.id)).status).toBe(0);
    run.close({ endReason: 'ok' });
  });
});
