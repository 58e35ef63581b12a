import type { ServerResponse } from 'node:http';
import { createOpenAI } from '@ai-sdk/openai';
import OpenAI from 'openai';
import { chatDelta } from '../../../test/playback/loopback.ts';
import { systemClock } from '../../core/clock.ts';
import { createPrices } from '../../core/cost/prices.ts';
import { createIdSource } from '../../core/id.ts';
import type { JournalEntry } from '../../core/journal.ts';
import { createMemoryJournal } from '../../core/memory-journal.ts';
import { zeroHash } from '../../core/record/chain.ts';
import { createRecorder } from '../../core/record/recorder.ts';
import type { JoinedRun } from '../../core/record/recording.ts';
import { createRedactor } from '../../core/redact/create.ts';
import type { BudgetLedger } from '../../core/work/budget-ledger.ts';
import { findRefusal } from '../../core/work/gate.ts';
import { createScribe } from '../../core/work/scribe.ts';
import { createMemoryBudgets } from '../../stores/memory/work/budget.ts';
import type { BudgetGateParts } from './gate.ts';
import { createBudgetGate } from './gate.ts';
import { createStopWatch } from './stop-watch.ts';

const contentKey = new Uint8Array(32).fill(7);
const clock = systemClock;
const ids = createIdSource(clock);

// A dollar for a million tokens in, ten for a million out.
const models = ['gpt-9', 'claude-9', 'embed-9'].map((id) => ({
  ...{ id, aliases: [], isFamily: true },
  periods: [
    {
      ...{ fromMs: null, toMs: null, isIncluded: false, tiers: [], reference: null },
      rates: { input: 1_000_000_000, cachedInput: 1_000_000_000, output: 10_000_000_000 },
    },
  ],
}));
const prices = createPrices([
  {
    origin: 'user-override',
    date: '2026-11-21',
    providers: ['openai', 'anthropic'].map((id) => ({
      ...{ id, aliases: [`${id}.*`], isCacheInsideInput: id === 'openai', isReasoningInsideOutput: true, models },
    })),
  },
]);

/** A run under a gate, with its ledger in memory. */
export interface Stage {
  readonly run: JoinedRun;
  readonly recorder: ReturnType<typeof createRecorder>;
  readonly ledger: BudgetLedger;
  readonly events: JournalEntry[];
  readonly gate: ReturnType<typeof createBudgetGate>;
  used(): Promise<{ nanoUsd: number; tokens: number }>;
  /** Kinds and tokens of the ledger's entries, oldest first. */
  entries(): Promise<string[]>;
  errors: unknown[];
}

const spender = { runId: ids.uuid(), agentId: 'support', caller: null };

/** A run of project `shop` whose budget is `max`, and whose emergency stop is looked for every 20 ms. */
export async function openStage(
  max: { nanoUsdMax?: number; tokensMax?: number },
  more: Partial<BudgetGateParts> & { isJournalBroken?: () => boolean } = {},
): Promise<Stage> {
  const events: JournalEntry[] = [];
  const errors: unknown[] = [];
  const ledger = createMemoryBudgets({
    clock,
    use: async (fn) => fn(),
    importEntries: (_project, entries) => void events.push(...entries),
  });
  await ledger.putLimit('shop', { layer: 'run', scope: '*', nanoUsdMax: null, tokensMax: null, ...max });
  const memory = createMemoryJournal();
  const journal = {
    ...memory,
    append: (entry: JournalEntry) => (more.isJournalBroken?.() === true ? ('lost' as const) : memory.append(entry)),
  };
  const recorder = createRecorder({ journal, contentKey, onError: (error) => void errors.push(error) });
  const scribe = createScribe({ clock, ids, redactor: createRedactor({ key: contentKey }), contentKey });
  const gate = createBudgetGate({
    ...{ ledger, prices, scribe, clock, ids, retryMs: 1 },
    run: { ...spender, projectId: 'shop', rootRunId: spender.runId },
    stops: createStopWatch(ledger, 20),
    onError: (error) => void errors.push(error),
    ...more,
  });
  const run = recorder.joinRun({
    ...{ runId: spender.runId, rootRunId: spender.runId, agentId: 'support', traceId: null },
    ...{ writerId: '0000000100000001', n: 1, head: zeroHash, gate },
  });
  return {
    ...{ run, recorder, ledger, events, gate, errors },
    async used() {
      const [standing] = await ledger.balance('shop', spender);
      return { ...standing!.used };
    },
    async entries() {
      const { items } = await ledger.listEntries('shop', {}, {});
      return items.toReversed().map(({ kind, amount }) => `${kind} ${amount.tokens}`);
    },
  };
}

/** The provider's side of one stream: how much it wrote until it was cut off. */
export interface Flow {
  words: number;
  isClosed: boolean;
  closedAfterMs: number;
}

/** Streams words, one each 5 ms, until the client leaves, and never says how many tokens they are. */
export function streamForEver(response: ServerResponse): Flow {
  const flow: Flow = { words: 0, isClosed: false, closedAfterMs: 0 };
  const startMs = performance.now();
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const timer = setInterval(() => {
    flow.words += 1;
    response.write(chatDelta({ content: 'walrus tusk ' }));
  }, 5);
  response.on('close', () => {
    clearInterval(timer);
    Object.assign(flow, { isClosed: true, closedAfterMs: performance.now() - startMs });
  });
  return flow;
}

/** The code of the gate's error that some work ends with, if it does. */
export async function codeOf(work: () => unknown): Promise<string | undefined> {
  try {
    await work();
  } catch (error) {
    return findRefusal(error)?.code ?? `none of ours: ${String(error)}`;
  }
  return undefined;
}

/** Clients of a provider at an origin. */
export const clientsOf = (origin: string) => ({
  openai: (fetch: typeof globalThis.fetch) =>
    new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'sk-hidden-key-000000', fetch, maxRetries: 0 }),
  sdk: (fetch?: typeof globalThis.fetch) =>
    createOpenAI({
      baseURL: `${origin}/v1`,
      apiKey: 'sk-hidden-key-000000',
      ...(fetch === undefined ? {} : { fetch }),
    }),
});

/** What they ask. */
export const ask = { model: 'gpt-9', messages: [{ role: 'user' as const, content: 'Tell me of the walrus.' }] };
