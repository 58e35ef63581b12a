import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Stage } from '../../test/server/stage.ts';
import { createStage } from '../../test/server/stage.ts';

let folder: string;
let stage: Stage;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tachograph-viewer-'));
  const root = join(folder, 'web');
  await mkdir(join(root, 'assets'), { recursive: true });
  await writeFile(join(folder, 'secret.txt'), 'the secret');
  await writeFile(join(root, 'index.html'), '<!doctype html><title>viewer</title>');
  await writeFile(join(root, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  await writeFile(join(root, 'assets', 'main-Ab3_xY9z.js'), 'console.log(1)');
  await symlink(join(folder, 'secret.txt'), join(root, 'link.txt'));
  await symlink(folder, join(root, 'up'));
  stage = await createStage({ webRoot: root });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test('every page is the index, and is asked for anew', async () => {
  for (const path of ['/', '/runs/019a', '/runs/019a/steps/3?tab=raw', '/search']) {
    const response = await stage.get(path);
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([
      200,
      'text/html; charset=utf-8',
      'no-cache',
    ]);
    expect(await response.text()).toContain('viewer');
  }
});

test('hashed files are kept for ever, compressed and typed', async () => {
  const response = await stage.get('/assets/main-Ab3_xY9z.js', { 'accept-encoding': 'br, gzip' });
  expect(response.headers.get('cache-control')).toContain('immutable');
  expect(response.headers.get('content-type')).toContain('text/javascript');
  expect(gunzipSync(Buffer.from(await response.arrayBuffer())).toString()).toBe('console.log(1)');
  const plain = await stage.get('/assets/main-Ab3_xY9z.js');
  expect([plain.headers.get('content-encoding'), await plain.text()]).toEqual([null, 'console.log(1)']);
});

test('a known etag is answered 304, with the security headers', async () => {
  const etag = (await stage.get('/icon.svg')).headers.get('etag')!;
  const again = await stage.get('/icon.svg', { 'if-none-match': etag });
  expect([again.status, await again.text(), again.headers.get('x-content-type-options')]).toEqual([304, '', 'nosniff']);
});

test.each([
  '/../secret.txt',
  '/..%2fsecret.txt',
  '/%2e%2e/secret.txt',
  '/%2e%2e%2fsecret.txt',
  '/assets/..%2f..%2fsecret.txt',
  '/assets/%252e%252e/secret.txt',
  '/..\\secret.txt',
  '/..%5csecret.txt',
  '//secret.txt',
  '/link.txt',
  '/up/secret.txt',
  '/index.html%00.txt',
  '/assets/none.js',
])('%s leads nowhere', async (path) => {
  const response = await stage.get(path);
  expect(response.status).toBe(404);
  expect(await response.text()).not.toContain('the secret');
});

test('the API is never answered with a page', async () => {
  for (const path of ['/api', '/api/', '/api/v2/runs', '/api/v1/runs/last/nothing']) {
    const response = await stage.get(path);
    expect([path, response.status, response.headers.get('content-type')]).toEqual([
      path,
      404,
      'application/problem+json',
    ]);
  }
});

test('a new build is seen without a restart', async () => {
  const index = join(folder, 'web', 'index.html');
  await writeFile(join(folder, 'web', 'assets', 'main-Zz8_xY9z.js'), 'console.log(2)');
  await writeFile(index, '<!doctype html><title>second</title>');
  await utimes(index, new Date(), new Date(1_900_000_000_000));
  expect(await (await stage.get('/')).text()).toContain('second');
  expect((await stage.get('/assets/main-Zz8_xY9z.js')).status).toBe(200);
});

test('without a build a page says so', async () => {
  for (const webRoot of [null, join(folder, 'nowhere')]) {
    const bare = await createStage({ webRoot });
    const response = await bare.get('/');
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(await response.text()).toContain('not built');
    expect((await bare.get('/runs/1')).status).toBe(404);
  }
});
