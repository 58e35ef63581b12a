import { describe, expect, test } from 'vitest';
import { toProviderRequestId } from './request-id.ts';
import { toRetryWaitMs } from './retry-wait.ts';
import { isPastDeadline, toTryCount } from './try-count.ts';

const nowMs = Date.parse('2026-11-21T08:00:00Z');

describe('the wait that a provider asks for', () => {
  test.each<[string, Record<string, string>, number | null]>([
    ['in milliseconds', { 'retry-after-ms': '120', 'retry-after': '9' }, 120],
    ['in seconds', { 'retry-after': '2.5' }, 2500],
    ['as a date', { 'retry-after': 'Sat, 21 Nov 2026 08:00:07 GMT' }, 7000],
    ['as a date that is past', { 'retry-after': 'Sat, 21 Nov 2026 07:00:00 GMT' }, 0],
    ['none', {}, null],
    ['nonsense', { 'retry-after': 'soon', 'x-ratelimit-reset-requests': 'later' }, null],
    [
      'OpenAI: the limit that is used up',
      {
        'x-ratelimit-remaining-requests': '4999',
        'x-ratelimit-reset-requests': '12ms',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '6m0s',
      },
      360_000,
    ],
    [
      'Groq: fractions',
      {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '2m59.56s',
        'x-ratelimit-reset-tokens': '7.66s',
      },
      179_560,
    ],
    [
      'Anthropic: the last of two that are used up',
      {
        'anthropic-ratelimit-requests-remaining': '0',
        'anthropic-ratelimit-requests-reset': '2026-11-21T08:00:03Z',
        'anthropic-ratelimit-input-tokens-remaining': '0',
        'anthropic-ratelimit-input-tokens-reset': '2026-11-21T08:00:41Z',
        'anthropic-ratelimit-output-tokens-remaining': '8000',
        'anthropic-ratelimit-output-tokens-reset': '2026-11-21T08:01:00Z',
      },
      41_000,
    ],
    [
      'Azure: seconds, and more was asked for than is left',
      { 'x-ratelimit-remaining-tokens': '40', 'x-ratelimit-reset-tokens': '11', 'x-ratelimit-reset-requests': '60' },
      11_000,
    ],
    [
      'OpenRouter: a time in milliseconds',
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(nowMs + 1500) },
      1500,
    ],
    ['a time in seconds', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(nowMs / 1000 + 4) }, 4000],
    ['Mistral', { 'ratelimitbysize-remaining': '0', 'ratelimitbysize-reset': '38' }, 38_000],
    ['the draft standard', { 'ratelimit-limit': '10', 'ratelimit-remaining': '0', 'ratelimit-reset': '50' }, 50_000],
  ])('%s', (_name, headers, expected) => {
    expect(toRetryWaitMs({ status: 429, headers }, { bodyStart: '', nowMs })).toBe(expected);
  });

  test('limits say nothing of an answer that was not refused for them', () => {
    const headers = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1s' };
    expect([200, 500].map((status) => toRetryWaitMs({ status, headers }, { bodyStart: '', nowMs }))).toEqual([
      null,
      null,
    ]);
  });

  test('Google says it in the words of the error, as an object or in a list', () => {
    const details = [
      { '@type': 'type.googleapis.com/google.rpc.QuotaFailure' },
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.074824224s' },
    ];
    const body = { error: { code: 429, status: 'RESOURCE_EXHAUSTED', details } };
    for (const bodyStart of [JSON.stringify(body), JSON.stringify([body])])
      expect(toRetryWaitMs({ status: 429, headers: {} }, { bodyStart, nowMs })).toBeCloseTo(34_074.824, 2);
    for (const bodyStart of ['{"retryDelay"', '{"error":{"details":[{"retryDelay":7}]}}'])
      expect(toRetryWaitMs({ status: 503, headers: {} }, { bodyStart, nowMs })).toBeNull();
  });
});

describe("the provider's own id of a round trip", () => {
  test.each<[string, Record<string, string>, string | null]>([
    ['OpenAI', { 'x-request-id': 'req_1', 'cf-ray': 'ray' }, 'req_1'],
    ['Anthropic', { 'request-id': 'req_2', 'cf-ray': 'ray' }, 'req_2'],
    ['Bedrock', { 'x-amzn-requestid': 'amz' }, 'amz'],
    ['Azure', { 'apim-request-id': 'apim' }, 'apim'],
    ['Google', { 'x-cloud-trace-context': 'trace' }, 'trace'],
    ['Mistral', { 'mistral-correlation-id': 'corr', 'cf-ray': 'ray' }, 'corr'],
    ['Moonshot', { 'msh-request-id': 'msh' }, 'msh'],
    ['NVIDIA', { 'nvcf-reqid': 'nv' }, 'nv'],
    ['DeepSeek', { 'x-ds-trace-id': 'ds', 'cf-ray': 'ray' }, 'ds'],
    ['Cohere', { 'x-debug-trace-id': 'co' }, 'co'],
    ['OpenRouter', { 'x-generation-id': 'gen' }, 'gen'],
    ['only the network in front', { 'cf-ray': 'ray' }, 'ray'],
    ['an empty one', { 'x-request-id': '', 'request-id': 'req_3' }, 'req_3'],
    ['none', {}, null],
  ])('%s', (_name, headers, expected) => {
    expect(toProviderRequestId(headers, '')).toBe(expected);
  });

  test('out of the words of an error', () => {
    const words = '{"type":"error","request_id":"req_4"}';
    expect(toProviderRequestId({ 'cf-ray': 'ray' }, words)).toBe('req_4');
    expect(toProviderRequestId({ 'cf-ray': 'ray' }, '{"request_id":')).toBe('ray');
  });
});

describe('tries as their client counts them', () => {
  test.each([
    ['0', 0],
    ['12', 12],
    ['-1', null],
    ['x', null],
    [undefined, null],
  ])('%s', (told, expected) => {
    expect(toTryCount(told === undefined ? {} : { 'x-stainless-retry-count': told })).toBe(expected);
  });

  test('a deadline is past when it is named and has passed', () => {
    const headers = { 'x-stainless-timeout': '2' };
    expect([1949, 1950].map((elapsedMs) => isPastDeadline(headers, elapsedMs))).toEqual([false, true]);
    expect(isPastDeadline({}, 1e9)).toBe(false);
    expect(isPastDeadline({ 'x-stainless-timeout': '0' }, 1e9)).toBe(false);
  });
});
