import type { RegisteredTool } from '../core/work/agent.ts';
import type { BudgetEntry } from '../core/work/budget/entry.ts';
import type { BudgetLimit } from '../core/work/budget/limit.ts';
import type { Schedule } from '../core/work/schedule.ts';
import type { WorkCount, WorkerRow, WorkRow } from '../core/work/work.ts';
import type { RunRequest } from '../core/work/request.ts';

/*
 * Runs as work, as the wire has them. All times are Unix milliseconds of the store's clock, which an answer that holds
 * leases or queues tells as `nowMs`: a page counts from there, not from its own clock.
 */

export type { RegisteredTool, ToolClass } from '../core/work/agent.ts';

/** A run as work: where it stands in the queue, who has it, how often it was tried. Nothing that people wrote is in it. */
export type WireWork = Omit<WorkRow, 'projectId'>;

/** `GET /api/v1/work`: newest first. */
export interface WorkPage {
  readonly items: readonly WireWork[];
  readonly nextCursor: string | null;
  readonly limit: number;
  readonly limitCorrected: boolean;
  readonly nowMs: number;
}

/** `GET /api/v1/runs/{id}/work`: a 404 `run-not-found` also for a run that was only recorded. */
export interface WorkDetail {
  readonly work: WireWork;
  readonly nowMs: number;
}

/** `GET /api/v1/work/counts`: one row for each agent and state that has runs. */
export interface WorkCounts {
  readonly counts: readonly WorkCount[];
  readonly nowMs: number;
}

export type { WorkCount } from '../core/work/work.ts';

/** A lease that a worker holds. */
export interface WireLease {
  readonly runId: string;
  readonly agentId: string;
  readonly state: WorkRow['state'];
  readonly leaseEpoch: number;
  readonly attempts: number;
  readonly attemptsMax: number;
  readonly startedAtMs: number | null;
  readonly leaseExpiresAtMs: number | null;
}

/** A process that takes runs, with those it has. A worker that was not seen for a lease's time is dead or cut off. */
export interface WireWorker extends WorkerRow {
  readonly leases: readonly WireLease[];
}

/** `GET /api/v1/workers`: last seen first. Leases of workers that do not show themselves stand in `strays`. */
export interface WorkerPage {
  readonly workers: readonly WireWorker[];
  readonly strays: readonly (WireLease & { readonly workerId: string | null })[];
  readonly nowMs: number;
}

/** `POST /api/v1/runs`: what a run is created with. The header `Idempotency-Key` stands in for `idempotencyKey`, `traceparent` for the field of that name. */
export type RunInput = RunRequest;

/** Its answer: 201 for a new run, 200 with `duplicate` for the one that has the key already. */
export interface RunCreated {
  readonly runId: string;
  readonly duplicate: boolean;
}

/** `POST /api/v1/runs/{id}/cancel`. */
export interface RunCancelled {
  readonly runId: string;
  /** False: it had ended before, as `state` says. */
  readonly isCancelled: boolean;
  readonly state: WorkRow['state'];
  /** Open child runs, of all generations, that were cancelled with it. */
  readonly children: number;
}

/** `POST /api/v1/runs/{id}/signals`. */
export interface SignalInput {
  /** The sender's: one that comes twice is taken once. Made when left out. */
  readonly id?: string;
  readonly name: string;
  /** Any JSON value; `null` when left out. */
  readonly payload?: unknown;
}

/** Its answer. `isNew` is false when a signal of this id came before. */
export interface SignalSent {
  readonly id: string;
  readonly isNew: boolean;
}

/** `POST /api/v1/runs/{id}/redrive`: a failed run is done again as a new run, which keeps what was remembered before step `fromStep`. Once from each place. */
export interface RedriveInput {
  /** From 0, in the order the steps were begun; left out: everything that is remembered is kept. */
  readonly fromStep?: number;
}

/** When runs are created by themselves: `GET /api/v1/schedules` (an array). Input and names are not told. */
export type WireSchedule = Omit<Schedule, 'projectId' | 'sealed'>;

/** `PUT /api/v1/schedules/{scheduleId}`. */
export interface ScheduleInput {
  readonly agentId: string;
  /** Five or six fields, or a name as `@hourly`. */
  readonly cron: string;
  /** IANA name; `UTC` unless said. */
  readonly timeZone?: string;
  readonly isPaused?: boolean;
  /** What every run of it is created with besides. */
  readonly request?: Readonly<Record<string, unknown>>;
}

/** An agent as it is registered: `GET /api/v1/registrations` (an array) and `GET|PUT /api/v1/agents/{agentId}/registration`. */
export interface WireAgent {
  readonly agentId: string;
  readonly tools: readonly RegisteredTool[];
  /** Runs under a lease at a time, by all workers; `null`: any number. */
  readonly runsMax: number | null;
  readonly handlerVersion: string | null;
  readonly updatedAtMs: number;
}

/** Body of `PUT /api/v1/agents/{agentId}/registration`. A tool needs its name alone. */
export interface AgentInput {
  readonly tools?: readonly (Pick<RegisteredTool, 'name'> & Partial<RegisteredTool>)[];
  readonly runsMax?: number | null;
}

export type { BudgetEntry } from '../core/work/budget/entry.ts';
export type { BudgetLayer, BudgetLimit } from '../core/work/budget/limit.ts';

/** How much of one limit is spent. */
export interface WireBudget extends BudgetLimit {
  /** Reservations counted in; `null` for a limit that holds for each agent, caller or run (`*`). */
  readonly used: { readonly nanoUsd: number; readonly tokens: number } | null;
  /** The part that is used: from 0.8 on it warns, from 0.95 on loudly, at 1 it stops. `null` where `used` is. */
  readonly share: number | null;
}

/** `GET /api/v1/budgets`: limits in the order in which they are asked. The platform's only for the server's own project. */
export interface WireBudgets {
  readonly limits: readonly WireBudget[];
  /** Emergency stops: while one is on, no call of a governed run leaves. */
  readonly stops: { readonly platform: boolean; readonly project: boolean };
  readonly nowMs: number;
}

/** `PUT /api/v1/budgets`: in place of the limit of the same layer and scope. Both maxima `null`: no limit any more. */
export interface BudgetInput {
  readonly layer: BudgetLimit['layer'];
  /** An agent's id, a run's id, a caller's digest as listed, or `*` for each; left out for platform and project. */
  readonly scope?: string;
  /** A caller by its name, in place of the scope. */
  readonly callerId?: string;
  readonly nanoUsdMax: number | null;
  readonly tokensMax: number | null;
}

/** `PUT /api/v1/budgets/stop`. */
export interface StopInput {
  readonly isStopped: boolean;
  /** All projects of the store; only for the server's own project. */
  readonly isPlatform?: boolean;
}

/** `GET /api/v1/budgets/entries`: the ledger of the project, newest first. */
export interface BudgetEntryPage {
  readonly items: readonly BudgetEntry[];
  readonly nextCursor: string | null;
  readonly limit: number;
  readonly limitCorrected: boolean;
}

/** `GET /api/v1/shadow-report`: what the runs in shadow would have done, and how they compare with those that acted. */
export type { ArgumentGroup, KeptTool, ShadowReport, SideFigures, ToolMix } from '../core/work/shadow/report.ts';
