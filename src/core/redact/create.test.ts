import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from './create.ts';
import { looks } from './detect/text.ts';

const redactor = createRedactor({ key: new Uint8Array(32).fill(7) });
const join = (...parts: string[]): string => parts.join('');
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const run = (length: number, alphabet = letters): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength: length, maxLength: length });
const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Credentials as they are, with their kind. Built from fragments, so that no scanner takes this file for a leak. */
const planted: fc.Arbitrary<string> = fc.oneof(
  run(48).map((tail) => join('s', 'k-', tail)),
  run(90).map((tail) => join('s', 'k-ant-', 'api03-', tail)),
  run(35).map((tail) => join('AI', 'za', tail)),
  run(16, upper).map((tail) => join('AK', 'IA', tail)),
  run(36).map((tail) => join('gh', 'p_', tail)),
  run(40).map((tail) => join('github', '_pat_', tail)),
  run(30).map((tail) => join('xo', 'xb-', tail)),
  run(24).map((tail) => join('s', 'k_', 'live_', tail)),
  fc.tuple(run(20), run(30), run(43)).map(([a, b, c]) => join('ey', 'J', a, '.', 'ey', 'J', b, '.', c)),
  run(120).map((body) => join('-----', 'BEGIN PRIVATE KEY', '-----\n', body, '\n-----', 'END PRIVATE KEY', '-----')),
);

/** Text without secrets, rich in quotes, escapes, brackets and look-alikes. */
const noise: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom(
        'token',
        'sk-',
        ' key',
        '=',
        ': ',
        '"',
        '\\',
        '\\n',
        '{',
        '}',
        '[',
        ']',
        '://',
        '@',
        'password',
        'Bearer ',
        '\n',
        'eyJ',
        '%3D',
        ',',
      ),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

/** A text in which a secret stands between separators. */
const around = (secret: fc.Arbitrary<string>): fc.Arbitrary<{ text: string; secret: string }> =>
  fc
    .tuple(noise, secret, noise)
    .map(([before, value, after]) => ({ text: `${before} ${value} ${after}`, secret: value }));

/** The core of a secret: what no output may hold in any spelling. */
const coreOf = (secret: string): string => secret.replaceAll(/[^A-Za-z0-9]/g, '').slice(-14);
const bare = (text: string): string =>
  text
    .replaceAll(/\\u([0-9a-fA-F]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll(/[^A-Za-z0-9]/g, '');

/** Encodes a JSON string in one of the spellings that parsers accept. */
function spell(text: string, picks: readonly number[]): string {
  const escapeAll = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const units = Array.from({ length: text.length }, (_, at) => text[at]!);
  return `"${units
    .map((character, at) => {
      const pick = picks[at % picks.length]!;
      if (pick === 1) return escapeAll(character);
      if (pick === 2 && character === '/') return '\\/';
      return JSON.stringify(character).slice(1, -1);
    })
    .join('')}"`;
}

/** JSON text with a secret in one string, key or nested document, in any spelling and layout. */
const plantedJson = fc
  .record({
    place: around(planted),
    other: fc.json({ noUnicodeString: false, maxDepth: 2 }),
    picks: fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 9 }),
    layout: fc.constantFrom('value', 'key', 'array', 'nested', 'deep', 'spaced'),
  })
  .map(({ place, other, picks, layout }) => {
    const string = spell(place.text, picks);
    const nested = (depth: number, inner: string): string =>
      depth === 0 ? inner : nested(depth - 1, spell(`{"args":${inner}}`, picks));
    const textByLayout: Record<string, string> = {
      value: `{"a":${other},"b":${string},"c":1.50}`,
      key: `{"a":1,${string}:${other}}`,
      array: `[${other},${string},[[${string}]]]`,
      nested: `{"arguments":${nested(1, string)}}`,
      deep: `{"arguments":${nested(3, string)}}`,
      spaced: `{ "a" :\n\t${string} ,\r\n "b" : [ ${other} ] }\n`,
    };
    return { text: textByLayout[layout]!, secret: place.secret };
  });

describe('redacting text', () => {
  it('no planted secret survives', () => {
    fc.assert(
      fc.property(around(planted), ({ text, secret }) => {
        const { value, counts } = redactor.text(text);
        expect(bare(value)).not.toContain(coreOf(secret));
        expect(counts).not.toBeNull();
      }),
      { numRuns: 400 },
    );
  });

  it('redacting twice is redacting once', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(noise, planted), { maxLength: 6 }), (parts) => {
        const once = redactor.text(parts.join('')).value;
        expect(redactor.text(once)).toEqual({ value: once, counts: null });
      }),
      { numRuns: 400 },
    );
  });

  it('equal secrets look equal under one key and different under another', () => {
    const secret = join('gh', 'p_', 'aB3dE5gH7j'.repeat(4));
    const digits = (text: string): string => /:([0-9a-f]{8})\]/.exec(text)![1]!;
    const other = createRedactor({ key: new Uint8Array(32).fill(8) });
    expect(redactor.text(`x ${secret}`).value).toBe(redactor.text(`x ${secret}`).value);
    expect(digits(redactor.json(`{"password":"${secret}"}`).value)).toBe(digits(redactor.text(secret).value));
    expect(digits(redactor.headers({ authorization: `Bearer ${secret}` }).value['authorization']!)).toBe(
      digits(redactor.text(secret).value),
    );
    expect(digits(other.text(secret).value)).not.toBe(digits(redactor.text(secret).value));
  });
});

