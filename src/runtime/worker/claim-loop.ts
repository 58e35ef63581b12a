import type { RuntimeParts } from '../parts.ts';
import { wakeHubOf } from '../wake.ts';
import type { Assignment } from './assignment.ts';
import { claimRuns } from './claim.ts';
import type { WorkerSettings } from './options.ts';
import { createTurns } from './turns.ts';

/** Takes runs for a worker, and hands them to it one by one as it has room. */
export interface ClaimLoop {
  start(): void;
  /** Takes no more. Gives what was taken and not begun. */
  stop(): Promise<readonly Assignment[]>;
  /** A run ended here: there is room. */
  freed(): void;
  /** Taken and not begun. */
  readonly waiting: number;
  /** True after a look that found nothing more, with nothing taken and not begun. */
  readonly isDry: boolean;
}

/** What the loop needs of its worker. */
export interface ClaimLoopParts {
  readonly parts: RuntimeParts;
  readonly settings: WorkerSettings;
  /** Shows the worker to a project before it takes the first run of it, and gives the limits of its agents there. */
  readonly prepare: (projectId: string) => Promise<ReadonlyMap<string, number>>;
  /** How many more may be begun now. */
  readonly room: () => number;
  /** Ends that are not written yet. */
  readonly ending: () => number;
  readonly onClaimed: (assignments: readonly Assignment[]) => void;
  readonly begin: (assignment: Assignment) => void;
}

/** Runs that end faster than they are claimed are claimed ahead: as many as ended in this time, or while three claims took. */
const aheadMs = 50;
const aheadClaims = 3;
const aheadMsMax = 500;
const aheadMax = 500;
const endingMax = 1000;

/** A claim loop at rest. */
export function createClaimLoop(loop: ClaimLoopParts): ClaimLoop {
  const { parts, settings } = loop;
  const { clock, work } = parts;
  const turns = createTurns();
  const waitingByProject = new Map<string, Assignment[]>();
  const unlisten: (() => void)[] = [];
  let hasLimits = settings.projectRunsMax !== null;
  let waiting = 0;
  let endTimes: number[] = [];
  /** How long the last round took. */
  let roundMs = 0;
  let isStopped = true;
  let isDry = false;
  let isWanted = false;
  let isFreed = false;
  let flight: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;

  const dispatch = (): void => {
    while (waiting > 0 && loop.room() > 0 && !isStopped) {
      const name = turns.next([...waitingByProject.keys()])!;
      const queue = waitingByProject.get(name)!;
      const assignment = queue.shift()!;
      if (queue.length === 0) waitingByProject.delete(name);
      waiting -= 1;
      loop.begin(assignment);
    }
  };

  const keep = (assignments: readonly Assignment[]): void => {
    loop.onClaimed(assignments);
    for (const each of assignments)
      waitingByProject.set(each.projectId, [...(waitingByProject.get(each.projectId) ?? []), each]);
    waiting += assignments.length;
    dispatch();
  };

  const room = (): number => {
    if (loop.ending() > endingMax) return 0;
    const sinceMs = clock.monotonicMs() - Math.min(aheadMsMax, Math.max(aheadMs, aheadClaims * roundMs));
    endTimes = endTimes.filter((atMs) => atMs >= sinceMs);
    return loop.room() + Math.min(endTimes.length, aheadMax, settings.concurrency * 10) - waiting;
  };

  const waitingProjects = async (): Promise<readonly string[]> => {
    const { projectIds } = settings;
    if (projectIds !== 'all' && projectIds.length <= 1) return projectIds;
    const found = await work.waitingProjects();
    return projectIds === 'all' ? found : found.filter((id) => projectIds.includes(id));
  };

  /** One round: true when there may be more to take at once. */
  const round = async (): Promise<boolean> => {
    const asked = room();
    if (asked <= 0) return false;
    const startedMs = clock.monotonicMs();
    const projects = await waitingProjects();
    let isMore = false;
    let taken = 0;
    for (const { name, room: limit } of turns.share(asked, projects)) {
      if (isStopped) return false;
      const runsMaxByAgent = await loop.prepare(name);
      hasLimits ||= runsMaxByAgent.size > 0;
      const claimed = await claimRuns(parts, settings, { projectId: name, limit, runsMaxByAgent });
      taken += claimed.length;
      if (claimed.length === limit) isMore = true;
      keep(claimed);
    }
    roundMs = clock.monotonicMs() - startedMs;
    isDry = taken === 0 || !(isMore || projects.length > asked);
    return !isDry && room() > 0;
  };

  const fly = async (): Promise<void> => {
    while (isWanted && !isStopped) {
      isWanted = false;
      try {
        if (await round()) isWanted = true;
      } catch (error) {
        // The next poll tries again.
        parts.onError(error);
        isDry = false;
      }
    }
    flight = null;
  };

  const want = (): void => {
    if (isStopped) return;
    isWanted = true;
    flight ??= fly();
  };

  /** Something may wait that the last look did not see. */
  const wake = (): void => {
    isDry = false;
    want();
  };

  return {
    start() {
      if (!isStopped) return;
      isStopped = false;
      unlisten.push(wakeHubOf(work).listen(wake));
      if (settings.onWake !== null) unlisten.push(settings.onWake(wake));
      timer = setInterval(wake, settings.pollMs);
      want();
    },
    async stop() {
      isStopped = true;
      if (timer !== null) clearInterval(timer);
      timer = null;
      for (const end of unlisten.splice(0)) end();
      await flight;
      const left = [...waitingByProject.values()].flat();
      waitingByProject.clear();
      waiting = 0;
      return left;
    },
    freed() {
      endTimes.push(clock.monotonicMs());
      if (!isDry || hasLimits) want();
      if (isFreed) return;
      isFreed = true;
      // Between two runs the event loop gets its turn: heartbeats and ends must not wait for a queue to run dry.
      setImmediate(() => {
        isFreed = false;
        dispatch();
      });
    },
    get waiting() {
      return waiting;
    },
    get isDry() {
      return isDry && waiting === 0 && flight === null;
    },
  };
}
