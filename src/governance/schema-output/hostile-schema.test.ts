import { describe, expect, test } from 'vitest';
import { openLoopback } from '../../../test/playback/loopback.ts';
import { generateWithSchema } from './index.ts';
import { createModel, createRun } from './schema-output.fixture.ts';

const messages = [{ role: 'user', content: 'go on' }];

/** What a schema that cannot be used is refused with; fails when the model was asked or a step was begun. */
async function refusalOf(schema: unknown): Promise<string> {
  const { run, recording } = createRun();
  const model = createModel('1');
  const refused = await generateWithSchema({ schema: schema as object as never, messages, call: model.call, run }).then(
    () => null,
    (error: unknown) => error as { code: string; message: string },
  );
  expect(model.asked).toEqual([]);
  expect(recording.run().steps).toEqual([]);
  expect(refused).toMatchObject({ name: 'TachographError', code: 'E-SCHEMA-002' });
  return refused!.message;
}

const nested = (depth: number): object => (depth === 0 ? {} : { items: nested(depth - 1) });
const circle: Record<string, unknown> = { type: 'object' };
circle['items'] = circle;
/** Small in memory, 2^40 parts when written out. */
const lace = Array.from({ length: 40 }).reduce<object>((inner) => ({ anyOf: [inner, inner] }), {});

