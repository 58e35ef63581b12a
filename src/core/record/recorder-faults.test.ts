import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../journal.ts';
import { createRedactor } from '../redact/create.ts';
import { checkChains, groupByWriter } from '../verify/chains.ts';
import type { RecorderOptions } from './recorder.ts';
import { createRecorder } from './recorder.ts';
import type { Recorder } from './recording.ts';

interface Basket {
  readonly entries: JournalEntry[];
}

function createBasket(options: Partial<RecorderOptions> = {}): {
  basket: Basket;
  recorder: Recorder;
  errors: unknown[];
} {
  const entries: JournalEntry[] = [];
  const errors: unknown[] = [];
  const recorder = createRecorder({
    contentKey: new Uint8Array(32),
    onError: (error) => void errors.push(error),
    journal: {
      durability: 'process',
      append: (entry) => (entries.push(entry), 'kept'),
      takeLoss: () => null,
      generation: () => 0,
      flush: async () => ({ state: 'durable', written: 0, lost: 0 }),
      close: async () => undefined,
    },
    ...options,
  });
  return { basket: { entries }, recorder, errors };
}

const types = (basket: Basket): string[] => basket.entries.map(({ event }) => event.header.type);
const payloads = (basket: Basket, type: string): Record<string, unknown>[] =>
  basket.entries
    .filter(({ event }) => event.header.type === type)
    .map(({ event }) => JSON.parse(event.payload!) as Record<string, unknown>);
const facts = (basket: Basket, type: string): Record<string, unknown>[] =>
  basket.entries
    .filter(({ event }) => event.header.type === type)
    .map(({ event }) => JSON.parse(event.header.facts!) as Record<string, unknown>);
const textOf = (basket: Basket): string =>
  basket.entries
    .map(({ event, contents }) =>
      [event.header.facts, event.payload, ...contents.map(({ bytes }) => Buffer.from(bytes).toString())].join('\n'),
    )
    .join('\n');
const inFacts = (basket: Basket): string => basket.entries.map(({ event }) => event.header.facts).join('\n');
const contentsOf = (basket: Basket, wanted: string): string[] =>
  basket.entries.flatMap(({ contents }) =>
    contents.filter(({ kind }) => kind === wanted).map(({ bytes }) => Buffer.from(bytes).toString()),
  );

