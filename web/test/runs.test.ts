import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pastRuns } from '../dev/many-runs.ts';
import { workingRun } from '../dev/working-run.ts';
import { liveRun } from '../dev/live.ts';
import { startFixtureServer } from '../dev/server.ts';
import type { FixtureServer } from '../dev/server.ts';
import { buildViewer, hasChromium, launchBrowser, openPage, removeViewer } from './browser.ts';

const nowMs = Date.now();

describe.skipIf(!hasChromium)('list of runs in a browser (needs a Chromium)', () => {
  let dist: string;
  let browser: Browser;
  let served: FixtureServer;
  let empty: FixtureServer;

  beforeAll(async () => {
    dist = await buildViewer();
    browser = await launchBrowser();
    served = await startFixtureServer([...workingRun(nowMs - 90_000), ...pastRuns(nowMs, 400)], dist);
    empty = await startFixtureServer([], dist);
  });

  afterAll(async () => {
    await browser?.close();
    removeViewer(dist);
    await served?.close();
    await empty?.close();
  });

  it('shows runs, with n/a for what is unknown, and only the rows in view', async () => {
    const { page, complaints, close } = await openPage(browser, served.url);
    await page.getByText('order 88-1204', { exact: true }).waitFor();
    expect(await page.locator('.run-item').count()).toBeLessThan(60);
    expect(await page.locator('.cell-cost', { hasText: 'n/a' }).count()).toBeGreaterThan(0);
    await page.getByText(/380 runs|runs, 100 read/).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('reads on when the end comes into view', async () => {
    const { page, close } = await openPage(browser, served.url);
    await page.locator('.run-item').first().waitFor();
    await page.locator('.run-grid').evaluate((grid) => grid.scrollTo(0, grid.scrollHeight));
    await page.getByText(/200 read/).waitFor();
    await close();
  });

  it('keeps its whole state in the address', async () => {
    const { page, complaints, close } = await openPage(browser, served.url);
    await page.getByLabel('Status').selectOption('failed');
    await page.getByRole('combobox', { name: 'Agent' }).fill('code-review');
    await page.getByLabel('Nested').check();
    await page.waitForURL(/status=failed.*agent=code-review|agent=code-review.*status=failed/);
    await page.waitForURL(/nested=1/);
    await expect
      .poll(() => page.locator('.cell-status .status-word').allInnerTexts())
      .toSatisfy((words: string[]) => words.length > 0 && words.every((word) => word === 'failed'));
    const address = page.url();
    await close();
    const again = await openPage(browser, address);
    await again.page.locator('.run-item').first().waitFor();
    expect(await again.page.getByLabel('Status').inputValue()).toBe('failed');
    expect(await again.page.getByRole('combobox', { name: 'Agent' }).inputValue()).toBe('code-review');
    expect(await again.page.locator('.run-link').allInnerTexts()).toSatisfy((names: string[]) =>
      names.every((name) => name.includes('code-review')),
    );
    expect([...complaints, ...again.complaints]).toEqual([]);
    await again.close();
  });

  it('searches in what was said and leads to the step of a hit', async () => {
    const { page, close } = await openPage(browser, served.url);
    await page.locator('.run-item').first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('kassel');
    await page.waitForURL(/q=kassel/);
    await page.locator('.hit mark').first().waitFor();
    await page.locator('.hit-link').first().click();
    await page.waitForURL(/\/runs\/.*step=6/);
    await page.getByRole('heading', { name: /6 claude-sonnet/ }).waitFor();
    await close();
  });

  it('moves with j and k, opens with Enter, helps with ?', async () => {
    const { page, close } = await openPage(browser, served.url);
    await page.locator('.run-item').first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    expect(await page.locator('.run-item[aria-selected="true"]').count()).toBe(1);
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/runs\//);
    await page.getByRole('heading', { level: 1, name: /order 88-1204/ }).waitFor();
    await close();
  });

  it('grows without a reload', async () => {
    const { page, close } = await openPage(browser, served.url);
    await page.getByText('live', { exact: true }).waitFor();
    const live = liveRun(Date.now());
    served.fixtures.set(live.run.id, live);
    served.announce(live);
    await page.getByText('report of today', { exact: true }).waitFor();
    live.run = {
      ...live.run,
      status: 'failed',
      endReason: 'error',
      errorDetail: 'It broke',
      lastSeq: 99,
      durationMs: 5,
    };
    served.announce(live);
    await page.getByText('It broke').waitFor();
    served.fixtures.delete(live.run.id);
    await close();
  });

  it('says that the connection is lost, and goes on when it is back', async () => {
    const { page, close } = await openPage(browser, served.url);
    await page.getByText('live', { exact: true }).waitFor();
    served.setDown(true);
    await page.getByText(/Connection lost/).waitFor();
    expect(await page.locator('.run-item').count()).toBeGreaterThan(0);
    served.setDown(false);
    await page.getByRole('button', { name: 'Try now' }).click();
    await page.getByText('live', { exact: true }).waitFor();
    await close();
  });

  it('adds up by model, agent and day, and leads to the runs behind a row', async () => {
    const { page, complaints, close } = await openPage(browser, `${served.url}/numbers`);
    await page.getByRole('row', { name: /claude-sonnet-4-5/ }).waitFor();
    await page.getByRole('link', { name: 'by agent' }).click();
    await page.waitForURL(/by=agent/);
    await page.getByRole('link', { name: 'code-review' }).click();
    await page.waitForURL(/agent=code-review/);
    await page.locator('.run-item').first().waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('tells a new owner how to record', async () => {
    const { page, complaints, close } = await openPage(browser, empty.url);
    await page.getByText('npx tachograph run -- node agent.mjs').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('says what went wrong and offers to try again', async () => {
    served.setDown(true);
    const { page, close } = await openPage(browser, served.url);
    await page.getByText('The server can’t be reached').waitFor({ timeout: 15_000 });
    served.setDown(false);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('.run-item').first().waitFor();
    await close();
  });

  it.each([
    [390, false],
    [390, true],
    [1280, true],
  ])('has no sideways scroll at %d px (dark: %s)', async (width, dark) => {
    const { page, complaints, close } = await openPage(browser, served.url, { width, height: 844, dark });
    await page.locator('.run-item').first().waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    expect(complaints).toEqual([]);
    await close();
  });
});
