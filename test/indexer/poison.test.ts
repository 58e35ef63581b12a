import { renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TachographError } from '../../src/core/error.ts';
import type { ImportBatch, Store } from '../../src/core/store.ts';
import { readCauses, listQuarantine } from '../../src/journal/index.ts';
import { createWorld } from '../../src/testing/world.ts';
import { tachograph } from '../end-to-end/command.ts';
import { filesWith } from './home.ts';
import { expectSound, plainRun, useOpenedHome } from './opened-home.ts';
import { forgeJournal } from './journals.ts';

const place = useOpenedHome();
const { closing, open, openParts } = place;

const odd: readonly [string, unknown][] = [
  ['nothing', undefined],
  ['null', null],
  ['a number', 7],
  ['a negative number', -1],
  ['a fraction', 0.5],
  ['an integer beyond 2^53', 2 ** 60],
  ['a huge number', 1e300],
  ['a word', 'nonsense'],
  ['a long word', 'z'.repeat(100_000)],
  ['half a character', 'a\ud800b'],
  ['NUL', 'a\0b'],
  ['a truth', true],
  ['a list', [1, [2]]],
  ['an object', { a: { b: 1 } }],
  ['labels of all kinds', { a: 1, b: null, c: {}, '\ud800': 'x', '\ud801': 'y' }],
  ['an object with a prototype', JSON.parse('{"__proto__":{"x":1},"constructor":2}')],
  ['infinity', '∞'],
];

const keys = {
  'run-create': {
    facts: ['parentRunId', 'parentStepId', 'rootRunId', 'source', 'dryRun', 'shadow', 'started', 'durability'],
    payload: [
      'agentId',
      'kind',
      'callerId',
      'labels',
      'name',
      'model',
      'inputs',
      'environment',
      'redactions',
      'traceId',
    ],
  },
  'step-start': {
    facts: ['kind', 'operation', 'parentStepId', 'observedAfter', 'prefixBreak'],
    payload: [
      'name',
      'model',
      'context',
      'contextLength',
      'contextMarks',
      'tools',
      'options',
      'args',
      'metadata',
      'firstUserMessage',
    ],
  },
  'step-end': {
    facts: ['status', 'durationMs', 'timeToFirstTokenMs', 'usage', 'cost', 'resultStatus', 'swept'],
    payload: [
      'response',
      'result',
      'model',
      'provider',
      'finishReason',
      'usageRaw',
      'error',
      'stream',
      'metadata',
      'redactions',
    ],
  },
  'attempt-start': { facts: [], payload: ['method', 'url', 'path', 'headers', 'body'] },
  'attempt-end': {
    facts: ['status', 'responseStatus', 'durationMs', 'retryClass', 'retryDelayMs'],
    payload: ['request', 'headers', 'body', 'error', 'providerRequestId'],
  },
  'run-end': { facts: ['endReason', 'durationMs', 'swept'], payload: ['output', 'error', 'redactions'] },
} as const;

const factsOf: Record<string, object> = {
  'run-create': { source: 'live', dryRun: false, started: true, durability: 'process' },
  'step-start': { kind: 'model', operation: 'generate' },
  'step-end': { status: 'completed', durationMs: 1, swept: false },
  'attempt-end': { status: 'completed', responseStatus: 200 },
  'run-end': { endReason: 'ok', durationMs: 1, swept: false },
};

/** Infinity cannot be built from JSON.stringify; a number too large to hold reads as it. */
const toText = (value: unknown): string => JSON.stringify(value)?.replaceAll('"∞"', '1e999') ?? 'null';

/** One run in which one field of one event has an odd value. */
function runWith(
  world: ReturnType<typeof createWorld>,
  at: { type: string; half: string; key: string; value: unknown },
) {
  const run = world.run({ agentId: 'odd' });
  const stepId = world.uuid();
  for (const type of Object.keys(keys)) {
    if (type === 'run-create') continue;
    const nested = at.value;
    run.emit(type as 'log', {
      ...(type in factsOf
        ? { facts: { ...factsOf[type], ...(type === at.type && at.half === 'facts' ? { [at.key]: nested } : {}) } }
        : {}),
      payload: type === at.type && at.half === 'payload' ? { [at.key]: nested } : {},
      ...(type.startsWith('run') ? {} : { stepId }),
      ...(type.startsWith('attempt') ? { attempt: 1 } : {}),
    });
  }
  return run;
}

