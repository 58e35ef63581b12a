import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createArchive } from '../../src/cli/archive.ts';
import type { OpenedHome } from '../../src/cli/open.ts';
import { openTachograph } from '../../src/cli/open.ts';
import { TachographError } from '../../src/core/error.ts';
import { createRedactor } from '../../src/core/redact/create.ts';
import type { ImportBatch, Store } from '../../src/core/store.ts';
import { createSealSigner } from '../../src/core/verify/seals.ts';
import type { Archive, Problem } from '../../src/indexer/index.ts';
import { createIndexer, noLock } from '../../src/indexer/index.ts';
import { openHome, openSealHeads, readCauses, listQuarantine } from '../../src/journal/index.ts';
import { openSqliteStore } from '../../src/stores/sqlite/index.ts';
import type { RunBuilder } from '../../src/testing/world.ts';
import { createWorld } from '../../src/testing/world.ts';
import { tachograph } from '../end-to-end/command.ts';
import type { TemporaryHome } from './home.ts';
import { createTemporaryHome, filesWith } from './home.ts';
import { entryToBody, forgeJournal } from './journals.ts';

let place: TemporaryHome;
const closing: { close(): Promise<void> }[] = [];

beforeEach(() => {
  place = createTemporaryHome();
  openHome(place.home);
});

afterEach(async () => {
  for (const item of closing.splice(0).reverse()) await item.close();
  place.remove();
});

async function open(): Promise<OpenedHome> {
  const home = await openTachograph({ home: place.home });
  closing.push(home);
  return home;
}

const key = new Uint8Array(32).fill(3);

/** An indexer over a store and an archive of the test's choice, on a clock of the test's own. */
async function openParts(options: {
  wrapStore?: (store: Store) => Store;
  wrapArchive?: (archive: Archive) => Archive;
}) {
  const store = openSqliteStore({ file: join(place.home, 'tachograph.db') });
  await store.initialize();
  const problems: Problem[] = [];
  const time = { ms: 0 };
  // Files are touched by the machine's clock, and whoever is silent for a day is given up.
  const startMs = Date.now();
  const indexer = createIndexer({
    store: options.wrapStore?.(store) ?? store,
    archive: (options.wrapArchive ?? ((archive) => archive))(createArchive(place.home)),
    lock: noLock,
    redactor: createRedactor({ key }),
    signerOf: () => createSealSigner(key),
    sealHeads: openSealHeads(place.home),
    clock: { nowMs: () => startMs + time.ms, monotonicMs: () => time.ms },
    onProblem: (problem) => void problems.push(problem),
  });
  closing.push(store, indexer);
  return { store, indexer, problems, time };
}

/** A run with one step, told in words that are nowhere else. */
const plainRun = (world: ReturnType<typeof createWorld>, words: string): RunBuilder =>
  world
    .run({ agentId: words })
    .step({ messages: [words], output: words })
    .end();

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

