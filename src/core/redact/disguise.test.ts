import { describe, expect, it } from 'vitest';
import { createRedactor } from './create.ts';

/*
 * Secrets that a cut, an encoding, a place or a stranger's layout hides. Each is made up on the spot, so that no scanner
 * takes this file for a leak.
 */
const redactor = createRedactor({ key: new Uint8Array(32).fill(7) });
const join = (...parts: string[]): string => parts.join('');
const key = join('s', 'k-ant-', 'api03-', 'aB3dE5gH7jK9mN1pQ2rS'.repeat(4), 'AA');
const secret = 'aB3dE5gH7jK9mN1pQ2rS';
const text = (value: string): string => redactor.text(value).value;
const json = (value: unknown): string => redactor.json(JSON.stringify(value)).value;
const cut = (value: string, type: string | null): string => redactor.body(value, type, { truncated: true }).value;

describe('a cut', () => {
  it.each([
    ['text/plain', `see postgres://app:${secret}`],
    ['application/json', `{"a":1,"dsn":"postgres://app:${secret}`],
    ['application/json', `{"a":1,"dsn":"postgres:\\/\\/app:${secret}`],
    ['application/json', `{"a":"{\\"dsn\\":\\"redis://:${secret}`],
    ['application/x-ndjson', `{"a":1}\n{"dsn":"mysql://app:${secret}`],
    ['text/event-stream', `data: {"a":1}\n\ndata: {"dsn":"amqp://app:${secret}`],
    ['application/x-www-form-urlencoded', `a=1&dsn=postgres://app:${secret}`],
    ['application/x-www-form-urlencoded', `a=1&dsn=postgres%3A%2F%2Fapp%3A${secret}`],
    ['multipart/form-data; boundary=b', `--b\r\n\r\npostgres://app:${secret}`],
    ['application/xml', `<dsn>postgres://app:${secret}`],
    [null, `see https://app:${secret}`],
  ])('%s keeps no password of an address that ends before its @: %s', (type, value) => {
    for (let length = value.length - secret.length + 6; length <= value.length; length += 1)
      expect(cut(value.slice(0, length), type)).not.toContain(secret.slice(0, 6));
  });

  it('a port, a host and a whole address stay', () => {
    for (const value of ['at http://localhost:8080', 'at postgres://db.internal:5432', 'at https://example.com/a:b'])
      expect(cut(value, 'text/plain')).toBe(value);
  });

  it.each([
    ['text/plain', '\n'],
    ['application/json', '\\n'],
  ])('%s keeps nothing of a private key, wherever it is cut', (type, lineEnd) => {
    const lines = [secret.repeat(3), `Z9${secret}`, `Y8x7W6v5`];
    const head = join('-----', 'BEGIN RSA PRIVATE KEY', '-----');
    const block = [head, ...lines, join('-----', 'END RSA PRIVATE KEY', '-----')].join(lineEnd);
    const opening = type === 'text/plain' ? 'my key: ' : '{"a":"';
    for (let length = head.length; length < block.length; length += 1) {
      const shown = cut(opening + block.slice(0, length), type);
      const body = block.slice(
        head.length + lineEnd.length,
        Math.min(length, block.indexOf('-----', 30) - lineEnd.length),
      );
      for (let at = 0; at + 4 <= body.length; at += 1)
        expect(shown, `cut at ${length}`).not.toContain(body.slice(at, at + 4));
    }
  });

  it('text after the mere mention of a key block stays', () => {
    const value = `${join('-----', 'BEGIN PRIVATE KEY', '-----')} is how such a file begins, and then`;
    expect(cut(value, 'text/plain')).toBe(value);
  });
});

