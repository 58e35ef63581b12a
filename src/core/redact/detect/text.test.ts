import { describe, expect, it } from 'vitest';
import { applyEdits } from '../edit.ts';
import { createMark } from '../placeholder.ts';
import { textEdits, textFindings } from './text.ts';

/** Fragments are joined here, so that no scanner takes this file for a leak. */
const join = (...parts: string[]): string => parts.join('');
const run = (length: number, letters = 'aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0z'): string =>
  letters.repeat(Math.ceil(length / letters.length)).slice(0, length);
const upper = (length: number): string => run(length, 'ABCDEFGH2345JKLMNPQRSTUV');
const hex = (length: number): string => run(length, '0f1e2d3c4b5a6978');
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const jwt = join(part({ alg: 'HS256', typ: 'JWT' }), '.', part({ sub: '1234567890', name: 'n' }), '.', run(43));
const pem = (kind: string, newline = '\n'): string =>
  [join('-----', `BEGIN ${kind}`, '-----'), run(64), run(64), run(20), join('-----', `END ${kind}`, '-----')].join(
    newline,
  );

/** Kind, what must go, and the text around it. */
const positives: [string, string, string?][] = [
  ['openai-key', join('s', 'k-', run(48))],
  ['openai-key', join('s', 'k-proj-', run(40), '_', run(40), '-', run(20))],
  ['openrouter-key', join('s', 'k-or-v1-', hex(64))],
  ['openai-key', join('s', 'k-', hex(32)), 'key:%'],
  ['openai-key', join('s', 'k-', run(48)), '\\n%'],
  ['openai-key', join('s', 'k-', run(48)), 'a%3D%'],
  ['anthropic-key', join('s', 'k-ant-', 'api03-', run(90), 'AA')],
  ['anthropic-key', join('s', 'k-ant-', 'api03-', run(900))],
  ['google-key', join('AI', 'za', run(35))],
  ['aws-key-id', join('AK', 'IA', upper(16))],
  ['aws-key-id', join('AS', 'IA', upper(16))],
  ['aws-secret-key', run(40), 'aws_secret_access_key = %'],
  ['aws-secret-key', run(40), 'AWS_SECRET_ACCESS_KEY=%'],
  ['aws-secret-key', run(40), '"SecretAccessKey": "%"'],
  ['github-token', join('gh', 'p_', run(36))],
  ['github-token', join('gh', 'o_', run(36))],
  ['github-token', join('github', '_pat_', run(22), '_', run(59))],
  ['tachograph-key', join('t', 'k_shop-eu.', hex(12), '_', hex(48))],
  ['tachograph-key', join('t', 'k_default.', hex(12), '_', hex(48)), 'https://h.example/api?k=%&b=2'],
  ['slack-token', join('xo', 'xb-', '123456789012-123456789012-', run(24))],
  ['slack-token', join('xo', 'xp-', '1234567890-', hex(32))],
  ['stripe-key', join('s', 'k_', 'live_', run(24))],
  ['stripe-key', join('r', 'k_', 'live_', run(99))],
  ['stripe-key', join('s', 'k_', 'test_', run(24))],
  ['jwt', jwt],
  ['jwt', jwt, 'Authorization: Bearer %'],
  ['private-key', pem('RSA PRIVATE KEY')],
  ['private-key', pem('PRIVATE KEY')],
  ['private-key', pem('OPENSSH PRIVATE KEY', '\\n')],
  ['private-key', pem('EC PRIVATE KEY', '\r\n')],
  ['private-key', pem('PRIVATE KEY').split('\n').slice(0, 3).join('\n'), 'cut off: %'],
  ['password', 'p4ss-w:rd', 'postgres://app:%@db.internal:5432/app'],
  ['password', 'hunter2', 'amqp://:%@host'],
  ['bearer', join('abc', 'DEF', '123456'), 'authorization: bearer %'],
  ['bearer', run(40), 'Authorization: Bearer %, and so on'],
  ['basic', base64('user:pass word'), 'Authorization: Basic %'],
  ['cookie', 'session=abcdef; theme=dark', `curl -H 'Cookie: %' x`],
  ['url-parameter', 'v4lue', 'GET https://h.example/x?a=1&access_token=%&b=2 failed'],
  ['url-parameter', 'abc', 'see (https://h.example/x?key=%).'],
  ['url-parameter', 'abc', 'https://h.example/cb#id_token=%'],
  ['secret', 'hunter2!', 'password = "%"'],
  ['secret', 'S3cret value; with more', 'password = "%" # set'],
  ['secret', 'S3cretValue', '--db-password=%'],
  ['secret', run(700), 'token=%'],
  ['secret', 'correct horse', 'failed: {"user":"u","password": "%"}'],
  ['secret', 'correcthorse', '{\\"clientSecret\\":\\"%\\"}'],
  ['secret', 'S3cretValue', 'DB_PASSWORD: %'],
  ['secret', run(32), 'api_key: "%"'],
  ['secret', run(32), 'MY_SERVICE_TOKEN=%'],
  ['secret', hex(40), "token: '%'"],
  ['secret', run(32), '\\"apiKey\\": \\"%\\"'],
];

