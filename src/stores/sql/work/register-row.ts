import type { Agent } from '../../../core/work/agent.ts';
import type { Schedule } from '../../../core/work/schedule.ts';
import type { WorkerRow } from '../../../core/work/work.ts';
import { cellToBytes, cellToNumber, cellToText, parseStored, type SqlRow } from '../value.ts';

/*
 * Agents, schedules and workers are few and read whole: what is asked for is a column, the rest one JSON text.
 */

const textOf = (row: SqlRow): { readonly [key: string]: unknown } => parseStored(cellToText(row['body']) ?? '');

/** What of an agent has no column of its own, as JSON. */
export function agentToBody({ tools, runsMax, handlerVersion, updatedAtMs }: Agent): string {
  return JSON.stringify({ tools, runsMax, handlerVersion, updatedAtMs });
}

/** An agent from its row. */
export function rowToAgent(projectId: string, row: SqlRow): Agent {
  const body = textOf(row);
  return {
    projectId,
    agentId: row['id'] as string,
    tools: Array.isArray(body['tools']) ? (body['tools'] as Agent['tools']) : [],
    runsMax: cellToNumber(body['runsMax']),
    handlerVersion: cellToText(body['handlerVersion']),
    updatedAtMs: cellToNumber(body['updatedAtMs']) ?? 0,
  };
}

/** What of a schedule has no column of its own, as JSON. */
export function scheduleToBody({ agentId, cron, timeZone, createdAtMs }: Schedule): string {
  return JSON.stringify({ agentId, cron, timeZone, createdAtMs });
}

/** A schedule from its row. */
export function rowToSchedule(projectId: string, row: SqlRow): Schedule {
  const body = textOf(row);
  return {
    projectId,
    id: row['id'] as string,
    agentId: cellToText(body['agentId']) ?? '',
    cron: cellToText(body['cron']) ?? '',
    timeZone: cellToText(body['timeZone']) ?? 'UTC',
    sealed: cellToBytes(row['sealed']),
    isPaused: row['is_paused'] === 1,
    nextAtMs: cellToNumber(row['next_at_ms']),
    lastAtMs: cellToNumber(row['last_at_ms']),
    createdAtMs: cellToNumber(body['createdAtMs']) ?? 0,
  };
}

/** What of a worker has no column of its own, as JSON. */
export function workerToBody({ host, pid, agentIds, concurrency, startedAtMs, isStopping }: WorkerRow): string {
  return JSON.stringify({ host, pid, agentIds, concurrency, startedAtMs, isStopping });
}

/** A worker from its row. */
export function rowToWorker(row: SqlRow): WorkerRow {
  const body = textOf(row);
  return {
    workerId: row['id'] as string,
    host: cellToText(body['host']) ?? '',
    pid: cellToNumber(body['pid']) ?? 0,
    agentIds: Array.isArray(body['agentIds']) ? (body['agentIds'] as string[]) : [],
    concurrency: cellToNumber(body['concurrency']) ?? 0,
    startedAtMs: cellToNumber(body['startedAtMs']) ?? 0,
    seenAtMs: cellToNumber(row['seen_at_ms']) ?? 0,
    isStopping: body['isStopping'] === true,
  };
}