describe('headers', () => {
  const header = (name: string, value: string): string => redactor.headers({ [name]: value }).value[name]!;

  it.each([
    ['location', `/cb?code=${secret}&sig=${secret}&a=1`],
    ['Content-Location', `cb?code=${secret}`],
    ['link', `</a?page=2&code=${secret}>; rel="next", </b?sig=${secret}>; rel="last"`],
    ['refresh', `5; url=/cb?code=${secret}`],
    ['referer', `/cb#access_token=${secret}`],
    ['x-original-url', `/cb?code=${secret}`],
  ])('%s loses the parameters of a relative address', (name, value) => {
    const shown = header(name, value);
    expect(shown).not.toContain(secret);
    expect(shown).toContain(value.slice(0, value.indexOf(secret)));
    expect(header(name, shown)).toBe(shown);
  });

  it('what surrounds an address in a header stays', () => {
    expect(header('link', `</b?sig=${secret}>; rel="last"; title="a=b"`)).toMatch(
      /^<\/b\?sig=\[REDACTED:url-parameter:[0-9a-f]{8}\]>; rel="last"; title="a=b"$/,
    );
    for (const value of ['</b?page=2>; rel="next"; key="x"', '</style.css>; rel=preload; as=style'])
      expect(header('link', value)).toBe(value);
  });

  it('a name that is a credential goes', () => {
    expect(JSON.stringify(redactor.headers({ [key]: 'v' }).value)).not.toContain(key);
    expect(redactor.body(`${key}=1`, 'application/x-www-form-urlencoded').value).not.toContain(key);
    expect(redactor.body(`${encodeURIComponent(`a ${key}`)}=1&b`, 'application/x-www-form-urlencoded').value).toMatch(
      /^a%20\[REDACTED:anthropic-key:[0-9a-f]{8}\]=1&b$/,
    );
  });
});

describe('entities', () => {
  const encodings: [string, (value: string) => string][] = [
    ['decimal', (value) => value.replaceAll(/[^A-Za-z0-9]/g, (sign) => `&#${sign.charCodeAt(0)};`)],
    ['padded', (value) => value.replaceAll(/[^A-Za-z0-9]/g, (sign) => `&#00${sign.charCodeAt(0)};`)],
    ['hexadecimal', (value) => value.replaceAll(/[^A-Za-z0-9]/g, (sign) => `&#x${sign.charCodeAt(0).toString(16)};`)],
    ['of all characters', (value) => [...value].map((sign) => `&#${sign.charCodeAt(0)};`).join('')],
    ['by name', (value) => value.replaceAll('"', '&quot;').replaceAll('=', '&equals;').replaceAll(':', '&colon;')],
  ];

  it.each(encodings)('%s', (_name, encode) => {
    for (const value of [key, `password=${secret}`, `"password": "${secret}"`]) {
      const shown = [
        redactor.body(`<a>${encode(value)}</a>`, 'application/xml').value,
        text(`see ${encode(value)} there`),
        json({ html: `<b title='${encode(value)}'>` }),
      ];
      const left = shown.filter((each) => each.includes(value.slice(-12)) || each.includes(encode(value).slice(-30)));
      expect(left).toEqual(encode(value) === value ? expect.anything() : []);
    }
  });

  it('ordinary ones stay', () => {
    const value = '<p>Tom &amp; Jerry&#39;s &quot;key&quot; &lt;b&gt; &#8212; caf&eacute; &#0; &#x1F600;</p>';
    expect(text(value)).toBe(value);
  });
});

describe('one level of encoding, spelled in a URL', () => {
  it.each(['', ' ', '  '])('base64 whose + and / are percent-encoded, behind %j', (lead) => {
    const password = 'aB~3~dE~5~gH~7~jK~9';
    const encoded = Buffer.from(`${lead}see postgres://app:${password}@db.internal/app`).toString('base64');
    expect(encoded).toMatch(/[+/]/);
    const shown = redactor.url(`https://h.example/paths/${encodeURIComponent(encoded)}/x`).value;
    const runs = decodeURIComponent(shown).match(/[A-Za-z0-9+/]{12,}/g) ?? [];
    expect(runs.map((run) => Buffer.from(run, 'base64').toString('latin1')).join()).not.toContain(password.slice(-6));
    expect(shown).toMatch(/REDACTED:password/);
  });
});

