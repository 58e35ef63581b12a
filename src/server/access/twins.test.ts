import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createStage } from '../../../test/server/stage.ts';
import type { Stage } from '../../../test/server/stage.ts';
import { createMemoryJournal } from '../../core/memory-journal.ts';
import { createRecorder } from '../../core/record/recorder.ts';
import type { Store } from '../../core/store.ts';
import { openSqliteStore } from '../../stores/sqlite/index.ts';
import type { Annotation, SearchPage } from '../wire.ts';

// One run in two projects, as when both import the same file: same ids, and what is done to one is not done to the other (I10).

let folder: string;
let store: Store;
let runId: string;
const stageOf: Record<string, Stage> = {};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tachograph-twins-'));
  store = openSqliteStore({ file: join(folder, 'tachograph.db') });
  await store.initialize();
  const journal = createMemoryJournal();
  const recorder = createRecorder({ journal });
  const run = recorder.startRun({ agentId: 'twin', sessionId: 'talk', callerId: 'ada' });
  const step = run.step({
    kind: 'model',
    operation: 'generate',
    request: { messages: [{ role: 'user', content: 'quux' }] },
  });
  step.finish({ status: 'completed', response: { text: 'corge' } });
  run.close({ endReason: 'ok' });
  await recorder.close();
  runId = run.id;
  const entries = journal.take();
  for (const projectId of ['one', 'two']) {
    stageOf[projectId] = await createStage({ store, projectId });
    await store.importBatch({ projectId, entries, position: null });
  }
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const pathsOf = (id: string): string[] =>
  ['', '/steps', '/steps/1', '/steps/1/context', '/events', '/tree', '/verify', '/annotations'].map(
    (rest) => `/api/v1/runs/${id}${rest}`,
  );

const readAll = async (projectId: string): Promise<string[]> =>
  Promise.all(
    [...pathsOf(runId), '/api/v1/runs?count=true', '/api/v1/stats', '/api/v1/sessions', '/api/v1/agents'].map(
      async (path) => (await stageOf[projectId]!.get(path)).text(),
    ),
  );

test('both have it whole', async () => {
  const [one, two] = [await readAll('one'), await readAll('two')];
  expect(one.map((text) => text.replaceAll('"one"', '"two"'))).toEqual(two);
  for (const projectId of ['one', 'two']) {
    const { items } = await stageOf[projectId]!.json<SearchPage>('/api/v1/search?q=corge');
    expect(items.map(({ stepNumber, run }) => [stepNumber, run?.id])).toEqual([[1, runId]]);
  }
});

test('what one writes and removes the other never sees', async () => {
  const before = await readAll('two');
  const one = stageOf['one']!;
  const request = (method: string, path: string, body?: object): Promise<Response> =>
    one.handler(
      new Request(`http://localhost${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
  const kept = (await (
    await request('POST', `/api/v1/runs/${runId}/annotations`, { kind: 'note', value: 'of one' })
  ).json()) as Annotation;
  expect(await readAll('two')).toEqual(before);
  const two = stageOf['two']!;
  const foreign = await two.handler(
    new Request(`http://localhost/api/v1/runs/${runId}/annotations/${kept.id}`, { method: 'DELETE' }),
  );
  expect(foreign.status).toBe(404);
  expect(await one.json<Annotation[]>(`/api/v1/runs/${runId}/annotations`)).toHaveLength(1);
  const taken = await two.handler(
    new Request(`http://localhost/api/v1/runs/${runId}/annotations/${kept.id}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'note', value: 'of two' }),
    }),
  );
  expect(taken.status).toBe(200);
  expect((await one.json<Annotation[]>(`/api/v1/runs/${runId}/annotations`)).map(({ value }) => value)).toEqual([
    'of one',
  ]);
  expect((await two.json<Annotation[]>(`/api/v1/runs/${runId}/annotations`)).map(({ value }) => value)).toEqual([
    'of two',
  ]);
});

test('a run that grows in one project rings no bell in the other', async () => {
  const listeners: ((change: { projectId: string; runId: string; lastSeq: number }) => void)[] = [];
  const news = { subscribe: (listener: (typeof listeners)[number]) => (listeners.push(listener), () => undefined) };
  const stage = await createStage({ store, projectId: 'two', news, pollMs: 100_000 });
  const stream = await stage.get('/api/v1/runs/stream');
  const reader = stream.body!.getReader();
  await reader.read();
  for (const listener of listeners) listener({ projectId: 'one', runId, lastSeq: 1_000_000 });
  for (const listener of listeners) listener({ projectId: 'two', runId, lastSeq: 2_000_000 });
  const text = new TextDecoder().decode((await reader.read()).value);
  expect(text).toMatch(/^id: [0-9a-f]+-1\n/);
  await reader.cancel();
  stage.handler.close();
});
