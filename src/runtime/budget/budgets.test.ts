import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HomeParts } from '../../cli/work/runtime-parts.ts';
import { createRuntimeParts } from '../../cli/work/runtime-parts.ts';
import type { OpenedHome } from '../../cli/open.ts';
import { openTachograph } from '../../cli/open.ts';
import type { BudgetAlert } from '../../core/work/budget-ledger.ts';
import { createMemoryBudgets } from '../../stores/memory/work/budget.ts';
import { createAlertSender, createBudgets, createRunWithinBudget, createWebhookNotifier, signAlert } from './index.ts';

let home: string;
let opened: OpenedHome;
let parts: HomeParts;
const errors: unknown[] = [];
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'tachograph-budgets-'));
  opened = await openTachograph({ home, variables: {} });
  parts = createRuntimeParts(opened, (error) => errors.push(error));
});
afterEach(async () => {
  await parts.close();
  await opened.close();
  rmSync(home, { recursive: true, force: true });
  expect(errors.splice(0)).toEqual([]);
});

const projectId = 'default';

describe('a run that the budget refuses', () => {
  it('is there as failed, budget_exceeded, and no worker ever saw it', async () => {
    const { work } = parts;
    const budgets = createBudgets(parts, { prices: opened.prices });
    await work.budgets.putLimit(projectId, { layer: 'agent', scope: 'poor', nanoUsdMax: 0, tokensMax: null });
    const request = { agentId: 'poor', idempotencyKey: 'one' };
    const { runId, duplicate } = await createRunWithinBudget(parts, budgets, { projectId, request });
    expect(duplicate).toBe(false);
    const row = await work.get(projectId, runId);
    expect(row).toMatchObject({
      state: 'failed',
      endReason: 'budget_exceeded',
      errorCode: 'E-BUDGET-006',
      attempts: 0,
    });
    await work.file(projectId);
    const run = await opened.store.getRun(projectId, runId);
    expect(run).toMatchObject({ status: 'failed', endReason: 'budget_exceeded', errorCode: 'E-BUDGET-006' });
    expect(await opened.store.listSteps(projectId, runId)).toEqual([]);
    expect(await work.waitingProjects()).toEqual([]);
    expect(await createRunWithinBudget(parts, budgets, { projectId, request })).toEqual({ runId, duplicate: true });
    const free = await createRunWithinBudget(parts, budgets, { projectId, request: { agentId: 'rich' } });
    expect((await work.get(projectId, free.runId))!.state).toBe('pending');
  });

  it('callers are known by a keyed digest, and what is reserved stands in the record of the run until it expires', async () => {
    const { work } = parts;
    const budgets = createBudgets(parts, { prices: opened.prices, holdMs: 1 });
    const request = { agentId: 'a', callerId: 'ada@example.org' };
    const { runId } = await createRunWithinBudget(parts, budgets, { projectId, request });
    const row = (await work.get(projectId, runId))!;
    const gate = budgets.gateFor(row, 'ada@example.org');
    const call = {
      kind: 'model',
      runId,
      rootRunId: runId,
      agentId: 'a',
      stepId: null,
      provider: 'openai',
      model: 'gpt-5',
    } as const;
    const pass = await gate.enter({ ...call, inputTokens: 100, outputTokensMax: 50 });
    const [entry] = (await work.budgets.listEntries(projectId, {}, {})).items;
    expect(entry!.caller).toMatch(/^[0-9a-f]{64}$/);
    expect(entry!.amount).toEqual({ tokens: 150, nanoUsd: 100 * 1250 + 50 * 10_000 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([await budgets.expire(), await budgets.expire()]).toEqual([1, 0]);
    await work.file(projectId);
    const events = await opened.store.listEvents(projectId, runId);
    const told = events.filter(({ header }) => header.type === 'budget-entry');
    const { reservationId } = entry!;
    expect(told.map(({ header }) => JSON.parse(header.facts!))).toEqual([
      { kind: 'reserve', reservationId, nanoUsd: 625_000, tokens: 150 },
      { kind: 'expire', reservationId, nanoUsd: 0, tokens: 0 },
    ]);
    await work.budgets.setStop(projectId, true);
    const signal = pass.signal!;
    if (!signal.aborted) await new Promise((resolve) => void signal.addEventListener('abort', resolve));
    expect([signal.reason, pass.note({ usage: null, outputBytes: 0 })]).toEqual([pass.refusal, false]);
    expect(pass.refusal).toMatchObject({ code: 'E-BUDGET-003' });
    await gate.close();
    const [settled] = (await work.budgets.listEntries(projectId, {}, {})).items;
    expect(settled).toMatchObject({ kind: 'settle', amount: { tokens: 100 } });
    expect(await opened.store.rebuildRun(projectId, runId)).toEqual([]);
  });
});

const alertOf = (threshold: 0.8 | 1): BudgetAlert => ({
  ...{ id: `["shop",${threshold}]`, projectId: 'shop', layer: 'project', scope: '', threshold, day: '2026-11-21' },
  ...{ atMs: 5, used: { nanoUsd: 80, tokens: 3 }, nanoUsdMax: 100, tokensMax: null },
});

describe('alerts', () => {
  it('go to the webhook signed, and an address that is not allowed is refused', async () => {
    const sent: [string, RequestInit][] = [];
    const fetch = async (url: unknown, init?: RequestInit): Promise<Response> => {
      sent.push([String(url), init!]);
      return new Response('', { status: sent.length === 1 ? 200 : 503 });
    };
    const options = { secret: 'a secret of the webhook', nowMs: () => 1000, fetch: fetch as typeof globalThis.fetch };
    const notifier = createWebhookNotifier({ ...options, url: 'https://hooks.example.org/budget' });
    await notifier.send(alertOf(0.8));
    const [url, { headers, body, redirect }] = sent[0]!;
    const signature = createHmac('sha256', options.secret)
      .update(`1000.${String(body)}`)
      .digest('hex');
    expect(signAlert(options.secret, 1000, String(body))).toBe(signature);
    expect([url, redirect]).toEqual(['https://hooks.example.org/budget', 'manual']);
    expect(headers).toMatchObject({ 'x-tachograph-signature': `t=1000,v1=${signature}` });
    expect(JSON.parse(String(body))).toMatchObject({
      type: 'budget-alert',
      level: 'warn',
      threshold: 0.8,
      day: '2026-11-21',
    });
    await expect(notifier.send(alertOf(1))).rejects.toThrow('503');
    for (const bad of [
      'http://hooks.example.org',
      'https://localhost/x',
      'https://127.0.0.1/',
      'https://u:p@example.org/',
      'x',
    ])
      expect(() => createWebhookNotifier({ ...options, url: bad })).toThrow('webhook');
    createWebhookNotifier({ ...options, url: 'http://127.0.0.1:9000/hook', isLocalAllowed: true });
  });

  it('are told once each; one that could not be told is told later, and what fails is told of', async () => {
    let nowMs = Date.UTC(2026, 10, 21);
    const ledger = createMemoryBudgets({
      clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
      use: async (fn) => fn(),
      importEntries: () => undefined,
    });
    await ledger.putLimit('shop', { layer: 'project', scope: '', nanoUsdMax: null, tokensMax: 10 });
    const spender = { runId: 'r', rootRunId: 'r', agentId: 'a', caller: null, stepId: null, entries: [] };
    await ledger.reserve('shop', { ...spender, reservationId: 'x', amount: { nanoUsd: 0, tokens: 9 }, holdMs: 1000 });
    await ledger.settle('shop', { reservationId: 'x', spent: { nanoUsd: 0, tokens: 10 }, entries: [] });
    const told: number[] = [];
    const failures: unknown[] = [];
    let isAway = true;
    const sender = createAlertSender({
      ledger,
      retryMs: 1000,
      onError: (error) => void failures.push(error),
      notifier: {
        async send({ threshold }) {
          if (isAway && threshold === 0.95) throw new Error('away');
          told.push(threshold);
        },
      },
    });
    expect(await sender.sendNow()).toBe(2);
    isAway = false;
    expect(await sender.sendNow()).toBe(0);
    nowMs += 1000;
    expect(await sender.sendNow()).toBe(1);
    nowMs += 5000;
    expect(await sender.sendNow()).toBe(0);
    expect([told, failures.length]).toEqual([[0.8, 1, 0.95], 1]);
    await sender.stop();
  });
});