describe('an odd value in a journal', () => {
  it('is read as the type of its field, never stops an import, and rebuilds to the same (I11)', async () => {
    const world = createWorld();
    const journal = forgeJournal(place.home);
    const runs: string[] = [];
    for (const [type, halves] of Object.entries(keys))
      for (const half of ['facts', 'payload'] as const)
        for (const field of halves[half])
          for (const [, value] of odd) {
            const run = runWith(world, { type, half, key: field, value });
            // A run-create of its own with the odd value takes the place of the builder's.
            const entries = run.entries.map((entry) => ({
              ...entry,
              event: { ...entry.event, payload: entry.event.payload?.replaceAll('"∞"', '1e999') ?? null },
            }));
            if (type === 'run-create') {
              const facts = { ...factsOf['run-create'], ...(half === 'facts' ? { [field]: value } : {}) };
              const payload = { agentId: 'odd', ...(half === 'payload' ? { [field]: value } : {}) };
              const { header } = entries[0]!.event;
              entries[0] = {
                ...entries[0]!,
                event: { ...entries[0]!.event, header: { ...header, facts: toText(facts) }, payload: toText(payload) },
              };
            }
            journal.append(...entries);
            runs.push(run.id);
          }
    const good = plainRun(world, 'afterwards');
    forgeJournal(place.home, { writerId: 'b'.repeat(16) }).append(...good.entries);
    const home = await open();
    await home.indexer.catchUp();
    // What was changed after it was chained is not sealed, and said to be so; it is imported all the same.
    expect(home.problems.filter(({ message }) => !message.includes('not sealed'))).toEqual([]);
    expect(home.problems.length).toBeLessThan(runs.length);
    for (const runId of [...runs, good.id]) await expectSound(home, runId);
    expect((await home.store.getRun('default', good.id)).status).toBe('completed');
    expect((await home.store.totals('default', { by: 'agent' })).length).toBeGreaterThan(0);
    expect((await home.store.totals('default', { by: 'model' })).length).toBeGreaterThan(0);
  });

  it('makes an end without a known reason an error, and an amount without a known status no amount (I12)', async () => {
    const world = createWorld();
    const run = world.run();
    const stepId = world.uuid();
    const cost = { nanoUsd: 5, status: 'free', source: 'rumour' };
    run.emit('step-start', { stepId, facts: { kind: 'model' } });
    run.emit('step-end', { stepId, facts: { status: 'great', cost, usage: { input: { total: '7' }, requests: 1 } } });
    run.emit('run-end', { facts: { endReason: 'nonsense', durationMs: 'long' } });
    forgeJournal(place.home).append(...run.entries);
    const home = await open();
    await home.indexer.catchUp();
    const view = await home.store.getRun('default', run.id);
    expect(view).toMatchObject({ status: 'failed', endReason: 'error', durationMs: null, costNanoUsd: null });
    const [step] = await home.store.listSteps('default', run.id);
    expect(step).toMatchObject({
      status: 'error',
      cost: { nanoUsd: null, status: 'unknown', source: 'none' },
      usage: { input: { total: null, cacheRead: null }, output: { total: null }, requests: 1 },
    });
  });

  it('lets two runs use one step id, each with a step of its own', async () => {
    const world = createWorld();
    const [one, other] = [world.run(), world.run()];
    const stepId = world.uuid();
    const facts = { kind: 'tool', operation: null };
    one.emit('step-start', { stepId, facts }).emit('attempt-start', { stepId, attempt: 1, payload: { path: '/one' } });
    other
      .emit('step-start', { stepId, facts })
      .emit('attempt-start', { stepId, attempt: 1, payload: { path: '/two' } });
    const home = await open();
    forgeJournal(place.home).append(...one.entries);
    await home.indexer.catchUp();
    forgeJournal(place.home).append(...other.entries, ...one.end().take().slice(-1), ...other.end().take().slice(-1));
    await home.indexer.catchUp();
    expect(home.problems).toEqual([]);
    for (const run of [one, other]) {
      await expectSound(home, run.id);
      expect((await home.store.listSteps('default', run.id)).map(({ id }) => id)).toEqual([stepId]);
      expect(await home.store.listAttempts('default', run.id)).toHaveLength(1);
    }
  });

  it('keeps the sums of a run within what a number holds exactly', async () => {
    const world = createWorld();
    const run = world.run();
    for (let i = 0; i < 12; i += 1)
      run.step({
        usage: { input: { total: 1e12 }, output: {}, requests: null } as never,
        cost: { nanoUsd: 1e15, status: 'actual', source: 'provider-response' },
      });
    forgeJournal(place.home).append(...run.end().entries);
    const home = await open();
    await home.indexer.catchUp();
    await expectSound(home, run.id);
    expect((await home.store.getRun('default', run.id)).costKnownNanoUsd).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('an entry that cannot be imported', () => {
  /** A store that throws as a fault of the program would, whenever one event comes by. */
  const poisonAt =
    (n: number, log: string[] = []) =>
    (store: Store): Store => ({
      ...store,
      importBatch(batch: ImportBatch) {
        log.push(batch.entries.map(({ event }) => event.header.n).join(' '));
        const isHit = batch.entries.some(({ event }) => event.header.n === n && event.payload?.includes('quicksilver'));
        return isHit ? Promise.reject(new TypeError('cannot read quicksilver')) : store.importBatch(batch);
      },
    });

  it('is found by halves, copied aside with the reason and stepped over; everything else is imported', async () => {
    const world = createWorld();
    const poisoned = world.run({ agentId: 'quicksilver' });
    for (let i = 0; i < 60; i += 1) poisoned.emit('log', { payload: { type: 'quicksilver', i } });
    const other = plainRun(world, 'nightingale');
    const journal = forgeJournal(place.home).append(...poisoned.entries);
    forgeJournal(place.home, { writerId: 'b'.repeat(16) }).append(...other.entries);
    const log: string[] = [];
    const { store, indexer, problems } = await openParts({ wrapStore: poisonAt(31, log) });
    await indexer.catchUp();
    expect(log.length).toBeLessThan(20);
    expect((await store.listEvents('default', poisoned.id)).map(({ header }) => header.n)).not.toContain(31);
    expect(await store.getRun('default', poisoned.id)).toMatchObject({ counts: { events: 60, missing: 1 } });
    expect(await store.getRun('default', other.id)).toMatchObject({ status: 'completed' });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({
      file: journal.file,
      message: expect.stringMatching(/^\d+ bytes at \d+: .*TypeError/) as string,
    });
    // The message of what was thrown may repeat recorded words; the note beside the copy must not.
    expect(JSON.stringify(problems)).not.toContain('quicksilver');
    const [aside] = listQuarantine(place.home);
    expect(statSync(aside!.file).mode & 0o777).toBe(0o600);
    expect(readCauses(aside!.file)).toEqual([problems[0]!.message.replace('; a copy is in quarantine', '')]);
    await indexer.catchUp();
    expect(log.filter((ns) => ns.split(' ').includes('31')).length).toBeLessThan(10);
  });

  it('is not tried again after a restart, is shown by doctor, and goes with an erasure', async () => {
    const world = createWorld();
    const poisoned = world
      .run({ agentId: 'quicksilver' })
      .emit('log', { payload: { type: 'quicksilver' } })
      .end();
    forgeJournal(place.home).append(...poisoned.entries);
    const first = await openParts({ wrapStore: poisonAt(2) });
    await first.indexer.catchUp();
    const log: string[] = [];
    const second = await openParts({ wrapStore: poisonAt(2, log) });
    await second.indexer.catchUp();
    expect(log).toEqual([]);
    for (const item of closing.splice(0).reverse()) await item.close();
    const doctor = await tachograph(place.home, 'doctor');
    expect(doctor.status).toBe(1);
    expect(doctor.out).toMatch(
      /bad\s+quarantine.*-parts\.tgj: \d+ bytes at \d+: this entry cannot be imported: TypeError/,
    );
    expect(filesWith(join(place.home, 'quarantine'), 'quicksilver')).toHaveLength(1);
    const home = await open();
    await home.indexer.catchUp();
    await home.indexer.eraseRun('default', poisoned.id);
    expect(filesWith(place.home, 'quicksilver')).toEqual([]);
  });

  it('comes in when its copy is put back into the journals and the fault is gone', async () => {
    const world = createWorld();
    const poisoned = world
      .run()
      .emit('log', { payload: { type: 'quicksilver' } })
      .end();
    forgeJournal(place.home).append(...poisoned.entries);
    const first = await openParts({ wrapStore: poisonAt(2) });
    await first.indexer.catchUp();
    expect(await first.store.getRun('default', poisoned.id)).toMatchObject({ counts: { events: 2, missing: 1 } });
    const [aside] = listQuarantine(place.home);
    renameSync(aside!.file, join(place.home, 'journal', aside!.name));
    const home = await open();
    await home.indexer.catchUp();
    expect(await home.store.getRun('default', poisoned.id)).toMatchObject({ counts: { events: 3, missing: 0 } });
    expect((await home.verify(poisoned.id)).intact.verdict).not.toBe('edited');
    await expectSound(home, poisoned.id);
  });

  it('blames no entry for a store that is busy or full, or that takes nothing at all', async () => {
    const busy = new TachographError('store-busy', 'busy');
    const full = new TachographError('internal', 'full', { cause: Object.assign(new Error('full'), { errcode: 13 }) });
    const fault = new TypeError('takes nothing');
    for (const failure of [busy, full, fault]) {
      forgeJournal(place.home).append(...plainRun(createWorld(), 'word').entries);
      const { indexer, store, problems } = await openParts({
        wrapStore: (inner) => ({
          ...inner,
          importBatch: (batch) =>
            failure !== fault && batch.entries.length === 0 ? inner.importBatch(batch) : Promise.reject(failure),
        }),
      });
      await expect(indexer.catchUp()).rejects.toBe(failure);
      expect(problems).toEqual([]);
      expect(listQuarantine(place.home)).toEqual([]);
      expect(await store.journalPositions()).toEqual([]);
    }
  });

  it('is kept when it cannot be copied aside: its file waits, longer each time, and the others go on', async () => {
    const world = createWorld();
    const poisoned = world
      .run({ agentId: 'quicksilver' })
      .emit('log', { payload: { type: 'quicksilver' } })
      .end();
    const good = plainRun(world, 'nightingale');
    const journal = forgeJournal(place.home, { identity: { bootId: 'long ago:1' } }).append(...poisoned.entries);
    forgeJournal(place.home, { writerId: 'b'.repeat(16) }).append(...good.entries);
    let isAsideFull = true;
    let tries = 0;
    const { indexer, store, problems, time } = await openParts({
      wrapStore: poisonAt(2),
      wrapArchive: (archive) => ({
        ...archive,
        copyAside(...args) {
          tries += 1;
          if (isAsideFull) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
          archive.copyAside(...args);
        },
      }),
    });
    indexer.start();
    await expect.poll(() => tries).toBe(1);
    await expect.poll(async () => await store.countRuns('default', {})).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(tries).toBe(1);
    time.ms += 1001;
    await expect.poll(() => tries).toBe(2);
    time.ms += 1001;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(tries).toBe(2);
    // The process that wrote it is gone, and still nobody removes what has not been read.
    expect(statSync(journal.file).size).toBeGreaterThan(0);
    expect(problems.map(({ file }) => file)).toEqual([journal.file]);
    isAsideFull = false;
    await indexer.catchUp();
    expect(await store.getRun('default', poisoned.id)).toMatchObject({ status: 'completed', counts: { missing: 1 } });
  });
});
