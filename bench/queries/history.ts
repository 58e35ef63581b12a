import type { JournalEntry } from '../../src/core/journal.ts';
import type { Store } from '../../src/core/store.ts';
import { createWorld, toBatch, usageOf, worldStartMs, type RunBuilder, type World } from '../../src/testing/index.ts';
import { createRandom } from '../../src/testing/model-cases.ts';

/** What questions are asked about; kept beside a built store. */
export interface History {
  readonly events: number;
  readonly runs: number;
  readonly importSeconds: number;
  /** From the first run to the last one, in milliseconds. */
  readonly spanMs: number;
  readonly someRunIds: readonly string[];
  /** Runs with eight children. */
  readonly parentIds: readonly string[];
  /** Runs at the end of a chain of 20. */
  readonly chainEndIds: readonly string[];
  /** Two words that stand side by side in some record. */
  readonly phrases: readonly string[];
  readonly bigRunId: string;
}

/** How much of it. */
export interface HistorySize {
  readonly runs: number;
  readonly bigRunEvents: number;
}

const eventsPerBatch = 500;
const days = 12;
const statuses = ['ok', 'ok', 'ok', 'error', 'cancelled', 'timeout'] as const;

/** Words of which some are common and most are rare, and choices that come again with every build. */
export function createWords(seed: number) {
  const random = createRandom(seed);
  const vocabulary = Array.from({ length: 20_000 }, (_, index) => `word${index.toString(36)}`);
  return {
    pick: (below: number): number => Math.floor(random() * below),
    sentence: (words: number): string =>
      Array.from({ length: words }, () => vocabulary[Math.floor(random() ** 3 * vocabulary.length)]).join(' '),
  };
}

type Words = ReturnType<typeof createWords>;

interface Scene {
  readonly world: World;
  readonly words: Words;
  readonly stepMs: number;
}

/** A run of 12 or 13 events of about 1.5 kB: a model step with an attempt, a tool call, and notes. */
function buildRun({ world, words, stepMs }: Scene, index: number, parent: RunBuilder | null): RunBuilder {
  const { pick, sentence } = words;
  const run = world.run({
    agentId: `agent-${pick(500)}`,
    callerId: `caller-${pick(500)}`,
    channelId: `channel-${pick(20)}`,
    sessionId: `session-${Math.floor(index / 8)}`,
    labels: { team: `team-${pick(10)}` },
    timeMs: worldStartMs + index * stepMs,
    ...(parent === null ? {} : { parent }),
  });
  run.step({
    messages: [
      { role: 'system', content: 'You are a careful assistant.' },
      { role: 'user', content: sentence(60) },
    ],
    output: [{ type: 'text', text: sentence(40) }],
    body: { q: index },
    usage: usageOf(pick(5000), pick(500)),
    model: `model-${pick(8)}`,
    durationMs: pick(3000),
  });
  run.step({ kind: 'tool', name: 'search', args: { query: sentence(4) }, result: sentence(50), durationMs: pick(300) });
  const text = sentence(180);
  for (let log = 0; log < 4 + (index % 2); log += 1)
    run.emit('log', { payload: { type: 'note', data: { text, log } } });
  return run.end(statuses[pick(statuses.length)]!, { durationMs: pick(10_000) });
}

/** Groups of 40: a parent and its eight children, a chain of 20, and eleven alone. */
function parentOf(index: number, group: readonly RunBuilder[]): RunBuilder | null {
  const at = index % 40;
  if (at >= 1 && at <= 8) return group[0]!;
  return at >= 10 && at <= 28 ? group[at - 1]! : null;
}

/** Gives a store its records, a batch at a time; only the store's time counts as import. Tells how far it has come. */
export async function buildHistory(store: Store, size: HistorySize, tell: (share: number) => void): Promise<History> {
  const stepMs = (days * 86_400_000) / size.runs;
  const scene: Scene = { world: createWorld(), words: createWords(1), stepMs };
  const [someRunIds, parentIds, chainEndIds, phrases] = [[], [], [], []] as string[][];
  let pending: JournalEntry[] = [];
  let events = 0;
  let importMs = 0;
  const flush = async (least: number): Promise<void> => {
    while (pending.length > 0 && pending.length >= least) {
      const batch = pending.slice(0, eventsPerBatch);
      pending = pending.slice(eventsPerBatch);
      const sinceMs = performance.now();
      await store.importBatch(toBatch(batch));
      importMs += performance.now() - sinceMs;
      events += batch.length;
    }
  };
  let group: RunBuilder[] = [];
  for (let index = 0; index < size.runs; index += 1) {
    if (index % 40 === 0) group = [];
    const run = buildRun(scene, index, parentOf(index, group));
    group.push(run);
    pending.push(...run.take());
    if (index % 97 === 0) {
      someRunIds!.push(run.id);
      const message = run.entries.flatMap(({ contents }) => contents).find(({ kind }) => kind === 'output');
      const found = /word\w+ word\w+/.exec(Buffer.from(message?.bytes ?? []).toString());
      if (found !== null) phrases!.push(`"${found[0]}"`);
    }
    if (index % 400 === 0) parentIds!.push(run.id);
    if (index % 400 === 28) chainEndIds!.push(run.id);
    await flush(eventsPerBatch);
    if (index % 1000 === 999) tell(index / size.runs);
  }
  const big = scene.world.run({ timeMs: worldStartMs + days * 86_400_000 });
  for (let n = 2; n < size.bigRunEvents; n += 1) big.emit('log', { payload: { type: 'tick', data: n } });
  pending.push(...big.end().take());
  await flush(0);
  return {
    ...{ events, runs: size.runs + 1, importSeconds: importMs / 1000, spanMs: days * 86_400_000, bigRunId: big.id },
    ...{ someRunIds: someRunIds!, parentIds: parentIds!, chainEndIds: chainEndIds!, phrases: phrases! },
  };
}
