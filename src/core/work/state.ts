import type { EndReason, RunStatus } from '../model/run.ts';
import { isTerminal } from '../model/run.ts';

/*
 *   pending ──► running ──► completed | failed | cancelled | timeout
 *      │          │  ▲
 *      │          │  ├──────── waiting_tool ──► pending (reclaim) | failed | cancelled | timeout
 *      │          │  └──────── waiting_approval ──► cancelled (denied) | timeout     (granted: claimed again)
 *      │          └─ reclaim or release ► pending
 *      └──► failed (refused) | cancelled | timeout
 */

const edges: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  pending: ['running', 'failed', 'cancelled', 'timeout'],
  running: ['waiting_tool', 'waiting_approval', 'completed', 'failed', 'cancelled', 'timeout', 'pending'],
  waiting_tool: ['running', 'pending', 'failed', 'cancelled', 'timeout'],
  waiting_approval: ['running', 'cancelled', 'timeout'],
  completed: [],
  failed: [],
  cancelled: [],
  timeout: [],
};

/** True when a run may go from one status to the other. */
export function isLegalEdge(from: RunStatus, to: RunStatus): boolean {
  return edges[from].includes(to);
}

/** Why a run's state changes without ending. */
export const stateCauses = [
  /** A worker took it. */
  'claim',
  /** Its worker's lease ran out. */
  'reclaim',
  /** Its worker stops, and gives it back without the attempt being counted. */
  'release',
  /** Its handler failed in a way that may pass. */
  'retry',
  /** Its handler waits for a time or a signal, and gives it back meanwhile. */
  'sleep',
  /** A tool outside works on it; the lease is kept. */
  'tool-start',
  'tool-end',
  /** A person is asked. */
  'ask',
  /** A person said yes. */
  'grant',
] as const;

/** One of the closed list of causes. */
export type StateCause = (typeof stateCauses)[number];

const statusByCause: Readonly<Record<StateCause, RunStatus>> = {
  claim: 'running',
  reclaim: 'pending',
  release: 'pending',
  retry: 'pending',
  sleep: 'pending',
  'tool-start': 'waiting_tool',
  'tool-end': 'running',
  ask: 'waiting_approval',
  grant: 'waiting_approval',
};

const statusesByCause: Readonly<Record<StateCause, readonly RunStatus[]>> = {
  claim: ['pending', 'waiting_approval'],
  reclaim: ['running', 'waiting_tool'],
  release: ['running', 'waiting_tool'],
  retry: ['running', 'waiting_tool'],
  sleep: ['running'],
  'tool-start': ['running'],
  'tool-end': ['waiting_tool'],
  ask: ['running'],
  grant: ['waiting_approval'],
};

/** The status after a change that ends nothing, or `null` when the run's status does not allow it. */
export function nextStatus(from: RunStatus, cause: StateCause): RunStatus | null {
  return statusesByCause[cause].includes(from) ? statusByCause[cause] : null;
}

/** True when a run of this status may end for this reason. A run that nobody began neither completed nor lost a lease. */
export function isEndAllowed(from: RunStatus, reason: EndReason, to: RunStatus): boolean {
  if (!isLegalEdge(from, to)) return false;
  if (from === 'pending') return reason !== 'lease_lost' && reason !== 'rejected';
  if (from === 'waiting_approval') return to !== 'failed' && to !== 'completed';
  return true;
}

/** True while a worker's lease is on the run. */
export function isLeased(status: RunStatus): boolean {
  return status === 'running' || status === 'waiting_tool';
}

export { isTerminal };
