import { beforeEach, describe, expect, it, test } from 'vitest';
import type { Stage } from '../../../../test/server/stage.ts';
import { createStage } from '../../../../test/server/stage.ts';
import { createWorkRun, recordWork } from '../../../../test/server/work-scenario.ts';
import { TachographError } from '../../../core/error.ts';
import type { RunRequest } from '../../../core/work/request.ts';
import type { Store } from '../../../core/store.ts';
import { findRun } from '../../reading/run-reference.ts';
import type { Runs } from '../../surroundings.ts';
import type {
  BudgetEntryPage,
  Problem,
  RunDetail,
  WireAgent,
  WireBudgets,
  WireSchedule,
  WorkCounts,
  WorkDetail,
  WorkerPage,
  WorkPage,
} from '../../wire.ts';

/** Runs that are created in the stage's store, and note what else they were asked for. */
function createRuns(stageOf: () => Stage, projectId: string, asked: unknown[]): Runs {
  const runByKey = new Map<string, string>();
  return {
    async create(request: RunRequest) {
      asked.push(request);
      const key = request.idempotencyKey ?? '';
      const known = runByKey.get(key);
      if (known !== undefined) return { runId: known, duplicate: true };
      const runId = await createWorkRun(stageOf().store, projectId, request);
      if (key !== '') runByKey.set(key, runId);
      return { runId, duplicate: false };
    },
    async cancel(runId) {
      asked.push({ cancel: runId });
      const row = (await stageOf().store.work!.get(projectId, runId))!;
      return { isCancelled: true, row, children: 2 };
    },
    async signal(runId, signal) {
      asked.push({ runId, ...signal });
      return true;
    },
    async redrive(runId, from) {
      if (from.fromStep === 99) throw new TachographError('E-RUN-003', `Run ${runId} has not failed.`);
      asked.push({ redrive: runId, ...from });
      return { runId, duplicate: false };
    },
    async putSchedule(id, input) {
      asked.push({ id, ...input });
      const [schedule] = await stageOf().store.work!.listSchedules(projectId);
      return { ...schedule!, id };
    },
    callerToScope: (callerId) => `digest of ${callerId}`,
  };
}

let stage: Stage;
let asked: unknown[];
let ids: { readonly waitingId: string; readonly leasedId: string };

beforeEach(async () => {
  asked = [];
  stage = await createStage({ runsOf: (projectId) => createRuns(() => stage, projectId, asked) });
  ids = await recordWork(stage.store);
});

