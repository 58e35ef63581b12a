import { hostname } from 'node:os';
import process from 'node:process';
import { TachographError } from '../../core/error.ts';
import type { Recorder } from '../../core/record/recording.ts';
import { isTerminal } from '../../core/model/run.ts';
import type { RunRequest } from '../../core/work/request.ts';
import type { Schedule } from '../../core/work/schedule.ts';
import type { WorkFilter, WorkRow } from '../../core/work/work.ts';
import type { AgentRegistration, Worker, WorkerOptions } from '../../runtime/index.ts';
import { createWorker } from '../../runtime/index.ts';
import { wakeHubOf } from '../../runtime/wake.ts';
import { errorToLine } from '../print/complaint.ts';
import type { OpenedHome } from '../open.ts';
import { openTachograph } from '../open.ts';
import { installCaptures } from '../recording.ts';
import { bindBudgets } from './budget-binding.ts';
import type { Created, Frontdoor } from './frontdoor.ts';
import { withFrontdoor } from './frontdoor.ts';
import { createHomeRuns } from './home-runs.ts';
import { createRuntimeParts } from './runtime-parts.ts';
import { listenForWork } from './waker.ts';

export type { Frontdoor } from './frontdoor.ts';
export type {
  AgentRegistration,
  Handler,
  HandledRun,
  RunContext,
  ToolCall,
  ToolOptions,
  Worker,
  WorkerStatus,
} from '../../runtime/index.ts';
export type { RunRequest } from '../../core/work/request.ts';

/** Where runs as work are kept, and who may open what is sealed. */
export interface WorkOptions {
  /** The data folder; left out, TACHOGRAPH_HOME or the user's own. Its own file is the store unless a database is named. */
  readonly home?: string;
  /** A PostgreSQL address; left out, TACHOGRAPH_DATABASE_URL, else the home's own file. */
  readonly database?: string;
  /** Left out, TACHOGRAPH_PROJECT, else `default`. */
  readonly projectId?: string;
  /** 64 hex digits, the same for every process on one database; left out, TACHOGRAPH_SECRET, else keys of the home. */
  readonly secret?: string;
  /** In place of the process's environment. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** A quick memory in front of creation. It never decides. */
  readonly frontdoor?: Frontdoor;
  /** Told of trouble that no caller hears of; standard error unless said. */
  readonly onError?: (error: unknown) => void;
}

/** A project's runs as work. */
export interface Work {
  readonly projectId: string;
  /** Records the runs of this process; captures are given it. */
  readonly recorder: Recorder;
  /**
   * Has the model calls of this process recorded, and those of runs under a lease governed: the AI SDK, agent frameworks and
   * HTTP to providers, as `tachograph run` does. Once, before what is to be recorded is imported. Gives what ends it.
   */
  installCaptures(): () => void;
  /** Creates a run, or names the one that its key has. */
  createRun(request: RunRequest): Promise<Created>;
  /** Cancels a run and its open child runs. One that has ended stays as it is. */
  cancel(runId: string): Promise<{ readonly isCancelled: boolean; readonly children: number }>;
  /** False when a signal of this id came before, or the run has ended. */
  signal(
    runId: string,
    signal: { readonly id?: string; readonly name: string; readonly payload?: unknown },
  ): Promise<boolean>;
  /** Has a failed run that was kept for it done again, as a run of its own; once from each place. */
  redrive(runId: string, from?: { readonly fromStep?: number }): Promise<Created>;
  getRun(runId: string): Promise<WorkRow | null>;
  /** The newest 500 that pass. */
  listRuns(filter: WorkFilter): Promise<readonly WorkRow[]>;
  /** The run once it has ended; `E-RUN-005` when that takes longer than `timeoutMs`. */
  waitForEnd(runId: string, options?: { readonly timeoutMs?: number }): Promise<WorkRow>;
  /** Adds a schedule, or puts it in the place of the one with its id. */
  putSchedule(
    id: string,
    schedule: {
      readonly agentId: string;
      readonly cron: string;
      readonly timeZone?: string;
      readonly isPaused?: boolean;
      readonly request?: Readonly<Record<string, unknown>>;
    },
  ): Promise<Schedule>;
  /** Registers an agent without taking its runs, for who creates them. A worker registers its own. */
  registerAgent(agentId: string, agent: Pick<AgentRegistration, 'tools' | 'runsMax'>): Promise<void>;
  /**
   * The emergency stop of the project: while it is on, no call of a run under a lease leaves, and model calls that are out are
   * cut off within a second.
   */
  setStop(isStopped: boolean): Promise<void>;
  /** A worker of the project, at rest until it is started. It is to be stopped before `close`. */
  createWorker(options: Omit<WorkerOptions, 'projectIds' | 'onWake' | 'host' | 'pid'>): Worker;
  /** Stops the workers that still run, without grace, and closes the store. */
  close(): Promise<void>;
}

