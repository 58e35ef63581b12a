import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { createIdSource } from '../../src/core/id.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import { createRecorder } from '../../src/core/record/recorder.ts';
import type { Recorder, RunRecorder } from '../../src/core/record/recording.ts';
import { createOutboxJournal } from '../../src/journal/index.ts';
import type { RunDetail, SearchPage, WireVerdict } from '../../src/server/wire.ts';
import { filesWith } from '../indexer/home.ts';
import { onPostgres } from '../postgres/cluster.ts';
import type { TeamServer } from './team-server.ts';
import { startServer, until } from './team-server.ts';

// Two servers on one database. Words are erased through one while their recorder sends through the other.

type Fetch = typeof globalThis.fetch;

describe('an erasure through another server than the one that records are sent to', () => {
  const { cluster, it } = onPostgres();
  let folder: string;
  const servers: TeamServer[] = [];
  const recorders: Recorder[] = [];
  /** Erases; takes records. */
  let [eraser, taker] = ['', ''];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tachograph-team-erasure-'));
    const database = (await cluster()?.createDatabase())?.url;
    if (database === undefined) return;
    for (const name of ['eraser', 'taker']) servers.push(startServer({ home: join(folder, name), database }));
    [eraser, taker] = (await Promise.all(servers.map(({ url }) => url))) as [string, string];
  });
  afterEach(async () => {
    for (const recorder of recorders.splice(0)) await recorder.close();
    for (const server of servers.splice(0)) {
      server.child.kill('SIGTERM');
      await server.ended();
    }
    rmSync(folder, { recursive: true, force: true });
  });

  function openRecorder(fetch: Fetch = globalThis.fetch): Recorder {
    const writerId = randomBytes(8).toString('hex');
    const place = { home: join(folder, 'agent'), projectId: 'default', writerId, url: taker };
    // A write that a busy machine takes long for would put an event of its own into the record, and events are counted here.
    const limits = { ...defaultLimits, writeMs: 10_000 };
    const { journal } = createOutboxJournal({ ...place, limits, fetch });
    const contentKey = Buffer.alloc(32, 7);
    const recorder = createRecorder({ journal, ids: createIdSource(), writerId, contentKey });
    recorders.push(recorder);
    return recorder;
  }

  const read = async <T>(url: string, path: string): Promise<T> => (await (await fetch(`${url}${path}`)).json()) as T;
  const send = async (recorder: Recorder): Promise<void> =>
    expect(await recorder.flush({ to: 'server', timeoutMs: 20_000 })).toMatchObject({ state: 'server', lost: 0 });
  const seal = (runId: string): Promise<WireVerdict> =>
    until(
      () => read<WireVerdict>(eraser, `/api/v1/runs/${runId}/verify`),
      ({ intact }) => intact !== undefined && intact.verdict !== 'unsealed',
    );
  const countHits = async (word: string): Promise<number> =>
    (await read<SearchPage>(eraser, `/api/v1/search?q=${word}`)).items.length;
  const hasWords = async (runId: string, word: string): Promise<boolean> => {
    const path = `/api/v1/runs/${runId}`;
    const texts = [`${path}/events?limit=100`, `${path}/steps/1/context`].map(async (each) =>
      (await fetch(`${taker}${each}`)).text(),
    );
    return (await Promise.all(texts)).some((text) => text.includes(word));
  };

  /** One call with these words in what the model saw. */
  function record(recorder: Recorder, words: string): RunRecorder {
    const run = recorder.startRun({ agentId: 'agent' });
    const step = run.step({
      kind: 'model',
      operation: 'generate',
      messages: [{ role: 'user', content: words }],
    });
    step.finish({ status: 'completed', response: { text: 'well' } });
    run.close({ endReason: 'ok' });
    return run;
  }

  async function erase(runId: string): Promise<void> {
    const response = await fetch(`${eraser}/api/v1/runs/${runId}/erase`, {
      method: 'POST',
      headers: { origin: eraser },
    });
    expect(response.status).toBe(200);
  }

  /** Whether the words of an erased run are there for a later one that says them again, once the recorder was told. */
  async function bringsAgain(fetch: Fetch): Promise<boolean> {
    const recorder = openRecorder(fetch);
    const first = record(recorder, 'quicksilver');
    await send(recorder);
    await seal(first.id);
    await erase(first.id);
    record(recorder, 'something else');
    await send(recorder);
    // A recorder looks at its outbox's generation ten times a second.
    await new Promise((resolve) => setTimeout(resolve, 200));
    const again = record(recorder, 'quicksilver');
    await send(recorder);
    await seal(again.id);
    expect(await hasWords(first.id, 'quicksilver')).toBe(false);
    return hasWords(again.id, 'quicksilver');
  }

  it('is known to the recorder, which brings again what it says again', async () => {
    expect(await bringsAgain(globalThis.fetch)).toBe(true);
  });

  it('is not known to a recorder that is always told the same: the check can fail', async () => {
    const deaf: Fetch = async (input, init) => {
      const answer = (await (await fetch(input, init)).json()) as object;
      return Response.json({ ...answer, generation: 1 });
    };
    expect(await bringsAgain(deaf)).toBe(false);
  });

  it('leaves no word in the journals of the server that took them', async () => {
    const recorder = openRecorder();
    const run = record(recorder, 'quicksilver');
    const other = record(recorder, 'nightingale');
    await send(recorder);
    for (const { id } of [run, other]) await seal(id);
    const wordsIn = (word: string): string[] => filesWith(join(folder, 'taker'), word);
    expect([wordsIn('quicksilver').length, wordsIn('nightingale').length]).toEqual([1, 1]);
    await erase(run.id);
    expect(
      await until(
        () => wordsIn('quicksilver'),
        ({ length }) => length === 0,
      ),
    ).toEqual([]);
    expect(wordsIn('nightingale')).toHaveLength(1);
    expect((await seal(run.id)).intact).toMatchObject({ verdict: 'intact' });
  });

  it('takes what its recorder had captured before and sends afterwards, and nothing that came later', async () => {
    let isCut = false;
    const recorder = openRecorder((input, init) => (isCut ? Promise.reject(new Error('cut')) : fetch(input, init)));
    const [before, after] = [record(recorder, 'one'), record(recorder, 'two')];
    await send(recorder);
    for (const { id } of [before, after]) await seal(id);
    isCut = true;
    before.log('late', { words: 'quicksilver' });
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (const { id } of [before, after]) await erase(id);
    after.log('late', { words: 'nightingale' });
    isCut = false;
    await send(recorder);
    const countEvents = async ({ id }: RunRecorder): Promise<number> =>
      (await read<RunDetail>(taker, `/api/v1/runs/${id}`)).run.lastSeq;
    // Four events, a tombstone and what came late; of one of them another tombstone, or two when both servers were at it.
    const [erased, kept] = await until(
      async () => [await countEvents(before), await countEvents(after)],
      (found) => found[0]! >= 7 && found[1] === 6,
    );
    expect([erased! >= 7, kept]).toEqual([true, 6]);
    for (const { id } of [before, after]) expect((await seal(id)).intact.verdict).toBe('intact');
    expect([await hasWords(before.id, 'quicksilver'), await countHits('quicksilver')]).toEqual([false, 0]);
    // Words of the same kind that were said after the erasure stay: the check can fail.
    expect(await hasWords(after.id, 'nightingale')).toBe(true);
    for (const home of ['eraser', 'taker']) {
      const found = await until(
        () => filesWith(join(folder, home), 'quicksilver'),
        ({ length }) => length === 0,
      );
      expect([home, found]).toEqual([home, []]);
    }
  });
});
