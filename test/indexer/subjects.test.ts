import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenedHome } from '../../src/cli/open.ts';
import { openTachograph } from '../../src/cli/open.ts';
import type { Recorder, RunRecorder, RunStart } from '../../src/core/record/recording.ts';
import { verifyStoredRun } from '../../src/core/verify/verify.ts';
import { copyAside, listJournals, readJournal } from '../../src/journal/index.ts';
import { tachograph } from '../end-to-end/command.ts';
import type { TemporaryHome } from './home.ts';
import { createTemporaryHome } from './home.ts';
import { placesOfWord } from './words.ts';

let place: TemporaryHome;
let recorder: Recorder;
let opened: OpenedHome[] = [];
beforeEach(() => {
  place = createTemporaryHome();
  recorder = place.recorder();
});
afterEach(async () => {
  await recorder.close();
  for (const home of opened) await home.close();
  opened = [];
  place.remove();
});

async function open(): Promise<OpenedHome> {
  const home = await openTachograph({ home: place.home });
  opened.push(home);
  await home.indexer.catchUp();
  return home;
}

const filler = 'and so on and on '.repeat(40);

/** Records a run in whose every corner the word stands. */
function record(word: string, start: Partial<RunStart>, turns: readonly { tip?: string; answer?: string }[] = [{}]) {
  const run = recorder.startRun({ agentId: 'agent', name: `${word} name`, inputs: { word }, ...start });
  const messages: object[] = [{ role: 'system', content: 'You help.' }];
  for (const { tip, answer } of turns) {
    const own = tip === undefined ? word : `${word}${tip}`;
    messages.push({ role: 'user', content: `${own} question ${filler}` });
    const step = run.step({
      kind: 'model',
      model: 'm',
      messages,
      ...(tip === undefined ? {} : { historyTipMessageId: tip }),
    });
    step
      .attempt({ method: 'POST', url: 'https://api.test/v1', body: { data: `${own} body`, contentType: 'text/plain' } })
      .finish({ status: 'completed', responseStatus: 200, body: { data: `${own} said`, contentType: 'text/plain' } });
    step.finish({
      status: 'completed',
      response: [{ type: 'text', text: `${own} answer ${filler}` }],
      ...(answer === undefined ? {} : { assistantMessageId: answer }),
    });
    run.tool({ name: 'look', args: { own }, parentStepId: step.id }).succeed({ found: `${own} found` });
    messages.push({ role: 'assistant', content: `${own} answer ${filler}` });
  }
  run.log('note', { word });
  return run;
}

const end = (run: RunRecorder, word: string): void => run.close({ endReason: 'ok', output: `${word} output` });

async function waitUntilPacked(home: OpenedHome): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 800));
  await home.store.changeCount();
}

const verdicts = async (home: OpenedHome, runs: readonly RunRecorder[]): Promise<string[]> =>
  Promise.all(runs.map(async (run) => (await home.verify(run.id)).intact.verdict));

