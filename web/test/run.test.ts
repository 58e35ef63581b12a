import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anId, aRun, aStep } from '../dev/builders.ts';
import { hostileRun } from '../dev/hostile-run.ts';
import { largeRun } from '../dev/many-runs.ts';
import { workingRun } from '../dev/working-run.ts';
import type { FixtureRun } from '../dev/fixture-run.ts';
import { fixtureOf, sumUp } from '../dev/fixture-run.ts';
import { beginStep, endRun, endStep, liveRun } from '../dev/live.ts';
import { startFixtureServer } from '../dev/server.ts';
import type { FixtureServer } from '../dev/server.ts';
import { buildViewer, hasChromium, launchBrowser, openPage, removeViewer } from './browser.ts';

const nowMs = Date.now();

describe.skipIf(!hasChromium)('page of a run in a browser (needs a Chromium)', () => {
  let dist: string;
  let browser: Browser;
  let served: FixtureServer;
  let working: FixtureRun;
  let child: FixtureRun;
  const hostile = hostileRun(nowMs - 200_000);
  const large = largeRun(nowMs - 86_400_000, 100_000);
  const live = liveRun(nowMs);
  const shadow = fixtureOf(aRun({ id: anId(nowMs - 300_000), startedAtMs: nowMs - 300_000, shadow: true }));
  shadow.steps.push(
    aStep({
      runId: shadow.run.id,
      number: 1,
      startedAtMs: nowMs - 299_000,
      kind: 'tool',
      name: 'refund',
      status: 'completed',
      resultStatus: 'blocked',
      wasBlocked: true,
      blockReason: 'shadow_mode_destructive_blocked',
    }),
  );
  sumUp(shadow);
  const pageOf = (fixture: FixtureRun, rest = ''): string => `${served.url}/runs/${fixture.run.id}${rest}`;

  beforeAll(async () => {
    dist = await buildViewer();
    browser = await launchBrowser();
    [working, child] = workingRun(nowMs - 90_000) as [FixtureRun, FixtureRun];
    served = await startFixtureServer([working, child, hostile, large, live, shadow], dist);
  });

  afterAll(async () => {
    await browser?.close();
    removeViewer(dist);
    await served?.close();
  });

  it('shows outcome, totals, verdicts, steps and attempts', async () => {
    const { page, complaints, close } = await openPage(browser, pageOf(working));
    await page.getByText('intact').waitFor();
    await page.getByText('complete', { exact: true }).waitFor();
    await expect.poll(() => page.locator('.tree-item').count()).toBe(8);
    await expect.poll(() => page.locator('.segment').count()).toBe(5);
    expect(await page.locator('.segment-failed').count()).toBe(2);
    expect(complaints).toEqual([]);
    await close();
  });

  it('is worked by keys, and the address follows', async () => {
    const { page, complaints, close } = await openPage(browser, pageOf(working));
    await page.locator('.tree-item').first().waitFor();
    await page.keyboard.press('j');
    await page.waitForURL(/step=1/);
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => page.locator('.tree-item').count()).toBe(5);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('n');
    await page.waitForURL(/step=5/);
    await page.getByText('RefundRefused', { exact: true }).waitFor();
    await page.keyboard.press('k');
    await page.getByRole('heading', { name: /4 claude-sonnet/ }).waitFor();
    await page.keyboard.press('3');
    await page.waitForURL(/tab=usage/);
    await page.keyboard.press('+');
    expect(await page.getByRole('button', { name: 'Run', exact: true }).getAttribute('aria-pressed')).toBe('false');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.url()).not.toContain('step=');
    await page.keyboard.press('u');
    await page.waitForURL(`${served.url}/`);
    expect(complaints).toEqual([]);
    await close();
  });

  it('marks new messages, folds older ones, and tells what a prefix break cost', async () => {
    const { page, close } = await openPage(browser, pageOf(working, '?step=4'));
    await page.getByText('New since the previous step').waitFor();
    expect(await page.locator('.message').count()).toBe(4);
    await page.getByRole('button', { name: 'Show 2 earlier messages' }).click();
    await expect.poll(() => page.locator('.message').count()).toBe(6);
    await page.goto(pageOf(working, '?step=6'));
    await page.getByText(/2,548 cache-read tokens lost/).waitFor();
    await close();
  });

  it('shows every attempt with headers and bodies', async () => {
    const { page, complaints, close } = await openPage(browser, pageOf(working, '?step=1&tab=attempts'));
    await page.getByText('waited 2.00 s').waitFor();
    await page.getByRole('button', { name: /429/ }).click();
    await page.getByText(/per-minute rate limit/).waitFor();
    await page.getByText('Request headers').first().click();
    await page.getByText('[redacted:api-key]').first().waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('nests child runs and leads to them and back', async () => {
    const { page, complaints, close } = await openPage(browser, pageOf(working));
    await page.locator('.tree-item', { hasText: 'locate parcel' }).getByRole('button', { name: 'Unfold' }).click();
    await page.getByText('parcel_position').waitFor();
    await page.getByText('parcel_position').click();
    await page.waitForURL(new RegExp(`step=${child.run.id}\\.2`));
    await page.locator('.tree-item', { hasText: 'ask_warehouse' }).click();
    await page.getByRole('link', { name: /open run/ }).click();
    await page.getByRole('heading', { level: 1, name: /locate parcel/ }).waitFor();
    await page.getByRole('navigation', { name: 'Parent runs' }).getByRole('link', { name: 'support-agent' }).click();
    await page.getByRole('heading', { level: 1, name: /order 88-1204/ }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('grows while the run does, from the last event seen, also over a break', async () => {
    const { page, close } = await openPage(browser, pageOf(live));
    await page.getByText('live', { exact: true }).waitFor();
    const advance = (action: () => void): void => {
      action();
      served.announce(live);
    };
    advance(() => beginStep(live, Date.now()));
    await expect.poll(() => page.locator('.tree-item').count()).toBe(1);
    await page.keyboard.press('j');
    await page.getByText('Waiting for the answer').waitFor();
    advance(() => endStep(live, Date.now()));
    await page.getByText('Answer of step 1').waitFor();
    served.setDown(true);
    await page.getByText(/Connection lost/).waitFor();
    beginStep(live, Date.now());
    endStep(live, Date.now());
    served.setDown(false);
    await page.getByRole('button', { name: 'Try now' }).click();
    await expect.poll(() => page.locator('.tree-item').count()).toBe(2);
    advance(() => endRun(live, Date.now()));
    await page.getByText('intact').waitFor();
    expect(await page.locator('.run-heading .status').innerText()).toBe('completed');
    await close();
  });

  it('opens a run of 100,000 steps, holds few rows, and reads where it rests', async () => {
    const { page, complaints, close } = await openPage(browser, pageOf(large));
    await page.locator('.tree-label').first().waitFor();
    expect(served.requests.filter((request) => request.includes(`${large.run.id}/steps?`)).length).toBeLessThan(5);
    const tree = page.locator('.tree');
    for (const share of [0.2, 0.9, 0.5]) {
      await tree.evaluate((element, at) => element.scrollTo(0, element.scrollHeight * at), share);
      expect(await page.locator('.tree-item').count()).toBeLessThan(80);
    }
    await page.locator('.tree-label').first().waitFor();
    await page.keyboard.press('G');
    await page.waitForURL(/step=100000/);
    await page.getByRole('heading', { name: /100000/ }).waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it.each([
    '?step=1',
    '?step=1&tab=output',
    '?step=1&tab=attempts',
    '?step=1&tab=options',
    '?step=1&tab=raw',
    '?step=2',
    '?step=2&tab=raw',
    '',
    '?tab=events',
    '?tab=environment',
    '?tab=raw',
  ])('shows hostile text as text: %s', async (rest) => {
    const { page, complaints, close } = await openPage(browser, pageOf(hostile, rest));
    await page.locator('.tab-content').getByText('window.__owned').first().waitFor();
    expect(await page.evaluate(() => (window as { __owned?: unknown }).__owned)).toBeUndefined();
    expect(
      await page
        .locator(
          '.inspector script, .inspector img, .inspector svg, .inspector iframe, .inspector a[href^="javascript"], .inspector a[href^="http"]',
        )
        .count(),
    ).toBe(0);
    expect(await page.locator('.hidden-char', { hasText: 'U+202E' }).count()).toBeGreaterThan(0);
    expect(await page.locator('body').innerText()).not.toMatch(/[\u202E\u2066\u200B\u001B\u0000]/);
    expect(await page.title()).not.toMatch(/[\u202E\u200B]/);
    expect(complaints).toEqual([]);
    await close();
  });

  it('cuts a line of 10 MB and shows more by the piece', async () => {
    const { page, complaints, close } = await openPage(browser, pageOf(hostile, '?step=3'));
    const more = page.getByRole('button', { name: /Show more \(10\.0 MiB left\)/ });
    await more.waitFor();
    await more.click();
    await page.getByRole('button', { name: /Show more \(9\.9 MiB left\)/ }).waitFor();
    expect((await page.locator('.inspector').innerText()).length).toBeLessThan(300_000);
    expect(complaints).toEqual([]);
    await close();
  });

  it.each(['', '?step=4', '?step=1&tab=attempts'])('has no sideways scroll on a phone: %s', async (rest) => {
    const { page, complaints, close } = await openPage(browser, pageOf(working, rest), { width: 390, height: 844 });
    await page.locator('.tab-content').waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    expect(complaints).toEqual([]);
    await close();
  });

  it('says why a tool did not run', async () => {
    const { page, complaints, close } = await openPage(browser, pageOf(shadow, '?step=1'));
    await page.getByText('The tool did not run.').waitFor();
    await page.getByText('The run is in shadow, and the tool is not known to only read').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('says that a run is not there', async () => {
    const { page, close } = await openPage(browser, `${served.url}/runs/01938000-0000-7000-8000-00000000dead`);
    await page.getByText('This run can’t be shown').waitFor();
    await page.getByText('run-not-found').waitFor();
    await close();
  });
});
