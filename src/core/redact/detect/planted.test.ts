import { describe, expect, it } from 'vitest';
import { createRedactor } from '../create.ts';
import { rows } from './marked.ts';
import { createRandom, credentialOf, sampleOf } from './sample.fixture.ts';

/*
 * Secrets of every kind, in every encoding, in every form that a field can have. Each is made up on the spot from the
 * table itself, so that no scanner takes this file for a leak.
 */
const redactor = createRedactor({ key: new Uint8Array(32).fill(7) });
const random = createRandom(20_261_121);
const join = (...parts: string[]): string => parts.join('');
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const mixed = (length: number): string => `aB3${sampleOf(`[A-Za-z0-9]{${length - 3}}`, random)}`;
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Kind, what must not be left, and the text that carries it where it is not the whole. */
type Planted = readonly [string, string, string?];

const special: Planted[] = [
  ['openai-key', join('s', 'k-', mixed(48))],
  ['openai-key', join('s', 'k-proj-', mixed(74), 'T3BlbkFJ', mixed(74))],
  ['openai-key', join('s', 'k-svcacct-', mixed(60))],
  ['openrouter-key', join('s', 'k-or-v1-', sampleOf('[0-9a-f]{64}', random))],
  ['openai-key', join('s', 'k-', sampleOf('[0-9a-f]{32}', random))],
  ['anthropic-key', join('s', 'k-ant-api03-', mixed(93), 'AA')],
  ['anthropic-key', join('s', 'k-ant-oat01-', mixed(93), 'AA')],
  ['jwt', join(part({ alg: 'HS256', typ: 'JWT' }), '.', part({ sub: '12345' }), '.', mixed(43))],
  ['telegram-token', join('123456789', ':AA', mixed(33))],
  ['discord-token', join(base64('123456789012345678'), '.', 'G', mixed(5), '.', mixed(38))],
  ['twilio-key', join('S', 'K', sampleOf('[0-9a-f]{32}', random))],
  ['azure-secret', join('aB3', '8Q~', mixed(34))],
  ['azure-key', join(mixed(52), 'JQQJ99', mixed(26))],
  ['azure-key', join(mixed(76), 'AZDO', mixed(4))],
  [
    'private-key',
    join('-----', 'BEGIN PRIVATE KEY', '-----\n', mixed(64), '\n', mixed(40), '\n-----', 'END PRIVATE KEY', '-----'),
  ],
];
const inContext: Planted[] = [
  ['password', 'p4ss-W0rd', 'postgres://app:p4ss-W0rd@db.internal:5432/app'],
  ['password', 'p4ss-W0rd', 'mongodb+srv://app:p4ss-W0rd@db.internal/app'],
  ['bearer', 'abcDEF123456', 'Authorization: Bearer abcDEF123456'],
  ['basic', base64('user:p4ss word'), `Authorization: Basic ${base64('user:p4ss word')}`],
  ['secret', 'hunter2!x', 'password=hunter2!x'],
  ['secret', 'S3cretValue9', 'DB_PASSWORD: S3cretValue9'],
  ['secret', 'aB3dE5gH7jK9mN1pQ2rS', 'MISTRAL_API_KEY=aB3dE5gH7jK9mN1pQ2rS'],
  ['secret', 'aB3dE5gH7jK9mN1pQ2rS', 'deploy --token aB3dE5gH7jK9mN1pQ2rS --force'],
  ['secret', 'Hunter2!x', 'mysql --password Hunter2!x -u root'],
  ['secret', 'Hunter2!x', 'my password is Hunter2!x, please keep it'],
  ['secret', 'hunter2', 'machine h.example login u password hunter2'],
  ['secret', 'swordfish', '<user><password>swordfish</password></user>'],
  ['secret', 'swordfish', '<add key="password" value="swordfish"/>'],
  ['secret', base64(mixed(64)), `AccountName=x;AccountKey=${base64('k'.repeat(8) + mixed(56))};EndpointSuffix=y`],
];
inContext[inContext.length - 1] = ((text: string): Planted => ['secret', /AccountKey=([^;]+)/.exec(text)![1]!, text])(
  inContext.at(-1)![2]!,
);

const planted: Planted[] = [...rows.map((row): Planted => [row.kind, credentialOf(row, random)]), ...special];
const everything: Planted[] = [...planted, ...inContext];

