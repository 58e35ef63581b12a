/*
 * A recorder in a process of its own, forked by bench/ingest.ts. It builds its batches first, says so, and sends them on
 * a word from its parent, one after the other or at a given rate: a kept batch is answered with 2xx, and only those
 * count. What the server puts off is sent again, as a recorder does.
 */
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { encodeHeader } from '../../src/journal/frame.ts';
import { createEntryEncoder } from '../../src/journal/entry.ts';
import { deliver } from '../../src/journal/sink/delivery.ts';
import { createWorld } from '../../src/testing/index.ts';

/** What a recorder is to send. */
export interface RecorderTask {
  readonly url: string;
  /** Which of several this is: it makes its ids its own. */
  readonly number: number;
  readonly batches: number;
  readonly eventsPerBatch: number;
  readonly payloadBytes: number;
  /** Milliseconds from one batch to the next; 0: as fast as they are taken. */
  readonly everyMs: number;
}

/** What it says: built, a batch was acknowledged, all are. */
export type RecorderWord =
  | { readonly what: 'built'; readonly bytes: number }
  | { readonly what: 'kept'; readonly runId: string; readonly sentMs: number; readonly keptMs: number }
  | { readonly what: 'done'; readonly putOff: number };

interface Batch {
  readonly bytes: Buffer;
  readonly entries: number;
  readonly runId: string;
}

const say = (word: RecorderWord): void => void process.send!(word);
const nowMs = (): number => performance.timeOrigin + performance.now();

/** Prose that differs from event to event, so that nothing can be stored once for all. */
function proseOf(bytes: number, seed: number): string {
  let state = (seed * 2_654_435_761) >>> 0;
  let text = '';
  while (text.length < bytes) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += `${(state % 20_000).toString(36)} word${(state >>> 20).toString(36)} `;
  }
  return text.slice(0, bytes);
}

function buildBatches(task: RecorderTask): Batch[] {
  const world = createWorld();
  const encode = createEntryEncoder();
  const writerId = (0xbe0000000000 + task.number).toString(16).padStart(16, '0');
  const identity = { writerId, bootId: '', host: `bench-${task.number}`, pid: 0, processStart: null };
  const startMs = Date.now() - 3_600_000 - task.number * 10_000_000;
  const head = encodeHeader({ projectId: 'default', identity, createdAtMs: startMs });
  return Array.from({ length: task.batches }, (_, at) => {
    const run = world.run({ timeMs: startMs + at, writerId, agentId: 'bench' });
    for (let n = 2; n < task.eventsPerBatch; n += 1)
      run.emit('log', { payload: { type: 'note', data: proseOf(task.payloadBytes - 30, at * 1000 + n) } });
    run.end();
    // The encoder gives its own memory out again.
    const frames = run.entries.map((entry) => Buffer.from(encode(entry)));
    return { bytes: Buffer.concat([head, ...frames]), entries: frames.length, runId: run.id };
  });
}

async function send(task: RecorderTask, batches: readonly Batch[]): Promise<void> {
  const delivery = { url: task.url, token: null, fetch: globalThis.fetch, timeoutMs: 60_000 };
  const startMs = nowMs();
  let putOff = 0;
  for (const [at, batch] of batches.entries()) {
    const waitMs = startMs + at * task.everyMs - nowMs();
    if (waitMs > 0) await setTimeout(waitMs);
    const sentMs = nowMs();
    for (;;) {
      const { outcome, ...rest } = await deliver(delivery, batch.bytes, batch.entries);
      if (outcome === 'kept') break;
      if (outcome !== 'later') throw new Error(`a batch is ${outcome}: ${JSON.stringify(rest)}`, { cause: rest });
      putOff += 1;
      await setTimeout(100);
    }
    say({ what: 'kept', runId: batch.runId, sentMs, keptMs: nowMs() });
  }
  say({ what: 'done', putOff });
}

process.once('message', (task: RecorderTask) => {
  const batches = buildBatches(task);
  say({ what: 'built', bytes: batches.reduce((sum, batch) => sum + batch.bytes.length, 0) });
  process.once('message', () => {
    send(task, batches).then(
      () => process.disconnect(),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
});
