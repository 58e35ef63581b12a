import type { CallGate } from '../../core/work/gate.ts';
import type { WorkRow } from '../../core/work/work.ts';
import { TachographError } from '../../core/error.ts';
import type { AgentRegistration, Handler, JudgeTool } from '../handler/handler.ts';

/** A run that a gate is wanted for. */
export interface GovernedRun {
  readonly row: WorkRow;
  readonly callerId: string | null;
  readonly sessionId: string | null;
}

/** How a worker is made. Times in milliseconds. */
export interface WorkerOptions {
  /** Whose runs it takes; `all`: every project's that its store has. */
  readonly projectIds: readonly string[] | 'all';
  readonly agents: Readonly<Record<string, Handler | AgentRegistration>>;
  /** Runs at a time; 10 unless said. */
  readonly concurrency?: number;
  /** 30 s unless said. */
  readonly leaseMs?: number;
  /** 10 s unless said; well below the lease. */
  readonly heartbeatMs?: number;
  /** How often it looks for runs of dead workers and for deadlines, 10 s unless said; `null`: never. */
  readonly reapMs?: number | null;
  /** How often it looks for due schedules, 1 s unless said; `null`: never. */
  readonly scheduleMs?: number | null;
  /** How often it looks for runs that it was not told of; 500 ms unless said. */
  readonly pollMs?: number;
  /** Calls back when runs may wait, as a database's notices say; gives the function that ends it. */
  readonly onWake?: (wake: () => void) => () => void;
  /** Runs of a project under a lease at a time, by all workers together; `null`: any number. */
  readonly projectRunsMax?: number | null;
  readonly workerId?: string;
  readonly host?: string;
  readonly pid?: number;
  /** What it calls its environment, such as `staging`: tools may be bound to some. */
  readonly environment?: string | null;
  /** In place of the built-in rule: what is in shadow only reads, the rest is made. */
  readonly judgeTool?: JudgeTool;
  /** Gives whom a run's model and tool calls must ask before they leave; left out, they only need to be recorded. */
  readonly gateOf?: (run: GovernedRun) => CallGate;
}

/** The same with every rule applied. */
export interface WorkerSettings extends Required<Omit<WorkerOptions, 'agents' | 'onWake' | 'judgeTool' | 'gateOf'>> {
  readonly agentById: ReadonlyMap<string, AgentRegistration>;
  readonly onWake: ((wake: () => void) => () => void) | null;
  readonly judgeTool: JudgeTool | null;
  readonly gateOf: ((run: GovernedRun) => CallGate) | null;
}

function checkMs(name: string, ms: number): void {
  if (!(ms > 0 && ms <= 86_400_000))
    throw new TachographError('bad-argument', `${name} is ${ms}; give milliseconds from 1 to a day.`);
}

/** Applies the defaults. `bad-argument` for what cannot work. */
export function toWorkerSettings(options: WorkerOptions, workerId: string): WorkerSettings {
  const {
    agents,
    concurrency = 10,
    leaseMs = 30_000,
    heartbeatMs = 10_000,
    reapMs = 10_000,
    scheduleMs = 1000,
  } = options;
  const { pollMs = 500 } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 10_000)
    throw new TachographError('bad-argument', `concurrency is ${concurrency}; give a whole number from 1 to 10000.`);
  for (const [name, ms] of Object.entries({ leaseMs, heartbeatMs, pollMs })) checkMs(name, ms);
  if (heartbeatMs >= leaseMs)
    throw new TachographError(
      'bad-argument',
      `heartbeatMs is ${heartbeatMs}, leaseMs ${leaseMs}: a lease must outlive its heartbeat.`,
    );
  const agentById = new Map(
    Object.entries(agents).map(([id, given]) => [id, typeof given === 'function' ? { run: given } : given]),
  );
  if (agentById.size === 0) throw new TachographError('bad-argument', 'A worker without agents has nothing to do.');
  const { projectIds, projectRunsMax = null, host = 'unknown', pid = 0, environment = null } = options;
  return {
    projectIds,
    agentById,
    concurrency,
    leaseMs,
    heartbeatMs,
    reapMs,
    scheduleMs,
    pollMs,
    projectRunsMax,
    host,
    pid,
    environment,
    workerId: options.workerId ?? workerId,
    onWake: options.onWake ?? null,
    judgeTool: options.judgeTool ?? null,
    gateOf: options.gateOf ?? null,
  };
}
