import process from 'node:process';
import { randomUUID } from 'node:crypto';
import { openSqliteStore } from '../index.ts';

/* A process that spends as often as it is told to, all at once, and says how often it was let: `node … <file> <times>`. */

const [file, times] = process.argv.slice(2);
const store = openSqliteStore({ file: file! });
await store.initialize();
const runId = '00000000-0000-7000-8000-00000000000a';
const orders = Array.from({ length: Number(times) }, async () => {
  const { refusal } = await store.work!.budgets.reserve('shop', {
    ...{ runId, rootRunId: runId, agentId: 'support', caller: null, stepId: null },
    ...{ reservationId: randomUUID(), amount: { nanoUsd: 1, tokens: 1 }, holdMs: 60_000, entries: [] },
  });
  return refusal === null;
});
const admitted = (await Promise.all(orders)).filter(Boolean).length;
await store.close();
process.stdout.write(String(admitted));