describe('a schema that cannot be used is E-SCHEMA-002 before any call', () => {
  test.each<[string, unknown, RegExp]>([
    ['nothing', null, /neither an object nor a boolean/],
    ['a list', [], /neither an object nor a boolean/],
    ['a text', '{"type":"object"}', /neither an object nor a boolean/],
    ['a type that there is not', { type: 'strnig' }, /data\/type must be equal to one of the allowed values/],
    ['a bound that is no number', { minimum: 'one' }, /data\/minimum must be number/],
    ['a pattern that is none', { pattern: '(' }, /Unterminated group/],
    [
      'a property with a pattern that is none',
      { patternProperties: { '[': true } },
      /Invalid regular expression|format/,
    ],
    ['a reference to what is not there', { $ref: '#/$defs/a' }, /#\/\$defs\/a is not in it/],
    ['another draft', { $schema: 'http://json-schema.org/draft-07/schema#' }, /only draft 2020-12 is read/],
    ['a draft of nobody', { $schema: 7 }, /only draft 2020-12 is read/],
    ['an answer by promise', { $async: true, type: 'object' }, /\$async/],
    ['an answer by promise within', { properties: { a: { $async: true, type: 'null' } } }, /async/],
    ['the name of the draft itself', { $id: 'https://json-schema.org/draft/2020-12/schema' }, /already exists/],
    ['itself without end', { $ref: '#' }, /refers to itself without end/],
    [
      'itself without end, by two steps',
      { $ref: '#/$defs/a', $defs: { a: { anyOf: [{ $ref: '#' }] } } },
      /without end/,
    ],
    ['itself without end, for objects', { type: 'object', allOf: [{ $ref: '#' }] }, /without end/],
    ['itself without end, dynamically', { $dynamicAnchor: 'x', not: { $dynamicRef: '#x' } }, /without end/],
    ['129 levels', nested(129), /deeper than 128 levels/],
    ['a circle', circle, /deeper than 128 levels, or holds itself/],
    ['2^40 parts', lace, /more than 50000 parts/],
    ['a long word', { description: 'a'.repeat(300_000) }, /longer than 262144 characters/],
    [
      'many long words',
      { enum: Array.from({ length: 300 }, () => 'a'.repeat(1_000)) },
      /longer than 262144 characters/,
    ],
    ['many quotes', { description: '"'.repeat(200_000) }, /longer than 262144 characters/],
    ['what JSON cannot hold', { const: 1n }, /cannot be written as JSON/],
    ['what JSON leaves out', { toJSON: () => undefined }, /cannot be written as JSON/],
  ])('%s', async (_, schema, why) => {
    expect(await refusalOf(schema)).toMatch(why);
  });
});

describe('references to elsewhere', () => {
  test('to a server are refused by their name, and the server hears nothing', async () => {
    const server = await openLoopback();
    let requests = 0;
    server.handlers['/order.json'] = (_, response) => {
      requests += 1;
      response.end('{"type":"object"}');
    };
    const target = `${server.origin}/order.json`;
    expect(await refusalOf({ $ref: target })).toContain(`${target} is not in it; nothing is fetched`);
    expect(await refusalOf({ properties: { a: { items: { $ref: `${target}#/$defs/a` } } } })).toContain(target);
    expect(await refusalOf({ $id: target, properties: { a: { $ref: 'line.json' } } })).toContain('line.json');
    expect(await refusalOf({ $dynamicRef: target })).toContain('"$dynamicRef" only supports');
    expect(requests).toBe(0);
    server.close();
  });

  test.each(['file:///etc/passwd', 'order.json', 'urn:example:order'])('%s is refused', async (target) => {
    expect(await refusalOf({ $ref: target })).toContain(target);
  });

  test('a schema may have an address of its own, and refer within it', async () => {
    const schema = {
      $id: 'https://schemas.example/order.json',
      $ref: '#/$defs/order',
      $defs: { order: { items: { $ref: 'line.json' } }, line: { $id: 'line.json', type: 'integer' } },
    };
    for (const text of ['[1]', '[2]']) {
      const { run } = createRun();
      expect(await generateWithSchema({ schema, messages, call: createModel(text).call, run })).toMatchObject({
        ok: true,
      });
    }
  });
});

describe('patterns and rules that run away', () => {
  const slow = `${'a'.repeat(60)}!`;
  const call = { messages, triesMax: 1, checkMs: 300 } as const;

  test.each<[string, object, unknown]>([
    ['a pattern', { pattern: '^(a+)+$' }, slow],
    ['a pattern for names', { patternProperties: { '^(a|a)*$': { type: 'null' } } }, { [slow]: 1 }],
    ['names by a pattern', { propertyNames: { pattern: '^(a|aa)+$' } }, { [slow]: 1 }],
    ['unequal items', { uniqueItems: true }, Array.from({ length: 60_000 }, (_, at) => ({ at }))],
    ['branches to the power of levels', powerful(27), 1],
  ])('%s: the answer is refused when its time is up', async (_, schema, value) => {
    const { run } = createRun();
    const { call: ask } = createModel(JSON.stringify(value));
    expect(await generateWithSchema({ ...call, schema: schema as never, call: ask, run })).toMatchObject({
      ok: false,
      errors: [{ path: '', keyword: 'time' }],
    });
  });

  test('those who wait are checked all the same', async () => {
    const { run } = createRun();
    const ask = (schema: object, text: string) =>
      generateWithSchema({ ...call, schema: schema as never, call: createModel(text).call, run, checkMs: 1_000 });
    const outcomes = await Promise.all([
      ask({ pattern: '^(a+)+$' }, JSON.stringify(slow)),
      ask({ type: 'integer' }, '1'),
      ask({ pattern: '^(b+)+$' }, JSON.stringify(slow.replaceAll('a', 'b'))),
      ask({ type: 'integer' }, '"x"'),
    ]);
    expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.errors[0]!.keyword))).toEqual([
      'time',
      'ok',
      'time',
      'type',
    ]);
  });

  test('three tries, each within its time', async () => {
    const { run, recording } = createRun();
    const model = createModel(JSON.stringify(slow));
    const schema = { pattern: '^(a+)+$' };
    expect(await generateWithSchema({ messages, schema, call: model.call, run, checkMs: 200 })).toMatchObject({
      ok: false,
      tries: 3,
    });
    expect(recording.run().steps).toHaveLength(3);
  });
});

/** Each level tries the next one twice: 2 to the power of levels checks of one value. */
function powerful(levels: number): object {
  const $defs = Object.fromEntries(
    Array.from({ length: levels }, (_, at) => [
      `l${at}`,
      { allOf: [{ $ref: `#/$defs/l${at + 1}` }, { $ref: `#/$defs/l${at + 1}` }] },
    ]),
  );
  return { $ref: '#/$defs/l0', $defs: { ...$defs, [`l${levels}`]: { type: 'integer', minimum: 0 } } };
}
