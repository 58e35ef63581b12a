import { randomUUID } from 'node:crypto';
import type { Store } from '../../core/store.ts';

/** Spends as often as it is told to, all at once, and says how often it was let: what a process of a test does. */
export async function spendAtOnce(store: Store, times: number): Promise<number> {
  const runId = '00000000-0000-7000-8000-00000000000a';
  const orders = Array.from({ length: times }, async () => {
    const { refusal } = await store.work!.budgets.reserve('shop', {
      ...{ runId, rootRunId: runId, agentId: 'support', caller: null, stepId: null },
      ...{ reservationId: randomUUID(), amount: { nanoUsd: 1, tokens: 1 }, holdMs: 60_000, entries: [] },
    });
    return refusal === null;
  });
  return (await Promise.all(orders)).filter(Boolean).length;
}
