import type { WorkStore } from '../../../core/work/work.ts';
import {
  agentToBody,
  rowToAgent,
  rowToSchedule,
  rowToWorker,
  scheduleToBody,
  workerToBody,
} from '../../sql/work/register-row.ts';
import { findProject, projectKeyOf } from '../runs.ts';
import type { WorkPlace } from './place.ts';

type Schedules = Pick<
  WorkStore,
  'putSchedule' | 'deleteSchedule' | 'listSchedules' | 'dueSchedules' | 'advanceSchedule'
>;
type People = Pick<WorkStore, 'putAgent' | 'getAgent' | 'listAgents' | 'putWorker' | 'removeWorker' | 'listWorkers'>;

const listAll = (table: string): string => `SELECT * FROM ${table} WHERE project_key = ? ORDER BY id`;

function createSchedules({ clock, read, quietly }: WorkPlace): Schedules {
  return {
    putSchedule: (schedule) =>
      quietly((db) => {
        const { projectId, id, isPaused, nextAtMs, lastAtMs, sealed } = schedule;
        db.run(
          `INSERT INTO work_schedules (project_key, id, is_paused, next_at_ms, last_at_ms, sealed, body) VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (project_key, id) DO UPDATE SET is_paused = excluded.is_paused, next_at_ms = excluded.next_at_ms,
             last_at_ms = excluded.last_at_ms, sealed = excluded.sealed, body = excluded.body`,
          ...[projectKeyOf(db, projectId), id, isPaused ? 1 : 0, nextAtMs, lastAtMs, sealed, scheduleToBody(schedule)],
        );
      }),
    deleteSchedule: (projectId, id) =>
      quietly((db) => {
        const sql = 'DELETE FROM work_schedules WHERE project_key = ? AND id = ?';
        return db.run(sql, findProject(db, projectId), id) > 0;
      }),
    listSchedules: (projectId) =>
      read((db) =>
        db.all(listAll('work_schedules'), findProject(db, projectId)).map((row) => rowToSchedule(projectId, row)),
      ),
    dueSchedules: (limit) =>
      read((db) => {
        const nowMs = clock.nowMs();
        const rows = db.all(
          `SELECT s.*, p.id AS project_id FROM work_schedules s CROSS JOIN projects p ON p.key = s.project_key
           WHERE s.next_at_ms <= ? AND s.is_paused = 0 ORDER BY s.next_at_ms, s.id LIMIT ?`,
          nowMs,
          limit,
        );
        return rows.map((row) => ({ schedule: rowToSchedule(row['project_id'] as string, row), nowMs }));
      }),
    advanceSchedule: (projectId, id, { fromMs, toMs }) =>
      quietly((db) => {
        const sql =
          'UPDATE work_schedules SET next_at_ms = ?, last_at_ms = ? WHERE project_key = ? AND id = ? AND next_at_ms = ?';
        return db.run(sql, toMs, fromMs, findProject(db, projectId), id, fromMs) > 0;
      }),
  };
}

function createPeople({ clock, read, quietly }: WorkPlace): People {
  return {
    putAgent: (agent) =>
      quietly((db) => {
        db.run(
          `INSERT INTO work_agents (project_key, id, body) VALUES (?, ?, ?) ON CONFLICT (project_key, id) DO UPDATE SET body = excluded.body`,
          ...[projectKeyOf(db, agent.projectId), agent.agentId, agentToBody(agent)],
        );
      }),
    getAgent: (projectId, agentId) =>
      read((db) => {
        const sql = 'SELECT * FROM work_agents WHERE project_key = ? AND id = ?';
        const row = db.get(sql, findProject(db, projectId), agentId);
        return row === undefined ? null : rowToAgent(projectId, row);
      }),
    listAgents: (projectId) =>
      read((db) => db.all(listAll('work_agents'), findProject(db, projectId)).map((row) => rowToAgent(projectId, row))),
    putWorker: (projectId, worker) =>
      quietly((db) => {
        db.run(
          `INSERT INTO work_workers (project_key, id, seen_at_ms, body) VALUES (?, ?, ?, ?)
           ON CONFLICT (project_key, id) DO UPDATE SET seen_at_ms = excluded.seen_at_ms, body = excluded.body`,
          ...[projectKeyOf(db, projectId), worker.workerId, clock.nowMs(), workerToBody(worker)],
        );
      }),
    removeWorker: (projectId, workerId) =>
      quietly((db) => {
        db.run('DELETE FROM work_workers WHERE project_key = ? AND id = ?', findProject(db, projectId), workerId);
      }),
    listWorkers: (projectId) =>
      read((db) => db.all(listAll('work_workers'), findProject(db, projectId)).map(rowToWorker)),
  };
}

/** Agents, schedules and workers of projects. */
export function createRegisters(place: WorkPlace): Schedules & People {
  return { ...createSchedules(place), ...createPeople(place) };
}
