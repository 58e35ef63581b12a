import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { createBudgets } from '../../src/runtime/budget/index.ts';
import { auditRuns, becomesTrue, haveEnded } from './work/checker.ts';
import { usePlaces } from './work/places.ts';
import type { Sabotage } from './work/sabotage.ts';
import type { Site, StoreKind } from './work/site.ts';
import { storeKinds } from './work/site.ts';
import { countHeld, findBalanceFaults, findSpendingFaults } from './work/spending-checker.ts';
import type { SpenderOrders } from './work/spender.ts';
import type { StreamEnd, StreamingProvider } from './work/streaming-provider.ts';
import { startStreamingProvider } from './work/streaming-provider.ts';

// Fifty calls at once, from five processes, on a budget for seven. And answers under a budget that break off on their way, or
// whose worker is killed meanwhile.

const places = usePlaces();
const spenderFile = fileURLToPath(new URL('work/spender.ts', import.meta.url));
const [processes, callsEach, tokens, room] = [5, 10, 1000, 7];

async function spend(site: Site, orders: Omit<SpenderOrders, 'home' | 'database'>): Promise<string[]> {
  const { home, database } = site;
  const child = spawn(process.execPath, [spenderFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, WORK_ORDERS: JSON.stringify({ home, database, ...orders }) },
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(child, 'close');
  return JSON.parse(text) as string[];
}

async function spendAtOnce(kind: StoreKind, isByLook: boolean) {
  const site = await places.site(kind);
  const at = await places.open(site);
  const { runId } = await at.runs.create('default', { agentId: 'spender' });
  const { budgets } = at.parts.work;
  const tokensMax = tokens * room + tokens / 2;
  if (!isByLook) await budgets.putLimit('default', { layer: 'run', scope: runId, nanoUsdMax: null, tokensMax });
  const orders = { runId, calls: callsEach, tokens, tokensMaxByLook: isByLook ? tokensMax : null };
  const answers = (await Promise.all(Array.from({ length: processes }, () => spend(site, orders)))).flat();
  const { items } = await budgets.listEntries('default', { runId }, { limit: 500 });
  return {
    letOut: answers.filter((answer) => answer === 'let out').length,
    refused: answers.filter((answer) => answer === 'E-BUDGET-004').length,
    sum: items.reduce((total, { amount }) => total + amount.tokens, 0),
    budgets,
    runId,
  };
}

describe.each(storeKinds)('a budget for seven on %s', (kind) => {
  places.it(kind, 'lets seven out of fifty calls that five processes make at once', async () => {
    const { letOut, refused, sum, budgets, runId } = await spendAtOnce(kind, false);
    expect({ letOut, refused, sum }).toEqual({ letOut: 7, refused: 43, sum: 7 * tokens });
    const standings = await budgets.balance('default', { runId, agentId: 'spender', caller: null });
    expect(JSON.stringify(standings)).toContain(`"tokens":${7 * tokens}`);
  });
});

it('lets out more when it is looked at without a lock: the check can fail', async () => {
  const { letOut } = await spendAtOnce('SQLite', true);
  expect(letOut).toBeGreaterThan(7);
});

let provider: StreamingProvider | null = null;
afterEach(async () => {
  await provider?.close();
  provider = null;
});

/** A run has an answer streamed to it that ends so, under a budget; what is wrong with its spending when all is over. */
async function streamUntil(kind: StoreKind, end: StreamEnd, sabotage: Sabotage = {}): Promise<readonly string[]> {
  const site = await places.site(kind);
  const at = await places.open(site);
  provider = await startStreamingProvider();
  const { parts, opened } = at;
  const limit = { nanoUsdMax: 10 ** 12, tokensMax: 1_000_000 };
  await parts.work.budgets.putLimit('default', { layer: 'project', scope: '', ...limit });
  const input = { baseUrl: provider.baseUrl, end };
  const { runId } = await at.runs.create('default', { agentId: 'stream', attemptsMax: 5, input });
  await parts.work.budgets.putLimit('default', { layer: 'run', scope: runId, ...limit });
  const orders = { agents: ['stream'], leaseMs: 1500, heartbeatMs: 300, holdMs: 2500, sabotage };
  const worker = places.start(site, orders);
  await worker.hears('ready');
  if (end === 'stall') {
    await provider.stalled;
    await worker.kill();
    // What was reserved counts until somebody takes it back.
    expect([await countHeld(at, runId), await findBalanceFaults(at, runId)]).toEqual([1, []]);
    places.start(site, orders);
  }
  expect(await haveEnded(at, [runId])).toBe(true);
  // As a server's caretaker does, and as long as a reservation is held at most.
  const budgets = createBudgets(parts, { prices: opened.prices });
  const isOver = async (): Promise<boolean> => (await budgets.expire()) >= 0 && (await countHeld(at, runId)) === 0;
  expect(await becomesTrue(isOver, 20_000)).toBe(true);
  return [...(await findSpendingFaults(at, runId, provider)), ...(await auditRuns(site, [runId]))];
}

describe.each(storeKinds)('an answer under a budget on %s', (kind) => {
  for (const end of ['whole', 'middle', 'start', 'first-bytes', 'refused'] as const)
    places.it(
      kind,
      `that ends "${end}" is settled at what came, and the balance is the sum of the ledger`,
      async () => {
        expect(await streamUntil(kind, end)).toEqual([]);
      },
    );

  places.it(kind, 'whose worker is killed in the middle is taken back, and the next one is settled', async () => {
    expect(await streamUntil(kind, 'stall')).toEqual([]);
  });
});

it('stays at what was reserved when it is not settled: the check can fail', async () => {
  const faults = await streamUntil('SQLite', 'middle', { neverSettles: true });
  expect(faults.join('; ')).toContain('"middle" has reserve, expire, not reserve, settle');
});