describe('arguments of a command', () => {
  it('the values of short flags go, others stay', () => {
    const shown = JSON.parse(json(['-u', 'user:hunter2', '--pass', 'hunter2', '--key', secret, '--user', 'a:hunter2']));
    expect(JSON.stringify(shown)).not.toMatch(/hunter2|aB3dE5gH7j/);
    expect(shown[0]).toBe('-u');
    for (const value of [
      ['-u', 'root'],
      ['-u', '1000:1000'],
      ['-u', 'https://h.example/a'],
      ['--key', './server.pem'],
      ['--pass', '--force'],
      ['--key', 'name'],
    ])
      expect(json(value)).toBe(JSON.stringify(value));
  });
});

describe('neighbouring parts of one message', () => {
  const part = (value: string): unknown => ({ type: 'text', text: value });

  it.each([
    ['type first', part],
    ['type last', (value: string): unknown => ({ text: value, type: 'text' })],
    ['no type', (value: string): unknown => ({ text: value })],
  ])('%s: a key split over them goes, wherever it is split', (_name, toPart) => {
    for (const at of [2, 5, 10, 20, 40, key.length - 3]) {
      const value = {
        messages: [{ role: 'user', content: [toPart(`my ${key.slice(0, at)}`), toPart(key.slice(at))] }],
      };
      for (const spaced of [JSON.stringify(value), JSON.stringify(value, null, 1)]) {
        const shown = redactor.body(spaced, 'application/json').value;
        const parsed = JSON.parse(shown) as { messages: [{ content: { text: string }[] }] };
        const joined = parsed.messages[0].content.map((each) => each.text).join('');
        expect(joined, `split at ${at}`).toMatch(/^my \[REDACTED:anthropic-key:[0-9a-f]{8}\]$/);
        expect(redactor.json(shown)).toEqual({ value: shown, counts: null });
      }
    }
  });

  it('three parts, and a password after its name', () => {
    const shown = json([part(key.slice(0, 9)), part(key.slice(9, 40)), part(key.slice(40))]);
    expect(JSON.parse(shown).map((each: { text: string }) => each.text)).toEqual([
      expect.stringMatching(/^\[REDACTED:anthropic-key:[0-9a-f]{8}\]$/),
      '',
      '',
    ]);
    expect(json([part('my password='), part(secret)])).not.toContain(secret);
  });

  it('chunks of an answer in an array are read as one', () => {
    const chunk = (value: string): unknown => ({
      candidates: [{ content: { parts: [{ text: value }], role: 'model' }, index: 0 }],
      usageMetadata: { promptTokenCount: 4 },
    });
    const shown = json([chunk(`my ${key.slice(0, 30)}`), chunk(key.slice(30)), chunk(' there')]);
    expect(shown).not.toContain(key.slice(30, 60));
    expect(JSON.parse(shown)).toHaveLength(3);
  });

  it('parts of different types are not joined, and clean ones stay', () => {
    const other = [{ type: 'reasoning', text: key.slice(0, 10) }, part(key.slice(10))];
    expect(json(other)).toBe(JSON.stringify(other));
    const clean = [part('one sk-'), part('two'), part('"three\\'), part('')];
    expect(json(clean)).toBe(JSON.stringify(clean));
  });
});

describe('a schema', () => {
  it.each([
    { anyOf: [{ type: 'string' }, { const: 'hunter2' }] },
    { anyOf: [{ enum: ['hunter2'] }] },
    { type: 'object', properties: { a: { type: 'string', default: 'hunter2' } } },
    { type: 'array', items: { allOf: [{ examples: ['hunter2'] }] } },
    { $ref: '#/$defs/a', $defs: { a: { not: { const: 'hunter2' } } } },
  ])('that holds a value inside is none: %j', (schema) => expect(json({ secret: schema })).not.toContain('hunter2'));

  it('with a property that is called default stays readable', () => {
    const value = {
      secret: { type: 'object', properties: { default: { type: 'boolean', default: true }, kind: { enum: ['a'] } } },
    };
    expect(json(value)).toBe(JSON.stringify(value));
  });
});

