import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectBook } from '../../src/cli/export/book.ts';
import { partsToPage } from '../../src/cli/export/page.ts';
import type { Server } from '../../src/server/index.ts';
import { createServer } from '../../src/server/index.ts';
import type { Stage } from '../../test/server/stage.ts';
import { createStage } from '../../test/server/stage.ts';
import { buildPageViewer, buildViewer, hasChromium, launchBrowser, openPage, removeViewer } from './browser.ts';

const hostile = '<img src=x onerror=alert(1)>\u202e';

/** A support agent's run: `stock` changes what a tool answers, and with it all that follows. */
function recordRun(stage: Stage, { stock, extra = false }: { stock: number; extra?: boolean }): string {
  const run = stage.recorder.startRun({ agentId: 'support-desk' });
  const messages: unknown[] = [
    { role: 'system', content: 'You are the support desk of a lamp shop.' },
    { role: 'user', content: 'My lamp arrived broken. What now?' },
  ];
  for (let turn = 0; turn < 6; turn += 1) {
    const args = { orderId: String(4400 + turn) };
    const answer = [{ type: 'tool-call', toolCallId: `c${turn}`, toolName: 'look_up_order', input: args }];
    run
      .step({ kind: 'model', operation: 'generate', provider: 'p', model: 'm-1', messages: [...messages] })
      .finish({ status: 'completed', response: answer });
    const result = { orderId: args.orderId, stock: turn === 4 ? stock : 1, note: hostile };
    run.tool({ name: 'look_up_order', args, callId: `c${turn}` }).succeed(result);
    messages.push({ role: 'assistant', content: answer });
    messages.push({ role: 'tool', content: [{ type: 'tool-result', toolCallId: `c${turn}`, output: result }] });
  }
  if (extra) run.tool({ name: 'check_stock', args: { sku: 'LAMP-02' } }).succeed(stock);
  run
    .step({ kind: 'model', operation: 'generate', provider: 'p', model: 'm-1', messages })
    .finish({ status: 'completed', response: [{ type: 'text', text: `There are ${stock} of them in the store.` }] });
  run.close({ endReason: 'ok' });
  return run.id;
}

describe.skipIf(!hasChromium)('page of a comparison in a browser (needs a Chromium)', () => {
  let browser: Browser;
  let dist: string;
  let stage: Stage;
  let server: Server;
  let first: string;
  let second: string;
  const urlOf = (a: string, b: string): string => `${server.url}/runs/${a}/diff/${b}`;

  beforeAll(async () => {
    [dist, browser] = await Promise.all([buildViewer(), launchBrowser()]);
    stage = await createStage({ webRoot: dist });
    first = recordRun(stage, { stock: 3 });
    second = recordRun(stage, { stock: 12, extra: true });
    await stage.publish();
    server = await createServer({ handler: stage.handler, port: 0, host: '127.0.0.1' });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    stage?.handler.close();
    removeViewer(dist);
  });

  it('shows steps side by side, marks the first divergence and opens it word for word', async () => {
    const { page, complaints, close } = await openPage(browser, urlOf(first, second));
    await page.getByText('first divergence').waitFor();
    expect(await page.locator('[data-row="10"]').innerText()).toMatch(/first divergence\s*other result/);
    expect(await page.locator('[data-row="10"]').getAttribute('aria-expanded')).toBe('true');
    const detail = page.getByLabel('The chosen row, word for word');
    await detail.getByText('stock', { exact: true }).waitFor();
    expect(await detail.locator('del').innerText()).toBe('3');
    expect(await detail.locator('ins').innerText()).toBe('12');
    expect(await page.getByText('8 steps are the same').count()).toBe(1);
    expect(complaints).toEqual([]);
    await close();
  });

  it('compares messages, folds what is the same, and the address keeps the row', async () => {
    const { page, complaints, close } = await openPage(browser, urlOf(first, second));
    await page.locator('[data-row="11"]').click();
    await page.getByText('The first 11 are the same, of 12 and 12.').waitFor();
    expect(await page.getByLabel('Message 12, differs').locator('ins').innerText()).toBe('12');
    expect(new URL(page.url()).search).toBe('?row=11');
    await page.getByText('8 steps are the same').click();
    expect(await page.locator('[data-row]').count()).toBe(14);
    await page.locator('[data-row="13"]').click();
    await page.getByText('This step is only in the second run').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('is reached from a run, and another run is chosen there', async () => {
    const { page, complaints, close } = await openPage(browser, `${server.url}/runs/${second}`);
    await page.getByRole('link', { name: 'Compare' }).click();
    await page.getByText('This is one and the same run').waitFor();
    await page.getByLabel('with').selectOption(first);
    await page.getByText('first divergence').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it.each([1280, 390])('nothing is wider than the page at %i px', async (width) => {
    const { page, complaints, close } = await openPage(browser, urlOf(first, second), { width, height: 844 });
    await page.getByText('first divergence').waitFor();
    await page.getByLabel('The chosen row, word for word').locator('ins').waitFor();
    const wide = await page.evaluate(() =>
      [document.documentElement, document.querySelector('.diff-page')!].map((one) => one.scrollWidth - one.clientWidth),
    );
    expect(wide).toEqual([0, 0]);
    const shots = process.env['TACHOGRAPH_SHOTS'];
    if (shots !== undefined) {
      await page.screenshot({ path: `${shots}/diff-${width}.png` });
      await page.locator('[data-row="11"]').click();
      await page.getByLabel('Message 12, differs').scrollIntoViewIfNeeded();
      await page.screenshot({ path: `${shots}/diff-${width}-messages.png` });
    }
    expect(complaints).toEqual([]);
    await close();
  });

  it('opens from a file with both runs in it, and asks no one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tachograph-comparison-'));
    const pageViewer = await buildPageViewer();
    try {
      const parts = { handler: stage.handler, store: stage.store, projectId: 'default' };
      const book = JSON.stringify(await collectBook(parts, first, second));
      const [script, style] = ['viewer.js', 'viewer.css'].map((name) => readFileSync(join(pageViewer, name), 'utf8'));
      const file = join(folder, 'comparison.html');
      writeFileSync(file, partsToPage({ script: script!, style: style!, book, files: new Map() }));
      const { page, complaints, close } = await openPage(browser, pathToFileURL(file).href);
      await page.getByText('first divergence').waitFor();
      const detail = page.getByLabel('The chosen row, word for word');
      expect(await detail.locator('ins').innerText()).toBe('12');
      await page.locator('[data-row="11"]').click();
      expect(await page.getByLabel('Message 12, differs').locator('ins').innerText()).toBe('12');
      expect(await page.getByLabel('with').count()).toBe(0);
      await page.locator('.diff-side a').nth(1).click();
      await page.getByRole('link', { name: 'Comparison' }).click();
      await page.getByText('first divergence').waitFor();
      await page.getByRole('link', { name: 'Runs' }).first().click();
      await page.locator(`a[href*="${first}"]`).first().waitFor();
      expect(await page.locator(`a[href*="${second}"]`).count()).toBeGreaterThan(0);
      expect(complaints).toEqual([]);
      await close();
    } finally {
      removeViewer(pageViewer);
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);

  it('a run that is not there is told of', async () => {
    const { page, close } = await openPage(browser, urlOf(first, '00000000-0000-7000-8000-000000000000'));
    await page.getByRole('alert').waitFor();
    await close();
  });
});