const percent = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[-_.~!*'()]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
const escaped = (text: string): string =>
  [...text]
    .map((character) =>
      /[A-Za-z0-9]/.test(character) ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
    .join('');

const encodings: [string, (text: string) => string][] = [
  ['as it is', (text) => text],
  ['with its signs percent-encoded', percent],
  ['with its signs escaped', escaped],
  ['as base64', base64],
  ['as base64 in a text', (text) => base64(`value: ${text} and so on`)],
  ['as base64url', (text) => Buffer.from(text).toString('base64url')],
];

const json = (value: unknown): string => JSON.stringify(value);
const forms: [string, (text: string) => string][] = [
  ['text', (text) => redactor.text(`see ${text} there`).value],
  ['JSON', (text) => redactor.body(json({ a: [{ note: text }] }), 'application/json').value],
  ['JSON in JSON', (text) => redactor.json(json({ arguments: json({ note: text }) })).value],
  ['NDJSON', (text) => redactor.body(`${json({ note: 1 })}\n${json({ note: text })}\n`, 'application/x-ndjson').value],
  ['SSE', (text) => redactor.body(`event: e\ndata: ${json({ delta: text })}\n\n`, 'text/event-stream').value],
  [
    'form',
    (text) => redactor.body(`a=1&note=${encodeURIComponent(text)}&b=2`, 'application/x-www-form-urlencoded').value,
  ],
  [
    'multipart',
    (text) =>
      redactor.body(
        `--b\r\nContent-Disposition: form-data; name="note"\r\n\r\n${text}\r\n--b--\r\n`,
        'multipart/form-data; boundary=b',
      ).value,
  ],
  ['header', (text) => json(redactor.headers({ 'x-note': text.replaceAll('\n', '\\n') }).value)],
  [
    'URL',
    (text) => redactor.url(`https://h.example/p?q=${text.replaceAll(/[\s&#]/g, encodeURIComponent)}&page=2`).value,
  ],
  ['XML element', (text) => redactor.body(`<a><note>${text}</note></a>`, 'application/xml').value],
  ['XML attribute', (text) => redactor.body(`<a note="${text}"/>`, 'application/xml').value],
  ['argv', (text) => redactor.json(json({ argv: ['deploy', '--note', text] })).value],
];

/** Everything a reader could still make of a text. */
function readings(text: string): string {
  const decoded = text.replaceAll(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  const unescaped = decoded.replaceAll(/\\+u([0-9a-f]{4})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  const runs = unescaped.match(/[A-Za-z0-9+/_-]{12,}/g) ?? [];
  return [unescaped, ...runs.map((run) => Buffer.from(run, 'base64').toString('latin1'))].join('\n');
}

describe.each(forms)('a secret in %s', (_form, redact) => {
  it.each(encodings)('%s', (_encoding, encode) => {
    // Base64 is looked into from 20 characters on.
    const long = planted.filter(([, secret]) => secret.length >= 16);
    const survivors = long.filter(([, secret]) => readings(redact(encode(secret))).includes(secret.slice(-12)));
    expect(survivors.map(([kind, secret]) => `${kind}: ${secret.slice(0, 8)}…`)).toEqual([]);
  });
});

describe.each(forms.filter(([form]) => !form.startsWith('XML') && form !== 'URL'))(
  'a secret by its surroundings in %s',
  (_form, redact) => {
    it.each(encodings)('%s', (_encoding, encode) => {
      const survivors = inContext.filter(([, secret, text]) =>
        readings(redact(encode(text!))).includes(secret.slice(-12)),
      );
      expect(survivors.map(([kind, , text]) => `${kind}: ${text}`)).toEqual([]);
    });
  },
);

describe('kinds', () => {
  it.each(everything)('%s', (kind, secret, text) => {
    expect(Object.keys(redactor.text(`see ${text ?? secret} there`).counts ?? {})).toContain(kind);
  });
});

describe('a secret that a cut went through', () => {
  const isTelling = (mark: string): boolean =>
    mark.length > 3 && !/^(?:key-|api-|sdk-|EAAA|AAAA|prod:|secret_|organizations)/.test(mark);

  it('goes as far as it is there', () => {
    const survivors = rows.filter((row) => {
      const begun = `the end of it: ${row.mark}${credentialOf(row, random).slice(row.mark.length, row.mark.length + 6)}`;
      const shown = redactor.body(begun, 'text/plain', { truncated: true }).value;
      return isTelling(row.mark) && shown.includes(row.mark);
    });
    expect(survivors.map(({ mark }) => mark)).toEqual([]);
    for (const begun of [
      join('s', 'k-ant-'),
      join('s', 'k-proj-aB3'),
      special.find(([kind]) => kind === 'jwt')![1].slice(0, 30),
    ])
      expect(redactor.body(`{"a":"${begun}`, 'application/json', { truncated: true }).value).not.toContain(begun);
  });

  it('what ends in a plain word stays', () => {
    for (const text of ['a monkey-', 'the risk-', 'an sk', '{"a":"task-'])
      expect(redactor.body(text, 'text/plain', { truncated: true }).value).toBe(text);
  });
});

describe('names beside values in JSON', () => {
  const value = (text: string): string => redactor.json(text).value;

  it.each([
    '["--password","swordfish"]',
    '["deploy", "--api-key" , "swordfish"]',
    '{"name":"password","value":"swordfish"}',
    '{"headers":[{"key":"Authorization","value":"swordfish"}]}',
    '[["authorization","swordfish"]]',
  ])('%s', (text) => {
    expect(value(text)).not.toContain('swordfish');
    expect(JSON.parse(value(text))).toBeDefined();
  });

  it.each([
    '["--password","--force"]',
    '["password","username"]',
    '{"name":"password","description":"swordfish"}',
    '{"a":"--password","b":"swordfish"}',
    '{"name":"page","value":"swordfish"}',
  ])('%s stays', (text) => expect(value(text)).toBe(text));
});
