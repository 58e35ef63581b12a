import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { openRecorder } from '../../src/journal/index.ts';

// Records runs one after the other and prints the id of each once it is closed: what is printed was acknowledged.

const [home = '', name = '', runs = '0'] = process.argv.slice(2);
const recorder = openRecorder({ home });

for (let i = 0; i < Number(runs); i += 1) {
  const run = recorder.startRun({ agentId: name, inputs: { i } });
  const messages = [{ role: 'user', content: `question ${i} of ${name}` }];
  const step = run.step({ kind: 'model', operation: 'generate', model: 'm', messages });
  step.attempt({ method: 'POST', url: 'https://x.example/y' }).finish({ status: 'completed', responseStatus: 200 });
  step.finish({ status: 'completed', response: [{ type: 'text', text: `answer ${i}` }] });
  run.tool({ name: 'look', args: { i } }).succeed({ found: i });
  run.step({ kind: 'phase', name: 'end' }).finish({ status: 'completed' });
  run.close({ endReason: 'ok', output: i });
  process.stdout.write(`${run.id}\n`);
  if (i % 4 === 0) await sleep(4);
}
await recorder.close();
