import process from 'node:process';
import type { WorkChange, WorkStore } from '../../../src/core/work/work.ts';
import type { RuntimeParts } from '../../../src/runtime/index.ts';

/*
 * What keeps runs safe, switched off piece by piece: each test is tried with the piece it is about missing, and must fail
 * then. And a process that ends itself at a given call of the store.
 */

/** What is off. */
export interface Sabotage {
  /** A change is made whatever lease it comes from, and whatever has become of the run. */
  readonly ignoresEpochs?: boolean;
  /** Calls are made without a word beforehand. */
  readonly skipsAnnouncing?: boolean;
  /** Creations have no key. */
  readonly forgetsKeys?: boolean;
  /** A key that has a run is not asked what input it was made with. */
  readonly ignoresInputs?: boolean;
  /** All projects are one. */
  readonly mixesProjects?: boolean;
  /** Only the first page of stale runs is looked at. */
  readonly readsOnePage?: boolean;
  /** Attempts are not counted. */
  readonly forgetsAttempts?: boolean;
  /** Leases are compared with the wall clock of whoever looks. */
  readonly usesWallClock?: boolean;
  /** What was reserved is never settled. */
  readonly neverSettles?: boolean;
  /** The project that is served alone as long as it has anything. */
  readonly favours?: string;
  /** kill -9 of the process before or behind the nth call of the store, or of one of its methods. */
  readonly dieAt?: { readonly call: number; readonly isBehind: boolean; readonly name?: string };
}

/** kill -9 of the process itself; never resolves. */
export function dieHere(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
}

async function blind(work: WorkStore, projectId: string, change: WorkChange): Promise<WorkChange> {
  const row = await work.get(projectId, change.runId);
  if (row === null) return change;
  return { ...change, expected: { state: row.state, leaseEpoch: row.leaseEpoch, isHeld: false } };
}

/** A store whose change of a run's state goes through whoever makes it. */
function withoutEpochs(work: WorkStore): Partial<WorkStore> {
  return {
    async change(projectId, changes) {
      const blinded: WorkChange[] = [];
      for (const change of changes) blinded.push(await blind(work, projectId, change));
      return await work.change(projectId, blinded);
    },
    async putMemos(projectId, lease, memos) {
      const row = await work.get(projectId, lease.runId);
      return (await work.putMemos(projectId, { ...lease, leaseEpoch: row!.leaseEpoch }, memos)) || true;
    },
  };
}

function withWallClock(work: WorkStore): Partial<WorkStore> {
  return {
    async listStale(limit, after) {
      if (after !== null) return [];
      const { items } = await work.list('default', { states: ['running'] }, { limit });
      return items.map((row) => ({ row, nowMs: Date.now() }));
    },
  };
}

function withFavour(work: WorkStore, favoured: string): Partial<WorkStore> {
  return {
    async waitingProjects() {
      const projects = await work.waitingProjects();
      return projects.includes(favoured) ? [favoured] : projects;
    },
  };
}

function toOverrides(work: WorkStore, off: Sabotage): Partial<WorkStore> {
  return {
    ...(off.ignoresEpochs === true ? withoutEpochs(work) : {}),
    ...(off.usesWallClock === true ? withWallClock(work) : {}),
    ...(off.neverSettles === true
      ? { budgets: { ...work.budgets, settle: async () => true, release: async () => true } }
      : {}),
    ...(off.favours === undefined ? {} : withFavour(work, off.favours)),
    ...(off.skipsAnnouncing === true
      ? {
          putMemos: (projectId, lease, memos) =>
            work.putMemos(
              projectId,
              lease,
              memos.filter(({ status }) => status !== 'announced'),
            ),
        }
      : {}),
    ...(off.forgetsKeys === true || off.mixesProjects === true
      ? {
          create: (projectId, creations) =>
            work.create(
              off.mixesProjects === true ? 'default' : projectId,
              off.forgetsKeys === true ? creations.map((creation) => ({ ...creation, keyDigest: null })) : creations,
            ),
        }
      : {}),
    ...(off.ignoresInputs === true
      ? {
          create: async (projectId, creations) =>
            (await work.create(projectId, creations)).map((answer, index) => ({
              ...answer,
              inputDigest: creations[index]!.row.inputDigest,
            })),
        }
      : {}),
    ...(off.readsOnePage === true
      ? { listStale: async (limit, after) => (after === null ? await work.listStale(limit, null) : []) }
      : {}),
    ...(off.forgetsAttempts === true
      ? {
          change: (projectId, changes) =>
            work.change(
              projectId,
              changes.map((change) => ({ ...change, next: { ...change.next, attempts: 0 } })),
            ),
        }
      : {}),
  };
}

/** Every method of a store, told of each call: before it is made, and before its answer is taken. */
export function onEveryCall(
  work: WorkStore,
  on: {
    readonly before?: (name: string, args: readonly unknown[]) => Promise<void> | void;
    readonly behind?: (name: string, args: readonly unknown[], answer: unknown) => Promise<void> | void;
  },
): WorkStore {
  return new Proxy(work, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== 'function' || typeof name !== 'string') return value;
      return async (...args: unknown[]) => {
        await on.before?.(name, args);
        const answer: unknown = await (value as (...all: unknown[]) => Promise<unknown>).apply(target, args);
        await on.behind?.(name, args, answer);
        return answer;
      };
    },
  });
}

/** Calls that say nothing of how far a run has come, and that come when they like. */
const beats: ReadonlySet<string> = new Set([
  'nowMs',
  'waitingProjects',
  'putWorker',
  'putAgent',
  'getAgent',
  'removeWorker',
  'listStale',
  'heartbeat',
]);

function withDeath(work: WorkStore, { call, isBehind, name }: NonNullable<Sabotage['dieAt']>): WorkStore {
  let calls = 0;
  const counts = (called: string): boolean => (name === undefined ? !beats.has(called) : called === name);
  return onEveryCall(work, {
    before: (called) => {
      if (counts(called)) calls += 1;
      return counts(called) && calls === call && !isBehind ? dieHere() : undefined;
    },
    behind: (called) => (counts(called) && calls === call && isBehind ? dieHere() : undefined),
  });
}

/** The parts of a runtime with these protections off. */
export function sabotageParts(parts: RuntimeParts, off: Sabotage): RuntimeParts {
  const overrides = toOverrides(parts.work, off);
  const isWhole = Object.keys(overrides).length === 0;
  const work: WorkStore = isWhole ? parts.work : { ...parts.work, ...overrides };
  const secretsOf: RuntimeParts['secretsOf'] = (projectId) =>
    parts.secretsOf(off.mixesProjects === true ? 'default' : projectId);
  return { ...parts, secretsOf, work: off.dieAt === undefined ? work : withDeath(work, off.dieAt) };
}
