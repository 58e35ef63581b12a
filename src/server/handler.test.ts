import type { z } from 'zod';
import { beforeAll, describe, expect, test } from 'vitest';
import { recordScenario } from '../../test/server/scenario.ts';
import type { RunRecorder } from '../core/record/recording.ts';
import type { Scenario } from '../../test/server/scenario.ts';
import { recordWork } from '../../test/server/work-scenario.ts';
import { createStage } from '../../test/server/stage.ts';
import type { Stage } from '../../test/server/stage.ts';
import { routes } from './routes/index.ts';
import type {
  Problem,
  RunDetail,
  RunPage,
  SessionRow,
  StepDetail,
  VolumeBucket,
  WireContext,
  WireEvent,
} from './wire.ts';

const nobody = '01990000-0000-7000-8000-000000000000';
const noContent = 'a'.repeat(64);

let stage: Stage;
let scene: Scenario;
/** A stage with runs as work: apart, since counts and lists of the others are pinned. */
let workStage: Stage;
let workId: string;

beforeAll(async () => {
  stage = await createStage({ version: '1.2.3', eraseRun: null });
  scene = await recordScenario(stage);
  workStage = await createStage();
  workId = (await recordWork(workStage.store)).leasedId;
});

const problemOf = async (response: Response): Promise<Problem> => (await response.json()) as Problem;

/** Paths under a run, with everything below it filled in. */
function fill(path: string, runId: string, contentId = noContent): string {
  return path
    .replace('{id}', runId)
    .replace('{runId}', runId)
    .replace('{other}', runId)
    .replace('{n}', '1')
    .replace('{k}', '1')
    .replace('{contentId}', contentId)
    .replace('{annotationId}', nobody)
    .replace('{projectId}', 'default')
    .replace('{agentId}', 'mailer')
    .replace('{scheduleId}', 'nightly');
}

/** Bodies that are no annotation. */
const bodyByPath: Readonly<Record<string, object>> = {
  '/api/v1/runs/{id}/signals': { name: 'approved' },
  '/api/v1/runs/{id}/redrive': {},
};

/** What a route cannot do without. */
const queryByPath: Readonly<Record<string, string>> = {
  '/api/v1/search': '?q=Rayleigh',
  '/api/v1/runs/{id}/diff/{other}/steps': '?a=1&b=1',
};

/** Names of all keys of a value, arrays as their first element. */
function keysOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [keysOf(value[0])];
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, keysOf(inner)]));
}

