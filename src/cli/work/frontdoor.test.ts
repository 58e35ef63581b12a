import { describe, expect, it } from 'vitest';
import { createWorkRun } from '../../../test/server/work-scenario.ts';
import { TachographError } from '../../core/error.ts';
import type { RunRequest } from '../../core/work/request.ts';
import { createWorkSecrets } from '../../core/work/secrets.ts';
import { createMemoryStore } from '../../stores/memory/index.ts';
import type { Frontdoor } from './frontdoor.ts';
import { withFrontdoor } from './frontdoor.ts';

const never = new Promise<never>(() => undefined);

/** A front door that keeps what it is told. */
function createMemory(): Frontdoor & { readonly runByDigest: Map<string, string> } {
  const runByDigest = new Map<string, string>();
  return {
    runByDigest,
    claim: async (digest) => runByDigest.get(digest) ?? null,
    remember: async (digest, runId) => void runByDigest.set(digest, runId),
  };
}

async function createWorld(frontdoor: Frontdoor) {
  const store = createMemoryStore();
  await store.initialize();
  const created: RunRequest[] = [];
  const errors: unknown[] = [];
  const inputByKey = new Map<string, { runId: string; input: string }>();
  const create = async (request: RunRequest) => {
    created.push(request);
    const input = JSON.stringify(request.input ?? {});
    const known = inputByKey.get(request.idempotencyKey ?? '');
    if (known !== undefined && known.input !== input)
      throw new TachographError('idempotency-conflict', 'Another input.');
    if (known !== undefined) return { runId: known.runId, duplicate: true };
    const runId = await createWorkRun(store, 'default', request);
    if (request.idempotencyKey !== undefined) inputByKey.set(request.idempotencyKey, { runId, input });
    return { runId, duplicate: false };
  };
  const guarded = withFrontdoor(create, {
    frontdoor,
    projectId: 'default',
    // That of the scenario: the rows' digests were made with it.
    secrets: createWorkSecrets(Buffer.alloc(32, 5)),
    work: store.work!,
    waitMs: 20,
    onError: (error) => errors.push(error),
  });
  return { store, created, errors, create: guarded };
}

const request: RunRequest = { agentId: 'a', idempotencyKey: 'event-1', input: { n: 1 } };

describe('a front door', () => {
  it('answers for what it remembers, without a second creation', async () => {
    const world = await createWorld(createMemory());
    const first = await world.create(request);
    expect(await world.create(request)).toEqual({ runId: first.runId, duplicate: true });
    expect(world.created).toHaveLength(1);
  });

  it('lets the store refuse the same event with another input', async () => {
    const world = await createWorld(createMemory());
    await world.create(request);
    await expect(world.create({ ...request, input: { n: 2 } })).rejects.toMatchObject({ code: 'idempotency-conflict' });
  });

  it('never decides: a run that it names and the store has not got is created', async () => {
    const memory = createMemory();
    const world = await createWorld({ ...memory, claim: async () => '01990000-0000-7000-8000-000000000000' });
    const first = await world.create(request);
    expect(first.duplicate).toBe(false);
    expect(await world.create(request)).toEqual({ runId: first.runId, duplicate: true });
    expect(world.created).toHaveLength(2);
  });

  it('is not asked for what has no key', async () => {
    const memory = createMemory();
    const world = await createWorld(memory);
    await world.create({ agentId: 'a' });
    expect([memory.runByDigest.size, world.created.length]).toEqual([0, 1]);
  });

  it.each([
    ['throws', { claim: () => Promise.reject(new Error('gone')), remember: () => Promise.reject(new Error('gone')) }],
    ['never answers', { claim: () => never, remember: () => never }],
  ] as const)('that %s changes nothing but speed', async (_what, faulty) => {
    const world = await createWorld(faulty);
    const first = await world.create(request);
    expect(await world.create(request)).toEqual({ runId: first.runId, duplicate: true });
    expect(world.errors.length).toBeGreaterThan(0);
  });
});