const endLookMs = 100;
const endLookMaxMs = 1000;

async function openHomeFor(options: WorkOptions, onError: (error: unknown) => void): Promise<OpenedHome> {
  const given = options.variables ?? process.env;
  return openTachograph({
    ...(options.home === undefined ? {} : { home: options.home }),
    ...(options.database === undefined ? {} : { database: options.database }),
    ...(options.projectId === undefined ? {} : { project: options.projectId }),
    variables: options.secret === undefined ? given : { ...given, TACHOGRAPH_SECRET: options.secret },
    onError,
  });
}

/**
 * Opens runs as work, in the home's own file or in PostgreSQL. What this process records is in a journal of the home first,
 * and brought into the store. Rejects as the store does when it cannot be opened, and with `work-missing` for one that keeps
 * records only.
 */
export async function openWork(options: WorkOptions = {}): Promise<Work> {
  const { onError = (error) => void process.stderr.write(`tachograph: ${errorToLine(error)}\n`) } = options;
  const opened = await openHomeFor(options, onError);
  const parts = createRuntimeParts(opened, onError);
  const { projectId } = opened;
  const { work } = parts;
  const runs = createHomeRuns(parts)(projectId);
  const { frontdoor } = options;
  const secrets = parts.secretsOf(projectId);
  const create = (request: RunRequest): Promise<Created> => runs.create(request);
  const binding = bindBudgets(parts, opened.prices);
  const workers = new Set<Worker>();
  const hub = wakeHubOf(work);
  const ears = await listenForWork(options.variables ?? process.env, hub.fire, onError);
  // What this process leaves in the home's journals is in the store already; this takes the files away.
  opened.indexer.start();

  return {
    projectId,
    recorder: parts.recorderOf(projectId),
    installCaptures: () => installCaptures(parts.recorderOf(projectId), options.variables ?? process.env),
    createRun:
      frontdoor === undefined ? create : withFrontdoor(create, { frontdoor, projectId, secrets, work, onError }),
    cancel: (runId) => runs.cancel(runId),
    signal: (runId, { payload = null, ...signal }) => runs.signal(runId, { ...signal, payload }),
    redrive: (runId, from = {}) => runs.redrive(runId, from),
    getRun: (runId) => work.get(projectId, runId),
    listRuns: async (filter) => (await work.list(projectId, filter, { limit: 500 })).items,
    async waitForEnd(runId, { timeoutMs = Infinity } = {}) {
      const untilMs = performance.now() + timeoutMs;
      for (let lookMs = endLookMs; ; lookMs = Math.min(endLookMaxMs, lookMs * 1.5)) {
        const row = await work.get(projectId, runId);
        if (row === null) throw new TachographError('run-not-found', `There is no run ${runId}.`);
        if (isTerminal(row.state)) return row;
        if (performance.now() >= untilMs)
          throw new TachographError(
            'E-RUN-005',
            `Run ${runId} has not ended within ${timeoutMs} ms; it is ${row.state}.`,
          );
        await new Promise((resolve) => setTimeout(resolve, lookMs));
      }
    },
    putSchedule: (id, schedule) => runs.putSchedule(id, schedule),
    async registerAgent(agentId, { tools = [], runsMax = null }) {
      const before = await work.getAgent(projectId, agentId);
      const handlerVersion = before?.handlerVersion ?? null;
      await work.putAgent({ projectId, agentId, tools, runsMax, handlerVersion, updatedAtMs: await work.nowMs() });
    },
    setStop: (isStopped) => work.budgets.setStop(projectId, isStopped),
    createWorker(given) {
      const agents = Object.entries(given.agents).map(([id, agent]) => [id, binding.bind(agent)] as const);
      const worker = createWorker(parts, {
        gateOf: binding.gateOf,
        ...given,
        agents: Object.fromEntries(agents),
        projectIds: [projectId],
        host: hostname(),
        pid: process.pid,
      });
      workers.add(worker);
      return worker;
    },
    async close() {
      for (const worker of workers) await worker.stop({ graceMs: 0 });
      await ears.close();
      await work.file(projectId);
      await parts.close();
      await opened.close();
    },
  };
}
