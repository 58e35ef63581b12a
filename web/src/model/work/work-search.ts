import type { RunView } from '../../api/wire.ts';
import { runStatuses } from '../run-search.ts';

/** What the page about work shows. */
export const workTabs = ['queue', 'workers', 'dead', 'budgets', 'schedules', 'shadow'] as const;

/** One of the tabs. */
export type WorkTab = (typeof workTabs)[number];

/** The state of the page as its address shows it. */
export interface WorkSearch {
  readonly tab?: WorkTab;
  readonly state?: RunView['status'];
  readonly agent?: string;
}

/** Reads the page's state from an address; unknown fields are left out. */
export function parseWorkSearch(raw: Readonly<Record<string, unknown>>): WorkSearch {
  const tab = workTabs.find((known) => known === raw['tab']);
  const state = runStatuses.find((known) => known === raw['state']);
  const agent = typeof raw['agent'] === 'string' && raw['agent'] !== '' ? raw['agent'] : undefined;
  return {
    ...(tab === undefined ? {} : { tab }),
    ...(state === undefined ? {} : { state }),
    ...(agent === undefined ? {} : { agent }),
  };
}

/** Runs by agent, one number for each state; agents in the order they came. */
export function countsToRows(
  counts: readonly { readonly agentId: string; readonly state: RunView['status']; readonly count: number }[],
): readonly { readonly agentId: string; readonly countByState: ReadonlyMap<string, number> }[] {
  const byAgent = new Map<string, Map<string, number>>();
  for (const { agentId, state, count } of counts) {
    const row = byAgent.get(agentId) ?? new Map<string, number>();
    byAgent.set(agentId, row.set(state, count));
  }
  return [...byAgent].map(([agentId, countByState]) => ({ agentId, countByState }));
}

/** Where a run as work stands, in a few words; `nowMs` is the store's. */
export function workToPlace(
  work: { readonly state: RunView['status']; readonly queueAtMs: number | null; readonly waitingFor: string | null },
  nowMs: number,
): 'waits for a worker' | 'sleeps' | 'waits for a signal' | 'waits for a person' | 'at work' | 'over' {
  if (work.state === 'pending') {
    if (work.waitingFor !== null) return 'waits for a signal';
    return work.queueAtMs !== null && work.queueAtMs <= nowMs ? 'waits for a worker' : 'sleeps';
  }
  if (work.state === 'waiting_approval') return work.queueAtMs === null ? 'waits for a person' : 'waits for a worker';
  return work.state === 'running' || work.state === 'waiting_tool' ? 'at work' : 'over';
}

/** A time as seen from another: `in 12 s`, `4 s ago`, `now`; `n/a` when there is none (I12). */
export function toDistance(timeMs: number | null, nowMs: number, toWords: (ms: number) => string): string {
  if (timeMs === null) return 'n/a';
  const ms = timeMs - nowMs;
  if (Math.abs(ms) < 500) return 'now';
  return ms > 0 ? `in ${toWords(ms)}` : `${toWords(-ms)} ago`;
}
