import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { onPostgres } from '../../../test/postgres/cluster.ts';
import { claimWorkRun } from '../../../test/server/work-scenario.ts';
import type { BudgetAlert } from '../../core/work/budget-ledger.ts';
import type { Amount } from '../../core/work/budget/limit.ts';
import { createBudgets } from '../../runtime/budget/index.ts';
import type { OpenedHome } from '../open.ts';
import { openTachograph } from '../open.ts';
import { startCaretaker } from './caretaker.ts';
import { createHomeRuns } from './home-runs.ts';
import type { HomeParts } from './runtime-parts.ts';
import { createRuntimeParts } from './runtime-parts.ts';

let home: string;
let opened: OpenedHome;
let parts: HomeParts;
const errors: unknown[] = [];
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'tachograph-caretaker-'));
});
afterEach(async () => {
  await parts.close();
  await opened.close();
  rmSync(home, { recursive: true, force: true });
  expect(errors.splice(0)).toEqual([]);
});

async function until<T>(look: () => Promise<T | null | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** With no worker about: only the caretaker does anything. */
async function lookAfter(database: string | null): Promise<void> {
  opened = await openTachograph({ home, variables: {}, ...(database === null ? {} : { database }) });
  parts = createRuntimeParts(opened, (error) => errors.push(error));
  const { work } = parts;
  const runs = createHomeRuns(parts)('default');
  const alerts: BudgetAlert[] = [];
  const caretaker = startCaretaker(
    {
      parts,
      budgets: createBudgets(parts, { prices: opened.prices }),
      notifier: { send: async (alert) => void alerts.push(alert) },
    },
    { reap: 20, schedule: 20, expire: 20, tidy: 20 },
  );

  const { runId } = await runs.create({ agentId: 'a', attemptTimeoutSeconds: 0, attemptsMax: 1 });
  await claimWorkRun(opened.store, 'default', 'a', 'worker-1');
  expect(await until(async () => (await work.get('default', runId))!.endReason)).toBe('timeout');

  await runs.putSchedule('often', { agentId: 'b', cron: '* * * * * *' });
  const [scheduled] = await until(async () => {
    const { items } = await work.list('default', { agentId: 'b' }, {});
    return items.length > 0 && items;
  });
  expect(scheduled).toMatchObject({ state: 'pending' });

  const spend = (amount: Amount, reservationId: string) =>
    work.budgets.reserve('default', {
      ...{ runId, rootRunId: runId, agentId: 'a', caller: null, stepId: null, entries: [] },
      ...{ amount, reservationId, holdMs: 1 },
    });
  await work.budgets.putLimit('default', { layer: 'project', scope: '', nanoUsdMax: null, tokensMax: 100 });
  expect(await spend({ nanoUsd: 0, tokens: 90 }, parts.ids.uuid())).toEqual({ refusal: null });
  const usedOf = async (): Promise<number> => {
    const [standing] = await work.budgets.balance('default', { runId, agentId: 'a', caller: null });
    return standing!.used.tokens;
  };
  await until(async () => (await usedOf()) === 0);
  const reservationId = parts.ids.uuid();
  await spend({ nanoUsd: 0, tokens: 50 }, reservationId);
  await work.budgets.settle('default', { reservationId, spent: { nanoUsd: 0, tokens: 90 }, entries: [] });
  await until(async () => alerts.length > 0);
  expect(alerts[0]).toMatchObject({ layer: 'project', threshold: 0.8 });

  await caretaker.close();
}

const does = 'rescues, schedules, takes reservations back and tells of budgets';

describe('a caretaker on SQLite', () => {
  it(does, { timeout: 30_000 }, () => lookAfter(null));
});

describe('a caretaker on PostgreSQL, as the role of the application', () => {
  const { cluster, it: onCluster } = onPostgres();
  onCluster(does, async () => lookAfter((await cluster().createDatabase()).url));
});