describe('every route', () => {
  const reads = routes.filter((route) => route.method === 'GET' && typeof route.answer !== 'string');

  test.each(reads.map((route) => route.path))('%s answers what it declares', async (path) => {
    const route = reads.find((other) => other.path === path)!;
    const isWork = /work|registration|schedules|budgets/.test(path);
    const place = isWork ? workStage : stage;
    const runId = isWork ? workId : scene.runId;
    const { run } = await place.json<RunDetail>(`/api/v1/runs/${runId}`);
    const query = queryByPath[path] ?? '';
    const value = await place.json(fill(path, runId, run.inputsId!) + query);
    const parsed = (route.answer as z.ZodType).safeParse(value);
    expect(parsed.error?.issues ?? []).toEqual([]);
  });

  const underRun = routes.filter((route) => /\{(id|runId)\}/.test(route.path));
  test.each(underRun.map((route) => [route.method, route.path]))(
    '%s %s answers 404 for a run that is not there',
    async (method, path) => {
      const body = method === 'POST' || method === 'PUT' ? JSON.stringify(bodyByPath[path] ?? { kind: 'pin' }) : null;
      const headers = { 'content-type': 'application/json' };
      const response = await stage.handler(
        new Request(`http://localhost${fill(path, nobody)}${queryByPath[path] ?? ''}`, { method, body, headers }),
      );
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect((await problemOf(response)).code).toBe('run-not-found');
    },
  );

  test.each(underRun.map((route) => [route.method, route.path]))(
    '%s %s refuses what can be no id',
    async (method, path) => {
      for (const bad of ["x' OR 1=1 --", '%', '__proto__', 'LAST', '0'.repeat(37)]) {
        const response = await stage.handler(
          new Request(`http://localhost${fill(path, encodeURIComponent(bad))}`, { method }),
        );
        expect([bad, response.status]).toEqual([bad, 400]);
      }
    },
  );

  test('carries the security headers, also on errors', async () => {
    for (const path of [
      '/',
      '/healthz',
      '/api/v1/runs',
      '/api/v1/nope',
      `/api/v1/runs/${nobody}`,
      '/api/v1/runs?limit=x',
    ]) {
      const { headers } = await stage.get(path);
      expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  test('is 404 where there is none and 405 under another method', async () => {
    expect((await problemOf(await stage.get('/api/v1/nope'))).code).toBe('route-not-found');
    const response = await stage.handler(new Request('http://localhost/api/v1/search', { method: 'POST' }));
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET');
  });

  test('answers HEAD without a body, streams included', async () => {
    for (const path of ['/api/v1/runs', '/api/v1/runs/stream']) {
      const response = await stage.handler(new Request(`http://localhost${path}`, { method: 'HEAD' }));
      expect(response.status).toBe(200);
      expect(await response.text()).toBe('');
    }
    expect(await (await stage.get('/metrics')).text()).not.toMatch(/tachograph_sse_clients\{.*\} [1-9]/);
  });
});

test('the wire is pinned: names of every field', async () => {
  const step = `/api/v1/runs/${scene.runId}/steps/1`;
  const shapes = {
    runs: await stage.json('/api/v1/runs?count=true'),
    run: await stage.json(`/api/v1/runs/${scene.runId}`),
    events: await stage.json(`/api/v1/runs/${scene.runId}/events`),
    step: await stage.json(step),
    context: await stage.json(`${step}/context`),
    attempt: await stage.json(`${step}/attempts/1`),
    search: await stage.json('/api/v1/search?q=Rayleigh'),
    stats: await stage.json('/api/v1/stats'),
    volume: await stage.json('/api/v1/stats/volume'),
    agents: await stage.json('/api/v1/agents'),
    sessions: await stage.json('/api/v1/sessions'),
    verify: await stage.json(`/api/v1/runs/${scene.runId}/verify`),
    problem: await (await stage.get('/api/v1/nope')).json(),
  };
  expect(keysOf(shapes)).toMatchSnapshot();
});

describe('runs', () => {
  test('are listed top-level first and only; nested on demand', async () => {
    const page = await stage.json<RunPage>('/api/v1/runs?count=true');
    expect(page.items.map((run) => run.id)).toEqual([scene.runId]);
    expect(page.total).toBe(1);
    expect((await stage.json<RunPage>('/api/v1/runs?nested=true')).items).toHaveLength(2);
  });

  test.each([
    ['status=completed,failed', 1],
    ['status=failed&status=timeout', 0],
    ['endReason=ok', 1],
    ['agent=physicist&caller=caller-1&channel=channel-1&session=session-1&kind=agent&model=m-1', 1],
    ['agent=helper', 0],
    ['agent=helper&nested=true', 1],
    ['label=team:blue', 1],
    ['label=team:red', 0],
    [`label=team:blue&label=${encodeURIComponent('odd,name:a:b,c=d')}`, 1],
    ['label=team%3Dblue', 1],
    ['hasError=true', 1],
    ['hasError=false', 0],
    ['since=2001-01-01', 1],
    ['until=2001-01-01T00:00Z', 0],
    ['since=99999999999999', 0],
    ['text=scattering', 1],
    ['q=%22Rayleigh%20scattering%22', 1],
    ['q=nonsenseword', 0],
    ['dryRun=true', 0],
    ['includeDryRun=true', 1],
  ])('filter by %s', async (query, count) => {
    expect((await stage.json<RunPage>(`/api/v1/runs?${query}`)).items).toHaveLength(count);
  });

  test.each([
    ['status=done', 'bad-filter', 'status'],
    ['agnet=x', 'bad-filter', 'agnet'],
    ['__proto__=x', 'bad-filter', '__proto__'],
    ['agent=a&agent=b', 'bad-filter', 'agent'],
    ['since=yesterday', 'bad-filter', 'since'],
    ['hasError=1', 'bad-filter', 'hasError'],
    ['label=team', 'bad-filter', 'label'],
    ['limit=ten', 'bad-argument', 'limit'],
    ['limit=1e400', 'bad-argument', 'limit'],
    ['offset=-1', 'bad-argument', null],
    ["cursor=1' OR 1=1", 'bad-cursor', null],
  ])('malformed %s is a 400 that names it', async (query, code, field) => {
    const response = await stage.get(`/api/v1/runs?${query}`);
    expect(response.status).toBe(400);
    expect(await problemOf(response)).toMatchObject({ code, field });
  });

  test('a limit outside its range becomes 50 and says so', async () => {
    for (const limit of [0, -3, 501]) {
      expect(await stage.json<RunPage>(`/api/v1/runs?limit=${limit}`)).toMatchObject({
        limit: 50,
        limitCorrected: true,
      });
    }
  });

  test('are found by a unique beginning and as last', async () => {
    expect((await stage.json<RunDetail>('/api/v1/runs/last')).run.id).toBe(scene.runId);
    const prefix = scene.runId.slice(0, scene.runId.length - 1);
    const both = [scene.runId, scene.childId].filter((id) => id.startsWith(prefix));
    if (both.length === 1)
      expect((await stage.json<RunDetail>(`/api/v1/runs/${prefix.toUpperCase()}`)).run.id).toBe(scene.runId);
    const response = await stage.get(`/api/v1/runs/${scene.runId.slice(0, 6)}`);
    expect([response.status, (await problemOf(response)).code]).toEqual([409, 'prefix-ambiguous']);
  });

  test('show inputs, output, parents and gaps', async () => {
    const detail = await stage.json<RunDetail>(`/api/v1/runs/${scene.childId}`);
    expect(detail.chain.map(({ id }) => id)).toEqual([scene.runId, scene.childId]);
    expect(detail.inputs?.value).toBe('sky');
    expect(detail.output?.raw).toBe('"Rayleigh"');
    expect(detail.gaps).toEqual([]);
  });
});

describe('steps', () => {
  test('are paged by number', async () => {
    const page = await stage.json<{ number: number }[]>(`/api/v1/runs/${scene.runId}/steps?from=2&limit=2`);
    expect(page.map(({ number }) => number)).toEqual([2, 3]);
  });

  test('show contents, attempts and the runs they started', async () => {
    const tool = await stage.json<StepDetail>(`/api/v1/runs/${scene.runId}/steps/2`);
    expect(tool.args?.value).toEqual({ word: 'sky' });
    expect(tool.result?.value).toBe('Rayleigh');
    expect(tool.childRuns.map(({ id }) => id)).toEqual([scene.childId]);
    const model = await stage.json<StepDetail>(`/api/v1/runs/${scene.runId}/steps/3`);
    expect(model.responseParts).toEqual([{ type: 'text', text: 'Because of Rayleigh scattering.' }]);
    expect(model.attempts.map(({ number, status }) => [number, status])).toEqual([
      [1, 'failed'],
      [2, 'completed'],
    ]);
  });

  test('say which messages are new', async () => {
    const context = await stage.json<WireContext>(`/api/v1/runs/${scene.runId}/steps/3/context`);
    expect(context).toMatchObject({ newFrom: 1, length: 3, missing: 0 });
    expect(context.messages.map(({ index, role, isNew }) => [index, role, isNew])).toEqual([
      [0, 'user', false],
      [1, 'assistant', true],
      [2, 'tool', true],
    ]);
    expect(context.messages[0]!.mark).toEqual({ cache_control: { type: 'ephemeral' } });
    expect(context.tools).toMatchObject([{ name: 'lookup', description: 'Looks a word up.' }]);
    const rest = await stage.json<WireContext>(`/api/v1/runs/${scene.runId}/steps/3/context?from=2`);
    expect(rest.messages.map(({ index }) => index)).toEqual([2]);
    expect(rest.missing).toBe(0);
  });

  test('a number that no step has is 404, one that can be none is 400', async () => {
    for (const path of ['', '/context', '/attempts', '/attempts/1']) {
      const response = await stage.get(`/api/v1/runs/${scene.runId}/steps/99${path}`);
      expect([response.status, (await problemOf(response)).code]).toEqual([404, 'step-not-found']);
      expect((await stage.get(`/api/v1/runs/${scene.runId}/steps/0${path}`)).status).toBe(400);
      expect((await stage.get(`/api/v1/runs/${scene.runId}/steps/1e3${path}`)).status).toBe(400);
    }
    expect((await stage.get(`/api/v1/runs/${scene.runId}/steps/1/attempts/9`)).status).toBe(404);
    expect((await stage.get(`/api/v1/contents/${scene.runId}/${noContent}`)).status).toBe(404);
    expect((await stage.get(`/api/v1/contents/${scene.runId}/xyz`)).status).toBe(400);
  });
});

test('events come in seq order and in pages', async () => {
  const all = await stage.json<WireEvent[]>(`/api/v1/runs/${scene.runId}/events`);
  expect(all.map(({ seq }) => seq)).toEqual(all.map((_, at) => at + 1));
  const page = await stage.json<WireEvent[]>(`/api/v1/runs/${scene.runId}/events?from=3&limit=2`);
  expect(page).toEqual(all.slice(2, 4));
  expect(JSON.stringify(all)).not.toContain('sk-ant-api03');
});

test('search leads to run and step', async () => {
  const { items } = await stage.json<{
    items: { runId: string; stepNumber: number | null; run: { agentId: string } }[];
  }>('/api/v1/search?q=scattering');
  expect(
    items.some((hit) => hit.runId === scene.runId && hit.stepNumber === 3 && hit.run.agentId === 'physicist'),
  ).toBe(true);
  expect((await stage.get('/api/v1/search')).status).toBe(400);
});

test('a tree nests child runs and says where it was cut', async () => {
  const tree = await stage.json<{ children: { run: { id: string } }[]; steps: unknown[]; cut: boolean }>(
    `/api/v1/runs/${scene.runId}/tree`,
  );
  expect(tree.children.map(({ run }) => run.id)).toEqual([scene.childId]);
  expect([tree.steps.length, tree.cut]).toEqual([4, false]);
  expect(await stage.json(`/api/v1/runs/${scene.runId}/tree?depth=1`)).toMatchObject({ children: [], cut: true });
  expect(await stage.json(`/api/v1/runs/${scene.runId}/tree?steps=2`)).toMatchObject({ cut: true });
});

test('volume adds up to the list', async () => {
  const buckets = await stage.json<{ runs: number; errors: number; costNanoUsd: number }[]>(
    '/api/v1/stats/volume?buckets=7',
  );
  expect(buckets).toHaveLength(7);
  expect(buckets.reduce((sum, { runs }) => sum + runs, 0)).toBe(1);
  expect(buckets.reduce((sum, { errors }) => sum + errors, 0)).toBe(1);
  expect(buckets.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0)).toBe(3000);
  expect((await stage.get('/api/v1/stats/volume?since=5&until=5')).status).toBe(400);
});

test('cost of child runs stands apart, and what is known of an unknown sum beside it (I12)', async () => {
  const costed = await createStage();
  const callModel = (run: RunRecorder, nanoUsd: number | null): void => {
    const step = run.step({ kind: 'model', operation: 'generate', provider: 'models.test', model: 'm-1' });
    const cost = nanoUsd === null ? null : ({ nanoUsd, status: 'actual', source: 'provider-response' } as const);
    step.finish({ status: 'completed', cost });
  };
  const run = costed.recorder.startRun({ agentId: 'plan', sessionId: 'chat-1' });
  callModel(run, 700);
  callModel(run, null);
  const tool = run.tool({ name: 'delegate', args: {} });
  const child = costed.recorder.startRun({ agentId: 'help', parent: run.ref(tool.id), inputs: 'x' });
  callModel(child, 40);
  const inner = child.tool({ name: 'delegate', args: {} });
  const grandchild = costed.recorder.startRun({ agentId: 'help', parent: child.ref(inner.id), inputs: 'x' });
  callModel(grandchild, 2);
  grandchild.close({ endReason: 'ok', output: 'x' });
  inner.succeed('x');
  child.close({ endReason: 'ok', output: 'x' });
  tool.succeed('x');
  run.close({ endReason: 'ok', output: 'x' });
  await costed.publish();

  const detail = await costed.json<RunDetail>(`/api/v1/runs/${run.id}`);
  expect(detail.run).toMatchObject({ costNanoUsd: null, costKnownNanoUsd: 700 });
  expect(detail.childCost).toEqual({ runs: 2, costNanoUsd: 42, costKnownNanoUsd: 42 });
  const leaf = await costed.json<RunDetail>(`/api/v1/runs/${grandchild.id}`);
  expect(leaf.childCost).toEqual({ runs: 0, costNanoUsd: 0, costKnownNanoUsd: 0 });
  const [bucket] = await costed.json<VolumeBucket[]>('/api/v1/stats/volume?buckets=1&nested=true');
  expect(bucket).toMatchObject({ costNanoUsd: null, costKnownNanoUsd: 742 });
  const [session] = await costed.json<SessionRow[]>('/api/v1/sessions');
  expect(session).toMatchObject({ runs: 1, costNanoUsd: null, costKnownNanoUsd: 700 });
});

test('erasing is not offered where nobody can erase everywhere', async () => {
  const response = await stage.handler(
    new Request(`http://localhost/api/v1/runs/${scene.runId}`, { method: 'DELETE' }),
  );
  expect([response.status, (await problemOf(response)).code]).toEqual([501, 'not-offered']);
});

test('health, readiness and metrics', async () => {
  expect(await stage.json('/healthz')).toEqual({ status: 'ok', version: '1.2.3' });
  expect(await stage.json('/readyz')).toEqual({ status: 'ok', store: 'memory' });
  const text = await (await stage.get('/metrics')).text();
  expect(text).toContain('tachograph_runs{status="completed"} 2\n');
  expect(text).toMatch(
    /tachograph_http_requests_total\{route="\/api\/v1\/runs\/\{id\}",method="GET",status="200"\} \d+/,
  );
  expect(stage.errors).toEqual([]);
});

test('what the server got wrong is told to its owner and not to the caller', async () => {
  const broken = await createStage({ verify: () => Promise.reject(new Error('secret at /home/x')) });
  const { runId } = await recordScenario(broken);
  const response = await broken.get(`/api/v1/runs/${runId}/verify`);
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain('secret');
  expect(broken.errors).toHaveLength(1);
  await broken.store.close();
  const closed = await broken.get('/readyz');
  expect([closed.status, closed.headers.get('retry-after')]).toEqual([503, '1']);
});