function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return stage.handler(
    new Request(`http://localhost${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: { 'content-type': 'application/json', ...headers },
    }),
  );
}

const problemOf = async (response: Response): Promise<Problem> => (await response.json()) as Problem;

describe('a run', () => {
  it('is created, and read at once, before it is filed', async () => {
    const response = await send('POST', '/api/v1/runs', { agentId: 'mailer', input: { to: 'ada' } });
    expect(response.status).toBe(201);
    const { runId, duplicate } = (await response.json()) as { runId: string; duplicate: boolean };
    expect(duplicate).toBe(false);
    const { run } = await stage.json<RunDetail>(`/api/v1/runs/${runId}`);
    expect(run).toMatchObject({ id: runId, status: 'pending', agentId: 'mailer', work: { attempts: 0 } });
    expect((await stage.json<WorkDetail>(`/api/v1/runs/${runId}/work`)).work).toMatchObject({ runId, leaseEpoch: 0 });
  });

  it('that waits to be filed is filed when it is asked for', async () => {
    const { store } = stage;
    const filed: (string | undefined)[] = [];
    const slow: Store = {
      ...store,
      getRun: async (projectId, id) => {
        if (filed.length > 0) return store.getRun(projectId, id);
        throw new TachographError('run-not-found', `There is no run ${id}.`);
      },
      work: { ...store.work!, file: async (_projectId, id) => filed.push(id) > 0 },
    };
    expect(await findRun({ store: slow, projectId: 'default' }, ids.waitingId)).toMatchObject({ id: ids.waitingId });
    expect(filed).toEqual([ids.waitingId]);
  });

  it('is named again by its key, from the header too', async () => {
    const [first, again] = [
      await send('POST', '/api/v1/runs', { agentId: 'mailer', idempotencyKey: 'k' }),
      await send('POST', '/api/v1/runs', { agentId: 'mailer' }, { 'idempotency-key': 'k' }),
    ];
    expect([first.status, again.status]).toEqual([201, 200]);
    const { runId } = (await first.json()) as { runId: string };
    expect(await again.json()).toEqual({ runId, duplicate: true });
    const differing = await send(
      'POST',
      '/api/v1/runs',
      { agentId: 'mailer', idempotencyKey: 'k' },
      { 'idempotency-key': 'other' },
    );
    expect([differing.status, (await problemOf(differing)).code]).toEqual([400, 'bad-argument']);
  });

  it('goes on with the trace that the request came in, unless that is none', async () => {
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    for (const traceparent of [trace, 'nonsense'])
      await send('POST', '/api/v1/runs', { agentId: 'mailer' }, { traceparent });
    expect(asked).toEqual([{ agentId: 'mailer', traceparent: trace }, { agentId: 'mailer' }]);
  });

  test.each([
    [{}, 'agentId'],
    [{ agentId: '' }, 'agentId'],
    [{ agentId: 'a', priority: 1001 }, 'priority'],
    [{ agentId: 'a', attemptsMax: 0 }, 'attemptsMax'],
    [{ agentId: 'a', timeoutSeconds: -1 }, 'timeoutSeconds'],
    [{ agentId: 'a', labels: { x: 1 } }, 'labels'],
    [{ agentId: 'a', projectId: 'other' }, 'projectId'],
  ])('%j is refused with its field', async (body, field) => {
    const response = await send('POST', '/api/v1/runs', body);
    expect(response.status).toBe(400);
    expect(await problemOf(response)).toMatchObject({ code: 'bad-argument', field });
    expect(asked).toEqual([]);
  });

  it('may have an input of several hundred kilobytes, and no more than a megabyte', async () => {
    const status = async (bytes: number): Promise<number> =>
      (await send('POST', '/api/v1/runs', { agentId: 'a', input: 'x'.repeat(bytes) })).status;
    expect([await status(500_000), await status(1_100_000)]).toEqual([201, 413]);
  });

  it('is cancelled, signalled and driven again by id and by its beginning', async () => {
    const path = `/api/v1/runs/${ids.waitingId}`;
    expect(await (await send('POST', `${path}/cancel`)).json()).toEqual({
      runId: ids.waitingId,
      isCancelled: true,
      state: 'pending',
      children: 2,
    });
    const sent = await send('POST', `${path.slice(0, -1)}/signals`, { id: 's', name: 'go', payload: { by: 'ada' } });
    expect(await sent.json()).toEqual({ id: 's', isNew: true });
    const bare = (await (await send('POST', `${path}/signals`, { name: 'go' })).json()) as { id: string };
    expect(bare.id).toMatch(/^[0-9a-f-]{36}$/);
    expect((await send('POST', `${path}/redrive`, { fromStep: 2 })).status).toBe(201);
    const refused = await send('POST', `${path}/redrive`, { fromStep: 99 });
    expect([refused.status, (await problemOf(refused)).code]).toEqual([409, 'E-RUN-003']);
    expect(asked).toEqual([
      { cancel: ids.waitingId },
      { runId: ids.waitingId, id: 's', name: 'go', payload: { by: 'ada' } },
      { runId: ids.waitingId, id: bare.id, name: 'go', payload: null },
      { redrive: ids.waitingId, fromStep: 2 },
    ]);
  });

  it('that was only recorded is no work', async () => {
    const run = stage.recorder.startRun({ agentId: 'plain' });
    run.close({ endReason: 'ok' });
    await stage.publish();
    for (const path of ['work', 'cancel', 'signals', 'redrive']) {
      const response = await send(
        path === 'work' ? 'GET' : 'POST',
        `/api/v1/runs/${run.id}/${path}`,
        {
          work: undefined,
          cancel: undefined,
          signals: { name: 'n' },
          redrive: {},
        }[path],
      );
      expect([path, response.status, (await problemOf(response)).code]).toEqual([path, 404, 'run-not-found']);
    }
    expect(asked).toEqual([]);
  });
});

describe('the queue', () => {
  it('is listed by state, agent, worker and parent, and counted', async () => {
    const idsOf = async (query: string): Promise<string[]> =>
      (await stage.json<WorkPage>(`/api/v1/work?${query}`)).items.map(({ runId }) => runId);
    expect(await idsOf('')).toEqual([ids.waitingId, ids.leasedId]);
    expect(await idsOf('state=pending')).toEqual([ids.waitingId]);
    expect(await idsOf('state=running,waiting_tool&worker=worker-1')).toEqual([ids.leasedId]);
    expect(await idsOf('agent=other')).toEqual([]);
    expect(await idsOf('dead=true')).toEqual([]);
    const { counts } = await stage.json<WorkCounts>('/api/v1/work/counts');
    expect(counts.map(({ state, count }) => [state, count]).toSorted()).toEqual([
      ['pending', 1],
      ['running', 1],
    ]);
  });

  it('goes on by cursor and corrects its limit', async () => {
    const first = await stage.json<WorkPage>('/api/v1/work?limit=1');
    const second = await stage.json<WorkPage>(`/api/v1/work?limit=1&cursor=${first.nextCursor!}`);
    expect([...first.items, ...second.items].map(({ runId }) => runId)).toEqual([ids.waitingId, ids.leasedId]);
    expect(await stage.json<WorkPage>('/api/v1/work?limit=0')).toMatchObject({ limit: 50, limitCorrected: true });
    const bad = await stage.get('/api/v1/work?state=sleeping');
    expect([bad.status, (await problemOf(bad)).code]).toEqual([400, 'bad-filter']);
  });

  it('tells nothing that is sealed', async () => {
    const text = await (await stage.get('/api/v1/work')).text();
    expect(text).not.toContain('ada');
    expect(text).not.toContain('sealed');
  });

  it('shows workers with their leases, and leases of workers that do not show themselves', async () => {
    const page = await stage.json<WorkerPage>('/api/v1/workers');
    expect(page.workers).toMatchObject([{ workerId: 'worker-1', leases: [{ runId: ids.leasedId, leaseEpoch: 1 }] }]);
    await stage.store.work!.removeWorker('default', 'worker-1');
    const after = await stage.json<WorkerPage>('/api/v1/workers');
    expect(after).toMatchObject({ workers: [], strays: [{ runId: ids.leasedId, workerId: 'worker-1' }] });
  });

  it('is in the metrics', async () => {
    const text = await (await stage.get('/metrics')).text();
    expect(text).toContain('tachograph_work{state="pending"} 1\n');
    expect(text).toContain('tachograph_work{state="waiting_approval"} 0\n');
    expect(text).toContain('tachograph_work_leases 1\n');
    expect(text).toMatch(/^tachograph_work_oldest_seconds \d/m);
    expect(text).toContain('tachograph_workers 1\n');
  });
});

test('an agent is registered, and keeps what is not said again', async () => {
  const path = '/api/v1/agents/a%2Fb/registration';
  expect((await stage.get(path)).status).toBe(404);
  await send('PUT', path, { tools: [{ name: 'look', class: 'read' }], runsMax: 3 });
  await send('PUT', path, { runsMax: null });
  expect(await stage.json<WireAgent>(path)).toMatchObject({
    agentId: 'a/b',
    runsMax: null,
    tools: [{ name: 'look', class: 'read', environments: [], synthetic: null }],
  });
  expect((await stage.json<WireAgent[]>('/api/v1/registrations')).map(({ agentId }) => agentId).toSorted()).toEqual([
    'a/b',
    'mailer',
  ]);
});

test('a schedule is put, listed without what it is created with, and removed once', async () => {
  const put = await send('PUT', '/api/v1/schedules/hourly', { agentId: 'mailer', cron: '@hourly' });
  expect([put.status, asked]).toEqual([200, [{ id: 'hourly', agentId: 'mailer', cron: '@hourly' }]]);
  const [schedule] = await stage.json<WireSchedule[]>('/api/v1/schedules');
  expect(Object.keys(schedule!)).not.toContain('sealed');
  const remove = (): Promise<Response> => send('DELETE', '/api/v1/schedules/nightly');
  expect([(await remove()).status, (await remove()).status]).toEqual([204, 404]);
});

describe('budgets', () => {
  const put = (body: object): Promise<Response> => send('PUT', '/api/v1/budgets', body);
  const none = { nanoUsdMax: null, tokensMax: 10 };

  it('are set by layer and scope, listed with what is used, and taken away', async () => {
    for (const body of [
      { layer: 'run', scope: '*', ...none },
      { layer: 'caller', callerId: 'ada', ...none },
      { layer: 'agent', scope: 'mailer', nanoUsdMax: 5e9, tokensMax: null },
      { layer: 'project', ...none },
      { layer: 'platform', ...none },
    ])
      expect([body.layer, (await put(body)).status]).toEqual([body.layer, 200]);
    const { limits } = await stage.json<WireBudgets>('/api/v1/budgets');
    expect(limits.map(({ layer, scope }) => [layer, scope])).toEqual([
      ['platform', ''],
      ['project', ''],
      ['agent', 'mailer'],
      ['caller', 'digest of ada'],
      ['run', '*'],
    ]);
    expect(limits[2]).toMatchObject({ used: { nanoUsd: 0, tokens: 0 }, share: 0 });
    expect(limits[4]).toMatchObject({ used: null, share: null });
    await put({ layer: 'project', nanoUsdMax: null, tokensMax: null });
    expect((await stage.json<WireBudgets>('/api/v1/budgets')).limits).toHaveLength(4);
  });

  test.each([
    { layer: 'project', scope: 'x', ...none },
    { layer: 'agent', ...none },
    { layer: 'agent', callerId: 'ada', ...none },
    { layer: 'caller', callerId: 'ada', scope: '*', ...none },
    { layer: 'agent', scope: 'a', nanoUsdMax: -1, tokensMax: null },
  ])('%j is refused', async (body) => {
    const response = await put(body);
    expect([response.status, (await problemOf(response)).code]).toEqual([400, 'bad-argument']);
  });

  it('stop and go on, for the project and for all', async () => {
    const stop = async (body: object): Promise<WireBudgets['stops']> =>
      ((await (await send('PUT', '/api/v1/budgets/stop', body)).json()) as WireBudgets).stops;
    expect(await stop({ isStopped: true })).toEqual({ platform: false, project: true });
    expect(await stop({ isStopped: true, isPlatform: true })).toEqual({ platform: true, project: true });
    expect(await stop({ isStopped: false })).toEqual({ platform: true, project: false });
  });

  it('have a ledger', async () => {
    expect(await stage.json<BudgetEntryPage>('/api/v1/budgets/entries')).toMatchObject({ items: [], limit: 50 });
  });
});

test('a server that makes no runs says so', async () => {
  const plain = await createStage();
  const response = await plain.handler(
    new Request('http://localhost/api/v1/runs', {
      method: 'POST',
      body: '{"agentId":"a"}',
      headers: { 'content-type': 'application/json' },
    }),
  );
  expect([response.status, (await problemOf(response)).code]).toEqual([501, 'work-missing']);
});