describe('erasing whose words they are', () => {
  it('by caller: every run and what it started, packs, indexes, journals and quarantine, and nobody else', async () => {
    const mine = ['quince', 'medlar'].map((word) => {
      const run = record(word, { callerId: 'caller-x' });
      run.within(() => end(record(`${word}child`, {}), `${word}child`));
      end(run, word);
      return run;
    });
    const other = record('damson', { callerId: 'caller-y' });
    end(other, 'damson');
    const home = await open();
    await waitUntilPacked(home);
    // A copy aside of what could once not be imported, as it stood in the journal.
    const [journal] = listJournals(place.home);
    const { places } = readJournal(journal!.file, 0);
    copyAside(journal!.file, places[1]!, 'a try');
    expect(placesOfWord(place.home, 'quince')).not.toEqual([]);
    expect(placesOfWord(place.home, 'quince').some((file) => file.includes('quarantine'))).toBe(true);

    const told: string[] = [];
    const result = await home.indexer.eraseSubject(
      'default',
      { kind: 'caller', callerId: 'caller-x' },
      (done, total) => void told.push(`${done}/${total}`),
    );
    expect(result).toMatchObject({ runs: 4, openRunIds: [] });
    expect(told).toEqual(['4/4']);
    for (const word of ['quince', 'medlar', 'quincechild', 'medlarchild', 'caller-x'])
      expect([word, placesOfWord(place.home, word)]).toEqual([word, []]);
    expect(placesOfWord(place.home, 'damson')).not.toEqual([]);
    expect(await home.store.countRuns('default', { callerId: 'caller-x' })).toBe(0);
    expect(await home.store.countRuns('default', { callerId: 'caller-y' })).toBe(1);
    expect(await verdicts(home, [...mine, other])).toEqual(['intact', 'intact', 'intact']);
    // Shared with the other caller: the system prompt.
    expect(result.shared).toBeGreaterThan(0);
    const tombstones = (await home.store.listEvents('default', mine[0]!.id)).filter(
      ({ header }) => header.type === 'content-erase',
    );
    expect(tombstones.map(({ header }) => JSON.parse(header.facts!) as unknown)).toEqual([
      expect.objectContaining({ scope: 'caller' }),
    ]);
  });

  it('by session: whole, dry runs too, and names runs that are still open', async () => {
    end(record('bullace', { sessionId: 's1', dryRun: true }), 'bullace');
    const running = record('sloe', { sessionId: 's1' });
    end(record('rowan', { sessionId: 's2' }), 'rowan');
    const home = await open();
    const subject = { kind: 'session', sessionId: 's1' } as const;
    expect(await home.indexer.eraseSubject('default', subject)).toMatchObject({ runs: 1, openRunIds: [running.id] });
    expect(placesOfWord(place.home, 'bullace')).toEqual([]);
    expect(placesOfWord(place.home, 'sloe')).not.toEqual([]);
    end(running, 'sloe');
    expect(await home.indexer.eraseSubject('default', subject)).toMatchObject({ runs: 1, openRunIds: [] });
    expect(placesOfWord(place.home, 'sloe')).toEqual([]);
    expect(placesOfWord(place.home, 'rowan')).not.toEqual([]);
    expect(await home.indexer.eraseSubject('default', subject)).toMatchObject({ runs: 0, events: 0 });
  });

  it('after an erasure that a later purge left entries of, in the journal of a process that lives', async () => {
    const first = record('hawthorn', { callerId: 'a' });
    end(first, 'hawthorn');
    const second = recorder.startRun({ agentId: 'agent', callerId: 'b' });
    second
      .step({
        kind: 'model',
        messages: [
          { role: 'system', content: 'You help.' },
          { role: 'user', content: `hawthorn question ${filler}` },
        ],
      })
      .finish({ status: 'completed' });
    second.close({ endReason: 'ok' });
    const home = await open();
    await home.store.putAnnotation('default', {
      id: 'pin',
      runId: second.id,
      stepId: null,
      kind: 'pin',
      name: null,
      value: null,
      author: null,
      createdAtMs: 1,
      updatedAtMs: 1,
    });
    expect(await home.store.purge({ projectId: 'default', beforeMs: Date.now() + 1000, limit: 10 })).toBe(1);
    await home.indexer.eraseRun('default', second.id);
    const raw = readFileSync(listJournals(place.home)[0]!.file);
    expect(raw.includes('hawthorn question')).toBe(false);
  });
});

describe('deletion by message', () => {
  const turns = [
    { tip: '9', answer: '10' },
    { tip: '11', answer: '12' },
  ];
  const before = { startedBeforeMs: Number.MAX_SAFE_INTEGER } as const;

  it('takes what comes strictly after, leaves what names no message and other sessions', async () => {
    const early = record('apricot', { sessionId: 's', triggerMessageId: '9', historyTipMessageId: '9' }, turns);
    end(early, 'apricot');
    const late = record('cherry', { sessionId: 's', triggerMessageId: '13' });
    end(late, 'cherry');
    const silent = record('plum', { sessionId: 's' });
    end(silent, 'plum');
    const other = record('peach', { sessionId: 'other', triggerMessageId: '99' });
    end(other, 'peach');
    const home = await open();
    await waitUntilPacked(home);
    const steps = await home.store.listSteps('default', early.id);
    const subject = { kind: 'message', sessionId: 's', messageId: '10', ...before } as const;
    const result = await home.indexer.eraseSubject('default', subject);
    expect(result).toMatchObject({ runs: 2, openRunIds: [] });
    expect(placesOfWord(place.home, 'cherry')).toEqual([]);
    expect(placesOfWord(place.home, 'apricot11')).toEqual([]);
    for (const word of ['apricot9', 'plum', 'peach']) expect(placesOfWord(place.home, word)).not.toEqual([]);
    // The run's own last words came after: they may repeat what went.
    expect(await home.store.search('default', '"apricot output"')).toEqual([]);
    const after = await home.store.listSteps('default', early.id);
    expect(after.map(({ erased }) => erased)).toEqual([false, false, true, true]);
    expect(after.slice(0, 2)).toEqual(steps.slice(0, 2));
    expect(after.map(({ status, usage }) => [status, usage])).toEqual(
      steps.map(({ status, usage }) => [status, usage]),
    );
    expect(await home.store.getRun('default', early.id)).toMatchObject({ name: 'apricot name', status: 'completed' });
    expect(await verdicts(home, [early, late, silent, other])).toEqual(['intact', 'intact', 'intact', 'intact']);
    expect(await home.store.rebuildRun('default', early.id)).toEqual([]);
    expect(await home.indexer.eraseSubject('default', subject)).toMatchObject({ runs: 0 });
  });

  it('leaves runs that have only just begun, unless told otherwise', async () => {
    const run = record('cherry', { sessionId: 's', triggerMessageId: '13' });
    end(run, 'cherry');
    const home = await open();
    const subject = { kind: 'message', sessionId: 's', messageId: '10', startedBeforeMs: null } as const;
    expect(await home.indexer.eraseSubject('default', subject)).toMatchObject({ runs: 0 });
    expect(placesOfWord(place.home, 'cherry')).not.toEqual([]);
  });

  it('finds the session that knows the message, and asks when several do', async () => {
    end(record('apricot', { sessionId: 's' }, turns), 'apricot');
    end(record('plum', { sessionId: 't', triggerMessageId: '77' }), 'plum');
    const home = await open();
    const erase = (messageId: string) =>
      home.indexer.eraseSubject('default', { kind: 'message', sessionId: null, messageId, ...before });
    await expect(erase('500')).rejects.toMatchObject({ code: 'run-not-found' });
    expect(await erase('10')).toMatchObject({ runs: 1 });
    expect(placesOfWord(place.home, 'apricot11')).toEqual([]);
    end(record('fig', { sessionId: 'u', triggerMessageId: '77' }), 'fig');
    await home.indexer.catchUp();
    await expect(erase('77')).rejects.toMatchObject({ code: 'bad-argument' });
  });
});

