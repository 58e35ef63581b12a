import { afterEach, describe, expect, it } from 'vitest';
import { isFoundWanting } from '../../src/cli/commands/verify.ts';
import type { OpenedHome } from '../../src/cli/open.ts';
import { openTachograph } from '../../src/cli/open.ts';
import type { Recorder, RunRecorder } from '../../src/core/record/recording.ts';
import { createRandom } from '../../src/testing/model-cases.ts';
import type { TemporaryHome } from './home.ts';
import { createTemporaryHome } from './home.ts';

/** One home with all that happens to it, and what the test believes of it. */
interface History {
  readonly place: TemporaryHome;
  readonly pick: (below: number) => number;
  home: OpenedHome;
  recorder: Recorder;
  readonly open: RunRecorder[];
  readonly ended: RunRecorder[];
  readonly purged: Set<string>;
}

let history: History | null = null;
afterEach(async () => {
  await history?.home.close();
  await history?.recorder.close();
  history?.place.remove();
  history = null;
});

const shared = Array.from({ length: 4 }, (_unused, index) => ({ role: 'user', content: `shared words ${index}` }));

function startRun(of: History): void {
  const parent = of.open.length > 0 && of.pick(3) === 0 ? of.open[of.pick(of.open.length)]! : null;
  of.open.push(of.recorder.startRun({ agentId: `agent ${of.pick(3)}`, inputs: { word: of.pick(5) }, parent }));
}

function record(of: History, run: RunRecorder): void {
  const choice = of.pick(5);
  const messages = [...shared.slice(0, of.pick(5)), { role: 'user', content: `question ${of.pick(9)}` }];
  if (choice === 0) run.log('note', { word: of.pick(9) });
  else if (choice === 1) run.tool({ name: 'look', args: { index: of.pick(4) } }).succeed({ found: of.pick(4) });
  else {
    const step = run.step({ kind: 'model', model: 'm', messages });
    const body = {
      data: JSON.stringify({ messages, pad: 'x '.repeat(of.pick(900)) }),
      contentType: 'application/json',
    };
    const attempt = step.attempt({ method: 'POST', url: 'https://api.example.com/v1', body });
    if (choice === 2) return;
    attempt.finish({
      status: 'completed',
      responseStatus: 200,
      body: { data: '{"a":1}', contentType: 'application/json' },
    });
    step.finish({
      status: choice === 3 ? 'completed' : 'error',
      response: [{ type: 'text', text: `said ${of.pick(4)}` }],
    });
  }
}

function closeRun(of: History): void {
  const [run] = of.open.splice(of.pick(of.open.length), 1);
  if (run === undefined) return;
  run.close({ endReason: of.pick(2) === 0 ? 'ok' : 'error', output: `out ${of.pick(4)}` });
  of.ended.push(run);
}

async function eraseRun(of: History): Promise<void> {
  const run = of.ended[of.pick(of.ended.length)];
  if (run === undefined || of.purged.has(run.id)) return;
  await of.home.indexer.catchUp();
  const erasing = of.home.indexer.eraseRun('default', run.id);
  // Recorders write on while an erasure waits for them.
  for (const other of [...of.open, run]) record(of, other);
  await erasing;
}

async function purge(of: History): Promise<void> {
  await of.home.indexer.catchUp();
  // Late events of a purged run would begin a record with a hole, so only those go whose recorder is done with them.
  if (of.open.length > 0) return;
  const before = await listIds(of.home);
  await of.home.store.purge({
    projectId: 'default',
    beforeMs: Date.now() + 1,
    limit: 1 + of.pick(3),
    isLive: () => true,
  });
  const after = new Set(await listIds(of.home));
  for (const id of before) if (!after.has(id)) of.purged.add(id);
}

async function replaceRecorder(of: History): Promise<void> {
  if (of.open.length > 0) return;
  await of.recorder.close();
  of.recorder = of.place.recorder();
}

async function listIds(home: OpenedHome): Promise<string[]> {
  return (await home.store.listRuns('default', { includeDryRun: true }, { limit: 500 })).items.map(({ id }) => id);
}

async function reopen(of: History): Promise<void> {
  await of.home.close();
  of.home = await openTachograph({ home: of.place.home });
}

async function verifyAll(of: History): Promise<void> {
  await of.home.indexer.catchUp();
  for (const id of await listIds(of.home)) {
    const verdict = await of.home.verify(id);
    const run = await of.home.store.getRun('default', id);
    expect([id, isFoundWanting(verdict, run), verdict.intact.message]).toEqual([id, false, expect.any(String)]);
    expect(await of.home.store.rebuildRun('default', id)).toEqual([]);
  }
  expect(await of.home.checkSeals()).toBeNull();
  expect(of.home.problems).toEqual([]);
}

async function act(of: History): Promise<void> {
  const choice = of.pick(20);
  const everyone = [...of.open, ...of.ended.filter((run) => !of.purged.has(run.id))];
  if (choice < 3) startRun(of);
  else if (choice < 11 && everyone.length > 0) record(of, everyone[of.pick(everyone.length)]!);
  else if (choice < 14) closeRun(of);
  else if (choice === 14) await eraseRun(of);
  else if (choice === 15) await purge(of);
  else if (choice === 16) await reopen(of);
  else if (choice === 17) await replaceRecorder(of);
  else await of.home.indexer.catchUp();
}

const seeds = Number(process.env['TACHOGRAPH_HISTORIES'] ?? '12');

describe('whatever rightly happens to a home, its records verify (I6)', () => {
  it.each(Array.from({ length: seeds }, (_unused, index) => index + 1))('history %i', async (seed) => {
    const random = createRandom(seed);
    const place = createTemporaryHome();
    history = {
      place,
      pick: (below) => Math.floor(random() * below),
      home: await openTachograph({ home: place.home }),
      recorder: place.recorder(),
      open: [],
      ended: [],
      purged: new Set(),
    };
    for (let index = 0; index < 60; index += 1) {
      await act(history);
      if (index % 20 === 19) await verifyAll(history);
    }
    while (history.open.length > 0) closeRun(history);
    await verifyAll(history);
    for (const id of await listIds(history.home)) expect((await history.home.verify(id)).intact.verdict).toBe('intact');
  });
});
