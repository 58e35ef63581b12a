import type { Agent } from '../../../core/work/agent.ts';
import type { Memo } from '../../../core/work/memo.ts';
import type { Schedule } from '../../../core/work/schedule.ts';
import type { Signal, WorkerRow, WorkRow } from '../../../core/work/work.ts';

/** One scheduled run with all that is its own. */
export interface WorkRun {
  row: WorkRow;
  sealed: Uint8Array | null;
  memos: Memo[];
  /** Oldest first. */
  signals: Signal[];
  /** Ids of signals that came, those that were taken included. */
  readonly signalIds: Set<string>;
}

/** One project's runs as work. */
export interface WorkProject {
  readonly runById: Map<string, WorkRun>;
  readonly runIdByKey: Map<string, string>;
  readonly scheduleById: Map<string, Schedule>;
  readonly agentById: Map<string, Agent>;
  readonly workerById: Map<string, WorkerRow>;
}

/** Runs as work of all projects. */
export type WorkMemory = Map<string, WorkProject>;

const emptyProject = (): WorkProject => ({
  runById: new Map(),
  runIdByKey: new Map(),
  scheduleById: new Map(),
  agentById: new Map(),
  workerById: new Map(),
});

/** A project, made when it is new. */
export function workProjectOf(memory: WorkMemory, projectId: string): WorkProject {
  const known = memory.get(projectId);
  if (known !== undefined) return known;
  const project = emptyProject();
  memory.set(projectId, project);
  return project;
}

/** A project for reading: an empty one, not kept, when it is unknown. */
export function peekWorkProject(memory: WorkMemory, projectId: string): WorkProject {
  return memory.get(projectId) ?? emptyProject();
}

/** Forgets what execution needed word for word (I4). */
export function dropWords(run: WorkRun): void {
  run.sealed = null;
  run.memos = [];
  run.signals = [];
}
