import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeySource } from '../../src/cli/access/secret.ts';
import { createExporter } from '../../src/cli/export/exporter.ts';
import { collectBook } from '../../src/cli/export/book.ts';
import { pageToRunFiles, partsToPage } from '../../src/cli/export/page.ts';
import { verifyRunFile } from '../../src/core/run-file/reader.ts';
import { verifyStoredRun } from '../../src/core/verify/verify.ts';
import type { Server } from '../../src/server/index.ts';
import { createServer } from '../../src/server/index.ts';
import { sealRun, seedOf } from '../../test/run-file/sealed.ts';
import type { Stage } from '../../test/server/stage.ts';
import { createStage } from '../../test/server/stage.ts';
import { recordScenario } from '../../test/server/scenario.ts';
import { buildPageViewer, buildViewer, hasChromium, launchBrowser, openPage, removeViewer } from './browser.ts';

const hostile = '</script><script>document.title="taken"</script><!--<img src=x onerror=alert(1)>\u2028\u202e';

describe.skipIf(!hasChromium)('integrity and export in a browser (needs a Chromium)', () => {
  let browser: Browser;
  let dist: string;
  let pageViewer: string;
  let folder: string;
  let stage: Stage;
  let server: Server;
  let runId: string;
  let pageUrl: string;
  let pageText: string;

  beforeAll(async () => {
    [dist, pageViewer, browser] = await Promise.all([buildViewer(), buildPageViewer(), launchBrowser()]);
    folder = mkdtempSync(join(tmpdir(), 'tachograph-export-'));
    mkdirSync(join(folder, 'keys'));
    writeFileSync(join(folder, 'keys', 'default.seal.key'), seedOf(1));
    const first = await createStage();
    const place = {
      home: folder,
      projectId: 'default',
      store: first.store,
      keyOf: createKeySource(folder, {}),
      verify: (id: string) =>
        verifyStoredRun(first.store, { projectId: 'default', runId: id }, { publicKey: null, head: null }),
    };
    stage = await createStage({ store: first.store, exporter: createExporter(place), webRoot: dist });
    ({ runId } = await recordScenario(stage));
    const odd = stage.recorder.startRun({
      agentId: hostile,
      name: hostile,
      inputs: hostile,
      labels: { [hostile]: hostile },
    });
    const step = odd.step({
      kind: 'model',
      operation: 'generate',
      model: hostile,
      messages: [{ role: 'user', content: hostile }],
    });
    step.finish({ status: 'completed', response: [{ type: 'text', text: hostile }] });
    odd.close({ endReason: 'ok', output: hostile });
    await stage.publish();
    await sealRun(stage.store, runId);
    await sealRun(stage.store, odd.id);
    server = await createServer({ handler: stage.handler, port: 0, host: '127.0.0.1' });
    const files = new Map<string, Buffer>();
    for (const id of [odd.id]) {
      const lines: string[] = [];
      for await (const line of createExporter(place).runFile('default', id)) lines.push(line);
      files.set(id, Buffer.from(lines.join('')));
    }
    const book = await collectBook({ handler: stage.handler, store: stage.store, projectId: 'default' }, runId);
    const oddBook = await collectBook({ handler: stage.handler, store: stage.store, projectId: 'default' }, odd.id);
    pageText = partsToPage({
      script: readFileSync(join(pageViewer, 'viewer.js'), 'utf8'),
      style: readFileSync(join(pageViewer, 'viewer.css'), 'utf8'),
      book: JSON.stringify(book),
      files,
    });
    const oddPage = partsToPage({
      script: readFileSync(join(pageViewer, 'viewer.js'), 'utf8'),
      style: readFileSync(join(pageViewer, 'viewer.css'), 'utf8'),
      book: JSON.stringify(oddBook),
      files,
    });
    writeFileSync(join(folder, 'run.html'), pageText);
    writeFileSync(join(folder, 'odd.html'), oddPage);
    pageUrl = pathToFileURL(join(folder, 'run.html')).href;
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close({ timeoutMs: 0 });
    removeViewer(dist);
    removeViewer(pageViewer);
    rmSync(folder, { recursive: true, force: true });
  });

  it('shows verdicts, losses, redactions and seals in words, and on a phone too', async () => {
    for (const options of [{ width: 1280 }, { width: 390, height: 844, dark: true }]) {
      const { page, complaints, close } = await openPage(browser, `${server.url}/runs/${runId}?tab=integrity`, options);
      await page.getByText('Was a byte changed?').waitFor();
      await page.getByText('Every byte is as sealed').first().waitFor();
      await page.getByText('Is anything missing?').waitFor();
      await page.getByRole('list', { name: 'Redactions by kind' }).getByRole('listitem').first().waitFor();
      expect(await page.locator('.seal').count()).toBe(1);
      expect(await page.locator('.seal-key').textContent()).toMatch(/^([0-9a-f]{4}-){7}[0-9a-f]{4}$/);
      const isWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      expect(isWide).toBe(false);
      expect(complaints).toEqual([]);
      await close();
    }
  });

  it('saves the run as a file that proves itself', async () => {
    const { page, complaints, close } = await openPage(browser, `${server.url}/runs/${runId}?tab=integrity`);
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Run file' }).click();
    const download = await saved;
    expect(download.suggestedFilename()).toBe(`run-${runId}.tgr`);
    const { verdict } = await verifyRunFile([readFileSync(await download.path())], { name: 'saved' });
    expect(verdict.intact.verdict).toBe('intact');
    const json = page.waitForEvent('download');
    await page.getByRole('button', { name: 'JSON' }).click();
    const plain = JSON.parse(readFileSync(await (await json).path(), 'utf8')) as { version: number; runs: unknown[] };
    expect(plain).toMatchObject({ version: 1, scope: 'run', failed: [] });
    expect(plain.runs).toHaveLength(1);
    expect(complaints).toEqual([]);
    await close();
  });

  it('opens from a file without a network, and shows what the server shows', async () => {
    const { page, complaints, close } = await openPage(browser, pageUrl);
    await page.getByText('offline copy').waitFor();
    await page.getByRole('heading', { level: 1, name: /physicist/ }).waitFor();
    await expect.poll(() => page.locator('.tree-item').count()).toBeGreaterThanOrEqual(4);
    await page.keyboard.press('j');
    await page.getByText('Why is the <b>sky</b> blue?').first().waitFor();
    await page.keyboard.press('2');
    await page.keyboard.press('Escape');
    await page.getByRole('tab', { name: 'Integrity' }).click();
    await page.getByText('A page can claim anything').waitFor();
    await page.getByRole('tab', { name: 'Events' }).click();
    await page.getByText('run-create').first().waitFor();
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Runs' }).click();
    await page.getByText('physicist').first().waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('lets no recorded text act in such a page', async () => {
    const { page, complaints, close } = await openPage(browser, pathToFileURL(join(folder, 'odd.html')).href);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.getByText('onerror=alert(1)').first().waitFor();
    expect(await page.title()).not.toBe('taken');
    expect(await page.locator('img').count()).toBe(0);
    expect(complaints).toEqual([]);
    await close();
    const text = readFileSync(join(folder, 'odd.html'), 'utf8');
    expect(text).not.toContain('taken');
    expect(pageToRunFiles(text)).toHaveLength(1);
    expect(text).toMatch(
      /content="default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'"/,
    );
  });
});
