// A program without a disk that records to a server and says after each hundred events how many there were. It ends its run
// when its standard input ends.
//   sink-worker.ts <url> <bounded | hoarding | silent>
// The negative controls: `hoarding` keeps in memory whatever waits; `silent` tells nobody what it lost.
import { randomBytes } from 'node:crypto';
import process from 'node:process';
import { createIdSource } from '../../src/core/id.ts';
import { createRecorder } from '../../src/core/record/recorder.ts';
import { createSink } from '../../src/journal/index.ts';

const [url, kind] = process.argv.slice(2) as [string, 'bounded' | 'hoarding' | 'silent'];
const backlogBytesMax = kind === 'hoarding' ? Number.MAX_SAFE_INTEGER : 8 * 1024 * 1024;
const writerId = randomBytes(8).toString('hex');
const sink = createSink({ url, writerId, limits: { backlogBytesMax } });
const journal = kind === 'silent' ? { ...sink, takeLoss: () => null } : sink;
const recorder = createRecorder({ journal, ids: createIdSource(), writerId });
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

let isOver = false;
process.stdin.on('end', () => (isOver = true)).resume();
const run = recorder.startRun({ agentId: 'diskless' });
say({ run: run.id });
for (let events = 1; !isOver; events += 1) {
  run.log('said', { events, words: 'x'.repeat(20_000) });
  if (events % 100 === 0) say({ events });
  await new Promise((resolve) => setTimeout(resolve, 1));
}
await recorder.flush({ to: 'server', timeoutMs: 30_000 });
run.close({ endReason: 'ok' });
await recorder.flush({ to: 'server', timeoutMs: 30_000 });
await recorder.close();
