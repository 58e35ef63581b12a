import { systemClock } from '../../core/clock.ts';
import { createIdSource } from '../../core/id.ts';
import { createRedactor } from '../../core/redact/create.ts';
import type { Store } from '../../core/store.ts';
import { requestToCreation } from '../../core/work/creation.ts';
import type { Memo } from '../../core/work/memo.ts';
import type { RunRequest } from '../../core/work/request.ts';
import { createScribe } from '../../core/work/scribe.ts';
import { createWorkSecrets } from '../../core/work/secrets.ts';
import { toClaim, toEnd, type Transition } from '../../core/work/transition.ts';
import type {
  ClaimedRun,
  LeaseRef,
  WorkChange,
  WorkCreation,
  WorkRow,
  WorkState,
  WorkStore,
} from '../../core/work/work.ts';

/** How a claim of a test differs from the usual one. */
export interface TestClaim {
  readonly projectId?: string;
  readonly limit?: number;
  readonly roomByAgent?: Readonly<Record<string, number>>;
  readonly leaseMs?: number;
  readonly workerId?: string;
  readonly projectRunsMax?: number | null;
  readonly runsMaxByAgent?: Readonly<Record<string, number>>;
}

/** What a creation of a test begins with. */
export interface TestCreation extends Partial<RunRequest> {
  readonly projectId?: string;
  /** Put into the row as it is. */
  readonly row?: Partial<WorkRow>;
}

/** Creates, claims and changes runs of a store as its users do. */
export interface WorkWorld {
  readonly store: Store;
  readonly work: WorkStore;
  creation(creation?: TestCreation): Promise<WorkCreation>;
  /** Creates runs and gives their ids, in order. */
  create(count: number, creation?: TestCreation): Promise<string[]>;
  claim(claim?: TestClaim): Promise<readonly ClaimedRun[]>;
  /** A change with its event. A held one is under the row's lease. */
  toChange(row: WorkRow, transition: Transition, isHeld?: boolean): WorkChange;
  /** The end of a run under its lease. */
  end(row: WorkRow, endReason?: 'ok' | 'error' | 'cancelled'): Promise<WorkChange>;
  row(runId: string, projectId?: string): Promise<WorkRow>;
}

/** The project of tests that name none. */
export const testProject = 'default';

/** A world of runs as work on a store. */
export function createWorkWorld(store: Store): WorkWorld {
  const work = store.work!;
  const ids = createIdSource();
  const secrets = createWorkSecrets(new Uint8Array(32).fill(1));
  const redactor = createRedactor({ key: new Uint8Array(32).fill(2) });
  const scribe = createScribe({ clock: systemClock, ids, redactor, contentKey: new Uint8Array(32).fill(3) });

  const toCreation = (nowMs: number, given: TestCreation): WorkCreation => {
    const { projectId = testProject, row = {}, ...request } = given;
    const parts = { projectId, ids, secrets, scribe, nowMs, ancestors: [] };
    const made = requestToCreation({ agentId: 'agent', ...request }, parts);
    return { ...made, row: { ...made.row, ...row } };
  };
  const toChange = (row: WorkRow, transition: Transition, isHeld = true): WorkChange => ({
    runId: row.runId,
    expected: { state: row.state, leaseEpoch: row.leaseEpoch, isHeld },
    next: transition.next,
    entries:
      transition.type === 'run-start'
        ? [
            scribe.claim(row, transition, { workerId: transition.next.workerId!, timeMs: transition.next.startedAtMs! })
              .entry,
          ]
        : [scribe.change(row, transition, row.createdAtMs)],
  });
  return {
    store,
    work,
    creation: async (given = {}) => toCreation(await work.nowMs(), given),
    toChange,
    async create(count, given = {}) {
      const nowMs = await work.nowMs();
      const creations = Array.from({ length: count }, () => toCreation(nowMs, given));
      const runIds: string[] = [];
      for (let from = 0; from < count; from += 500) {
        const answers = await work.create(given.projectId ?? testProject, creations.slice(from, from + 500));
        runIds.push(...answers.map(({ runId }) => runId));
      }
      return runIds;
    },
    claim({ projectId = testProject, limit = 10, leaseMs = 30_000, workerId = 'worker', ...claim } = {}) {
      const request = {
        projectId,
        roomByAgent: new Map(Object.entries(claim.roomByAgent ?? { agent: limit })),
        limit,
        projectRunsMax: claim.projectRunsMax ?? null,
        runsMaxByAgent: new Map(Object.entries(claim.runsMaxByAgent ?? {})),
      };
      return work.claim(request, (rows, nowMs) =>
        rows.map((row) => toChange(row, toClaim(row, { workerId, leaseMs, nowMs, handlerVersion: null }), false)),
      );
    },
    async end(row, endReason = 'ok') {
      const failure = endReason === 'error' ? { code: 'E-RUN-001', message: 'It failed.' } : null;
      return toChange(row, toEnd(row, { endReason, nowMs: await work.nowMs(), failure }));
    },
    async row(runId, projectId = testProject) {
      const row = await work.get(projectId, runId);
      if (row === null) throw new Error(`There is no run ${runId}.`);
      return row;
    },
  };
}

/** The lease of a claimed run. */
export const leaseOf = ({ row }: ClaimedRun): LeaseRef => ({ runId: row.runId, leaseEpoch: row.leaseEpoch });

/** A memo of a run. */
export function memoOf(runId: string, memo: Partial<Memo> = {}): Memo {
  return {
    runId,
    name: 'step',
    occurrence: 0,
    kind: 'step',
    inputDigest: 'ab'.repeat(32),
    status: 'done',
    sequence: 0,
    stepId: null,
    leaseEpoch: 1,
    handlerVersion: null,
    sealed: Uint8Array.of(1, 2, 3),
    ...memo,
  };
}

/** The part of a row that changes, of those fields only. */
export function pickState<K extends keyof WorkState>(row: WorkRow, ...fields: K[]): Pick<WorkState, K> {
  return Object.fromEntries(fields.map((field) => [field, row[field]])) as unknown as Pick<WorkState, K>;
}

/** Waits until something is so; fails after five seconds. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (await isSo()) return;
    await pause(10);
  }
  throw new Error('It did not come to pass within five seconds.');
}

/** Waits. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