it('a word that a stranger takes behind a partial erasure shows (I6)', async () => {
  const run = record('apricot', { sessionId: 's' }, [{ tip: '1' }, { tip: '3' }, { tip: '5' }]);
  end(run, 'apricot');
  const home = await open();
  const erase = (messageId: string) =>
    home.indexer.eraseSubject('default', {
      kind: 'message',
      sessionId: 's',
      messageId,
      startedBeforeMs: Number.MAX_SAFE_INTEGER,
    });
  const verdict = async (): Promise<string> => (await home.verify(run.id)).intact.verdict;
  await erase('4');
  expect(await verdict()).toBe('intact');
  await erase('2');
  expect(await verdict()).toBe('intact');
  await waitUntilPacked(home);
  const seals = await home.store.listSeals('default', run.id);
  expect(seals.some(({ writers }) => writers.some(({ spared }) => spared !== undefined && spared.length > 0))).toBe(
    true,
  );
  const kept = (await home.store.listEvents('default', run.id)).filter(({ payload }) => payload !== null);
  expect(kept.length).toBeGreaterThan(5);
  // What is there for good is bound: the same record with one more event without words is none of ours.
  const [first] = kept;
  const forged = {
    ...home.store,
    listEvents: async (...args: Parameters<typeof home.store.listEvents>) =>
      (await home.store.listEvents(...args)).map((event) =>
        event.seq === first!.seq ? { ...event, payload: null, salt: null } : event,
      ),
  };
  const found = await verifyStoredRun(
    forged,
    { projectId: 'default', runId: run.id },
    { publicKey: home.trustedKey('default'), head: null },
  );
  expect(found.intact).toMatchObject({ verdict: 'edited', n: first!.header.n });
  // A run file carries it along.
  const file = join(place.home, 'run.tgr');
  expect((await tachograph(place.home, 'export', run.id, '-o', file)).status).toBe(0);
  const judged = await tachograph(place.home, 'verify', file, '--json');
  expect([judged.status, judged.out]).toEqual([0, expect.stringContaining('"intact"')]);
});

describe('tachograph erase', () => {
  it('by caller, with JSON, a clean pipe and a clear refusal', async () => {
    end(record('quince', { callerId: 'x' }), 'quince');
    expect((await tachograph(place.home, 'erase', '--caller', 'x')).err).toMatch(/--yes.*\[bad-argument\]/);
    expect((await tachograph(place.home, 'erase')).status).toBe(2);
    expect((await tachograph(place.home, 'erase', 'last', '--session', 's', '--yes')).status).toBe(2);
    expect((await tachograph(place.home, 'erase', '--session', 's', '--started-before', '1h', '--yes')).status).toBe(2);
    const result = await tachograph(place.home, 'erase', '--caller', 'x', '--yes', '--json');
    expect([result.status, result.err]).toEqual([0, '']);
    expect(JSON.parse(result.out)).toMatchObject({ subject: { kind: 'caller' }, runs: 1, openRunIds: [] });
    expect(placesOfWord(place.home, 'quince')).toEqual([]);
    expect((await tachograph(place.home, 'verify', '--all')).status).toBe(0);
  }, 30_000);

  it('says which runs are still open, with exit status 1', async () => {
    const run = record('quince', { sessionId: 's' });
    const { status, out } = await tachograph(place.home, 'erase', '--session', 's', '--yes');
    expect([status, out]).toEqual([1, expect.stringContaining(run.id)]);
  }, 30_000);
});
