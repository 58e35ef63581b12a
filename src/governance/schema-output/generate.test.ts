import { describe, expect, test } from 'vitest';
import { unknownUsage } from '../../core/model/usage.ts';
import { generateWithSchema, outcomeToRunClose } from './index.ts';
import { createModel, createRun, verdictsOf } from './schema-output.fixture.ts';

const schema = {
  type: 'object',
  properties: { total: { type: 'number' }, paid: { type: 'boolean' }, sent: { type: 'string', format: 'date' } },
  required: ['total', 'paid'],
  additionalProperties: false,
} as const;
const messages = [{ role: 'user', content: 'What does order 4417 come to?' }];
const good = '{"total":34.9,"paid":true}';

describe('an answer that is valid', () => {
  test('is the value, after one try that is one model step', async () => {
    const { run, recording } = createRun();
    const model = createModel({
      text: good,
      usage: { input: 100, output: 20 },
      cost: { nanoUsd: 5_000, status: 'actual', source: 'provider-response' },
      model: 'm-1-served',
      provider: 'acme',
      finishReason: 'stop',
      providerResponseId: 'r-1',
    });
    const words = { provider: 'acme', model: 'm-1', options: { temperature: 0 }, name: 'order' };
    const outcome = await generateWithSchema<{ total: number }>({
      schema,
      messages,
      call: model.call,
      run,
      step: words,
    });
    expect(outcome).toMatchObject({ ok: true, value: { total: 34.9, paid: true }, tries: 1, costNanoUsd: 5_000 });
    expect(outcome.usage).toMatchObject({ input: { total: 100 }, output: { total: 20 }, requests: 1 });
    const { steps } = recording.run();
    expect(steps).toMatchObject([
      {
        ...{ kind: 'model', operation: 'generate', name: 'order', status: 'completed', provider: 'acme' },
        ...{ requestedModel: 'm-1', model: 'm-1-served', options: { temperature: 0 }, providerResponseId: 'r-1' },
        ...{ usage: { input: { total: 100 }, output: { total: 20 } }, cost: { nanoUsd: 5_000, status: 'actual' } },
        metadata: { schemaTry: 1 },
      },
    ]);
    expect(recording.messages(steps[0]!)).toEqual(messages);
    expect(recording.content(steps[0]!.responseId)).toEqual([{ type: 'text', text: good }]);
    expect(verdictsOf(recording)).toMatchObject([
      {
        try: 1,
        triesMax: 3,
        isValid: true,
        wrapping: null,
        errors: [],
        outputChars: good.length,
        stepId: steps[0]!.id,
      },
    ]);
    expect(recording.complaints).toEqual([]);
  });

  test.each([
    ['a schema that is true', true, '[1]', [1]],
    ['a number alone', { type: 'integer' }, ' 7\n', 7],
    ['a format that holds', { type: 'string', format: 'date' }, '"2026-11-21"', '2026-11-21'],
    ['a reference within the schema', { $ref: '#/$defs/a', $defs: { a: { const: 1 } } }, '1', 1],
    ['a reference by anchor', { $ref: '#x', $defs: { a: { $anchor: 'x', enum: ['b'] } } }, '"b"', 'b'],
    [
      'unevaluatedProperties',
      { allOf: [{ properties: { a: true } }], unevaluatedProperties: false },
      '{"a":1}',
      { a: 1 },
    ],
    ['prefixItems', { prefixItems: [{ type: 'string' }], items: false }, '["a"]', ['a']],
    ['an unknown keyword', { 'x-order': 1, type: 'null' }, 'null', null],
    ['the draft by its name', { $schema: 'https://json-schema.org/draft/2020-12/schema#', type: 'null' }, 'null', null],
  ])('%s', async (_, given, text, value) => {
    const { run } = createRun();
    expect(await generateWithSchema({ schema: given, messages, call: createModel(text).call, run })).toMatchObject({
      ok: true,
      value,
    });
  });
});

