import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isTachographError } from '../../src/core/error.ts';
import type { Store } from '../../src/core/store.ts';
import { createHandler } from '../../src/server/index.ts';
import { runView } from '../../src/server/schema/run.ts';
import { stepView } from '../../src/server/schema/step.ts';
import { attemptView } from '../../src/server/schema/attempt.ts';
import type { EditedHome } from './edited-home.ts';
import { createEditedHome } from './edited-home.ts';

/** Values of every type, and objects whose every field is of a wrong one. */
const wrongFields = Object.fromEntries(
  [
    'labels counts summary usage cost error stream finishReason options metadata redactions contextMarks prefixBreak',
    'preview previewOf requestHeaders requestBody responseBody responseHeaders status kind source durability swept',
    'updatedAtMs rootRunId firstSeq attemptCount historyTipMessageId retryClass',
  ]
    .join(' ')
    .split(' ')
    .map((name, index) => [name, [7, 'text', [1], { a: [1] }, true][index % 5]]),
);
const values = [
  null,
  0,
  -1.5,
  9e99,
  2n ** 63n - 1n,
  '',
  'text',
  '{',
  '[1]',
  '{"labels":{"a":1},"summary":null,"counts":null,"error":{},"cost":{},"stream":{},"requestBody":{},"contextMarks":[1]}',
  JSON.stringify(wrongFields),
  Buffer.alloc(0),
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]),
];

const columns: readonly (readonly [table: string, ...columns: string[]])[] = [
  [
    'runs',
    'agent_id kind caller_id channel_id session_id parent_run_id status end_reason model dry_run has_error sort_ms',
    'started_at_ms created_at_ms finished_at_ms duration_ms step_count error_count unpriced cost_known_nano_usd',
    'input_total output_total requests',
  ],
  ['run_views', 'view'],
  ['run_labels', 'name value sort_ms'],
  [
    'steps',
    'id number kind status model requested_model started_at_ms duration_ms cost_nano_usd has_usage input_total pack_key',
  ],
  ['step_views', 'view'],
  ['step_packs', 'packed'],
  ['attempts', 'step_id number started_at_ms view'],
  ['attempt_packs', 'first_step last_step packed'],
  ['event_packs', 'first_seq last_seq packed proofs'],
  ['events', 'n type time_ms step_id facts payload proof'],
  ['writers', 'id n hash missing'],
  ['contents', 'kind salt size block_key block_at document_key'],
  ['content_bytes', 'bytes'],
  ['content_blocks', 'packed'],
  ['content_use', 'step_key'],
  ['nodes', 'parent_key content_key depth'],
  ['annotations', 'step_id kind name value author created_at_ms updated_at_ms'],
  ['seals', 'number run_id seal'],
  ['journal_positions', 'bytes'],
];
const cases = columns.flatMap(([table, ...names]) =>
  names.flatMap((name) => name.split(' ')).map((name) => [table, name] as const),
);

/** Every reader of a store, by name. */
function readersOf(store: Store, runId: string): Record<string, () => Promise<unknown>> {
  const project = 'default';
  const steps = () => store.listSteps(project, runId);
  return {
    getRun: () => store.getRun(project, runId),
    findRunIds: () => store.findRunIds(project, '0', 9),
    listRuns: () => store.listRuns(project, { includeDryRun: true }, { limit: 2 }),
    listText: () => store.listRuns(project, { text: 'answer' }, {}),
    listStatus: () => store.listRuns(project, { status: ['completed'], hasError: false, labels: { a: 'b' } }, {}),
    countRuns: () => store.countRuns(project, { agentId: 'agent' }),
    listEvents: () => store.listEvents(project, runId),
    listSteps: steps,
    getStep: () => store.getStep(project, runId, 1),
    listAttempts: () => store.listAttempts(project, runId),
    context: async () => {
      for (const { contextNodeId, responseId, id } of await steps()) {
        if (contextNodeId !== null) await store.readContext(project, runId, contextNodeId);
        if (contextNodeId !== null) await store.readContextNodes(project, runId, contextNodeId);
        if (responseId !== null) await store.readContents(project, runId, [responseId]);
        await store.listAttempts(project, runId, id);
      }
    },
    listChildren: () => store.listChildren(project, runId),
    parentChain: () => store.parentChain(project, runId),
    listFinishedBefore: () => store.listFinishedBefore(project, Number.MAX_SAFE_INTEGER, 9),
    lastRunPerAgent: async () => [...(await store.lastRunPerAgent(project, ['agent']))],
    listAgents: () => store.listAgents(project),
    searchRank: () => store.search(project, 'answer'),
    searchTime: () => store.search(project, 'please', { order: 'time', runId }),
    totalsModel: () => store.totals(project, { by: 'model' }),
    totalsAgent: () => store.totals(project, { by: 'agent' }),
    totalsDay: () => store.totals(project, { by: 'day' }),
    listAnnotations: () => store.listAnnotations(project, runId),
    listSeals: () => store.listSeals(project),
    sealLedger: () => store.sealLedger(project),
    listSealDue: () => store.listSealDue(9),
    readSealing: () => store.readSealing(project, [runId]),
    listEventsOfRuns: async () => [...(await store.listEventsOfRuns(project, [{ runId, fromSeq: 2 }]))],
    listWriters: () => store.listWriters(project, runId),
    listOpenRuns: () => store.listOpenRuns(project),
    journalPositions: () => store.journalPositions(),
  };
}

