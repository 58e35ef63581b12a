import process from 'node:process';
import pg from 'pg';
import { afterAll, describe, expect } from 'vitest';
import { createKey, keyRandomBytes } from '../../src/core/access/key.ts';
import { createProject } from '../../src/core/access/project.ts';
import type { Annotation, Store } from '../../src/core/store.ts';
import { createPostgresStore } from '../../src/stores/postgres/index.ts';
import { tableNames } from '../../src/stores/postgres/migration/tables.ts';
import { sealOf } from '../../src/testing/import-cases.ts';
import { createWorld, errorOf, toBatch } from '../../src/testing/index.ts';
import type { TestDatabase } from '../postgres/cluster.ts';
import { onPostgres } from '../postgres/cluster.ts';
import type { Cut, Relay } from './database-relay.ts';
import { openRelay } from './database-relay.ts';

// A connection that ends between every two statements and every two round trips of every call; in the long form, between
// every two messages. The caller asks again, and the store must stand as if nothing had happened.

const isLong = process.env['TACHOGRAPH_CHAOS_ROUNDS'] !== undefined;

const note: Annotation = {
  id: '018f0000-0000-7000-8000-000000000001',
  runId: '',
  stepId: null,
  kind: 'note',
  name: null,
  value: 'a word about it',
  author: 'me',
  createdAtMs: 1,
  updatedAtMs: 1,
};

/** What a call finds: two runs that share messages, one of them noted, sealed and ended. */
function createScene() {
  const world = createWorld();
  const messages = ['the same question', 'x'.repeat(2000)];
  const first = world
    .run({ labels: { team: 'blue' } })
    .step({ messages, output: 'walrus', body: { a: 1 } })
    .end();
  const second = world
    .run()
    .step({ messages: [...messages, 'and more'], output: 'seal' })
    .step({ status: 'error', error: errorOf('broke') })
    .end();
  return { first, second };
}

type Scene = ReturnType<typeof createScene>;

async function prepare(store: Store, { first }: Scene): Promise<void> {
  await store.importBatch(toBatch(first.entries, 'default', { file: 'a.journal', bytes: 10 }));
  await store.putAnnotation('default', { ...note, id: `${note.id.slice(0, -1)}9`, runId: first.id });
}

interface Call {
  readonly name: string;
  readonly call: (store: Store, scene: Scene) => Promise<unknown>;
  /** A call that asks again by itself when a connection was lost. */
  readonly isRead?: boolean;
  /** Indexes words and packs runs within the call, which otherwise happens beside it. */
  readonly isPacking?: boolean;
}

const key = createKey({
  projectId: 'shop',
  name: 'key',
  scopes: ['read'],
  nowMs: 5,
  random: Buffer.alloc(keyRandomBytes, 3),
  pepper: Buffer.alloc(32, 1),
}).stored;

const calls: readonly Call[] = [
  {
    name: 'importBatch',
    call: (store, { second }) =>
      store.importBatch(toBatch(second.entries, 'default', { file: 'b.journal', bytes: 20 })),
  },
  {
    name: 'importBatch with packing',
    isPacking: true,
    call: (store, { second }) => store.importBatch(toBatch(second.entries)),
  },
  {
    name: 'appendSeals',
    call: async (store, { first }) =>
      store.appendSeals('default', [await sealOf(store, first.id, 1), await sealOf(store, first.id, 2)]),
  },
  { name: 'forgetSealDue', call: (store, { first }) => store.forgetSealDue('default', first.id) },
  { name: 'eraseRun', call: (store, { first }) => store.eraseRun('default', first.id) },
  {
    name: 'eraseRun of a part',
    call: (store, { first }) => {
      const stepIds = new Set([first.lastStepId]);
      return store.eraseRun('default', first.id, { stepIds } as never);
    },
  },
  {
    name: 'purge',
    call: (store) => store.purge({ projectId: 'default', beforeMs: 9e12, limit: 10, isForgotten: true }),
  },
  { name: 'putAnnotation', call: (store, { first }) => store.putAnnotation('default', { ...note, runId: first.id }) },
  { name: 'deleteAnnotation', call: (store) => store.deleteAnnotation('default', `${note.id.slice(0, -1)}9`) },
  { name: 'forgetJournal', call: (store) => store.forgetJournal('a.journal') },
  { name: 'rebuildRun', call: (store, { first }) => store.rebuildRun('default', first.id) },
  { name: 'countErasure', call: (store) => store.countErasure('default') },
  { name: 'sync', call: (store) => store.sync() },
  { name: 'putProject', call: ({ directory }) => directory.putProject(createProject({ id: 'shop', nowMs: 5 })) },
  { name: 'putKey', call: ({ directory }) => directory.putKey(key) },
  {
    name: 'endSession',
    call: ({ directory }) => directory.endSession('default', { id: 'a', expiresAtMs: 9 }, 5),
  },
  { name: 'listRuns', isRead: true, call: (store) => store.listRuns('default', {}, { limit: 10 }) },
  { name: 'listEvents', isRead: true, call: (store, { first }) => store.listEvents('default', first.id) },
  { name: 'readSealing', isRead: true, call: (store, { first }) => store.readSealing('default', [first.id]) },
  {
    name: 'listEventsOfRuns',
    isRead: true,
    call: (store, { first }) => store.listEventsOfRuns('default', [{ runId: first.id, fromSeq: 2 }]),
  },
  { name: 'search', isRead: true, call: (store) => store.search('default', 'walrus') },
  { name: 'findKey', isRead: true, call: ({ directory }) => directory.findKey('default', 'x') },
];