describe('an answer that is not', () => {
  test('is told what was wrong, and every try is recorded and charged', async () => {
    const { run, recording } = createRun();
    const cost = { nanoUsd: 1_000, status: 'actual', source: 'provider-response' } as const;
    const model = createModel(
      { text: '{"total":"much","sent":"soon"}', usage: { input: 100, output: 10, cacheRead: 0 }, cost },
      { text: '{"total":1,"paid":true,"by":"me"}', usage: { input: 150, output: 11, cacheRead: 90 }, cost },
      { text: good, usage: { input: 200, output: 12, cacheRead: 140 }, cost },
    );
    const outcome = await generateWithSchema({ schema, messages, call: model.call, run });
    expect(outcome).toMatchObject({ ok: true, tries: 3, costNanoUsd: 3_000 });
    expect(outcome.usage).toMatchObject({ input: { total: 450, cacheRead: 230 }, output: { total: 33 }, requests: 3 });
    expect(run.usage()).toEqual(outcome.usage);

    expect(model.asked.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(model.asked[0]!.messages).toBe(messages);
    const [, answer, refusal] = model.asked[1]!.messages as { role: string; content: string }[];
    expect(answer).toEqual({ role: 'assistant', content: '{"total":"much","sent":"soon"}' });
    expect(refusal!.role).toBe('user');
    expect(refusal!.content.split('\n')).toEqual([
      'Your answer was refused (try 1 of 3).',
      'Answer again with the JSON alone: one value that is valid against the schema, no text and no code fence around it.',
      'What was wrong:',
      "- the answer must have required property 'paid'",
      '- /total must be number',
      '- /sent must match format "date"',
    ]);
    expect(model.asked[2]!.messages).toHaveLength(5);
    expect(JSON.stringify(model.asked[2]!.messages.at(-1))).toContain('must NOT have additional properties: \\"by\\"');

    const { steps, run: view } = recording.run();
    expect(steps.map(({ status, metadata }) => [status, metadata?.['schemaTry']])).toEqual([
      ['completed', 1],
      ['completed', 2],
      ['completed', 3],
    ]);
    expect(recording.messages(steps[2]!)).toEqual(model.asked[2]!.messages);
    expect(view.usage).toEqual(outcome.usage);
    expect(view.costKnownNanoUsd).toBe(3_000);
    expect(verdictsOf(recording).map(({ isValid, stepId }) => [isValid, stepId])).toEqual(
      steps.map(({ id }, index) => [index === 2, id]),
    );
  });

  test('three times is E-SCHEMA-001 with the last errors, and the run may end schema_invalid', async () => {
    const { run, recording } = createRun();
    const model = createModel('no', '[]', '{"total":1}', good);
    const outcome = await generateWithSchema({ schema, messages, call: model.call, run });
    expect(outcome).toEqual({
      ...{ ok: false, code: 'E-SCHEMA-001', tries: 3, usage: unknownUsage, costNanoUsd: null },
      errors: [{ path: '', keyword: 'required', message: "must have required property 'paid'" }],
    });
    expect(model.asked).toHaveLength(3);
    run.close(outcomeToRunClose(outcome));
    const view = recording.run().run;
    expect(view).toMatchObject({ status: 'failed', endReason: 'schema_invalid', errorCode: 'E-SCHEMA-001' });
    expect(view.errorDetail).toContain("must have required property 'paid'");
  });

  test('is asked for as often as the caller says, at most three times', async () => {
    const { run } = createRun();
    const model = createModel('no');
    expect(await generateWithSchema({ schema, messages, call: model.call, run, triesMax: 1 })).toMatchObject({
      tries: 1,
    });
    for (const triesMax of [0, 4, 1.5, NaN])
      await expect(generateWithSchema({ schema, messages, call: model.call, run, triesMax })).rejects.toMatchObject({
        code: 'bad-argument',
      });
    expect(model.asked).toHaveLength(1);
  });

  test('is told of in the words of the caller, where there are any', async () => {
    const { run } = createRun();
    const model = createModel('{}', good);
    const feedback = ({ text, errors, attempt }: { text: string; errors: readonly unknown[]; attempt: number }) => [
      { role: 'user', parts: [text, errors.length, attempt] },
    ];
    await generateWithSchema({ schema, messages, call: model.call, run, feedback });
    expect(model.asked[1]!.messages.slice(1)).toEqual([{ role: 'user', parts: ['{}', 2, 1] }]);
  });

  test('a value closes the run with ok', async () => {
    const { run, recording } = createRun();
    run.close(outcomeToRunClose(await generateWithSchema({ schema, messages, call: createModel(good).call, run })));
    const { run: view } = recording.run();
    expect(view).toMatchObject({ status: 'completed', endReason: 'ok' });
    expect(recording.content(view.outputId)).toEqual({ total: 34.9, paid: true });
  });
});

describe('text around the JSON', () => {
  const fenced = `\`\`\`json\n${good}\n\`\`\``;

  test('is tolerated once and noted', async () => {
    const { run, recording } = createRun();
    const outcome = await generateWithSchema({ schema, messages, call: createModel(fenced).call, run });
    expect(outcome).toMatchObject({ ok: true, value: { total: 34.9 }, tries: 1 });
    expect(verdictsOf(recording)).toMatchObject([{ try: 1, isValid: true, wrapping: 'fence' }]);
  });

  test('is refused the second time', async () => {
    const { run, recording } = createRun();
    const model = createModel('Here it is: {"total":1} Enjoy!', fenced, good);
    expect(await generateWithSchema({ schema, messages, call: model.call, run })).toMatchObject({ ok: true, tries: 3 });
    expect(verdictsOf(recording)).toMatchObject([
      { isValid: false, wrapping: 'text', errors: [{ keyword: 'required' }] },
      { isValid: false, wrapping: null, errors: [{ keyword: 'alone' }] },
      { isValid: true, wrapping: null },
    ]);
  });

  test('is forgotten by the next call', async () => {
    const { run } = createRun();
    const call = { schema, messages, run, triesMax: 1 };
    for (const _ of [1, 2])
      expect(await generateWithSchema({ ...call, call: createModel(fenced).call })).toMatchObject({ ok: true });
  });
});

describe('a call that is recorded by a capture', () => {
  test('makes no step here, and hangs the verdict at the run', async () => {
    const { run, recording } = createRun();
    const call = async () => {
      expect(recording.recorder.current()).toBe(run);
      const step = recording.recorder.current()!.step({ kind: 'model', operation: 'generate', messages });
      step.finish({ status: 'completed', response: [{ type: 'text', text: good }] });
      return { text: good };
    };
    expect(await generateWithSchema({ schema, messages, call, run, recordedBy: 'capture' })).toMatchObject({
      ok: true,
    });
    expect(recording.run().steps).toHaveLength(1);
    expect(verdictsOf(recording)).toMatchObject([{ isValid: true }]);
  });
});

describe('a call that fails', () => {
  test('is recorded as such and thrown unchanged', async () => {
    const { run, recording } = createRun();
    const error = new Error('overloaded');
    const calling = generateWithSchema({ schema, messages, call: () => Promise.reject(error), run });
    await expect(calling).rejects.toBe(error);
    expect(recording.run().steps).toMatchObject([{ status: 'error', error: { message: 'overloaded' } }]);
    expect(verdictsOf(recording)).toEqual([]);
  });

  test.each([[undefined], [null], [{}], [{ text: 7 }]])(
    'by resolving with %j is the slip of the caller',
    async (answer) => {
      const { run, recording } = createRun();
      const calling = generateWithSchema({ schema, messages, call: async () => answer as never, run });
      await expect(calling).rejects.toMatchObject({ code: 'bad-argument' });
      expect(recording.run().steps).toMatchObject([{ status: 'error' }]);
    },
  );

  test('after an abort is not waited for, and its late answer is still recorded', async () => {
    const { run, recording } = createRun();
    const stop = new AbortController();
    let answer: (text: string) => void = () => undefined;
    const call = async ({ signal }: { signal: AbortSignal }) => {
      setImmediate(() => stop.abort(new Error('enough')));
      const text = await new Promise<string>((resolve) => (answer = resolve));
      return { text: `${text}${String(signal.aborted)}`, usage: { input: 5 } };
    };
    const calling = generateWithSchema({ schema, messages, call, run, signal: stop.signal });
    await expect(calling).rejects.toThrow('enough');
    expect(recording.run().steps).toMatchObject([{ status: 'interrupted' }]);
    answer('too late ');
    await new Promise((resolve) => setImmediate(resolve));
    const [step] = recording.run().steps;
    expect(step).toMatchObject({ status: 'completed', usage: { input: { total: 5 } } });
    expect(recording.content(step!.responseId)).toEqual([{ type: 'text', text: 'too late true' }]);
    await expect(generateWithSchema({ schema, messages, call, run, signal: stop.signal })).rejects.toThrow('enough');
    expect(recording.run().steps).toHaveLength(1);
  });
});
