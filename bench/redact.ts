/**
 * Speed of redaction on one core: clean text, text full of look-alikes, and conversations as JSON. Prints a table; with
 * `--json` prints JSON instead. Variants alternate within each round; medians are quoted. Agent transcripts from
 * `../shared/corpus` are measured too where they are there. Then 100 kB of every anchor, repeated in several ways: the
 * slowest are told in milliseconds, against a bar of 20.
 *
 *     node bench/redact.ts [--json] [--rounds 31]
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createRedactor } from '../src/core/redact/create.ts';
import { looks } from '../src/core/redact/detect/text.ts';

interface Variant {
  readonly name: string;
  /** Least MB/s, or `null` where none is set. */
  readonly bar: number | null;
  readonly bytes: number;
  run(): void;
}

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '31' } },
});
const rounds = Number(values.rounds);
const redactor = createRedactor({ key: new Uint8Array(32).fill(1) });
const watchful = createRedactor({ key: new Uint8Array(32).fill(1), personal: true });

let seed = 20_261_121;
function random(below: number): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
}

const words =
  `the of and to in a is that for it was on are with they be at one have this from or had by hot word but what some we can
  out other were all there when up use your how said an each she which do their time if will way about many then them write would
  like so these her long make thing see him two has look more day could go come did number sound no most people my over know water
  than call first who may down side been now find function const return await response request model agent tool message
  content config version package import export default string number boolean index array object value parse error timeout`.split(
    /\s+/,
  );
const codeLines = [
  '  const result = await client.fetch(input.path, { method: "POST", body });\n',
  '    if (index >= items.length || items[index] === undefined) return null;\n',
  'export function toRows(values: readonly string[]): Row[] {\n',
  'diff --git a/src/model.ts b/src/model.ts\n@@ -12,7 +12,9 @@\n',
  '$ npm test -- --reporter=dot\n\n 214 passing (3s)\n',
];
const lookAlikes = [
  'sk-spinner-grid ',
  'task-list ',
  'risk-free ',
  'AIzaShort ',
  'AKIA1234 ',
  'ghp_short ',
  'xoxb-1 ',
  'eyJust.a.word ',
  'Bearer of news ',
  'basic training ',
  'password: none ',
  'token = next(stream) ',
  'api_key=os.environ ',
  'https://example.com/a/b ',
  'sk_live_ ',
  '-----BEGIN CERTIFICATE----- ',
];

/** A flat one-byte string, as capture would hand it over. */
const flat = (text: string): string => Buffer.from(text, 'latin1').toString('latin1');

function proseOf(length: number): string {
  let text = '';
  while (text.length < length) {
    text +=
      random(12) === 0
        ? codeLines[random(codeLines.length)]
        : `${words[random(words.length)]}${random(9) === 0 ? '.\n' : ' '}`;
  }
  return flat(text.slice(0, length));
}

function lookAlikesOf(length: number): string {
  let text = '';
  while (text.length < length) text += lookAlikes[random(lookAlikes.length)];
  return flat(text.slice(0, length));
}

const slices = (text: string, size: number): string[] =>
  Array.from({ length: Math.floor(text.length / size) }, (_, at) => flat(text.slice(at * size, (at + 1) * size)));

function conversationOf(length: number, chapter: () => string): string {
  const messages: unknown[] = [];
  for (let size = 0; size < length;) {
    const content = chapter();
    messages.push({ role: random(2) === 0 ? 'user' : 'assistant', content: [{ type: 'text', text: content }] });
    size += content.length + 60;
  }
  const tools = [
    {
      type: 'function',
      function: { name: 'search', parameters: { type: 'object', properties: { query: { type: 'string' } } } },
    },
  ];
  return flat(JSON.stringify({ model: 'm-1', max_tokens: 4096, temperature: 0.2, messages, tools }));
}

function transcripts(): string | null {
  const folder = join(import.meta.dirname, '../../shared/corpus/trajectories');
  if (!existsSync(folder)) return null;
  const texts: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value === 'string') texts.push(value);
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect);
  };
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (/\.(?:json|traj)$/.test(file)) collect(JSON.parse(readFileSync(join(folder, file), 'utf8')));
  }
  return flat(
    texts
      .join('\n')
      .replaceAll(/[^\n\x20-\x7e]/g, ' ')
      .slice(0, 1_000_000),
  );
}

function variant(
  name: string,
  bar: number | null,
  texts: readonly string[],
  redact: (text: string) => unknown,
): Variant {
  return {
    name,
    bar,
    bytes: texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
    run: () => {
      for (const text of texts) redact(text);
    },
  };
}