async function expectSound(home: Pick<OpenedHome, 'store'>, runId: string): Promise<void> {
  const run = await home.store.getRun('default', runId);
  const steps = await home.store.listSteps('default', runId);
  expect(steps.map(({ number }) => number)).toEqual(steps.map((_step, index) => index + 1));
  expect(await home.store.rebuildRun('default', runId)).toEqual([]);
  expect(await home.store.getRun('default', runId)).toEqual(run);
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

describe('a journal whose checksums are right over anything', () => {
  it('loses only the entries whose header names no run, writer, number or time', async () => {
    const world = createWorld();
    const run = plainRun(world, 'word');
    const journal = forgeJournal(place.home).append(run.entries[0]!);
    const [, next] = run.entries;
    const { runId, writerId } = next!.event.header;
    const odds = [
      `[1,"${runId}","${writerId}",NaN,"log",1,null,null,null]`,
      `[1,"${runId}","${writerId}",Infinity,"log",1,null,null,null]`,
      `[1,"${runId}","${writerId}",1.5,"log",1,null,null,null]`,
      `[1,"${runId}","${writerId}",-1,"log",1,null,null,null]`,
      `[1,"${runId}","${writerId}",9007199254740993,"log",1,null,null,null]`,
      `[1,"${runId}","${writerId}",9,"log",1e+21,null,null,null]`,
      `[1,"${runId}","${writerId}",9,"log",NaN,null,null,null]`,
      `[1,"${runId}","${writerId}",9,"__proto__",1,null,null,null]`,
      `[1,"${runId}","${writerId}",9,"step-end",1,"__proto__",null,null]`,
      `[1,"${runId}","${writerId}",9,"attempt-start",1,null,1e+300,null]`,
      `[1,"not a run","${writerId}",9,"log",1,null,null,null]`,
      `[1,"${runId}","__proto__",9,"log",1,null,null,null]`,
    ];
    for (const header of odds) journal.appendBody(entryToBody(next!, header));
    const outside = entryToBody(next!);
    outside.writeInt32LE(-5, 0);
    journal.appendBody(outside).appendBody(Buffer.alloc(0)).appendBody(Buffer.alloc(300, 255));
    journal.append(...run.entries.slice(1));
    const home = await open();
    await home.indexer.catchUp();
    expect(home.problems).toHaveLength(odds.length + 3);
    await expectSound(home, run.id);
    expect((await home.verify(run.id)).intact.verdict).toBe('intact');
    expect(readCauses(listQuarantine(place.home)[0]!.file)).toHaveLength(odds.length + 3);
  });

  it('takes an event type that it does not know, and one that is a word of the language', async () => {
    const run = createWorld().run();
    for (const type of ['tool-retry', 'constructor', 'attempt-pause']) run.emit(type as 'log', { payload: { a: 1 } });
    forgeJournal(place.home).append(...run.end().entries);
    const home = await open();
    await home.indexer.catchUp();
    expect(home.problems).toEqual([]);
    await expectSound(home, run.id);
    expect((await home.store.getRun('default', run.id)).counts.events).toBe(5);
  });

  it('is put aside when its head names no process, or a project that is not its folder (I10)', async () => {
    const world = createWorld();
    const [strange, foreign, good] = [plainRun(world, 'strange'), plainRun(world, 'foreign'), plainRun(world, 'good')];
    const heads = [{ pid: '../../etc' }, { bootId: 7 }, { host: null }, { writerId: {} }];
    for (const identity of heads) forgeJournal(place.home, { identity: identity as never }).append(...strange.entries);
    forgeJournal(place.home, { projectId: 'other' }).append(...foreign.entries);
    forgeJournal(place.home, { writerId: 'b'.repeat(16) }).append(...good.entries);
    mkdirSync(join(place.home, 'journal', 'default', '20261102T000000000Z-1-0000000000000000.tgj'));
    const home = await open();
    await home.indexer.catchUp();
    expect((await home.store.listRuns('default', {}, {})).items.map(({ agentId }) => agentId)).toEqual(['good']);
    expect(await home.store.listProjects()).toEqual(['default']);
    expect(listQuarantine(place.home)).toHaveLength(heads.length + 1);
    expect(home.problems.some(({ message }) => message.includes('EISDIR'))).toBe(true);
    await home.indexer.catchUp();
    expect(home.problems).toHaveLength(heads.length + 2);
  });

  it('keeps a copy of every damaged stretch, also when the indexer is gone before the file is', async () => {
    const world = createWorld();
    const run = plainRun(world, 'word');
    const journal = forgeJournal(place.home, { identity: { bootId: 'long ago:1' } });
    const broken = Buffer.from('hornbill '.repeat(50));
    journal
      .append(run.entries[0]!)
      .appendBytes(broken)
      .append(...run.entries.slice(1));
    const store = openSqliteStore({ file: join(place.home, 'tachograph.db') });
    await store.initialize();
    closing.push(store);
    const first = await openParts({ wrapArchive: (archive) => ({ ...archive, remove: () => true }) });
    await first.indexer.catchUp();
    const home = await open();
    await home.indexer.catchUp();
    await home.indexer.catchUp();
    expect(readdirSync(dirname(journal.file)).filter((name) => name.endsWith('.tgj'))).toEqual([]);
    const [aside] = listQuarantine(place.home);
    expect(readFileSync(aside!.file).includes(broken)).toBe(true);
    expect(readCauses(aside!.file)).toHaveLength(1);
    await home.indexer.eraseRun('default', run.id);
    expect(filesWith(place.home, 'hornbill')).toEqual([]);
  });

  it('shows what hostile words in a complaint say, and does nothing they command', async () => {
    const folder = join(place.home, 'quarantine', 'default');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'a.tgj'), 'x');
    writeFileSync(join(folder, 'a.tgj.cause.txt'), 'a.tgj\n\u001b]0;owned\u0007\u001b[2J\u202eevil\n');
    const { out } = await tachograph(place.home, 'doctor');
    expect(out).toContain('⟨U+001B⟩');
    expect(out).not.toMatch(/[\u001b\u0007\u202e]/);
  });
});
