import type { RunFilter, Store } from '../store.ts';

/** A filter with its identifiers as they are recorded. */
function toRecorded(filter: RunFilter, identify: (name: string) => string): RunFilter {
  const { callerId, channelId, sessionId } = filter;
  return {
    ...filter,
    ...(callerId === undefined ? {} : { callerId: identify(callerId) }),
    ...(channelId === undefined ? {} : { channelId: identify(channelId) }),
    ...(sessionId === undefined ? {} : { sessionId: identify(sessionId) }),
  };
}

/**
 * A store that is asked for callers, channels and sessions by their names and knows them by pseudonym. Pseudonyms may be
 * asked for too: `identify` leaves them as they are.
 */
export function withPseudonyms(store: Store, identify: (name: string) => string): Store {
  return {
    ...store,
    listRuns: (projectId, filter, page) => store.listRuns(projectId, toRecorded(filter, identify), page),
    countRuns: (projectId, filter) => store.countRuns(projectId, toRecorded(filter, identify)),
  };
}