function variants(): Variant[] {
  const prose = proseOf(1_000_000);
  const alike = lookAlikesOf(200_000);
  const muchAlike = lookAlikesOf(1_000_000);
  const conversation = conversationOf(200_000, () => proseOf(2000));
  const talkOfKeys = conversationOf(200_000, () => `${proseOf(1900)} the secret is a token: see "api_key"`);
  const text = (value: string): unknown => redactor.text(value);
  const json = (value: string): unknown => redactor.json(value);
  const body = (value: string): unknown => redactor.body(value, 'application/json');
  const real = transcripts();
  return [
    variant('text, clean, 1 kB', 250, slices(prose, 1000), text),
    variant('text, clean, 1 MB', 250, [prose], text),
    variant('text, look-alikes, 1 kB', 20, slices(alike, 1000), text),
    variant('text, look-alikes, 1 MB', 20, [muchAlike], text),
    variant('text, clean, 1 kB, personal on', null, slices(prose, 1000), (value) => watchful.text(value)),
    variant('json, conversation, 200 kB', 250, [conversation], json),
    variant('body, conversation, 200 kB', null, [conversation], body),
    variant('json, look-alikes, 200 kB', 20, [JSON.stringify({ text: alike })], json),
    variant('json, talk of keys, 200 kB', null, [talkOfKeys], json),
    variant(
      'json, small events, 1 kB',
      250,
      slices(prose, 700).map((part) => flat(JSON.stringify({ type: 'log', at: 1, part }))),
      json,
    ),
    ...(real === null
      ? []
      : [
          variant('text, transcripts, 1 kB', null, slices(real, 1000), text),
          variant('text, transcripts, 1 MB', null, [real], text),
        ]),
  ];
}

function measure(all: readonly Variant[]): { name: string; bar: number | null; median: number; least: number }[] {
  const speeds = all.map((): number[] => []);
  for (let round = -3; round < rounds; round += 1) {
    all.forEach((each, at) => {
      const started = process.hrtime.bigint();
      each.run();
      const nanoseconds = Number(process.hrtime.bigint() - started);
      if (round >= 0) speeds[at]!.push((each.bytes / nanoseconds) * 1000);
    });
  }
  return all.map(({ name, bar }, at) => {
    const sorted = speeds[at]!.toSorted((a, b) => a - b);
    return { name, bar, median: Math.round(sorted[sorted.length >> 1]!), least: Math.round(sorted[0]!) };
  });
}

interface Hostile {
  readonly piece: string;
  readonly way: string;
  readonly milliseconds: number;
}

const hostileBar = 20;

/** Every anchor as it is, beside a value, and with a value too short, 100 kB of it; slowest first. */
function measureHostile(): Hostile[] {
  const ways: [string, (value: string) => unknown][] = [
    ['text', (value) => redactor.text(value)],
    ['json', (value) => redactor.json(JSON.stringify({ a: value }))],
  ];
  const pieces = new Set(looks.flatMap(({ literal }) => [literal, ` ${literal}`, `${literal}="a1`, `${literal}aA1`]));
  for (const each of ['a', '=', '://a@', '?key=a', '<password>a', '"token","x",', 'YWFh', 'YWFhYWFhYWFhYWFh/'])
    pieces.add(each);
  const texts = [...pieces].map((piece) => ({ piece, hostile: flat(piece.repeat(Math.ceil(100_000 / piece.length))) }));
  // Nothing but findings, no two of them alike.
  const distinct: [string, (serial: string) => string][] = [
    ['pwd=…', (serial) => `pwd=a1${serial} `],
    ['://a:…@', (serial) => `x://a:${serial}@ `],
    ['?key=…', (serial) => `://?key=${serial} `],
    ['pwd=a1%41…', (serial) => `pwd=a1%41${serial} `],
  ];
  for (const [piece, make] of distinct) {
    let hostile = '';
    for (let at = 0; hostile.length < 100_000; at += 1) hostile += make(at.toString(36).padStart(4, '0'));
    texts.push({ piece: `distinct ${piece}`, hostile: flat(hostile) });
  }
  const all = texts.flatMap(({ piece, hostile }) => {
    return ways.map(([way, run]): Hostile => {
      const times = [0, 1, 2].map(() => {
        const started = process.hrtime.bigint();
        run(hostile);
        return Number(process.hrtime.bigint() - started) / 1e6;
      });
      return { piece, way, milliseconds: Math.round(Math.min(...times) * 10) / 10 };
    });
  });
  return all.toSorted((a, b) => b.milliseconds - a.milliseconds);
}

const figures = measure(variants());
const hostile = measureHostile();
const slow = hostile.filter(({ milliseconds }) => milliseconds > hostileBar).length;
if (values.json) {
  process.stdout.write(
    `${JSON.stringify({ bench: 'redact', unit: 'MB/s', rounds, node: process.version, figures, hostile: { unit: 'ms', texts: hostile.length, slow, slowest: hostile.slice(0, 20) } }, null, 2)}\n`,
  );
} else {
  process.stdout.write(`redaction, MB/s on one core, ${rounds} rounds, Node ${process.version}\n`);
  process.stdout.write(`${'what'.padEnd(30)}${'median'.padStart(8)}${'least'.padStart(8)}${'bar'.padStart(8)}\n`);
  for (const { name, bar, median, least } of figures) {
    process.stdout.write(
      `${name.padEnd(30)}${String(median).padStart(8)}${String(least).padStart(8)}${(bar === null ? '' : String(bar)).padStart(8)}\n`,
    );
  }
  process.stdout.write(
    `\n100 kB of hostile text, ${hostile.length} texts, ${slow} of them over ${hostileBar} ms; the slowest:\n`,
  );
  for (const { piece, way, milliseconds } of hostile.slice(0, 8))
    process.stdout.write(`${`${way}, ${JSON.stringify(piece)}`.padEnd(46)}${String(milliseconds).padStart(8)} ms\n`);
}
