// A program that does runs. It is told what by WORK_ORDERS, tells how it fares on standard output, one JSON object a line,
// stops on SIGTERM, and ends with whoever started it.
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import process from 'node:process';
import { bindBudgets } from '../../../src/cli/work/budget-binding.ts';
import type { BudgetBinding } from '../../../src/cli/work/budget-binding.ts';
import { createWorker } from '../../../src/runtime/index.ts';
import { createAgents } from './agents.ts';
import { shiftClock } from './clock.ts';
import type { WorkerOrders } from './process.ts';
import { openSite } from './site.ts';

const orders = JSON.parse(process.env['WORK_ORDERS'] ?? '{}') as WorkerOrders;
const say = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
process.stdin.resume().on('end', () => process.exit(3));
if (orders.clock !== undefined) shiftClock(orders.clock);
mkdirSync(`${orders.ledger}.keys`, { recursive: true });

const site = await openSite(orders, {
  ...(orders.sabotage === undefined ? {} : { sabotage: orders.sabotage }),
  onError: (error) => say({ problem: String((error as Error).stack ?? error) }),
});
const agents = createAgents({ parts: site.parts, ledger: orders.ledger, say, hasOwnKeys: orders.hasOwnKeys === true });

/** Budgets as a program has them, but for how long a reservation is held. */
function governWith(holdMs: number): BudgetBinding {
  const { budgets, ...rest } = site.parts.work;
  const reserve: typeof budgets.reserve = (projectId, order) => budgets.reserve(projectId, { ...order, holdMs });
  const work = { ...rest, budgets: { ...budgets, reserve } };
  return bindBudgets({ ...site.parts, work }, site.opened.prices);
}

const binding = orders.holdMs === undefined ? null : governWith(orders.holdMs);
const worker = createWorker(site.parts, {
  projectIds: orders.projectIds ?? ['default'],
  agents: Object.fromEntries(
    orders.agents.map((name) => [name, binding === null ? agents[name]! : binding.bind(agents[name]!)]),
  ),
  ...(binding === null ? {} : { gateOf: binding.gateOf }),
  workerId: orders.workerId,
  host: hostname(),
  pid: process.pid,
  concurrency: orders.concurrency ?? 5,
  leaseMs: orders.leaseMs,
  heartbeatMs: orders.heartbeatMs ?? orders.leaseMs / 5,
  reapMs: orders.reapMs === undefined ? 300 : orders.reapMs,
  scheduleMs: null,
  pollMs: orders.pollMs ?? 100,
});
process.on('SIGTERM', () => {
  void (async () => {
    const { running } = worker.status();
    await worker.stop({ graceMs: orders.graceMs ?? 100 });
    await site.close();
    say({ stopped: true, running, status: worker.status() });
    process.exit(0);
  })();
});
await worker.start();
say({ ready: true });