describe('characters that nobody sees', () => {
  it.each(['\u200B', '\u200C', '\u200D', '\u200E', '\u200F', '\u2060', '\uFEFF', '\u00AD'])('%j', (sign) => {
    for (const at of [1, 4, 12, 60]) {
      const hidden = key.slice(0, at) + sign + key.slice(at, at + 20) + sign + key.slice(at + 20);
      for (const shown of [text(`my ${hidden} é`), json({ a: hidden }), redactor.url(`https://h/${hidden}`).value])
        expect(shown).toContain('[REDACTED:anthropic-key:');
      const escaped = JSON.stringify({ a: hidden }).replaceAll(
        sign,
        `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
      expect(redactor.json(escaped).value).toContain('[REDACTED:anthropic-key:');
    }
    expect(text(`pass${sign}word=${secret}`)).not.toContain(secret);
    const clean = `a${sign}b ${sign}\u{1F469}\u200D\u{1F4BB} the sk${sign}-`;
    expect(text(clean)).toBe(clean);
  });
});

describe('hexadecimal', () => {
  it('a known credential one level deep goes', () => {
    for (const hex of [Buffer.from(key).toString('hex'), Buffer.from(`value: ${key}`).toString('hex').toUpperCase()]) {
      expect(text(`see ${hex} there`)).toMatch(/REDACTED:anthropic-key/);
      expect(json({ a: `0x${hex}` })).toMatch(/REDACTED:anthropic-key/);
    }
    const clean = Buffer.from('a text without anything in it').toString('hex');
    expect(text(clean)).toBe(clean);
  });
});

describe('a secret that is parted', () => {
  const [head, tail] = [key.slice(0, 12), key.slice(12)];
  const mark = { cache_control: { type: 'ephemeral', ttl: '1h' } };

  it.each([
    ['', {}, {}],
    [', the first marked for a cache', mark, {}],
    [', both marked for a cache', mark, mark],
  ])('over two parts%s, also in JSON that is a string', (_how, first, second) => {
    const value = {
      content: [
        { type: 'text', text: `my key: ${head}`, ...first },
        { type: 'text', text: `${tail}, thanks`, ...second },
      ],
    };
    for (const shown of [
      json(value),
      json({ a: JSON.stringify(value) }),
      json({ a: JSON.stringify({ b: JSON.stringify(value) }) }),
    ]) {
      expect(shown).not.toContain(tail);
      expect(() => JSON.parse(shown)).not.toThrow();
    }
    expect(json({ a: JSON.stringify(value, null, 2) })).not.toContain(tail);
  });

  it.each(['&#8203;', '&#x200B;', '&#xFEFF;', '&shy;', '&zwnj;', '\\u200b', '&#65279'])('by %s', (unseen) => {
    for (const at of [3, 10, 40]) {
      const value = `see ${key.slice(0, at)}${unseen}${key.slice(at)} there`;
      for (const shown of [text(value), json({ value })]) {
        expect(shown).not.toContain(key.slice(50));
        expect(shown).toContain('there');
      }
    }
  });
});

describe('a user of a command', () => {
  it.each([
    `curl -u app:${secret} https://h.example/`,
    `curl -s -u 'app:${secret}' https://h.example/`,
    `curl --user app:${secret} https://h.example/`,
    `wget --proxy-user="app:${secret}" h.example`,
    `bash -lc "curl -uapp -u \\"app:${secret}\\" h.example"`,
  ])('loses the password: %s', (value) => {
    expect(text(value)).not.toContain(secret);
    expect(text(value)).toContain('app:');
    expect(json({ value })).not.toContain(secret);
  });

  it.each([
    'docker run -u 1000:1000 image',
    'docker run -u node:nodejs image',
    'curl -u $USER:$PASS https://h.example/',
    'curl -u "${NAME}:${TOKEN}" https://h.example/',
    'sort -u a:bcd',
    'curl -u name https://h.example/',
  ])('stays where it has none: %s', (value) => {
    expect(text(value)).toBe(value);
    expect(JSON.parse(json({ value }))).toEqual({ value });
  });
});