describe('redacting JSON', () => {
  it('no planted secret survives in any string, spelling or nesting, and the text stays valid JSON', () => {
    fc.assert(
      fc.property(plantedJson, ({ text, secret }) => {
        for (const { value, counts } of [redactor.json(text), redactor.body(text, 'application/json')]) {
          expect(counts).not.toBeNull();
          expect(bare(JSON.stringify(JSON.parse(value)))).not.toContain(coreOf(secret));
          expect(bare(value)).not.toContain(coreOf(secret));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('redacting twice is redacting once', () => {
    fc.assert(
      fc.property(plantedJson, ({ text }) => {
        const once = redactor.json(text).value;
        expect(redactor.json(once)).toEqual({ value: once, counts: null });
      }),
      { numRuns: 300 },
    );
  });

  it('clean JSON comes back byte for byte', () => {
    const clean = fc.json({ maxDepth: 4 }).filter((text) => !/secret|passw|token|key|cookie/i.test(text));
    fc.assert(
      fc.property(clean, fc.constantFrom('', ' ', '\n\t'), (text, space) => {
        const spaced = `${space}{${space}"z":${text},"max_tokens":1.0e+3,"a":[ 1.50 , -0 ]}${space}`;
        expect(redactor.json(spaced)).toEqual({ value: spaced, counts: null });
        expect(redactor.body(spaced, 'application/json; charset=utf-8')).toEqual({ value: spaced, counts: null });
      }),
      { numRuns: 400 },
    );
  });

  it('values of denied keys go whatever they are, at every depth', () => {
    const name = fc.constantFrom(
      'password',
      'clientSecret',
      'ACCESS_TOKEN',
      'refresh-token',
      'private_key',
      'Authorization',
      'x-credential-id',
      'apiKey',
    );
    const value = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.array(fc.string(), { minLength: 1 }),
    );
    fc.assert(
      fc.property(name, value, fc.nat({ max: 3 }), (key, secret, depth) => {
        let text = JSON.stringify({ before: 1, [key]: secret, after: [true] });
        for (let at = 0; at < depth; at += 1) text = JSON.stringify({ arguments: text });
        const redacted = redactor.json(text);
        let inner = JSON.parse(redacted.value) as Record<string, unknown>;
        for (let at = 0; at < depth; at += 1)
          inner = JSON.parse(inner['arguments'] as string) as Record<string, unknown>;
        const isKept = typeof secret === 'number' && /token/i.test(key);
        if (isKept) expect(inner[key]).toBe(JSON.parse(JSON.stringify(secret)));
        else expect(inner[key]).toMatch(/^\[REDACTED:[a-z-]+:[0-9a-f]{8}\]$/);
        expect(inner).toMatchObject({ before: 1, after: [true] });
        expect(redactor.json(redacted.value)).toEqual({ value: redacted.value, counts: null });
      }),
      { numRuns: 300 },
    );
  });

  it('any text at all is answered: redacted, withheld or as it was, and the same when redacted again', () => {
    const type = fc.constantFrom(
      null,
      'application/json',
      'text/plain',
      'text/event-stream',
      'application/x-ndjson',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=b',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          noise,
          plantedJson.map(({ text }) => text),
        ),
        type,
        fc.boolean(),
        fc.nat({ max: 400 }),
        (text, contentType, truncated, length) => {
          const cut = truncated ? text.slice(0, length) : text;
          const once = redactor.body(cut, contentType, { truncated }).value;
          expect(redactor.body(once, contentType, { truncated }).value).toBe(once);
        },
      ),
      { numRuns: 1000, examples: [['token://sk-', null, true, 11]] },
    );
  });
});

describe('text that is nothing but marks', () => {
  it('comes to rest: nothing is withheld for being strange', () => {
    const strange = looks
      .map(({ literal }) => literal)
      .flatMap((literal) => [literal, `${literal}aA1`, `${literal}="a1`, ` ${literal}`])
      .filter((piece) => redactor.text(piece.repeat(300)).counts?.['redaction-failed'] !== undefined);
    expect(strange).toEqual([]);
  });
});

describe('failing closed', () => {
  const broken = createRedactor({ key: null as unknown as Uint8Array });
  const failed = { 'redaction-failed': 1 };

  it('what fails inside is withheld with its size, and counted', () => {
    const text = 'password="hunter2!"';
    expect(broken.text(text)).toEqual({ value: '[WITHHELD:redaction-failed:19]', counts: failed });
    expect(broken.json('{"password":"é"}')).toEqual({ value: '"[WITHHELD:redaction-failed:17]"', counts: failed });
    expect(broken.body(text, null)).toEqual({ value: '[WITHHELD:redaction-failed:19]', counts: failed });
    expect(broken.url('/?key=1')).toEqual({ value: '[WITHHELD:redaction-failed:7]', counts: failed });
    expect(broken.headers({ a: 'b', cookie: 'x' })).toEqual({
      value: { a: '[WITHHELD:redaction-failed:1]', cookie: '[WITHHELD:redaction-failed:1]' },
      counts: failed,
    });
  });

  it('never throws, whatever it is handed', () => {
    for (const value of [undefined, null, 1, {}] as unknown[] as string[]) {
      expect(redactor.text(value).counts).toEqual(failed);
      expect(redactor.json(value).counts).toEqual(failed);
      expect(redactor.body(value, null).counts).toEqual(failed);
    }
  });
});