const negatives = [
  'risk-free task-list disk-usage-report-for-2026-and-beyond',
  'class="sk-folding-cube sk-cube1 sk-circle-fade-dot"',
  join('s', 'k-', 'short'),
  join('AI', 'za', 'short'),
  join('AK', 'IA', 'SHORT'),
  join('AK', 'IA', upper(22)),
  join('gh', 'p_', 'short and ghost_writer ghs_'),
  join('xo', 'xo-', 'hugs'),
  join('s', 'k_', 'live_', 'x'),
  'eyJust.a.word and eyJhbGciOi no dots',
  join('-----', 'BEGIN CERTIFICATE', '-----\nMIIB\n-----END CERTIFICATE-----'),
  join('the line -----', 'BEGIN PRIVATE KEY', '----- opens such a block'),
  'Bearer of good news; bearer authentication/authorization; the bearer token',
  'basic understanding of Basic training; BASIC programs; basic authentication',
  'https://example.com/a/b?page=2&limit=10#top and http://localhost:3000/x@y',
  'postgres://db.internal/app and redis://user@host',
  'max_tokens: 4096, input_tokens=12, total tokens: 1234567890123456789',
  'password: the user must choose one; password = None; password=$PASSWORD; password: ${{ secrets.X }}',
  'token = next(stream); token: str; api_key=os.environ["KEY"]; api_key = settings.provider.key',
  'const secret = process.env.SECRET; keyword: argument; monkey: business; primary_key = true',
  'the cookie: crumbles, cookies = great',
  'commit 3f786850e387550fdab836ed7e6dc881de23001b, id 0199b0c3-7a3b-7c1e-9d55-2f6f1a2b3c4d, call_abcDEF123456',
];

describe('secrets in text', () => {
  it.each(positives)('%s is found', (kind, secret, frame = 'before % after') => {
    const text = frame.replace(/%(?![0-9A-F]{2})/, () => secret);
    const at = text.indexOf(secret);
    expect(textFindings(text)).toEqual([expect.objectContaining({ start: at, end: at + secret.length, kind })]);
  });

  it.each(positives)('%s is not found again in its placeholder', (_kind, secret, frame = 'before % after') => {
    const mark = createMark(new Uint8Array(32).fill(3));
    const text = frame.replace(/%(?![0-9A-F]{2})/, () => secret);
    const redacted = applyEdits(text, textEdits(text, mark));
    expect(redacted).not.toContain(secret);
    expect(textFindings(redacted)).toEqual([]);
  });

  it('a placeholder that reads like an assignment is none', () => {
    expect(textFindings('postgres://u:[REDACTED:password:7d06a41f]@h and [REDACTED:github-token:7d06a41f]')).toEqual(
      [],
    );
  });

  it.each(negatives)('a look-alike stays: %s', (text) => {
    expect(textFindings(text)).toEqual([]);
  });

  it('user info of a web URL is dropped, also inside an error message', () => {
    const text = 'connect to https://user:pa%40ss@api.example.com/v1 failed';
    expect(applyEdits(text, textEdits(text, createMark(new Uint8Array(32))))).toBe(
      'connect to https://api.example.com/v1 failed',
    );
  });

  it('so is that of a scheme built on one', () => {
    const text = 'pip install git+https://oauth2:abcdef@host.example/x.git';
    expect(applyEdits(text, textEdits(text, createMark(new Uint8Array(32))))).toBe(
      'pip install git+https://host.example/x.git',
    );
  });

  it('overlapping findings go as one, so that no tail stays', () => {
    const text = `https://h.example/?token=${jwt}`;
    expect(textFindings(text)).toEqual([
      expect.objectContaining({ start: text.indexOf(jwt), end: text.length, kind: 'jwt' }),
    ]);
  });
});
