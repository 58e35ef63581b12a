// A program that records by hand: steps that add numbers, told on standard output as they end. What it computes must
// never depend on how its recording fares. Faults that only the process itself can have are brought about in here.
import { appendFileSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createIdSource } from '../../src/core/id.ts';
import { createRecorder } from '../../src/core/record/recorder.ts';
import { createJournal, openHome } from '../../src/journal/index.ts';

interface Orders {
  readonly home: string;
  readonly steps: number;
  readonly pauseMs: number;
  /** No file can be opened from this step up to that one. */
  readonly descriptors?: readonly [number, number];
  /** The wall clock steps by so many milliseconds at each of these steps. */
  readonly clockSteps?: Readonly<Record<string, number>>;
  /** The negative control: each step is also appended to a plain file, without care. */
  readonly isCareless?: boolean;
}

const orders = JSON.parse(process.env['WORKER_ORDERS'] ?? '{}') as Orders;
const home = openHome(orders.home);
const ids = createIdSource();
const writerId = ids.hex(8);
// Small files, so that new ones must be opened while the fault lasts.
const journal = createJournal({ home, projectId: 'default', writerId, rotateBytes: 16_000 });
const recorder = createRecorder({ journal, ids, writerId, contentKey: new Uint8Array(32) });

const say = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const held: number[] = [];
function exhaustDescriptors(): void {
  try {
    for (;;) held.push(openSync('/dev/null', 'r'));
  } catch (error) {
    say({ exhausted: (error as NodeJS.ErrnoException).code });
  }
}

const realNow = Date.now.bind(Date);
let offsetMs = 0;
Date.now = () => realNow() + offsetMs;

const sum = await recorder.run({ agentId: 'worker' }, async (run) => {
  say({ run: run.id });
  let total = 0;
  for (let index = 0; index < orders.steps; index += 1) {
    if (index === orders.descriptors?.[0]) exhaustDescriptors();
    if (index === orders.descriptors?.[1]) held.splice(0).forEach((fd) => closeSync(fd));
    offsetMs += orders.clockSteps?.[String(index)] ?? 0;
    const step = run.step({ kind: 'tool', name: 'add', args: { index, words: `${index} `.repeat(500) } });
    await pause(orders.pauseMs);
    total += index;
    step.finish({ status: 'completed', result: total });
    if (orders.isCareless === true) appendFileSync(join(orders.home, `plain-${index}.log`), 'w'.repeat(2000));
    say({ step: index });
  }
  await recorder.flush({ timeoutMs: 5000 });
  return total;
});
await recorder.close();
say({ sum });
