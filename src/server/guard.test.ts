import { describe, expect, test } from 'vitest';
import { createStage } from '../../test/server/stage.ts';
import { recordScenario } from '../../test/server/scenario.ts';
import { refuseForeign } from './guard.ts';
import type { Problem } from './wire.ts';

const options = { allowedHosts: ['records.example', 'forwarded.example:9000'] };

/** Status of the refusal, or 200. Headers are given raw: a Request of the platform would drop some of them. */
function ask(method: string, headers: Readonly<Record<string, string>>, port: number | null = 7230): number {
  const request = { method, url: 'http://localhost:7230/api/v1/runs', headers: new Headers(headers) } as Request;
  return refuseForeign(request, port, options)?.status ?? 200;
}

describe('the Host', () => {
  test.each([
    'localhost:7230',
    '127.0.0.1:7230',
    '[::1]:7230',
    'LOCALHOST:7230',
    'records.example',
    'records.example:444',
    'forwarded.example:9000',
  ])('%s is answered', (host) => expect(ask('GET', { host })).toBe(200));

  test.each([
    'evil.example',
    'evil.example:7230',
    'localhost.evil.example:7230',
    'localhost:7231',
    'localhost',
    '127.0.0.1.nip.io:7230',
    '0.0.0.0:7230',
    'forwarded.example:9001',
    'localhost:7230@evil.example',
    'localhost:7230 evil',
    '[::1',
    '',
  ])('%j is refused', (host) => expect(ask('GET', { host })).toBe(403));

  test('of loopback passes without its port where the port is not known', () =>
    expect(ask('GET', { host: 'localhost' }, null)).toBe(200));
});

describe('the origin', () => {
  const host = 'localhost:7230';

  test.each([
    ['POST', { origin: 'http://localhost:7230', 'sec-fetch-site': 'same-origin' }],
    ['DELETE', {}],
    ['GET', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }],
    ['GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }],
  ])('%s with %j passes', (method, headers) => expect(ask(method, { host, ...headers })).toBe(200));

  test.each([
    ['POST', { origin: 'https://evil.example' }],
    ['POST', { origin: 'null' }],
    ['POST', { origin: 'http://localhost:3000' }],
    ['GET', { origin: 'https://evil.example' }],
    ['POST', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }],
    ['DELETE', { 'sec-fetch-site': 'same-site' }],
    ['GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    ['GET', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }],
  ])('%s with %j is refused', (method, headers) => expect(ask(method, { host, ...headers })).toBe(403));
});

test('a cross-origin erasure changes nothing', async () => {
  const erased: string[] = [];
  const stage = await createStage({
    async eraseRun(_projectId, runId) {
      erased.push(runId);
      return { runs: 1, events: 1, contents: 1, shared: 0 };
    },
  });
  const { runId } = await recordScenario(stage);
  const erase = (method: string, path: string, headers: Readonly<Record<string, string>>): Promise<Response> =>
    stage.handler(new Request(`http://localhost/api/v1/runs/${runId}${path}`, { method, headers }));
  const foreign = await erase('POST', '/erase', { origin: 'https://evil.example' });
  expect([foreign.status, ((await foreign.json()) as Problem).code]).toEqual([403, 'origin-refused']);
  expect((await erase('DELETE', '', { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect((await erase('GET', '/erase', {})).status).toBe(405);
  expect(erased).toEqual([]);
  expect(await (await erase('POST', '/erase', { origin: 'http://localhost' })).json()).toMatchObject({ runs: 1 });
  expect(erased).toEqual([runId]);
});

test('a preflight is never granted', async () => {
  const stage = await createStage();
  const headers = { origin: 'https://evil.example', 'access-control-request-method': 'DELETE' };
  const response = await stage.handler(
    new Request('http://localhost/api/v1/runs/last', { method: 'OPTIONS', headers }),
  );
  expect(response.status).toBe(403);
  expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
});
