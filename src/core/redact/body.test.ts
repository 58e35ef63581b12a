import { describe, expect, it } from 'vitest';
import { createRedactor } from './create.ts';

const redactor = createRedactor({ key: new Uint8Array(32).fill(7) });
const key = ['s', 'k-', 'aB3dE5gH7jK9mN1pQ2rS'.repeat(3)].join('');
const body = (text: string, type: string | null, truncated = false): string =>
  hide(redactor.body(text, type, { truncated }).value);
/** Placeholders without their digits, to be compared by kind. */
const hide = (text: string): string => text.replaceAll(/\[REDACTED:([a-z-]+):[0-9a-f]{8}\]/g, '<$1>');

describe('JSON bodies', () => {
  it('only values of secrets change; order, spacing, escapes and number text stay', () => {
    const text = `{ "b" : 1.0,\n "password":"x\\"y", "a\\u00e9": "caf\\u00e9 \\/ ${key} \\ud83d\\ude00", "max_tokens": 1e3 }`;
    expect(body(text, 'application/json')).toBe(
      '{ "b" : 1.0,\n "password":"<key>", "a\\u00e9": "caf\\u00e9 \\/ <openai-key> \\ud83d\\ude00", "max_tokens": 1e3 }',
    );
  });

  it('the opening of a continued body stays as it is', () => {
    const text = `{"_":[{},{"role":"user","content":"my ${key}"}],"model":"x"}`;
    expect(body(text, 'application/json')).toBe('{"_":[{},{"role":"user","content":"my <openai-key>"}],"model":"x"}');
  });

  it('what claims to be JSON and is none is withheld with its size', () => {
    const redacted = redactor.body('{"a":é', 'application/json');
    expect(redacted).toEqual({ value: '[WITHHELD:bad-json:7]', counts: { 'bad-json': 1 } });
    expect(redactor.body(redacted.value, 'application/json')).toEqual({ value: redacted.value, counts: null });
    expect(body('<html>', 'application/problem+json')).toBe('[WITHHELD:bad-json:6]');
    expect(body('NaN', 'application/json')).toBe('[WITHHELD:bad-json:3]');
  });

  it('an empty body and one with a byte order mark are JSON', () => {
    expect(body('', 'application/json')).toBe('');
    expect(body('\uFEFF{"token":"x"}\n', 'application/json')).toBe('\uFEFF{"token":"<key>"}\n');
  });

  it('a cut body is redacted as far as it goes; a cut value of a denied key goes', () => {
    expect(body('{"a":"b","password":"hun', 'application/json', true)).toBe('{"a":"b","password":"<key>');
    expect(body('{"password":"hun\\', 'application/json', true)).toBe('{"password":"<key>');
    expect(body('{"a":[{"secret":{"x":[1,"y', 'application/json', true)).toBe('{"a":[{"secret":"<key>"');
    expect(body(`{"a":"${key}`, 'application/json', true)).toBe('{"a":"<openai-key>');
    expect(body(`{"${key}`, 'application/json', true)).toBe('{"<openai-key>');
    expect(body('{"password":12', 'application/json', true)).toBe('{"password":"<key>"');
    expect(body('{"a":tru', 'application/json', true)).toBe('{"a":tru');
    expect(body('password {"', 'application/json', true)).toBe('[WITHHELD:bad-json:11]');
  });

  it('a cut body without secrets stays, wherever it was cut', () => {
    const whole = '{"token_count":[1,-2.5e3,true,null,{"a\\n":"\\u00e9\\\\"}],"my key":{}}';
    for (let end = 0; end <= whole.length; end += 1)
      expect(body(whole.slice(0, end), 'application/json', true)).toBe(whole.slice(0, end));
  });

  it('depth costs no stack', () => {
    const deep = `${'{"a":['.repeat(50_000)}"${key}"${']}'.repeat(50_000)}`;
    expect(body(deep, 'application/json')).toBe(deep.replace(key, '<openai-key>'));
  });
});

