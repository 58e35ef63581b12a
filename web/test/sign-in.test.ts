import { randomBytes } from 'node:crypto';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeyring } from '../../src/core/access/keyring.ts';
import { createMemoryJournal } from '../../src/core/memory-journal.ts';
import { createRecorder } from '../../src/core/record/recorder.ts';
import type { Server } from '../../src/server/index.ts';
import { createHandler, createServer } from '../../src/server/index.ts';
import { createMemoryStore } from '../../src/stores/memory/index.ts';
import { buildViewer, hasChromium, launchBrowser, openPage, removeViewer } from './browser.ts';

const pepper = Buffer.alloc(32, 3);

describe.skipIf(!hasChromium)('signing in, in a browser (needs a Chromium)', () => {
  let dist: string;
  let browser: Browser;
  let server: Server;
  const store = createMemoryStore();
  const keys = createKeyring({ directory: store.directory, pepper, nowMs: Date.now, randomBytes });
  let key: string;

  beforeAll(async () => {
    dist = await buildViewer();
    browser = await launchBrowser();
    await store.initialize();
    const journal = createMemoryJournal();
    const recorder = createRecorder({ journal });
    await recorder.run({ agentId: 'clerk', name: 'the night run' }, () => undefined);
    await store.importBatch({ projectId: 'default', entries: journal.take(), position: null });
    key = (await keys.create({ projectId: 'default', name: 'me', scopes: ['read'] })).text;
    const verify = () => Promise.reject(new Error('nobody verifies here'));
    server = await createServer({
      handler: createHandler({ store, verify, webRoot: dist, access: { pepper } }),
      port: 0,
    });
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close({ timeoutMs: 0 });
    removeViewer(dist);
  });

  it('asks for a key, takes a good one, shows whose records these are, and lets go again', async () => {
    const { page, close } = await openPage(browser, `${server.url}/`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.getByLabel('Key with the scope read').fill('tk_nonsense');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('The server does not know this key').waitFor();
    await page.getByLabel('Key with the scope read').fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('the night run').waitFor();
    expect(await page.evaluate(() => document.cookie)).toBe('');
    await page.reload();
    await page.getByText('the night run').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.getByText('the night run').count()).toBe(0);
    await close();
  });

  it('fits a phone', async () => {
    const { page, close } = await openPage(browser, `${server.url}/`, { width: 390, height: 800, dark: true });
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
    await close();
  });
});
