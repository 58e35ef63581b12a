import { TachographError } from '../../core/error.ts';
import type { RunRequest } from '../../core/work/request.ts';
import { parseRunRequest, requestToKey } from '../../core/work/request.ts';
import type { WorkSecrets } from '../../core/work/secrets.ts';
import type { WorkStore } from '../../core/work/work.ts';

/**
 * A quick memory in front of creation, such as Redis, for events that come again and again. It never decides: what it
 * says is looked up in the store, and what it does not know, or cannot say in time, is created as without it. With Redis,
 * `remember` is `SET key runId NX EX 86400` and `claim` is `GET key`; no client of it is needed by this package.
 */
export interface Frontdoor {
  /** The run that was remembered for an event, or `null`. The digest is keyed: nothing of the event can be read from it. */
  claim(keyDigest: string): Promise<string | null>;
  /** Remembers the run of an event, for a day or so. */
  remember(keyDigest: string, runId: string): Promise<void>;
}

/** How a front door is put in front of creation. */
export interface FrontdoorOptions {
  readonly frontdoor: Frontdoor;
  readonly projectId: string;
  readonly secrets: WorkSecrets;
  readonly work: Pick<WorkStore, 'get'>;
  /** How long its answer is waited for; 100 ms unless said. */
  readonly waitMs?: number;
  /** Told when it fails. */
  readonly onError: (error: unknown) => void;
}

/** What creation answers. */
export interface Created {
  readonly runId: string;
  readonly duplicate: boolean;
}

const waitMsDefault = 100;

/** What comes within the time, else `null`; a failure is told and is `null` too. */
async function inTime<T>(asked: () => Promise<T>, { waitMs = waitMsDefault, onError }: FrontdoorOptions) {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => {
      onError(
        new TachographError('store-busy', `The front door has not answered within ${waitMs} ms; it is passed by.`),
      );
      resolve(null);
    }, waitMs);
  });
  try {
    return await Promise.race([asked(), late]);
  } catch (error) {
    onError(error);
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** Creation with a front door: a run that it remembers is looked up instead of written again. Its outage costs time only. */
export function withFrontdoor(
  create: (request: RunRequest) => Promise<Created>,
  options: FrontdoorOptions,
): (request: RunRequest) => Promise<Created> {
  const { frontdoor, projectId, secrets, work, onError } = options;
  return async (given) => {
    const request = parseRunRequest(given);
    const key = requestToKey(request);
    if (key === null) return create(request);
    // The input is part of it: the same event with another input is not remembered, and so refused by the store.
    const inputDigest = secrets.digest(request.input ?? {});
    const digest = secrets.digest([projectId, ...key, inputDigest]);
    const runId = await inTime(() => frontdoor.claim(digest), options);
    if (runId !== null) {
      const row = await work.get(projectId, runId);
      if (row !== null && row.inputDigest === inputDigest) return { runId, duplicate: true };
    }
    const created = await create(request);
    // Nobody waits for it.
    void (async () => frontdoor.remember(digest, created.runId))().catch(onError);
    return created;
  };
}
