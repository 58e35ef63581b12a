import { describe, expect, it } from 'vitest';
import { createRedactor } from './create.ts';

const redactor = createRedactor({ key: new Uint8Array(32).fill(7) });
const headers = (values: Record<string, string>): Record<string, string> => redactor.headers(values).value;
const isGone = (value: string | undefined): boolean => /^\[REDACTED:[a-z-]+:[0-9a-f]{8}\]$/.test(value ?? '');

describe('headers', () => {
  it.each([
    'authorization',
    'Proxy-Authorization',
    'COOKIE',
    'set-cookie',
    'x-api-key',
    'api-key',
    'X-Goog-Api-Key',
    'my_api_key',
    'myapikey',
    'X-Amz-Security-Token',
    'x-csrf-token',
    'client-secret',
    'x-bearer',
    'X-RateLimit-Secret',
    'ocp-apim-subscription-key',
  ])('%s loses its value', (name) => {
    expect(isGone(headers({ [name]: 'plain value' })[name])).toBe(true);
    expect(isGone(headers({ [name.toUpperCase()]: 'plain value' })[name.toUpperCase()])).toBe(true);
  });

  it.each([
    'anthropic-ratelimit-tokens-remaining',
    'anthropic-ratelimit-input-tokens-limit',
    'Anthropic-Ratelimit-Output-Tokens-Reset',
    'anthropic-priority-input-tokens-remaining',
    'x-ratelimit-remaining-tokens',
    'x-ratelimit-limit-tokens',
    'x-ratelimit-reset-tokens',
    'x-ratelimit-limit-tokens-minute',
    'x-amzn-bedrock-input-token-count',
    'content-type',
    'request-id',
    'retry-after',
  ])('%s stays', (name) => {
    const values = { [name]: '2026-11-21T07:00:00Z' };
    expect(redactor.headers(values)).toEqual({ value: values, counts: null });
  });

  it('a rate-limit name does not shelter a secret', () => {
    expect(
      isGone(headers({ 'x-ratelimit-tokens': 'aB3d/E5gH7jK9mN1pQ2rS4tU6vW8xY0zaB3dE5gH7jK9mN' })['x-ratelimit-tokens']),
    ).toBe(true);
  });

  it('values of other headers are scanned', () => {
    const key = ['s', 'k-ant-', 'api03-', 'aB3dE5gH7j'.repeat(4)].join('');
    expect(headers({ 'x-note': `key ${key}` })['x-note']).toMatch(/^key \[REDACTED:anthropic-key:[0-9a-f]{8}\]$/);
    expect(headers({ location: 'https://u:p@h.example/cb?code=abc&state=1' })['location']).toMatch(
      /^https:\/\/h\.example\/cb\?code=\[REDACTED:url-parameter:[0-9a-f]{8}\]&state=1$/,
    );
  });

  it('redacting twice is redacting once, and kinds are counted', () => {
    const values = { authorization: 'Bearer abcDEF123', cookie: 'a=b', accept: '*/*' };
    const once = redactor.headers(values);
    expect(once.counts).toEqual({ header: 2 });
    expect(redactor.headers(once.value)).toEqual({ value: once.value, counts: null });
  });

  it('names can be added and taken out', () => {
    const own = createRedactor({
      key: new Uint8Array(32),
      deniedHeaders: ['X-Tenant'],
      allowedHeaders: ['X-Trace-Token'],
    });
    const values = own.headers({ 'x-tenant': 't', 'x-trace-token': 'v', 'x-other-token': 'w' }).value;
    expect(isGone(values['x-tenant'])).toBe(true);
    expect(values['x-trace-token']).toBe('v');
    expect(isGone(values['x-other-token'])).toBe(true);
  });
});

describe('URLs', () => {
  const url = (text: string): string =>
    redactor.url(text).value.replaceAll(/\[REDACTED:([a-z-]+):[0-9a-f]{8}\]/g, '<$1>');

  it.each([
    ['https://user:p4ss@h.example/v1', 'https://h.example/v1'],
    ['postgres://user:p4ss@h.example/db', 'postgres://h.example/db'],
    ['https://h.example/v1?key=abc&alt=sse', 'https://h.example/v1?key=<url-parameter>&alt=sse'],
    ['/v1/models?api-key=abc&x=1#frag', '/v1/models?api-key=<url-parameter>&x=1#frag'],
    [
      'https://h.example/cb#access_token=abc&token_type=bearer',
      'https://h.example/cb#access_token=<url-parameter>&token_type=bearer',
    ],
    [
      'https://h.example/b?X-Amz-Signature=abc&X-Amz-Date=1',
      'https://h.example/b?X-Amz-Signature=<url-parameter>&X-Amz-Date=1',
    ],
    ['https://h.example/?%70assword=abc', 'https://h.example/?%70assword=<url-parameter>'],
    ['https://h.example/?key=&page_token=abc&max_tokens=5', 'https://h.example/?key=&page_token=abc&max_tokens=5'],
    ['https://h.example/a@b?x=y:z@w', 'https://h.example/a@b?x=y:z@w'],
    [
      `https://h.example/${['AI', 'za', 'aB3dE5gH7j'.repeat(4).slice(0, 35)].join('')}/x`,
      'https://h.example/<google-key>/x',
    ],
  ])('%s', (text, expected) => {
    const redacted = redactor.url(text);
    expect(url(text)).toBe(expected);
    expect(redactor.url(redacted.value)).toEqual({ value: redacted.value, counts: null });
  });
});
