import type { Clock } from '../../../core/clock.ts';
import type { JournalEntry } from '../../../core/journal.ts';
import { isTerminal } from '../../../core/work/state.ts';
import type { BroughtLists, WorkLives, WorkMemories, WorkStore } from '../../../core/work/work.ts';
import { changesToBrought } from '../../../core/work/work.ts';
import { createMemoryBudgets } from './budget.ts';
import {
  beatLease,
  changeWorkRun,
  claimWorkRuns,
  createWorkRun,
  isClaimable,
  isHeld,
  keepMemos,
  wake,
} from './change.ts';
import { countWorkRuns, listOpenBelow, listStaleRuns, listWorkRuns } from './reading.ts';
import type { WorkMemory, WorkProject } from './state.ts';
import { dropWords, peekWorkProject, workProjectOf } from './state.ts';

/** What a memory store lends to its runs as work. */
export interface MemoryWorkParts {
  readonly clock: Clock;
  readonly memory: WorkMemory;
  /** Runs `fn` while the store is open, in one synchronous stretch. */
  readonly use: <T>(fn: () => T) => Promise<T>;
  readonly importEntries: (projectId: string, entries: readonly JournalEntry[]) => void;
  readonly keepBrought: (projectId: string, brought: BroughtLists) => void;
}

const byName =
  <K extends string>(key: K) =>
  (a: Record<K, string>, b: Record<K, string>): number =>
    a[key] < b[key] ? -1 : 1;

function createRuns(parts: MemoryWorkParts): WorkLives {
  const { clock, memory, use } = parts;
  const at = (projectId: string) => ({
    nowMs: clock.nowMs(),
    importAll: (entries: readonly JournalEntry[]) => parts.importEntries(projectId, entries),
  });
  return {
    nowMs: () => use(() => clock.nowMs()),
    create: (projectId, creations) =>
      use(() => {
        const project = workProjectOf(memory, projectId);
        const { importAll } = at(projectId);
        return creations.map((creation) => createWorkRun(project, creation, importAll));
      }),
    get: (projectId, runId) => use(() => peekWorkProject(memory, projectId).runById.get(runId)?.row ?? null),
    list: (projectId, filter, page) => use(() => listWorkRuns(peekWorkProject(memory, projectId), filter, page)),
    counts: (projectId) => use(() => countWorkRuns(peekWorkProject(memory, projectId), clock.nowMs())),
    listOpenDescendants: (projectId, runId) => use(() => listOpenBelow(peekWorkProject(memory, projectId), runId)),
    waitingProjects: () =>
      use(() => {
        const nowMs = clock.nowMs();
        const isWaiting = ({ runById }: WorkProject): boolean =>
          [...runById.values()].some(({ row }) => isClaimable(row, nowMs));
        return [...memory].flatMap(([projectId, project]) => (isWaiting(project) ? projectId : [])).sort();
      }),
    claim: (request, plan) =>
      use(() => claimWorkRuns(workProjectOf(memory, request.projectId), { request, plan }, at(request.projectId))),
    change: (projectId, changes) =>
      use(() => {
        parts.keepBrought(projectId, changesToBrought(changes));
        return changes.map((change) => changeWorkRun(workProjectOf(memory, projectId), change, at(projectId)));
      }),
    heartbeat: (projectId, leases, leaseMs) =>
      use(() => {
        const nowMs = clock.nowMs();
        return leases.map((lease) => beatLease(workProjectOf(memory, projectId), lease, { nowMs, leaseMs }));
      }),
    listStale: (limit, after) => use(() => listStaleRuns(memory, clock.nowMs(), { limit, after })),
  };
}

