import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { OpenedHome } from '../../src/cli/open.ts';
import { openTachograph } from '../../src/cli/open.ts';
import type { Recorder, RunRecorder } from '../../src/core/record/recording.ts';
import type { TemporaryHome } from '../indexer/home.ts';
import { createTemporaryHome } from '../indexer/home.ts';

/** A home with sealed runs whose database a stranger can edit. */
export interface EditedHome {
  readonly place: TemporaryHome;
  readonly recorder: Recorder;
  readonly runs: readonly RunRecorder[];
  home: OpenedHome;
  /** Edits the database file by SQL, as anybody can who may write to it. */
  edit(work: (db: DatabaseSync) => void): void;
  reopen(): Promise<OpenedHome>;
  close(): Promise<void>;
}

const words = 'lorem ipsum dolor sit amet '.repeat(20);

const tools = [{ name: 'look' }, { name: 'listen' }];

/** Records one run with contexts, bodies and tools, and ends it. */
export function recordRun(recorder: Recorder, word: string): RunRecorder {
  const run = recorder.startRun({ agentId: 'agent', name: word, inputs: { word } });
  const messages: object[] = [
    { role: 'system', content: 'You help.' },
    { role: 'user', content: `please ${word}` },
  ];
  for (let index = 0; index < 3; index += 1) {
    const step = run.step({ kind: 'model', operation: 'generate', model: 'm', messages, tools });
    const body = JSON.stringify({ messages: [...messages, { role: 'user', content: words }] });
    step
      .attempt({
        method: 'POST',
        url: 'https://api.example.com/v1',
        body: { data: body, contentType: 'application/json' },
      })
      .finish({
        status: 'completed',
        responseStatus: 200,
        body: { data: `{"said":${index}}`, contentType: 'application/json' },
      });
    step.finish({ status: 'completed', response: [{ type: 'text', text: `answer ${index} ${word}` }] });
    run.tool({ name: 'look', args: { index } }).succeed({ found: `${word} ${words}` });
    messages.push(
      { role: 'assistant', content: `answer ${index} ${word}` },
      { role: 'user', content: `more ${index}` },
    );
  }
  run.close({ endReason: 'ok', output: `done ${word}` });
  return run;
}

/** A home with three sealed runs; `isPacked` waits until the rows of ended runs have been packed. */
export async function createEditedHome({ isPacked = false } = {}): Promise<EditedHome> {
  const place = createTemporaryHome();
  const recorder = place.recorder();
  const runs = ['one', 'two', 'three'].map((word) => recordRun(recorder, word));
  const open = (): Promise<OpenedHome> => openTachograph({ home: place.home });
  const file = join(place.home, 'tachograph.db');
  const edited: EditedHome = {
    place,
    recorder,
    runs,
    home: await open(),
    edit(work) {
      const db = new DatabaseSync(file);
      try {
        work(db);
      } finally {
        db.close();
      }
    },
    async reopen() {
      await edited.home.close();
      edited.home = await open();
      return edited.home;
    },
    async close() {
      await edited.home.close();
      await recorder.close();
      place.remove();
    },
  };
  await edited.home.indexer.catchUp();
  for (let isWaiting = isPacked; isWaiting;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    edited.edit((db) => (isWaiting = db.prepare('SELECT 1 FROM packing').get() !== undefined));
  }
  return edited;
}
