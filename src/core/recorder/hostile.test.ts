import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isUuid } from '../id.ts';
import type { JournalEntry } from '../journal.ts';
import { attemptStatuses, retryClasses } from '../model/attempt.ts';
import { costSources, costStatuses } from '../model/cost.ts';
import { endReasons, runSources } from '../model/run.ts';
import { blockReasons, factOperations, stepKinds, stepStatuses, toolResultStatuses } from '../model/step.ts';
import { createRecorder } from '../record/recorder.ts';
import type { Recorder, RunRecorder, StepRecorder } from '../record/recording.ts';
import { ExactJson } from '../record/recording.ts';
import { checkChains, groupByWriter } from '../verify/chains.ts';
import type { Shape } from './given.ts';
import {
  attemptFinishShape,
  attemptRequestShape,
  observedCallShape,
  observedResponseShape,
  parentShape,
  runCloseShape,
  runStartShape,
  actualCostShape,
  stepFinishShape,
  stepStartShape,
  withholdShape,
} from './given-shapes.ts';
import { nullRecorder } from './null-recorder.ts';

const trap = (): never => {
  throw new Error('trap');
};

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function detached(): Uint8Array {
  const bytes = new Uint8Array(8);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

const cycle: Record<string, unknown> = { name: 'cycle' };
cycle['self'] = cycle;

let deep: unknown = 'bottom';
for (let index = 0; index < 20_000; index += 1) deep = { deep };

class Odd {
  readonly #secret = 1;
  get value(): number {
    return this.#secret;
  }
  toJSON(): never {
    return trap();
  }
}

class OddError extends Error {
  override get message(): string {
    return trap();
  }
  override get name(): string {
    return trap();
  }
}

const handler: ProxyHandler<object> = {
  get: trap,
  has: trap,
  ownKeys: trap,
  getPrototypeOf: trap,
  getOwnPropertyDescriptor: trap,
  set: trap,
};

/** What a program in trouble, or one that means harm, may hand over. */
const hostileByName: Readonly<Record<string, unknown>> = {
  undefined,
  null: null,
  nan: Number.NaN,
  infinity: Infinity,
  negative: -1,
  fraction: 1.5,
  huge: 1e300,
  unsafe: 2 ** 60,
  true: true,
  empty: '',
  words: 'words of a person',
  lone: 'a\ud800b',
  zero: 'a\0b',
  long: 'z'.repeat(300_000),
  symbol: Symbol('s'),
  bigint: 2n ** 70n,
  function: trap,
  object: {},
  bare: Object.create(null),
  frozen: Object.freeze({ a: Object.freeze([1]) }),
  array: [1, [2], null],
  sparse: Array(3),
  proxy: new Proxy({}, handler),
  proxyList: new Proxy([1, 2], handler),
  proxyFunction: new Proxy(trap, handler),
  revoked: revoked({}),
  revokedList: revoked([]),
  getter: Object.defineProperty({}, 'a', { enumerable: true, get: trap }),
  getters: Object.defineProperties(
    {},
    Object.fromEntries(
      ['message', 'name', 'code', 'cause', 'ref', 'recording', 'text'].map((key) => [key, { get: trap }]),
    ),
  ),
  cycle,
  deep,
  odd: new Odd(),
  error: new OddError('x'),
  errorCycle: Object.assign(new Error('x'), { cause: cycle }),
  date: new Date(Number.NaN),
  map: new Map<unknown, unknown>([[cycle, 1n]]),
  set: new Set([cycle]),
  weak: new WeakMap(),
  bytes: new Uint8Array(3000),
  detached: detached(),
  buffer: new ArrayBuffer(8),
  proto: JSON.parse('{"__proto__":{"x":1},"constructor":1,"toJSON":1}'),
  exact: new ExactJson(7 as unknown as string),
  exactProxy: new ExactJson(new Proxy({}, handler) as string),
  thenable: Object.fromEntries(['then'].map((key) => [key, trap])),
};
const hostile = Object.values(hostileByName);

interface World {
  readonly recorder: Recorder;
  readonly entries: JournalEntry[];
}

function createWorld(): World {
  const entries: JournalEntry[] = [];
  const recorder = createRecorder({
    contentKey: new Uint8Array(32),
    onError: trap,
    isSecretBearing: (name) => (name === 'trap' ? trap() : false),
    journal: {
      durability: 'process',
      append: (entry) => (entries.push(entry), 'kept'),
      takeLoss: () => null,
      generation: () => 0,
      flush: async () => trap(),
      close: async () => trap(),
    },
  });
  return { recorder, entries };
}

type Call = (value: unknown, other: unknown) => unknown;
const as = <T>(value: unknown): T => value as T;

/** Every public method, called with hostile values in place of its arguments. */
function methodsOf(recorder: Recorder, run: RunRecorder, step: StepRecorder): Record<string, Call> {
  const tool = run.tool({ name: 't' });
  const attempt = step.attempt();
  return {
    'recorder.startRun': (value) => recorder.startRun(as(value)),
    'recorder.bind': (value) => recorder.bind(as<() => unknown>(value)),
    'recorder.reuseStep': (value) => recorder.reuseStep(as(typeof value === 'function' ? () => value : value)),
    'recorder.current': () => recorder.current(),
    'recorder.currentStep': () => recorder.currentStep(),
    'run.ref': (value) => run.ref(as(value)),
    'run.step': (value) => run.step(as(value)),
    'run.tool': (value) => run.tool(as(value)),
    'run.onStep': (value, other) => run.onStep(as(value), as(other)),
    'run.onTool': (value, other) => run.onTool(as(value), other),
    'run.log': (value, other) => run.log(as(value), other),
    'run.error': (value) => run.error(value),
    'run.usage': () => run.usage(),
    'run.toolCallCount': () => run.toolCallCount(),
    'run.within': (value) => run.within(as(typeof value === 'function' ? () => value : value)),
    'run.close': (value) => recorder.startRun({ agentId: 'a' }).close(as(value)),
    'step.attempt': (value) => step.attempt(as(value)),
    'step.finish': (value) => run.step({ kind: 'model' }).finish(as(value)),
    'step.actualCost': (value) => step.actualCost(as(value)),
    'step.withhold': (value) => step.withhold(as(value)),
    'step.within': (value) => step.within(as(typeof value === 'function' ? () => value : value)),
    'step.enter': () => step.enter(),
    'run.enter': () => run.enter(),
    'tool.succeed': (value) => run.tool({ name: 't' }).succeed(value),
    'tool.fail': (value) => run.tool({ name: 't' }).fail(value),
    'tool.finish': (value) => tool.finish(as(value)),
    'tool.attempt': (value) => tool.attempt(as(value)),
    'attempt.claim': () => attempt.claim(),
    'attempt.finish': (value) => step.attempt().finish(as(value)),
  };
}

const shapeByMethod: Readonly<Record<string, Shape>> = {
  'recorder.startRun': runStartShape,
  'run.step': stepStartShape,
  'run.tool': stepStartShape,
  'run.close': runCloseShape,
  'step.attempt': attemptRequestShape,
  'step.finish': stepFinishShape,
  'step.actualCost': actualCostShape,
  'step.withhold': withholdShape,
  'tool.finish': stepFinishShape,
  'tool.attempt': attemptRequestShape,
  'attempt.finish': attemptFinishShape,
  'run.onTool': observedCallShape,
  'run.onStep': observedResponseShape,
};

const numbers = ['durationMs', 'timeToFirstTokenMs', 'responseStatus', 'retryDelayMs', 'events', 'contents', 'bytes'];
const wordsByFact: Readonly<Record<string, readonly unknown[]>> = {
  source: runSources,
  endReason: endReasons,
  kind: stepKinds,
  operation: [...factOperations, null],
  status: [...stepStatuses.slice(1), ...attemptStatuses],
  resultStatus: [...toolResultStatuses, null],
  retryClass: [...retryClasses, null],
  durability: ['process'],
  reason: ['serialise-failed'],
  blockReason: blockReasons,
};
const flags = ['dryRun', 'shadow', 'started', 'observedAfter', 'swept', 'wasBlocked'];
const ids = ['parentRunId', 'parentStepId', 'rootRunId', 'previousStepId'];

/** Facts that any store takes, and that hold no word of a person's. */
function checkFacts(facts: Record<string, unknown>, path: string): void {
  for (const [key, value] of Object.entries(facts)) {
    const place = `${path}.${key} = ${JSON.stringify(value)}`;
    if (key === 'usage' || key === 'prefixBreak' || key === 'input' || key === 'output') {
      if (value !== null) checkFacts(value as Record<string, unknown>, place);
    } else if (key === 'cost') {
      const cost = value as { nanoUsd: unknown; status: unknown; source: unknown } | null;
      if (cost === null) continue;
      expect(costStatuses, place).toContain(cost.status);
      expect(costSources, place).toContain(cost.source);
      expect(cost.nanoUsd === null || Number.isSafeInteger(cost.nanoUsd), place).toBe(true);
    } else if (key in wordsByFact) expect(wordsByFact[key], place).toContain(value);
    else if (flags.includes(key)) expect(typeof value, place).toBe('boolean');
    else if (ids.includes(key))
      expect(value === null || (typeof value === 'string' && isUuid(value)), place).toBe(true);
    else {
      expect(value === null || (typeof value === 'number' && value <= Number.MAX_SAFE_INTEGER), place).toBe(true);
      if (numbers.includes(key) && value !== null) expect(value, place).toBeGreaterThanOrEqual(0);
    }
  }
}

function checkEntries(entries: readonly JournalEntry[]): void {
  const byRun = Map.groupBy(
    entries.map(({ event }) => event),
    ({ header }) => header.runId,
  );
  for (const events of byRun.values()) expect(checkChains(groupByWriter(events))).toBeNull();
  for (const { event, contents } of entries) {
    const { runId, stepId, attempt, facts, type } = event.header;
    expect(isUuid(runId)).toBe(true);
    expect(stepId === null || isUuid(stepId)).toBe(true);
    expect(attempt === null || Number.isSafeInteger(attempt)).toBe(true);
    if (facts !== null) checkFacts(JSON.parse(facts) as Record<string, unknown>, type);
    expect(JSON.parse(event.payload!)).toBeTypeOf('object');
    for (const { kind, bytes } of contents)
      if (kind !== 'body') expect(() => JSON.parse(Buffer.from(bytes).toString()) as unknown).not.toThrow();
  }
}

/** Fields that end in a column of their own: what a store keeps of them must be what the record says. */
function checkColumns(entries: readonly JournalEntry[]): void {
  for (const { event } of entries) {
    const payload = JSON.parse(event.payload!) as Record<string, unknown>;
    for (const key of [
      'agentId',
      'kind',
      'callerId',
      'sessionId',
      'name',
      'model',
      'provider',
      'callId',
      'operation',
    ]) {
      const value = payload[key];
      if (value !== undefined) expect((value as string).isWellFormed(), key).toBe(true);
    }
  }
}

function attack(world: World, use: (methods: Record<string, Call>) => void): void {
  const run = world.recorder.startRun({ agentId: 'a' });
  const step = run.step({ kind: 'model', messages: ['hello'] });
  use(methodsOf(world.recorder, run, step));
  run.close({ endReason: 'ok' });
  checkEntries(world.entries);
  checkColumns(world.entries);
}

describe('a host that hands over anything (I1)', () => {
  const names = Object.keys(
    methodsOf(
      nullRecorder,
      nullRecorder.startRun({ agentId: 'a' }),
      nullRecorder.startRun({ agentId: 'a' }).step({ kind: 'model' }),
    ),
  );

  it.each(names)('%s never throws, and what it records is valid', (name) => {
    const world = createWorld();
    attack(world, (methods) => {
      for (const value of hostile) {
        methods[name]!(value, value);
        methods[name]!(1, value);
        for (const [key] of shapeByMethod[name] ?? []) methods[name]!({ [key]: value }, { [key]: value });
      }
    });
  });

  it('takes anything for a parent, a usage, a cost, a body and a reported call', () => {
    const world = createWorld();
    const { id } = world.recorder.startRun({ agentId: 'parent' });
    attack(world, (methods) => {
      for (const value of hostile) {
        for (const [key] of parentShape)
          methods['recorder.startRun']!({ agentId: 'a', parent: { runId: id, [key]: value } }, null);
        for (const part of [
          { input: value },
          { input: { total: value }, output: { total: value } },
          { requests: value },
        ])
          methods['step.finish']!({ status: 'completed', usage: part }, null);
        for (const part of [
          { nanoUsd: value, status: 'actual' },
          { nanoUsd: 5, status: value, source: value },
        ])
          methods['step.finish']!({ status: 'completed', cost: part }, null);
        methods['step.attempt']!({ url: 'https://x', body: { data: value, contentType: value, bytes: value } }, null);
        methods['step.attempt']!({ headers: { a: value } }, null);
        methods['run.step']!(
          { kind: 'model', messages: [value, { role: value, content: value }], contextMarks: [value] },
          null,
        );
        methods['run.onStep']!(1, { text: 'x', toolCalls: [value, { name: value }, { name: 'trap', args: value }] });
        methods['run.onStep']!(1, { usage: { input: value, cacheRead: value } });
        methods['step.finish']!(
          { status: 'completed', finishReason: { unified: value, raw: value }, stream: value },
          null,
        );
      }
    });
  });

  it('stands whatever is made of anything, in any order', () => {
    const key = fc.constantFrom(
      ...new Set(Object.values(shapeByMethod).flatMap((shape) => shape.map(([name]) => name))),
    );
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
    });
    // Behind a function, since a generator would trip over a revoked proxy itself.
    const value = fc.oneof(
      anything.map((made) => (): unknown => made),
      fc.constantFrom(...Object.keys(hostileByName)).map((name) => (): unknown => hostileByName[name]),
    );
    const fields = fc
      .dictionary(key, value)
      .map(
        (valueByKey) => (): unknown =>
          Object.fromEntries(Object.entries(valueByKey).map(([name, get]) => [name, get()])),
      );
    const given = fc.oneof(value, fields);
    const call = fc.tuple(fc.constantFrom(...names), given, given);
    fc.assert(
      fc.property(fc.array(call, { maxLength: 12 }), (calls) => {
        const world = createWorld();
        attack(world, (methods) => {
          for (const [name, a, b] of calls) methods[name]!(a(), b());
        });
      }),
      { numRuns: 300 },
    );
  });

  it('answers flush, close and run whatever the journal and the arguments are', async () => {
    for (const value of hostile) {
      const { recorder } = createWorld();
      await expect(recorder.flush(as(value))).resolves.toMatchObject({ state: 'timeout' });
      await expect(recorder.run(as(value), () => 1)).resolves.toBe(1);
      if (typeof value !== 'function') await expect(recorder.run({ agentId: 'a' }, as(value))).resolves.toBeUndefined();
      await expect(
        recorder.run({ agentId: 'a' }, () => {
          throw value;
        }),
      ).rejects.toSatisfy((thrown) => Object.is(thrown, value));
      await expect(recorder.close()).resolves.toBeUndefined();
    }
  });

  it('is as patient when it records nothing', async () => {
    const run = nullRecorder.startRun({ agentId: 'a' });
    const methods = methodsOf(nullRecorder, run, run.step({ kind: 'model' }));
    for (const value of hostile)
      for (const method of Object.values(methods)) expect(() => method(value, value)).not.toThrow();
    await expect(nullRecorder.run({ agentId: 'a' }, as(7))).resolves.toBeUndefined();
  });
});