function createMemories(parts: MemoryWorkParts): WorkMemories {
  const { clock, memory, use } = parts;
  const find = (projectId: string, runId: string) => peekWorkProject(memory, projectId).runById.get(runId);
  return {
    readOrder: (projectId, runId) => use(() => find(projectId, runId)?.sealed ?? null),
    listMemos: (projectId, runId) => use(() => [...(find(projectId, runId)?.memos ?? [])]),
    putMemos: (projectId, lease, memos) =>
      use(() => {
        const run = find(projectId, lease.runId);
        if (run === undefined || !isHeld(run.row, lease.leaseEpoch, clock.nowMs())) return false;
        keepMemos(run, memos);
        return true;
      }),
    dropMemosFrom: (projectId, runId, sequence) =>
      use(() => {
        const run = find(projectId, runId);
        if (run !== undefined) run.memos = run.memos.filter((memo) => memo.sequence < sequence);
      }),
    dropSealed: (projectId, runId) =>
      use(() => {
        const run = find(projectId, runId);
        if (run !== undefined) dropWords(run);
      }),
    putSignal: (projectId, signal) =>
      use(() => {
        const run = find(projectId, signal.runId);
        if (run === undefined || isTerminal(run.row.state) || run.signalIds.has(signal.id)) return false;
        run.signalIds.add(signal.id);
        run.signals.push(signal);
        wake(run, signal.name, clock.nowMs());
        return true;
      }),
    takeSignal: (projectId, { lease, name, toMemo }) =>
      use(() => {
        const run = find(projectId, lease.runId);
        if (run === undefined || !isHeld(run.row, lease.leaseEpoch, clock.nowMs())) return null;
        const signal = run.signals.find((each) => each.name === name);
        if (signal === undefined) return null;
        run.signals = run.signals.filter((each) => each !== signal);
        keepMemos(run, [toMemo(signal)]);
        return signal;
      }),
  };
}

function createRegisters(
  parts: MemoryWorkParts,
): Omit<WorkStore, keyof ReturnType<typeof createRuns> | keyof ReturnType<typeof createMemories> | 'file' | 'budgets'> {
  const { clock, memory, use } = parts;
  const of = (projectId: string): WorkProject => workProjectOf(memory, projectId);
  const peek = (projectId: string): WorkProject => peekWorkProject(memory, projectId);
  return {
    putSchedule: (schedule) => use(() => void of(schedule.projectId).scheduleById.set(schedule.id, schedule)),
    deleteSchedule: (projectId, id) => use(() => peek(projectId).scheduleById.delete(id)),
    listSchedules: (projectId) => use(() => [...peek(projectId).scheduleById.values()].sort(byName('id'))),
    dueSchedules: (limit) =>
      use(() => {
        const nowMs = clock.nowMs();
        return [...memory.values()]
          .flatMap(({ scheduleById }) => [...scheduleById.values()])
          .filter(({ isPaused, nextAtMs }) => !isPaused && nextAtMs !== null && nextAtMs <= nowMs)
          .sort((a, b) => a.nextAtMs! - b.nextAtMs!)
          .slice(0, limit)
          .map((schedule) => ({ schedule, nowMs }));
      }),
    advanceSchedule: (projectId, id, { fromMs, toMs }) =>
      use(() => {
        const { scheduleById } = peek(projectId);
        const schedule = scheduleById.get(id);
        if (schedule?.nextAtMs !== fromMs) return false;
        scheduleById.set(id, { ...schedule, nextAtMs: toMs, lastAtMs: fromMs });
        return true;
      }),
    putAgent: (agent) => use(() => void of(agent.projectId).agentById.set(agent.agentId, agent)),
    getAgent: (projectId, agentId) => use(() => peek(projectId).agentById.get(agentId) ?? null),
    listAgents: (projectId) => use(() => [...peek(projectId).agentById.values()].sort(byName('agentId'))),
    putWorker: (projectId, worker) =>
      use(() => void of(projectId).workerById.set(worker.workerId, { ...worker, seenAtMs: clock.nowMs() })),
    removeWorker: (projectId, workerId) => use(() => void peek(projectId).workerById.delete(workerId)),
    listWorkers: (projectId) => use(() => [...peek(projectId).workerById.values()].sort(byName('workerId'))),
  };
}

/**
 * Runs as work in this process's memory: every rule of the other stores, told plainly. What a change brings is in the
 * views when it returns, so nothing ever waits to be filed.
 */
export function createMemoryWork(parts: MemoryWorkParts): WorkStore {
  return {
    ...createRuns(parts),
    ...createMemories(parts),
    ...createRegisters(parts),
    file: () => parts.use(() => false),
    budgets: createMemoryBudgets(parts),
  };
}
