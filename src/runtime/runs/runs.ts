import { TachographError } from '../../core/error.ts';
import type { Page, PageRequest } from '../../core/store.ts';
import type { RunRequest } from '../../core/work/request.ts';
import type { WorkRow } from '../../core/work/work.ts';
import { signalPlace } from '../handler/waiting.ts';
import type { RuntimeParts } from '../parts.ts';
import { inProject, projectInScope } from '../project-scope.ts';
import { wakeHubOf } from '../wake.ts';
import type { Cancelled, CancelOptions } from './cancel.ts';
import { cancelRun, findRow } from './cancel.ts';
import type { CreatedRun } from './creation.ts';
import { createRun } from './creation.ts';
import type { RedriveOptions } from './redrive.ts';
import { redriveRun } from './redrive.ts';

/** A message to a run. */
export interface SignalRequest {
  /** The sender's own; the same one twice is taken once. Made when left out. */
  readonly id?: string;
  readonly name: string;
  /** Any JSON value; `null` when left out. */
  readonly payload?: unknown;
}

/** Runs as work, for whoever creates them. A `projectId` of `null` is the project in scope, or `E-TENANT-001`. */
export interface Runs {
  /** One key, one run, however many ask at once (I8). `idempotency-conflict` for a key that was used with another input. */
  create(projectId: string | null, request: RunRequest): Promise<CreatedRun>;
  create(projectId: string | null, requests: readonly RunRequest[]): Promise<readonly CreatedRun[]>;
  /** Ends a run and those below it, wherever they are. Idempotent; `run-not-found`. */
  cancel(projectId: string | null, runId: string, options?: CancelOptions): Promise<Cancelled>;
  /** False when it was sent before or the run has ended; `run-not-found`. */
  signal(projectId: string | null, runId: string, signal: SignalRequest): Promise<{ readonly isTaken: boolean }>;
  /** A failed run again, as a new one that remembers what was done. */
  redrive(projectId: string | null, runId: string, options?: RedriveOptions): Promise<CreatedRun>;
  /** `run-not-found` for a run that was only recorded, too. */
  get(projectId: string | null, runId: string): Promise<WorkRow>;
  /** Runs that failed for good, newest first. */
  listDead(projectId: string | null, page?: PageRequest & { readonly agentId?: string }): Promise<Page<WorkRow>>;
}

const signalNamePattern = /^[^\0]{1,200}$/su;

async function sendSignal(
  parts: RuntimeParts,
  projectId: string,
  to: { readonly runId: string; readonly signal: SignalRequest },
): Promise<{ readonly isTaken: boolean }> {
  const { runId, signal } = to;
  const { id = parts.ids.uuid(), name, payload = null } = signal;
  for (const text of [id, name])
    if (typeof text !== 'string' || !signalNamePattern.test(text))
      throw new TachographError('bad-argument', 'The id and the name of a signal are texts of 1 to 200 characters.');
  await findRow(parts, projectId, runId);
  const sealed = parts.secretsOf(projectId).seal(JSON.stringify(payload) ?? 'null', signalPlace(runId, id));
  const sentAtMs = await parts.work.nowMs();
  const isTaken = await parts.work.putSignal(projectId, { id, runId, name, sealed, sentAtMs });
  if (isTaken) wakeHubOf(parts.work).fire();
  return { isTaken };
}

/** The runs of a store, for whoever creates, ends and wakes them. */
export function createRuns(parts: RuntimeParts): Runs {
  const within = <T>(given: string | null, fn: (projectId: string) => Promise<T>): Promise<T> => {
    const projectId = projectInScope(given);
    return inProject(projectId, () => fn(projectId));
  };
  async function create(projectId: string | null, request: RunRequest): Promise<CreatedRun>;
  async function create(projectId: string | null, requests: readonly RunRequest[]): Promise<readonly CreatedRun[]>;
  async function create(given: string | null, requests: RunRequest | readonly RunRequest[]): Promise<unknown> {
    return await within(given, async (projectId) =>
      Array.isArray(requests)
        ? await Promise.all((requests as readonly RunRequest[]).map((each) => createRun(parts, projectId, each)))
        : await createRun(parts, projectId, requests as RunRequest),
    );
  }
  return {
    create,
    cancel: async (given, runId, options = {}) =>
      await within(given, (projectId) => cancelRun(parts, projectId, { runId, options })),
    signal: async (given, runId, signal) =>
      await within(given, (projectId) => sendSignal(parts, projectId, { runId, signal })),
    redrive: async (given, runId, options = {}) =>
      await within(given, (projectId) => redriveRun(parts, projectId, { runId, options })),
    get: async (given, runId) => await within(given, (projectId) => findRow(parts, projectId, runId)),
    listDead: async (given, { agentId, ...page } = {}) =>
      await within(given, (projectId) =>
        parts.work.list(projectId, { states: ['failed'], ...(agentId === undefined ? {} : { agentId }) }, page),
      ),
  };
}
