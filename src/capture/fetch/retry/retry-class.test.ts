import { describe, expect, test } from 'vitest';
import { createHostMatcher, hostToProvider, isCredentialExchange, isModelCall, toHosts } from '../hosts.ts';
import { answerToRetryClass, errorToRetryClass } from './retry-class.ts';

const withCode = (code: string, message = 'x'): Error => Object.assign(new Error(message), { code });
const fetchFailed = (cause: unknown): TypeError => new TypeError('fetch failed', { cause });

describe('retries', () => {
  test.each([
    [200, null],
    [400, null],
    [401, null],
    [408, 'timeout'],
    [409, 'other'],
    [429, 'rate-limit'],
    [500, 'server'],
    [502, 'server'],
    [503, 'overloaded'],
    [504, 'timeout'],
    [529, 'overloaded'],
  ])('status %i is %s', (status, expected) => {
    expect(answerToRetryClass(status, {})).toBe(expected);
  });

  test('a provider that asks to be tried again is, when its answer failed', () => {
    const headers = { 'x-should-retry': 'true' };
    expect([200, 400, 500].map((status) => answerToRetryClass(status, headers))).toEqual([null, 'other', 'server']);
  });

  test.each([
    ['refused', fetchFailed(withCode('ECONNREFUSED')), 'network'],
    ['reset', fetchFailed(withCode('ECONNRESET')), 'network'],
    ['no name', fetchFailed(withCode('ENOTFOUND')), 'network'],
    ['socket', new TypeError('terminated', { cause: withCode('UND_ERR_SOCKET') }), 'network'],
    ['headers late', fetchFailed(withCode('UND_ERR_HEADERS_TIMEOUT')), 'timeout'],
    ['connect late', fetchFailed(withCode('UND_ERR_CONNECT_TIMEOUT')), 'timeout'],
    ['deadline', new DOMException('late', 'TimeoutError'), 'timeout'],
    ['abort', new DOMException('stop', 'AbortError'), null],
    ['anything', new Error('what'), 'other'],
    ['a string', 'what', 'other'],
  ])('%s', (_name, error, expected) => {
    expect(errorToRetryClass(error)).toBe(expected);
  });

  test('a cyclic chain of causes ends', () => {
    const error = new Error('a');
    error.cause = error;
    expect(errorToRetryClass(error)).toBe('other');
  });
});

describe('hosts', () => {
  const isListed = createHostMatcher(toHosts(['llm.example.com'], '127.0.0.1:*, [::1]:8080 ,gpu.local:9000'));

  test.each([
    ['https://api.openai.com/v1/x', true],
    ['https://API.OPENAI.COM/v1/x', true],
    ['https://mine.openai.azure.com/openai/x', true],
    ['https://api.anthropic.com:8443/v1/messages', true],
    ['https://europe-west4-aiplatform.googleapis.com/v1/x', true],
    ['https://bedrock-runtime.us-east-1.amazonaws.com/model/x', true],
    ['https://llm.example.com/x', true],
    ['http://127.0.0.1:4010/v1', true],
    ['http://[::1]:8080/v1', true],
    ['http://[::1]:8081/v1', false],
    ['http://gpu.local:9000/v1', true],
    ['http://gpu.local/v1', false],
    ['https://example.com/api.openai.com', false],
    ['https://api.openai.com.evil.example/v1', false],
    ['https://storage.googleapis.com/x', false],
    ['https://apixopenai.com/x', false],
  ])('%s: %s', (url, expected) => {
    expect(isListed(new URL(url))).toBe(expected);
  });

  test.each([
    ['POST', '/v1/chat/completions', true],
    ['POST', '/v1/messages', true],
    ['POST', '/v1/messages/count_tokens', false],
    ['POST', '/v1/messages/batches', false],
    ['POST', '/v1/files', false],
    ['GET', '/v1/models', false],
    ['POST', '/v1beta/models/gemini-3-pro:generateContent', true],
    ['POST', '/v1beta/models/gemini-3-pro:countTokens', false],
    ['POST', '/v1/responses', true],
    ['POST', '/v1/responses/resp_1/cancel', false],
    ['POST', '/v1/responses/input_tokens', false],
    ['POST', '/v1/realtime/client_secrets', false],
    ['POST', '/v1/images/generations', true],
  ])('%s %s is a model call: %s', (method, path, expected) => {
    expect(isModelCall(method, path)).toBe(expected);
  });

  test('credentials are exchanged elsewhere', () => {
    expect(isCredentialExchange(new URL('https://oauth2.googleapis.com/token'))).toBe(true);
    expect(isCredentialExchange(new URL('http://169.254.169.254/latest/meta-data'))).toBe(true);
    expect(isCredentialExchange(new URL('https://api.openai.com/v1/responses'))).toBe(false);
  });

  test('providers by host', () => {
    expect(hostToProvider('api.openai.com')).toBe('openai');
    expect(hostToProvider('mine.openai.azure.com')).toBe('azure');
    expect(hostToProvider('generativelanguage.googleapis.com')).toBe('google');
    expect(hostToProvider('us-central1-aiplatform.googleapis.com')).toBe('google-vertex');
    expect(hostToProvider('api.x.ai')).toBe('xai');
    expect(hostToProvider('127.0.0.1')).toBeNull();
  });
});