/** Everything that a reader and a count of rows can tell. */
async function lookAt({ store, count }: Witness): Promise<unknown> {
  const { items } = await store.listRuns('default', {}, { limit: 100 });
  const runs = [];
  for (const run of items)
    runs.push({
      run,
      events: await store.listEvents('default', run.id),
      steps: await store.listSteps('default', run.id),
      attempts: await store.listAttempts('default', run.id),
      writers: await store.listWriters('default', run.id),
      annotations: await store.listAnnotations('default', run.id),
      rebuilt: await store.rebuildRun('default', run.id).catch((error: unknown) => (error as { code: string }).code),
    });
  const found = [];
  for (const word of ['walrus', 'seal', 'question', 'broke']) found.push((await store.search('default', word)).length);
  const { directory } = store;
  return {
    runs,
    found,
    due: await store.listSealDue(9),
    seals: await store.listSeals('default'),
    positions: await store.journalPositions(),
    projects: [await store.listProjects(), await directory.listProjects()],
    keys: [await directory.listKeys('default'), await directory.listKeys('shop')],
    rows: await count(),
  };
}

/** Who prepares and looks, past the relay: the same connections for all rounds, since a fresh one costs 0.1 s. */
interface Witness {
  readonly store: Store;
  /** Rows of every table. How often something changed may differ: it only says that one should look. */
  readonly count: () => Promise<unknown>;
}

interface Ways {
  readonly relay: Relay;
  readonly witness: Witness;
  /** The database, emptied. */
  readonly lend: () => Promise<TestDatabase>;
  /** How often a caller asks again. */
  readonly triesMax: number;
}

/** The state after a call that was cut, and whether the cut was reached. */
async function callCut(
  { name, call, isRead, isPacking }: Call,
  cut: Cut | null,
  { relay, witness, lend, triesMax }: Ways,
) {
  const database = await lend();
  const scene = createScene();
  await prepare(witness.store, scene);
  const relayed = new URL(database.url);
  relayed.port = new URL(relay.url).port;
  relay.cut(null);
  const store = createPostgresStore({ url: relayed.href, poolMax: 2, idleMs: isPacking === true ? 0 : 60_000 });
  await store.initialize();
  relay.cut(cut);
  const failures: string[] = [];
  for (let tries = 0; tries < (isRead === true ? 1 : triesMax); tries += 1) {
    try {
      await call(store, scene);
      break;
    } catch (error) {
      failures.push(String((error as { code?: unknown }).code));
    }
  }
  const wasCut = relay.wasCut();
  relay.cut(null);
  await store.close();
  // Nothing but the one code that says: again.
  expect([name, cut, failures.filter((code) => code !== 'store-busy')]).toEqual([name, cut, []]);
  if (isRead !== true) return { wasCut, state: await lookAt(witness) };
  expect([name, cut, failures]).toEqual([name, cut, []]);
  return { wasCut, state: null };
}

/** Places to cut: after every third statement and before each answer of a round trip; each message in the long form. */
const kinds: readonly { readonly side: Cut['side']; readonly type: string | null; readonly every: number }[] = isLong
  ? [
      { side: 'asked', type: null, every: 1 },
      { side: 'answered', type: null, every: 1 },
    ]
  : [
      { side: 'asked', type: 'E', every: 3 },
      { side: 'answered', type: 'Z', every: 1 },
    ];

/** Cuts a call at its first, second, third … place until it passes; how often, and how often the state was another. */
async function cutEverywhere(call: Call, ways: Ways): Promise<{ cuts: number; others: string[] }> {
  const { state: whole } = await callCut(call, null, ways);
  const others: string[] = [];
  let cuts = 0;
  for (const { side, type, every } of kinds)
    for (let at = 1; ; at += every) {
      const { wasCut, state } = await callCut(call, { side, type, at }, ways);
      if (!wasCut) break;
      cuts += 1;
      if (JSON.stringify(state) === JSON.stringify(whole)) continue;
      if (ways.triesMax > 1) expect(state).toEqual(whole);
      others.push(`${side} ${at}`);
    }
  return { cuts, others };
}

describe('a connection that ends between every two statements of a call', () => {
  let relay: Relay;
  let witness: Witness;
  let counter: pg.Client;
  const { cluster, it } = onPostgres(undefined, async (running) => {
    const { url, superUrl } = await running.lendDatabase();
    relay = await openRelay(url);
    const store = createPostgresStore({ url, poolMax: 1, idleMs: 0 });
    await store.initialize();
    counter = new pg.Client({ connectionString: superUrl });
    await counter.connect();
    const tables = tableNames.filter((name) => name !== 'changes');
    const sql = `SELECT ${tables.map((name) => `(SELECT count(*)::int FROM tachograph.${name}) AS ${name}`).join(', ')}`;
    witness = { store, count: async () => (await counter.query(sql)).rows[0] as unknown };
  });
  afterAll(async () => {
    await witness?.store.close();
    await counter?.end();
    await relay?.close();
  });
  const ways = (triesMax: number): Ways => ({ relay, witness, lend: () => cluster().lendDatabase(), triesMax });

  for (const call of calls)
    it(`${call.name}: asked again, it ends as if nothing had happened`, async () => {
      const { cuts, others } = await cutEverywhere(call, ways(3));
      expect(others).toEqual([]);
      expect(cuts).toBeGreaterThan(1);
    });

  it('is felt by a caller who does not ask again: the check can fail', async () => {
    const { others } = await cutEverywhere(calls[0]!, ways(1));
    expect(others.length).toBeGreaterThan(2);
  });
});
