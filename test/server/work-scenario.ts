import { systemClock } from '../../src/core/clock.ts';
import { createIdSource } from '../../src/core/id.ts';
import { createRedactor } from '../../src/core/redact/create.ts';
import type { Store } from '../../src/core/store.ts';
import { requestToCreation } from '../../src/core/work/creation.ts';
import type { RunRequest } from '../../src/core/work/request.ts';
import { createScribe } from '../../src/core/work/scribe.ts';
import { createWorkSecrets } from '../../src/core/work/secrets.ts';
import { toClaim } from '../../src/core/work/transition.ts';

const key = Buffer.alloc(32, 5);
const ids = createIdSource(systemClock);
const secrets = createWorkSecrets(key);
const scribe = createScribe({ clock: systemClock, ids, redactor: createRedactor({ key }), contentKey: key });

/** Creates a run as work in a store, as a server would. */
export async function createWorkRun(store: Store, projectId: string, request: RunRequest): Promise<string> {
  const nowMs = await store.work!.nowMs();
  const creation = requestToCreation(request, { projectId, ids, secrets, scribe, nowMs, ancestors: [] });
  const [answer] = await store.work!.create(projectId, [creation]);
  return answer!.runId;
}

/** Has a worker take one run of an agent, as it would. */
export async function claimWorkRun(store: Store, projectId: string, agentId: string, workerId: string): Promise<void> {
  await store.work!.claim(
    {
      projectId,
      roomByAgent: new Map([[agentId, 1]]),
      limit: 1,
      projectRunsMax: null,
      runsMaxByAgent: new Map(),
    },
    (rows, nowMs) =>
      rows.map((row) => {
        const start = toClaim(row, { workerId, leaseMs: 30_000, nowMs, handlerVersion: 'v1' });
        if (start.type !== 'run-start') throw new Error('A claim is a start.');
        const { entry } = scribe.claim(row, start, { workerId, timeMs: nowMs });
        const expected = { state: row.state, leaseEpoch: row.leaseEpoch, isHeld: false };
        return { runId: row.runId, expected, next: start.next, entries: [entry] };
      }),
  );
}

/** Runs as work of one project: one that waits, one under a lease, a worker, an agent and a schedule. */
export async function recordWork(
  store: Store,
  projectId = 'default',
): Promise<{ readonly waitingId: string; readonly leasedId: string }> {
  const work = store.work!;
  const leasedId = await createWorkRun(store, projectId, { agentId: 'mailer', input: { to: 'ada' }, priority: 5 });
  await claimWorkRun(store, projectId, 'mailer', 'worker-1');
  const waitingId = await createWorkRun(store, projectId, { agentId: 'mailer', input: { to: 'bo' } });
  const seen = { startedAtMs: 1, seenAtMs: 1, isStopping: false };
  await work.putWorker(projectId, {
    workerId: 'worker-1',
    host: 'machine',
    pid: 7,
    agentIds: ['mailer'],
    concurrency: 2,
    ...seen,
  });
  await work.putAgent({
    projectId,
    agentId: 'mailer',
    tools: [{ name: 'send', class: 'destructive', environments: [], synthetic: null }],
    runsMax: 4,
    handlerVersion: 'v1',
    updatedAtMs: 1,
  });
  await work.putSchedule({
    projectId,
    id: 'nightly',
    agentId: 'mailer',
    cron: '@daily',
    timeZone: 'UTC',
    sealed: secrets.seal('{}', 'schedule/nightly'),
    isPaused: false,
    nextAtMs: 1,
    lastAtMs: null,
    createdAtMs: 1,
  });
  await work.file(projectId);
  return { waitingId, leasedId };
}