describe('denied keys', () => {
  const json = (value: unknown): unknown => JSON.parse(hide(redactor.json(JSON.stringify(value)).value));

  it('lose strings, numbers, objects and arrays; nothing, flags and empty values stay', () => {
    expect(
      json({
        password: 'a',
        passwordAge: 7,
        secrets: ['a'],
        clientSecret: { a: 1 },
        hasPassword: true,
        credential: null,
        secret: '',
      }),
    ).toEqual({
      password: '<key>',
      passwordAge: '<key>',
      secrets: '<key>',
      clientSecret: '<key>',
      hasPassword: true,
      credential: null,
      secret: '',
    });
    expect(json({ credentials: {}, secrets: [] })).toEqual({ credentials: {}, secrets: [] });
  });

  it.each([
    'access_token',
    'accessToken',
    'ACCESS-TOKEN',
    'api_token',
    'session.token',
    'PrivateKey',
    'signing_key',
    'x-api-key',
    'set-cookie',
  ])('%s is denied', (name) => expect(json({ [name]: 'v' })).toEqual({ [name]: '<key>' }));

  it('usage and paging stay', () => {
    const usage = {
      input_tokens: 5,
      outputTokens: 6,
      max_tokens: 7,
      token: 8,
      total_tokens: '9',
      tokenizer: 't',
      next_page_token: 'aB3dE5gH7jK9mN1pQ2rS',
      key: 'k',
      keys: ['a'],
    };
    expect(json(usage)).toEqual(usage);
  });

  it('a value that looks random goes beside a telling name', () => {
    expect(json({ github_token: 'aB3dE5gH7jK9mN1pQ2rS', cacheKey: 'aB3dE5gH7jK9mN1pQ2rS', stop_token: 'end' })).toEqual(
      {
        github_token: '<key>',
        cacheKey: 'aB3dE5gH7jK9mN1pQ2rS',
        stop_token: 'end',
      },
    );
  });

  it('a schema that describes a secret stays readable, one that holds a value goes', () => {
    const schema = {
      properties: { password: { type: 'string', description: 'The password.' }, token: { anyOf: [{ type: 'null' }] } },
      required: ['password'],
    };
    expect(json(schema)).toEqual(schema);
    expect(json({ password: { type: 'string', default: 'hunter2' } })).toEqual({ password: '<key>' });
  });

  it('pieces of an answer beside their log probability stay', () => {
    const content = [{ token: 'Hello', logprob: -0.1, bytes: [72] }];
    expect(json({ logprobs: { content } })).toEqual({ logprobs: { content } });
  });

  it('names can be added and taken out, in every spelling', () => {
    const own = createRedactor({ key: new Uint8Array(32), deniedKeys: ['patient_id', 'a+b'], allowedKeys: ['secret'] });
    const text = '{"patientId":"p","PATIENT-ID":"q","a+b":1,"secret":"s","secrets":"t"}';
    expect(hide(own.json(text).value)).toBe(
      '{"patientId":"<key>","PATIENT-ID":"<key>","a+b":"<key>","secret":"s","secrets":"<key>"}',
    );
  });
});

describe('other bodies', () => {
  it('NDJSON goes line by line', () => {
    const text = `{"token":"a"}\r\n\n{"b":"${key}"}\nnot json\n{"c":1}`;
    expect(body(text, 'application/x-ndjson')).toBe(
      '{"token":"<key>"}\r\n\n{"b":"<openai-key>"}\n[WITHHELD:bad-json:8]\n{"c":1}',
    );
    expect(body('{"a":\n{"b":', 'application/jsonl', true)).toBe('[WITHHELD:bad-json:5]\n{"b":');
    expect(body('{"a":1}\n{"password":"x', 'application/jsonl', true)).toBe('{"a":1}\n{"password":"<key>');
  });

  it('an event stream goes by its data lines, also without a content type', () => {
    const text = `: ping\nevent: delta\nid: 7\ndata: {"api_key":"x","n":1.0}\ndata:{"t":"${key}"}\n\ndata: ${key}\ndata: [DONE]\n\n`;
    const expected =
      ': ping\nevent: delta\nid: 7\ndata: {"api_key":"<key>","n":1.0}\ndata:{"t":"<openai-key>"}\n\ndata: <openai-key>\ndata: [DONE]\n\n';
    expect(body(text, 'text/event-stream; charset=utf-8')).toBe(expected);
    expect(body(text.slice(7), null)).toBe(expected.slice(7));
  });

  it('form fields go by name and by value; the others keep their bytes', () => {
    const text = `a=%7e+x&client_secret=p%26q&note=${key}&grant_type=password&json=%7B%22token%22%3A%22x%22%7D&flag`;
    expect(body(text, 'application/x-www-form-urlencoded')).toBe(
      'a=%7e+x&client_secret=<key>&note=<openai-key>&grant_type=password&json=%7B%22token%22%3A%22<key>%22%7D&flag',
    );
  });

  it('multipart goes part by part, each by its own type', () => {
    const part = (head: string, content: string): string =>
      `--b0\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n`;
    const text = `${part('name="password"', 'hunter2')}${part('name="meta"\r\nContent-Type: application/json', '{"token":"x","n":1}')}${part('name="f"; filename="a.txt"', `see ${key}`)}--b0--\r\n`;
    const expected = `${part('name="password"', '<key>')}${part('name="meta"\r\nContent-Type: application/json', '{"token":"<key>","n":1}')}${part('name="f"; filename="a.txt"', 'see <openai-key>')}--b0--\r\n`;
    expect(body(text, 'multipart/form-data; boundary="b0"')).toBe(expected);
    expect(body(text, 'multipart/form-data')).toBe(expected);
  });

  it('text is scanned, and read as JSON where it is JSON', () => {
    expect(body(`hello ${key}`, 'text/plain')).toBe('hello <openai-key>');
    expect(body('{"password":"x"}', null)).toBe('{"password":"<key>"}');
    expect(body('{"password":"x"} trailing', null)).toBe('{"password":"x"} trailing');
    expect(body('[see https://u:p@h.example/]', 'text/plain')).toBe('[see https://h.example/]');
  });

  it('counts are by kind', () => {
    expect(redactor.body(`{"a":"${key} ${key}","token":"x"}`, 'application/json').counts).toEqual({
      'openai-key': 2,
      key: 1,
    });
  });
});
