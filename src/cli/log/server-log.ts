import type { UpkeepState } from '../../core/life/upkeep.ts';
import type { Problem } from '../../indexer/index.ts';
import type { RequestNote } from '../../server/index.ts';
import { errorToLine } from '../print/complaint.ts';
import type { Log } from './log.ts';

/** A request that takes longer is told of though it was answered well. */
const slowMs = 1000;

/** Tells of requests that were refused, failed or slow; of others nothing. */
export function logRequest(log: Log, { method, route, status, durationMs, projectId, keyId }: RequestNote): void {
  const facts = { method, route, status, ms: Math.round(durationMs), project: projectId, key: keyId };
  if (status >= 500) log.error('request-failed', facts);
  else if (status >= 400) log.warn('request-refused', facts);
  else if (durationMs >= slowMs) log.warn('request-slow', facts);
}

/** Tells of what could not be imported or sealed. */
export function logProblem(log: Log, { file, message }: Problem): void {
  // The sealer names a run or a project's seals, the importer a journal.
  const event = /^(?:run |newest seal of )/.test(file) ? 'seal-refused' : 'import-problem';
  log.warn(event, { file: errorToLine(file), message: errorToLine(message) });
}

/** Tells of what retention, sampling and quota did since the last time, and of a failure once. */
export function createUpkeepLog(log: Log): (state: UpkeepState) => void {
  let before: UpkeepState | null = null;
  return (state) => {
    const { error, purgedRuns, sampledRuns, quota } = state;
    const quotaRuns = quota?.droppedRuns ?? 0;
    const purged = purgedRuns - (before?.purgedRuns ?? 0);
    const sampled = sampledRuns - (before?.sampledRuns ?? 0);
    const forQuota = quotaRuns - (before?.quota?.droppedRuns ?? 0);
    if (purged > 0 || sampled > 0 || forQuota > 0)
      log.info('upkeep', { purgedRuns: purged, sampledRuns: sampled, quotaRuns: forQuota });
    if (error !== null && error !== before?.error) log.error('upkeep-failed', { message: errorToLine(error) });
    before = state;
  };
}