/** What could not be read, and views that are not of the shape they promise. */
async function complaintsOf(store: Store, runId: string): Promise<string[]> {
  const complaints: string[] = [];
  for (const [name, read] of Object.entries(readersOf(store, runId))) {
    try {
      JSON.stringify(await read());
    } catch (error) {
      if (!isTachographError(error) || error.code === 'internal') complaints.push(`${name}: ${(error as Error).stack}`);
    }
  }
  const check = (
    name: string,
    schema: { safeParse(value: unknown): { success: boolean; error?: Error } },
    value: unknown,
  ) => {
    const parsed = schema.safeParse(value);
    if (!parsed.success) complaints.push(`${name}: ${parsed.error!.message.slice(0, 300)}`);
  };
  const page = await store.listRuns('default', {}, {}).catch(() => ({ items: [] }));
  for (const run of page.items) check('run', runView, run);
  for (const step of await store.listSteps('default', runId).catch(() => [])) check('step', stepView, step);
  for (const attempt of await store.listAttempts('default', runId).catch(() => []))
    check('attempt', attemptView, attempt);
  return complaints;
}

const paths = [
  '',
  '/steps',
  '/steps/1',
  '/steps/1/context',
  '/steps/1/attempts',
  '/events',
  '/tree',
  '/annotations',
  '/children',
  '/verify',
];

const listPaths = ['/runs', '/search?q=answer', '/stats?by=model', '/agents', '/sessions'];

describe.each([false, true])('stored values of a wrong kind, packed: %s', (isPacked) => {
  let edited: EditedHome;
  let get: (path: string) => Promise<Response>;
  beforeAll(async () => {
    edited = await createEditedHome({ isPacked });
    await edited.home.store.putAnnotation('default', {
      id: 'note',
      runId: edited.runs[0]!.id,
      stepId: null,
      kind: 'note',
      name: 'n',
      value: 'words',
      author: 'me',
      createdAtMs: 1,
      updatedAtMs: 2,
    });
    const handler = createHandler({ store: edited.home.store, verify: (_project, runId) => edited.home.verify(runId) });
    get = (path) => handler(new Request(`http://localhost/api/v1${path}`));
  });
  afterAll(() => edited.close());

  it.each(cases)('%s.%s: every reader answers in its own shape', async (table, column) => {
    const runId = edited.runs[0]!.id;
    const { store } = edited.home;
    const key = ['run_labels', 'content_use'].includes(table) ? 'run_key' : 'rowid';
    edited.edit((db) => {
      db.exec('DROP TABLE IF EXISTS kept');
      db.exec(`CREATE TABLE kept AS SELECT ${key} AS r, ${column} AS v FROM ${table} ORDER BY ${key} LIMIT 1`);
    });
    const complaints: unknown[] = [];
    for (const value of values) {
      let changed = 0;
      edited.edit((db) => {
        try {
          const set = `UPDATE OR IGNORE ${table} SET ${column} = ? WHERE ${key} = (SELECT r FROM kept)`;
          changed = Number(db.prepare(set).run(value).changes);
        } catch (error) {
          expect((error as Error).message).toContain('NOT NULL');
        }
      });
      if (changed === 0) continue;
      const shown = typeof value === 'bigint' ? String(value) : JSON.stringify(value);
      complaints.push(...(await complaintsOf(store, runId)).map((complaint) => `${shown} ${complaint}`));
      for (const path of [...paths.map((rest) => `/runs/${runId}${rest}`), ...listPaths]) {
        const response = await get(path);
        const body = await response.text();
        if (response.status >= 500) complaints.push(`${shown} ${path}: ${response.status} ${body}`);
      }
    }
    edited.edit((db) => {
      db.exec(`UPDATE OR IGNORE ${table} SET ${column} = (SELECT v FROM kept) WHERE ${key} = (SELECT r FROM kept)`);
      db.exec('DROP TABLE kept');
    });
    expect(complaints).toEqual([]);
    expect(await complaintsOf(store, runId)).toEqual([]);
  });
});