describe('what a caller says wrong', () => {
  it('never stands in facts: a header is outside redaction and erasure (I4)', () => {
    const { basket, recorder, errors } = createBasket();
    const words = 'words of a person';
    const odd = words as never;
    const run = recorder.startRun({
      agentId: 'a',
      source: odd,
      runId: words,
      dryRun: 1 as never,
      parent: { runId: words, stepId: words, rootRunId: words },
    });
    const step = run.step({ kind: odd, operation: words, parentStepId: words, observedAfter: odd });
    step.attempt().finish({ status: odd, retryClass: odd, responseStatus: odd, durationMs: odd });
    step.finish({
      status: odd,
      resultStatus: odd,
      timeToFirstTokenMs: odd,
      usage: { input: { total: odd }, output: null, requests: odd } as never,
      cost: { nanoUsd: odd, status: odd, source: odd },
    });
    run.close({ endReason: odd });
    expect(inFacts(basket)).not.toContain(words);
    expect(errors).toMatchObject([{ code: 'bad-argument' }]);
    expect(JSON.stringify(errors)).not.toContain(words);
    expect(facts(basket, 'run-create')).toMatchObject([
      { parentRunId: null, rootRunId: run.id, source: 'live', dryRun: false },
    ]);
    expect(facts(basket, 'step-start')).toMatchObject([{ kind: 'phase', operation: null, parentStepId: null }]);
    expect(payloads(basket, 'step-start')).toMatchObject([{ operation: words }]);
    expect(facts(basket, 'attempt-end')).toMatchObject([{ status: 'failed', retryClass: null, responseStatus: null }]);
    expect(facts(basket, 'step-end')).toMatchObject([
      { status: 'interrupted', cost: { nanoUsd: null, status: 'unknown', source: 'none' }, resultStatus: null },
    ]);
    expect(facts(basket, 'run-end')).toMatchObject([{ endReason: 'interrupted' }]);
  });

  it('withholds rather than records where a wish or a rule cannot be read (I4)', () => {
    const { basket, recorder } = createBasket({
      isSecretBearing: () => {
        throw new Error('a rule that cannot answer');
      },
    });
    const run = recorder.startRun({ agentId: 'a' });
    const step = run.step({ kind: 'model', inputsWithheld: 1 as never });
    step.withhold({ outputs: 'yes' as never });
    expect([step.inputsWithheld, step.outputsWithheld]).toEqual([true, true]);
    run.onStep(1, { text: 'swordfish', toolCalls: [{ name: 'any', args: 'swordfish' }] });
    run.onTool({ name: 'any', args: 'swordfish' }, 'swordfish');
    run.onTool({ args: 'swordfish' } as never, 'swordfish');
    expect(textOf(basket)).not.toContain('swordfish');
  });

  it('takes a part of a usage for the whole, and sums it', () => {
    const { basket, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    for (const total of [3, Number.NaN, 4])
      run.step({ kind: 'model' }).finish({ status: 'completed', usage: { input: { total } } as never });
    expect(run.usage()).toMatchObject({ input: { total: 7, cacheRead: null }, output: { total: null } });
    expect(facts(basket, 'step-end')[1]).toMatchObject({ usage: { input: { total: null }, output: { text: null } } });
  });

  it('is recorded well-formed, so that a store gives back what the record says (I11)', () => {
    const { basket, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a\ud800b', callerId: 7 as never, labels: { a: 'b', n: 1 as never } });
    run.step({ kind: 'model', model: 'm\udc00' });
    expect(payloads(basket, 'run-create')).toMatchObject([
      { agentId: 'a\ufffdb', callerId: '7', labels: { a: 'b', n: '1' } },
    ]);
    expect(payloads(basket, 'step-start')).toMatchObject([{ model: 'm\ufffd' }]);
  });
});

describe('an event that cannot be written down', () => {
  const broken = {
    get at(): never {
      throw new Error('getter');
    },
  };

  it('keeps what can be read of an output', () => {
    const { basket, recorder, errors } = createBasket();
    recorder.startRun({ agentId: 'a' }).close({ endReason: 'ok', output: broken });
    expect(contentsOf(basket, 'output')).toEqual(['{"at":"[unreadable]"}']);
    expect(types(basket)).toEqual(['run-create', 'run-end']);
    expect(errors).toEqual([]);
  });

  it('stands without its words, and a gap says so: the run is closed all the same', () => {
    const redactor = createRedactor({ key: new Uint8Array(32) });
    const { basket, recorder } = createBasket({
      redactor: {
        ...redactor,
        json(text) {
          if (text.includes('unlucky')) throw new Error('a redactor that breaks its promise');
          return redactor.json(text);
        },
      },
    });
    const run = recorder.startRun({ agentId: 'a', name: 'unlucky' });
    const step = run.step({ kind: 'model', messages: ['told before', 'unlucky'] });
    step.finish({ status: 'completed', response: 'unlucky' });
    run.step({ kind: 'model', messages: ['told before'] });
    run.close({ endReason: 'ok', output: 'unlucky' });
    expect(types(basket)).toEqual([
      'run-create',
      'gap',
      'step-start',
      'gap',
      'step-end',
      'gap',
      'step-start',
      'step-end',
      'run-end',
      'gap',
    ]);
    expect(payloads(basket, 'run-create')).toEqual([{ agentId: 'a', kind: 'agent' }]);
    expect(payloads(basket, 'run-end')).toEqual([{}]);
    expect(facts(basket, 'run-end')).toMatchObject([{ endReason: 'ok' }]);
    expect(facts(basket, 'gap')[0]).toMatchObject({ reason: 'serialise-failed', events: 0, contents: 1 });
    // The message of the failed draft went down with it, so the next step brings it again.
    expect(contentsOf(basket, 'message')).toEqual(['"told before"']);
    expect(checkChains(groupByWriter(basket.entries.map(({ event }) => event)))).toBeNull();
  });
});

describe('redaction before every cut (I4)', () => {
  const secret = ['gh', 'p_04nFVAys6p96F9DGc8NhL04JuQm3kT2x1aBc'].join('');

  it('finds a secret that lies across the cut of an error or of its cause', () => {
    const { basket, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    for (let before = 8192 - 40; before <= 8192; before += 5) {
      const message = `${'x'.repeat(before - 1)} ${secret}`;
      run.error(new Error(message));
      run.error(new Error('outer', { cause: new Error(message) }));
      run.tool({ name: 't' }).fail(message);
      run.tool({ name: 't' }).fail({ note: message });
    }
    expect(textOf(basket)).not.toContain(secret.slice(0, 8));
    expect(payloads(basket, 'error')[0]).toMatchObject({ redactions: expect.any(Object) });
  });

  it('withholds words too long to be searched', () => {
    const { basket, recorder } = createBasket();
    recorder.startRun({ agentId: 'a' }).error('y'.repeat(5 * 1024 * 1024));
    expect(payloads(basket, 'error')).toMatchObject([{ error: { message: '[WITHHELD:too-large:5242880 bytes]' } }]);
  });

  it('takes the value of a telling option out of the arguments', () => {
    const { basket, recorder } = createBasket({
      environment: { argv: ['node', 'agent.mjs', '--password', 'hunter2', '--model', 'm', '--api-key', 'swordfish'] },
    });
    recorder.startRun({ agentId: 'a' });
    const [environment] = contentsOf(basket, 'environment');
    expect(environment).not.toMatch(/hunter2|swordfish/);
    expect(environment).toContain('"--model","m"');
  });
});

describe('contents', () => {
  it('are recorded anew when changed in place behind a toJSON, a map, a set, an error, a date or a length', () => {
    class Message {
      content = 'first';
      toJSON(): object {
        return { role: 'user', content: this.content };
      }
    }
    const { basket, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    const message = new Message();
    const map = new Map([['text', 'first']]);
    const set = new Set(['first']);
    const error = new Error('first');
    const date = new Date(0);
    const list: unknown[] = ['same'];
    const messages = [message, { map }, { set }, { error }, { date }, { list }];
    run.step({ kind: 'model', messages });
    run.step({ kind: 'model', messages });
    const before = contentsOf(basket, 'message').length;
    message.content = 'second';
    map.set('text', 'second');
    set.add('second');
    error.message = 'second';
    date.setTime(86_400_000);
    list.length = 2;
    run.step({ kind: 'model', messages });
    expect(before).toBe(6);
    expect(contentsOf(basket, 'message').slice(6)).toEqual([
      '{"role":"user","content":"second"}',
      '{"map":{"text":"second"}}',
      '{"set":["first","second"]}',
      '{"error":{"name":"Error","message":"second"}}',
      '{"date":"1970-01-02T00:00:00.000Z"}',
      '{"list":["same",null]}',
    ]);
  });

  it('keep long words that are no file, and stand for files by their digest', () => {
    const { basket, recorder } = createBasket();
    const run = recorder.startRun({ agentId: 'a' });
    const file = Buffer.from(Array.from({ length: 3000 }, (_unused, index) => (index * 7919) % 251));
    const kept = [
      `${'a'.repeat(2001)} and then the real words`,
      'x'.repeat(4000),
      'ab01'.repeat(1000),
      `Az0${'a'.repeat(3000)}!`,
    ];
    const files = [file.toString('base64'), `data:image/png;base64,${file.toString('base64')}`];
    run.step({ kind: 'model', messages: [...kept, ...files] });
    const stored = contentsOf(basket, 'message');
    expect(stored.slice(0, 4)).toEqual(kept.map((text) => JSON.stringify(text)));
    // Both are the same bytes, so they are one content.
    expect(stored.slice(4).map((text) => JSON.parse(text))).toMatchObject([{ type: 'tachograph-file', bytes: 3000 }]);
  });

  it('stand for the bytes in a value that JSON refuses', () => {
    const { basket, recorder } = createBasket();
    const cycle: Record<string, unknown> = { bytes: new Uint8Array(5), map: new Map([['a', 1]]) };
    cycle['self'] = cycle;
    recorder.startRun({ agentId: 'a', inputs: cycle });
    expect(JSON.parse(contentsOf(basket, 'inputs')[0]!)).toMatchObject({
      bytes: { type: 'tachograph-file', bytes: 5 },
      map: { a: 1 },
      self: '[cycle]',
    });
  });
});
