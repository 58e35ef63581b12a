import type {
  CreationAnswer,
  WorkChange,
  WorkCreation,
  WorkLives,
  WorkMemories,
  WorkStore,
} from '../../../core/work/work.ts';
import { changesToBrought } from '../../../core/work/work.ts';
import { createPostgresBudgets, workToBudgetPlace } from './budget.ts';
import { callOf, ours, type WorkPlace } from './place.ts';
import { broughtToInsert, changeStatement, checkAnswers, creationStatement } from './change.ts';
import { joinCalls } from './joining.ts';
import { beatLeases, claimRows } from './lease.ts';
import type { MemoWrite } from './memos.ts';
import { dropWords, keepStatement, listMemos, readOrder, takeSignal } from './memos.ts';
import { createRegisters } from './registers.ts';
import { countRows, getRow, listOpenBelow, listRows, listStaleRows, listWaiting } from './runs.ts';
import { toName } from '../driver/run-row.ts';

/** Calls under way at once for one project. A remembered step is waited for, so that those of a few runs go side by side. */
const changedAtOnce = 2;
const keptAtOnce = 4;

function createLives(place: WorkPlace): WorkLives {
  const { read, reach, note, change } = place;
  // Whoever creates gathers what comes at the same time.
  const create = async (projectId: string, creations: readonly WorkCreation[]): Promise<readonly CreationAnswer[]> => {
    const { statement, read: readAnswers } = creationStatement(creations);
    const [answer] = await reach(projectId).call(projectId, [statement]);
    note(projectId);
    return checkAnswers(readAnswers(answer!.rows));
  };
  const changeAll = joinCalls<WorkChange, boolean>(async (projectId, changes) => {
    const { statement, read: readMade } = changeStatement(changes);
    const brought = changesToBrought(changes);
    const epochs = new Set([...brought.contents, ...brought.nodes].map(({ epoch }) => epoch));
    if (epochs.size > 0) await place.ensureWeeks(epochs);
    const answers = await reach(projectId).call(projectId, [...broughtToInsert(brought), statement]);
    note(projectId);
    return readMade(answers.at(-1)!.rows);
  }, changedAtOnce);
  return {
    async nowMs() {
      return (await read(place.ownProjectId).get('SELECT work_now() AS now'))!['now'] as number;
    },
    create: async (projectId, creations) => (creations.length === 0 ? [] : create(projectId, creations)),
    get: (projectId, runId) => getRow(read(projectId), runId),
    list: (projectId, filter, page) => listRows(read(projectId), filter, page),
    counts: (projectId) => countRows(read(projectId)),
    listOpenDescendants: (projectId, runId) => listOpenBelow(read(projectId), runId),
    waitingProjects: () => listWaiting(place),
    async claim(request, plan) {
      if (request.roomByAgent.size === 0 || request.limit < 1) return [];
      return change(request.projectId, (tx) => claimRows(tx, request, plan));
    },
    change: async (projectId, changes) => (changes.length === 0 ? [] : changeAll(projectId, changes)),
    async heartbeat(projectId, leases, leaseMs) {
      return leases.length === 0 ? [] : beatLeases({ db: reach(projectId), projectId }, leases, leaseMs);
    },
    async listStale(limit, after) {
      // Whoever looks for runs of dead workers finds what else these have left.
      if (after === null) await place.noteUnfiled();
      return listStaleRows(place, limit, after);
    },
  };
}

function createMemories(place: WorkPlace): WorkMemories {
  const { read, reach, change, quietly } = place;
  const keepNow = async (projectId: string, writes: readonly MemoWrite[]): Promise<(boolean | null)[]> => {
    const { statement, read: readKept } = keepStatement(writes);
    const [answer] = await reach(projectId).call(projectId, [statement]);
    return readKept(answer!.rows);
  };
  const keepOne = async (projectId: string, write: MemoWrite): Promise<boolean> =>
    (await keepNow(projectId, [write]))[0] === true;
  const keep = joinCalls<MemoWrite, boolean>(async (projectId, writes) => {
    const answers = await keepNow(projectId, writes);
    return await Promise.all(answers.map((answer, index) => answer ?? keepOne(projectId, writes[index]!)));
  }, keptAtOnce);
  return {
    readOrder: (projectId, runId) => readOrder(read(projectId), runId),
    listMemos: (projectId, runId) => listMemos(read(projectId), runId),
    putMemos: async (projectId, lease, memos) => (await keep(projectId, [{ lease, memos }]))[0]!,
    dropMemosFrom: (projectId, runId, sequence) =>
      quietly(projectId, async (tx) => {
        const sql = `DELETE FROM work_memos WHERE ${ours} AND run_id = $1 AND sequence >= $2`;
        await tx.finish([{ sql, values: [runId, sequence] }]);
      }),
    dropSealed: (projectId, runId) => quietly(projectId, async (tx) => void (await tx.finish(dropWords([runId])))),
    putSignal: (projectId, { id, runId, name, sealed, sentAtMs }) =>
      change(projectId, async (tx) => {
        const values = [runId, toName(id), id, name, sealed, sentAtMs];
        const [answer] = await tx.finish([{ sql: callOf('work_signal', values), values }]);
        return answer!.rows[0]!['work_signal'] === 1;
      }),
    takeSignal: (projectId, taken) => quietly(projectId, (tx) => takeSignal(tx, taken)),
  };
}

/** Runs as work in PostgreSQL: any number of processes and machines take from one queue. */
export function createPostgresWork(place: WorkPlace, file: WorkStore['file']): WorkStore {
  return {
    ...createLives(place),
    ...createMemories(place),
    ...createRegisters(place),
    file,
    budgets: createPostgresBudgets(workToBudgetPlace(place)),
  };
}
