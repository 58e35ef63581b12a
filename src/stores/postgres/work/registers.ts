import type { WorkStore } from '../../../core/work/work.ts';
import type { SqlRow } from '../../sql/value.ts';
import {
  agentToBody,
  rowToAgent,
  rowToSchedule,
  rowToWorker,
  scheduleToBody,
  workerToBody,
} from '../../sql/work/register-row.ts';
import type { Statement } from '../driver/exchange.ts';
import { insertRows, replacing, type Row } from '../driver/rows.ts';
import { toName } from '../driver/run-row.ts';
import { ensureProject } from '../import/lock.ts';
import { ours, type WorkPlace } from './place.ts';

type Registers = Pick<
  WorkStore,
  | 'putSchedule'
  | 'deleteSchedule'
  | 'listSchedules'
  | 'dueSchedules'
  | 'advanceSchedule'
  | 'putAgent'
  | 'getAgent'
  | 'listAgents'
  | 'putWorker'
  | 'removeWorker'
  | 'listWorkers'
>;

function putRow(table: string, row: Row): Statement[] {
  return [ensureProject, insertRows(table, [row], replacing(['id_key'], row))];
}

const listAll = (table: string): string => `SELECT * FROM ${table} WHERE ${ours} ORDER BY id`;

function createSchedules(
  place: WorkPlace,
): Pick<Registers, 'putSchedule' | 'deleteSchedule' | 'listSchedules' | 'dueSchedules' | 'advanceSchedule'> {
  const { isForAll, ownProjectId, read, change } = place;
  return {
    putSchedule: (schedule) =>
      change(schedule.projectId, async (tx) => {
        const { id, isPaused, nextAtMs, lastAtMs, sealed } = schedule;
        const row = {
          id_key: toName(id),
          id,
          is_paused: isPaused ? 1 : 0,
          next_at_ms: nextAtMs,
          last_at_ms: lastAtMs,
          sealed,
        };
        await tx.finish(putRow('work_schedules', { ...row, body: scheduleToBody(schedule) }));
      }),
    deleteSchedule: (projectId, id) =>
      change(projectId, async (tx) => {
        const sql = `DELETE FROM work_schedules WHERE ${ours} AND id_key = $1`;
        const [gone] = await tx.finish([{ sql, values: [toName(id)] }]);
        return gone!.count > 0;
      }),
    async listSchedules(projectId) {
      const rows = await read(projectId).all(listAll('work_schedules'));
      return rows.map((row) => rowToSchedule(projectId, row));
    },
    async dueSchedules(limit) {
      const due = await read(ownProjectId).all(
        isForAll
          ? 'SELECT project_id, schedule_id AS id FROM work_ticks($1)'
          : `SELECT current_setting('tachograph.project') AS project_id, id FROM work_schedules
               WHERE ${ours} AND next_at_ms <= work_now() AND is_paused = 0 ORDER BY next_at_ms, id LIMIT $1`,
        limit,
      );
      const found: { schedule: ReturnType<typeof rowToSchedule>; nowMs: number }[] = [];
      for (const row of due) {
        const projectId = row['project_id'] as string;
        const sql = `SELECT *, work_now() AS now_ms FROM work_schedules WHERE ${ours} AND id_key = $1`;
        const schedule: SqlRow | undefined = await read(projectId).get(sql, toName(row['id'] as string));
        if (schedule !== undefined)
          found.push({ schedule: rowToSchedule(projectId, schedule), nowMs: schedule['now_ms'] as number });
      }
      return found;
    },
    advanceSchedule: (projectId, id, { fromMs, toMs }) =>
      change(projectId, async (tx) => {
        const sql = `UPDATE work_schedules SET next_at_ms = $3, last_at_ms = $2 WHERE ${ours} AND id_key = $1 AND next_at_ms = $2`;
        const [moved] = await tx.finish([{ sql, values: [toName(id), fromMs, toMs] }]);
        return moved!.count > 0;
      }),
  };
}

/** Agents, schedules and workers of projects. */
export function createRegisters(place: WorkPlace): Registers {
  const { read, change, quietly } = place;
  return {
    ...createSchedules(place),
    putAgent: (agent) =>
      change(agent.projectId, async (tx) => {
        const { agentId: id } = agent;
        await tx.finish(putRow('work_agents', { id_key: toName(id), id, body: agentToBody(agent) }));
      }),
    async getAgent(projectId, agentId) {
      const row = await read(projectId).get(`SELECT * FROM work_agents WHERE ${ours} AND id_key = $1`, toName(agentId));
      return row === undefined ? null : rowToAgent(projectId, row);
    },
    async listAgents(projectId) {
      return (await read(projectId).all(listAll('work_agents'))).map((row) => rowToAgent(projectId, row));
    },
    putWorker: (projectId, worker) =>
      quietly(projectId, async (tx) => {
        const { workerId } = worker;
        await tx.finish([
          ensureProject,
          {
            sql: `INSERT INTO work_workers (project_key, id_key, id, seen_at_ms, body) VALUES ((SELECT project_key()), $1, $2, work_now(), $3)
              ON CONFLICT (project_key, id_key) DO UPDATE SET seen_at_ms = excluded.seen_at_ms, body = excluded.body`,
            values: [toName(workerId), workerId, workerToBody(worker)],
          },
        ]);
      }),
    removeWorker: (projectId, workerId) =>
      quietly(projectId, async (tx) => {
        await tx.finish([
          { sql: `DELETE FROM work_workers WHERE ${ours} AND id_key = $1`, values: [toName(workerId)] },
        ]);
      }),
    async listWorkers(projectId) {
      return (await read(projectId).all(listAll('work_workers'))).map(rowToWorker);
    },
  };
}
