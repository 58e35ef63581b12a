import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { usePlaces } from './work/places.ts';
import type { Site, StoreKind } from './work/site.ts';
import { storeKinds } from './work/site.ts';
import type { SpenderOrders } from './work/spender.ts';

// Fifty calls at once, from five processes, on a budget for seven. (That a stream which is cut is settled at what was
// counted, and that the balance is the sum of the ledger, is tried beside the gate and the stores.)

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
