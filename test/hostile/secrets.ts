import { rows } from '../../src/core/redact/detect/marked.ts';
import { createRandom, credentialOf, sampleOf } from '../../src/core/redact/detect/sample.fixture.ts';

/** A credential of some kind, in the text that tells what it is. */
export interface Secret {
  readonly kind: string;
  /** What must be found nowhere. */
  readonly secret: string;
  readonly text: string;
}

/** A random number below a bound. */
export type Random = (below: number) => number;

/** A way to make a credential, and whether it is told by its surroundings alone. */
export interface SecretKind {
  readonly kind: string;
  readonly isByContext: boolean;
  make(random: Random): Secret;
}

/** A shorter secret could be any word. */
export const secretCharsMin = 12;

const join = (...parts: string[]): string => parts.join('');
const mixed = (length: number, random: Random): string => `aB3${sampleOf(`[A-Za-z0-9]{${length - 3}}`, random)}`;
const jsonPart = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const byMark: readonly SecretKind[] = [...Map.groupBy(rows, (row) => row.kind)].map(([kind, group]) => ({
  kind,
  isByContext: false,
  make(random) {
    const row = group[random(group.length)]!;
    let text = credentialOf(row, random);
    while (text.length < row.mark.length + secretCharsMin) text = credentialOf(row, random);
    return { kind, text, secret: text.slice(row.mark.length) };
  },
}));

const marked = (kind: string, mark: string, length: number): SecretKind => ({
  kind,
  isByContext: false,
  make(random) {
    const secret = mixed(length, random);
    return { kind, secret, text: mark + secret };
  },
});

const byContext = (kind: string, toText: (secret: string) => string): SecretKind => ({
  kind,
  isByContext: true,
  make(random) {
    const secret = mixed(20, random);
    return { kind, secret, text: toText(secret) };
  },
});

/** One of every kind of credential that the record knows. */
export const secretKinds: readonly SecretKind[] = [
  ...byMark,
  marked('openai-key', join('s', 'k-'), 48),
  marked('openai-project-key', join('s', 'k-proj-'), 120),
  marked('anthropic-key', join('s', 'k-ant-api03-'), 93),
  marked('telegram-token', join('123456789', ':AA'), 33),
  marked('azure-secret', join('aB3', '8Q~'), 34),
  {
    kind: 'jwt',
    isByContext: false,
    make(random) {
      const secret = mixed(43, random);
      return {
        kind: 'jwt',
        secret,
        text: join(jsonPart({ alg: 'HS256' }), '.', jsonPart({ sub: '12345' }), '.', secret),
      };
    },
  },
  {
    kind: 'private-key',
    isByContext: false,
    make(random) {
      const secret = mixed(64, random);
      const text = join('-----', 'BEGIN PRIVATE KEY', '-----\n', secret, '\n-----', 'END PRIVATE KEY', '-----');
      return { kind: 'private-key', secret, text };
    },
  },
  byContext('password', (secret) => `postgres://app:${secret}@db.internal:5432/app`),
  byContext('bearer', (secret) => `Authorization: Bearer ${secret}`),
  byContext('assignment', (secret) => `password=${secret}`),
  byContext('variable', (secret) => `MISTRAL_API_KEY=${secret}`),
  byContext('flag', (secret) => `deploy --token ${secret} --force`),
];

const escapeSigns = (text: string): string =>
  text.replaceAll(/[^A-Za-z0-9]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
const percent = (text: string): string =>
  text.replaceAll(/[^A-Za-z0-9]/g, (sign) => `%${sign.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** A way to write a secret down. */
export interface Encoding {
  readonly name: string;
  /** Longer ones stand only where what is recorded is cut so late. */
  readonly chars: number;
  encode(text: string, random: Random): string;
}

/** Words without a secret, so many characters of them. */
const filler = (chars: number): string =>
  'the tide was out and gulls sat '.repeat(Math.ceil(chars / 31)).slice(0, chars);

/** A secret that lies across a place where something is cut. */
const across = (chars: number): Encoding => ({
  name: `across ${chars}`,
  chars,
  encode: (text, random) => `${filler(chars - 24 - random(text.length + 24))} ${text} and on it went`,
});

/** Every way to write a secret down. */
export const encodings: readonly Encoding[] = [
  { name: 'plain', chars: 0, encode: (text) => `see ${text} there` },
  { name: 'alone', chars: 0, encode: (text) => text },
  { name: 'JSON', chars: 0, encode: (text) => JSON.stringify({ note: text }) },
  { name: 'JSON, signs escaped', chars: 0, encode: escapeSigns },
  { name: 'URL', chars: 0, encode: percent },
  { name: 'base64', chars: 0, encode: (text) => Buffer.from(text).toString('base64') },
  { name: 'base64 in a text', chars: 0, encode: (text) => Buffer.from(`value: ${text} and on`).toString('base64') },
  { name: 'base64url', chars: 0, encode: (text) => Buffer.from(text).toString('base64url') },
  ...[200, 500, 512, 2000, 4000, 8192, 50_000].map(across),
];

/** Where a secret stands decides what it may look like. */
export type Shape = 'text' | 'line' | 'url' | 'path' | 'word';

/** A secret that was planted. */
export interface Planted extends Secret {
  readonly place: string;
  readonly encoding: string;
}

/** Gives each place a secret of its own, and remembers it. */
export interface Planter {
  readonly planted: readonly Planted[];
  /** Text with a secret in it. `charsMax` is how late the place is cut. */
  plant(place: string, how?: { shape?: Shape; charsMax?: number }): string;
  /** The secret of a place in so many pieces, none of which is the whole. */
  split(place: string, pieces: number): string[];
}

const spelled = (text: string, shape: Shape, isEncoded: boolean): string => {
  if (shape === 'line') return text.replaceAll('\n', '\\n');
  if (shape === 'path') return isEncoded ? text : encodeURIComponent(text);
  return shape === 'url' ? text.replaceAll(/[\s&#"<>`{}]/g, encodeURIComponent) : text;
};

/** A planter of one encoding. `kindOf` says which credential stands at the nth place. */
export function createPlanter(of: {
  readonly encoding: Encoding;
  readonly seed: number;
  readonly kindOf: (n: number, random: Random) => SecretKind;
}): Planter {
  const random = createRandom(of.seed);
  const planted: Planted[] = [];
  const make = (place: string, shape: Shape): Secret => {
    let kind = of.kindOf(planted.length, random);
    // What a secret is told by would be torn from it where blanks and signs are encoded.
    while (kind.isByContext && shape !== 'text') kind = secretKinds[random(byMark.length)]!;
    let secret = kind.make(random);
    // A name is made of letters and few signs.
    while (shape === 'word' && !/^[\w-]+$/.test(secret.text)) secret = secretKinds[random(byMark.length)]!.make(random);
    planted.push({ ...secret, place, encoding: of.encoding.name });
    return secret;
  };
  return {
    planted,
    plant(place, { shape = 'text', charsMax = 4000 } = {}) {
      const { text } = make(place, shape);
      const { encode, chars } = of.encoding;
      if (shape === 'word') return text;
      // In a path a backslash is a slash, and an escape is none.
      const isPlain = chars > charsMax || (shape === 'path' && of.encoding.name.includes('JSON'));
      return spelled(isPlain ? `see ${text} there` : encode(text, random), shape, /URL|base64/.test(of.encoding.name));
    },
    split(place, pieces) {
      const { text } = make(place, 'line');
      const size = Math.ceil(text.length / pieces);
      return Array.from({ length: pieces }, (_, at) => text.slice(at * size, (at + 1) * size));
    },
  };
}
