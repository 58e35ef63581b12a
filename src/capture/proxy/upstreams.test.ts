import { expect, test } from 'vitest';
import { createGuardedLookup, isAddressAllowed } from './addresses.ts';
import { toClientVariables } from './client-variables.ts';
import { toTarget } from './target.ts';
import { parseTraceparent } from '../../core/trace-context.ts';
import { knownUpstreams, parseUpstream, toUpstreams } from './upstreams.ts';

test.each([
  ['8.8.8.8', true, true],
  ['2606:4700::6810:1', true, true],
  ['127.0.0.1', false, true],
  ['10.1.2.3', false, true],
  ['172.31.0.1', false, true],
  ['192.168.1.1', false, true],
  ['100.64.0.1', false, true],
  ['::1', false, true],
  ['fd12::1', false, true],
  ['::ffff:127.0.0.1', false, true],
  ['169.254.169.254', false, false],
  ['::ffff:169.254.169.254', false, false],
  ['fe80::1', false, false],
  ['fd00:ec2::254', false, false],
  ['0.0.0.0', false, false],
  ['::', false, false],
  ['224.0.0.1', false, false],
  ['255.255.255.255', false, false],
  ['no address', false, false],
])('%s: for known providers %s, for one that was named %s', (address, isPublic, isOwn) => {
  expect([isAddressAllowed(address, 'public'), isAddressAllowed(address, 'own')]).toEqual([isPublic, isOwn]);
});

test('a known name that points into the house is not spoken to', async () => {
  const lookup = createGuardedLookup('public', ((_host: string, _options: object, done: (...told: unknown[]) => void) =>
    done(null, [
      { address: '8.8.8.8', family: 4 },
      { address: '10.0.0.1', family: 4 },
    ])) as never);
  const error = await new Promise<Error | null>((resolve) => lookup('api.openai.com', {}, (told) => resolve(told)));
  expect(error).toMatchObject({ code: 'bad-argument' });
  expect(error!.message).toContain('api.openai.com points to 10.0.0.1');
});

test.each([
  'nothing',
  '=http://127.0.0.1',
  'Upper=http://127.0.0.1',
  'a b=http://127.0.0.1',
  'x=ftp://127.0.0.1',
  'x=http://user:secret@127.0.0.1',
  'x=http://127.0.0.1/?a=1',
  'x=http://169.254.169.254/latest',
  'x=http://[fe80::1]/',
])('%s is no upstream, and its URL is not repeated', (text) => {
  let message = '';
  try {
    parseUpstream(text);
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message).toMatch(/^The upstream/);
  expect(message).not.toContain('secret');
});

test('both spellings of a base URL of Anthropic lead to its messages', () => {
  const upstreams = toUpstreams([]);
  for (const path of ['/v1/messages', '/messages?beta=true'])
    expect(toTarget(`/proxy/anthropic${path}`, upstreams)?.url.pathname).toBe('/v1/messages');
  expect(knownUpstreams.every(({ base, reach }) => base.protocol === 'https:' && reach === 'public')).toBe(true);
});

test('a program is pointed at the proxy, and its own base URLs stay where its calls go', () => {
  const own = {
    OPENAI_BASE_URL: 'http://localhost:11434/v1/',
    OPENAI_API_BASE: 'https://llm.example/v1',
    NO_PROXY: 'x.example',
  };
  const { variables, upstreams, left } = toClientVariables('http://127.0.0.1:5/proxy', own, []);
  expect(variables).toMatchObject({
    OPENAI_BASE_URL: 'http://127.0.0.1:5/proxy/openai~1',
    OPENAI_API_BASE: 'http://127.0.0.1:5/proxy/openai~2',
    ANTHROPIC_BASE_URL: 'http://127.0.0.1:5/proxy/anthropic',
    GOOGLE_GEMINI_BASE_URL: 'http://127.0.0.1:5/proxy/google',
    TACHOGRAPH_PROXY_URL: 'http://127.0.0.1:5/proxy',
    NO_PROXY: 'x.example,127.0.0.1,localhost',
  });
  expect(upstreams.map(({ name, base, provider }) => [name, base.href, provider])).toEqual([
    ['openai~1', 'http://localhost:11434/v1', 'openai'],
    ['openai~2', 'https://llm.example/v1', 'openai'],
  ]);
  expect(left).toEqual([]);
  expect(toTarget('/proxy/openai~1/chat/completions', toUpstreams(upstreams))?.url.href).toBe(
    'http://localhost:11434/v1/chat/completions',
  );
});

test('a base URL that is none is left as it is', () => {
  const { variables, left } = toClientVariables('http://127.0.0.1:5/proxy', { OPENAI_BASE_URL: 'nonsense' }, []);
  expect(variables['OPENAI_BASE_URL']).toBe(undefined);
  expect(left).toEqual(['OPENAI_BASE_URL']);
});

test.each([
  ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '0af7651916cd43dd8448eb211c80319c'],
  ['cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more', '0af7651916cd43dd8448eb211c80319c'],
  ['ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', null],
  ['00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01', null],
  ['00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01', null],
  ['', null],
])('traceparent %s', (text, traceId) => {
  expect(parseTraceparent(text)).toBe(traceId);
});
