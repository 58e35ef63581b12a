// A program that records to a server and keeps a ledger of its own: a run is in it once the recording call returned.
//   shipping-worker.ts <home> <url> <ledger file> <buffered: 0 or 1> [pause in ms]
import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import process from 'node:process';
import { createIdSource } from '../../src/core/id.ts';
import { createRecorder } from '../../src/core/record/recorder.ts';
import { createOutboxJournal } from '../../src/journal/index.ts';

const [home, url, ledger, buffered, pauseMs = '2'] = process.argv.slice(2) as [string, string, string, string, string?];
const writerId = randomBytes(8).toString('hex');
// A write that takes longer than its bound goes on in memory, which the record says in an event more: on a busy machine the
// ledger would promise what no recorder does.
const limits = { writeMs: 10_000 };
const isBuffered = buffered === '1';
const { journal } = createOutboxJournal({ home, projectId: 'default', writerId, url, buffered: isBuffered, limits });
const recorder = createRecorder({ journal, ids: createIdSource(), writerId });
for (let count = 0; ; count += 1) {
  const run = recorder.startRun({ agentId: 'shipped' });
  run.log('said', { count, words: 'x'.repeat(count % 3000) });
  run.close({ endReason: 'ok' });
  appendFileSync(ledger, `${run.id}\n`);
  await new Promise((resolve) => setTimeout(resolve, Number(pauseMs)));
}
