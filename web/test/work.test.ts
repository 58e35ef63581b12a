import { randomUUID } from 'node:crypto';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyStoredRun } from '../../src/core/verify/verify.ts';
import type { Server } from '../../src/server/index.ts';
import { createHandler, createServer } from '../../src/server/index.ts';
import { createMemoryStore } from '../../src/stores/memory/index.ts';
import { createWorkRun, recordWork } from '../../test/server/work-scenario.ts';
import { buildViewer, hasChromium, launchBrowser, openPage, removeViewer } from './browser.ts';

describe.skipIf(!hasChromium)('runs as work in a browser (needs a Chromium)', () => {
  let dist: string;
  let browser: Browser;
  let server: Server;
  let leasedId: string;
  const cancelled: string[] = [];
  const store = createMemoryStore();

  beforeAll(async () => {
    dist = await buildViewer();
    browser = await launchBrowser();
    await store.initialize();
    ({ leasedId } = await recordWork(store));
    await createWorkRun(store, 'default', { agentId: '<img src=x onerror=alert(1)>', input: {} });
    await store.work!.file('default');
    const refuse = () => Promise.reject(new Error('nobody does that here'));
    const verify = (projectId: string, runId: string) =>
      verifyStoredRun(store, { projectId, runId }, { publicKey: '', head: null });
    const runs = {
      create: refuse,
      cancel: async (runId: string) => {
        cancelled.push(runId);
        return { isCancelled: true, row: (await store.work!.get('default', runId))!, children: 0 };
      },
      signal: refuse,
      redrive: async () => ({ runId: randomUUID(), duplicate: false }),
      putSchedule: refuse,
      callerToScope: (callerId: string) => callerId,
    };
    const handler = createHandler({ store, verify, webRoot: dist, runsOf: () => runs });
    server = await createServer({ handler, port: 0 });
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close({ timeoutMs: 0 });
    removeViewer(dist);
  });

  it('shows the queue by agent and state, and leads to a part of it by its address', async () => {
    const { page, complaints, close } = await openPage(browser, `${server.url}/work`);
    const counts = page.getByRole('region', { name: 'Runs by agent and state' });
    await counts.getByRole('link', { name: 'mailer' }).waitFor();
    await counts
      .getByRole('row', { name: /mailer/ })
      .getByRole('link', { name: '1', exact: true })
      .first()
      .click();
    await page.getByRole('link', { name: 'show all' }).waitFor();
    expect(page.url()).toContain('agent=mailer');
    await page.getByText('waits for a worker').first().waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('shows hostile names as text', async () => {
    const { page, complaints, close } = await openPage(browser, `${server.url}/work`);
    await page.getByText('<img src=x onerror=alert(1)>').first().waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('shows workers with their leases, budgets, schedules and dead runs, at a phone’s width too', async () => {
    for (const width of [1280, 390]) {
      const { page, complaints, close } = await openPage(browser, `${server.url}/work?tab=workers`, { width });
      await page.getByRole('region', { name: 'Worker worker-1' }).getByText('1 of 3').waitFor();
      await page.getByRole('link', { name: 'Budgets' }).click();
      await page.getByText('Nothing is limited').waitFor();
      await page.getByRole('link', { name: 'Schedules' }).click();
      await page.getByText('@daily').waitFor();
      await page.getByRole('link', { name: 'Dead runs' }).click();
      await page.getByText('No run died').waitFor();
      await page.getByRole('link', { name: 'Shadow' }).click();
      await page.getByText('No run was in shadow').waitFor();
      const wider = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
      expect([width, wider]).toEqual([width, false]);
      expect(complaints).toEqual([]);
      await close();
    }
  });

  it('tells on the page of a run who has it, and stops it when asked twice', async () => {
    const { page, complaints, close } = await openPage(browser, `${server.url}/runs/${leasedId}`);
    await page.getByText('attempt 1 of 3').waitFor();
    await page.getByText('worker worker-1').waitFor();
    await page.getByRole('button', { name: 'Cancel run' }).click();
    expect(cancelled).toEqual([]);
    await page.getByRole('button', { name: 'Stop now' }).click();
    await expect.poll(() => cancelled).toEqual([leasedId]);
    expect(complaints).toEqual([]);
    await close();
  });
});
