import { describe, expect, test } from 'vitest';
import type { JsonSchema, SchemaOutcome } from './index.ts';
import { generateWithSchema } from './index.ts';
import { createModel, createRun, verdictsOf } from './schema-output.fixture.ts';

const messages = [{ role: 'user', content: 'go on' }];

async function judge(schema: JsonSchema, text: string): Promise<SchemaOutcome> {
  const { run } = createRun();
  return generateWithSchema({ schema, messages, call: createModel(text).call, run, triesMax: 1 });
}

const refusedFor = (keyword: string) => ({ ok: false, code: 'E-SCHEMA-001', errors: [{ path: '', keyword }] });

describe('the size of an answer', () => {
  test('50 MB are refused before they are read, not repeated, and withheld from the record', async () => {
    const { run, recording } = createRun();
    const model = createModel(`["${'a'.repeat(50_000_000)}"]`, '[]');
    const outcome = await generateWithSchema({ schema: true, messages, call: model.call, run });
    expect(outcome).toMatchObject({ ok: true, tries: 2 });
    expect(verdictsOf(recording)[0]).toMatchObject({
      outputChars: 50_000_004,
      errors: [{ keyword: 'size', message: 'is 50000004 characters long; 1000000 is the most' }],
    });
    expect(model.asked[1]!.messages).toHaveLength(2);
    expect(recording.run().steps[0]).toMatchObject({ status: 'completed', responseId: null, outputsWithheld: true });
    expect(recording.everything().length).toBeLessThan(20_000);
  });

  test('the limit is what the caller says', async () => {
    const { run } = createRun();
    const call = { schema: true, messages, run, triesMax: 1, outputCharsMax: 10 };
    expect(await generateWithSchema({ ...call, call: createModel('[1,2,3,4]').call })).toMatchObject({ ok: true });
    expect(await generateWithSchema({ ...call, call: createModel('[1,2,3,4,5]').call })).toMatchObject(
      refusedFor('size'),
    );
  });

  test('a long answer is not paid for again', async () => {
    const { run } = createRun();
    const model = createModel(JSON.stringify('a'.repeat(40_000)), '1');
    await generateWithSchema({ schema: { type: 'integer' }, messages, call: model.call, run });
    expect(model.asked[1]!.messages).toMatchObject([{ content: 'go on' }, { role: 'user' }]);
  });

  test('of many violations twenty are told', async () => {
    const outcome = await judge(
      { items: { type: 'string' } },
      JSON.stringify(Array.from({ length: 5_000 }, (_, i) => i)),
    );
    expect(outcome).toMatchObject({ ok: false });
    expect(outcome.ok ? [] : outcome.errors).toHaveLength(20);
  });
});

describe('the depth of an answer', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  const tree = { $ref: '#/$defs/list', $defs: { list: { type: 'array', items: { $ref: '#/$defs/list' } } } };

  test('256 levels hold, also against a schema that refers to itself', async () => {
    expect(await judge(tree, nested(256))).toMatchObject({ ok: true });
    expect(await judge({ items: { $ref: '#' } }, nested(256))).toMatchObject({ ok: true });
  });

  test.each([
    ['257 lists', nested(257)],
    ['half a million lists', nested(500_000)],
    ['a hundred thousand objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  ])('%s do not', async (_, text) => {
    expect(await judge(true, text)).toMatchObject(refusedFor('depth'));
  });

  test.each([
    ['brackets', '['.repeat(999_000)],
    ['braces and quotes', '{"'.repeat(499_000)],
    ['fences', '```\n'.repeat(249_000)],
    ['pairs', '[ '.repeat(400_000) + ']'.repeat(100_000)],
  ])('a million characters of %s are no JSON', async (_, text) => {
    expect(await judge(true, text)).toMatchObject(refusedFor('json'));
  });
});

describe('what JSON may hold and programs may not', () => {
  test('a property named __proto__ is refused at any depth', async () => {
    expect(await judge(true, '{"__proto__":{"admin":true}}')).toMatchObject(refusedFor('name'));
    expect(await judge(true, '[{"a":{"__proto__":1}}]')).toMatchObject(refusedFor('name'));
  });

  test.each(['constructor', 'toString', 'hasOwnProperty'])('%s is not there unless the answer has it', async (name) => {
    const schema = { type: 'object', required: [name] };
    expect(await judge(schema, '{}')).toMatchObject({ ok: false, errors: [{ keyword: 'required' }] });
    expect(await judge(schema, `{"${name}":1}`)).toMatchObject({ ok: true });
    const closed = { properties: { a: true }, additionalProperties: false };
    expect(await judge(closed, `{"${name}":1}`)).toMatchObject({ errors: [{ keyword: 'additionalProperties' }] });
  });

  test.each(['1e400', '[-1e400]', '{"a":1e999}'])('%s is refused: it would be infinite', async (text) => {
    expect(await judge(true, text)).toMatchObject(refusedFor('number'));
  });

  test.each([
    ['of equal names the last counts, for the check as for the value', '{"a":"x","a":1}', { a: 1 }],
    ['half a surrogate pair', '{"b":"\\ud800"}', { b: '\ud800' }],
    ['NUL', '{"b":"\\u0000"}', { b: '\0' }],
    ['a byte order mark', '\ufeff{"a":2}', { a: 2 }],
  ])('%s', async (_, text, value) => {
    expect(await judge({ properties: { a: { type: 'integer' } } }, text)).toMatchObject({ ok: true, value });
  });
});

describe('secrets in an answer that is refused', () => {
  const secret = 'ghp_aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1bC2';

  test.each([
    ['in what is no JSON', `{"key":${secret}}`],
    ['cut short', `{"key": "${secret.slice(0, 20)}`],
    ['behind a long name', JSON.stringify({ [`${'n'.repeat(300)}${secret}`]: 1 })],
    ['as a name', JSON.stringify({ [secret]: 1 })],
    ['as a value', JSON.stringify({ key: secret })],
  ])('%s: what the record says of them holds no part of it', async (_, text) => {
    const { run, recording } = createRun();
    const schema = { additionalProperties: { type: 'string' }, maxProperties: 0 };
    const outcome = await generateWithSchema({ schema, messages, call: createModel(text).call, run });
    expect(outcome).toMatchObject({ ok: false });
    expect(JSON.stringify(verdictsOf(recording))).not.toContain('aB3dE5');
    if (text.includes(secret)) expect(recording.everything()).not.toContain('aB3dE5');
  });
});
