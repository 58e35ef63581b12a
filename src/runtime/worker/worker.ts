import type { RuntimeParts } from '../parts.ts';
import { runSchedules } from '../schedule/scheduler.ts';
import { wakeHubOf } from '../wake.ts';
import type { Assignment } from './assignment.ts';
import { createClaimLoop } from './claim-loop.ts';
import { createEndings } from './ending.ts';
import { executeRun, StopReason } from './execution.ts';
import { createLeaseBook } from './lease-book.ts';
import type { WorkerOptions } from './options.ts';
import { toWorkerSettings } from './options.ts';
import { createRegistry } from './registry.ts';
import { reapOnce } from './reaper.ts';
import type { Beat } from './beat.ts';
import { createBeat } from './beat.ts';

/** How a worker stands. */
export interface WorkerStatus {
  readonly workerId: string;
  readonly isRunning: boolean;
  readonly isStopping: boolean;
  /** Handlers at work. */
  readonly running: number;
  /** Taken and not begun. */
  readonly waiting: number;
  /** Ends that are being written. */
  readonly ending: number;
  /** Runs that it took until now, and how many of them it brought to some end of its own. */
  readonly claimed: number;
  readonly finished: number;
}

/** A process's part in the work of its projects. */
export interface Worker {
  readonly workerId: string;
  start(): Promise<void>;
  /**
   * Takes no more runs, at once. Those at work keep their lease for `graceMs`; what is unfinished then is aborted and given
   * back, and the attempt does not count. Never rejects.
   */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
  /** Resolves when it has nothing to do, and found nothing when it last looked. */
  idle(): Promise<void>;
  status(): WorkerStatus;
}

/** An end nobody wakes us for is looked for this soon at most. */
const dueMsMax = 60_000;

const wait = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** A worker at rest. `bad-argument` for options that cannot work. */
export function createWorker(parts: RuntimeParts, options: WorkerOptions): Worker {
  const settings = toWorkerSettings(options, `worker-${parts.ids.hex(8)}`);
  const { workerId, concurrency, projectIds } = settings;
  const book = createLeaseBook(parts, settings);
  const endings = createEndings(parts);
  const registry = createRegistry(parts, settings);
  const running = new Set<Assignment>();
  const pendingEnds = new Set<Promise<void>>();
  const dueTimers = new Set<NodeJS.Timeout>();
  const touched = new Set<string>();
  const beats: Beat[] = [];
  const isOwn = (projectId: string): boolean => projectIds === 'all' || projectIds.includes(projectId);
  let isRunning = false;
  let isStopping = false;
  let claimed = 0;
  let finished = 0;

  const wakeAt = (delayMs: number): void => {
    if (delayMs > dueMsMax || isStopping) return;
    const timer = setTimeout(
      () => {
        dueTimers.delete(timer);
        wakeHubOf(parts.work).fire();
      },
      Math.max(0, delayMs) + 1,
    );
    dueTimers.add(timer);
  };

  const end = async (assignment: Assignment, work: Awaited<ReturnType<typeof executeRun>>): Promise<void> => {
    const next = await endings.end({ assignment, ...work });
    book.remove(assignment);
    if (next === null) return;
    finished += 1;
    const { queueAtMs } = next;
    if (queueAtMs !== null) wakeAt(queueAtMs - (await parts.work.nowMs()));
  };

  const track = (ended: Promise<void>): void => {
    const tracked = ended.catch(parts.onError).finally(() => pendingEnds.delete(tracked));
    pendingEnds.add(tracked);
  };

  const begin = (assignment: Assignment): void => {
    running.add(assignment);
    track(
      executeRun(parts, settings, assignment).then((work) => {
        running.delete(assignment);
        const ended = end(assignment, work);
        loop.freed();
        return ended;
      }),
    );
  };

  const loop = createClaimLoop({
    parts,
    settings,
    async prepare(projectId) {
      await registry.show([projectId]);
      return registry.limitsOf(projectId);
    },
    room: () => concurrency - running.size,
    ending: () => endings.size,
    onClaimed(assignments) {
      claimed += assignments.length;
      for (const { projectId } of assignments) touched.add(projectId);
      book.add(assignments);
    },
    begin,
  });

  const settle = async (): Promise<void> => {
    while (pendingEnds.size > 0) await Promise.all(pendingEnds);
    await endings.idle();
  };

  const giveBack = (assignments: readonly Assignment[]): void => {
    for (const assignment of assignments) {
      const joined = parts.recorderOf(assignment.projectId).joinRun(assignment.join);
      joined.leave();
      track(end(assignment, { joined, outcome: { kind: 'released' } }));
    }
  };

  const stop = async (graceMs: number): Promise<void> => {
    isStopping = true;
    const telling = registry.beat(true);
    giveBack(await loop.stop());
    for (const timer of dueTimers) clearTimeout(timer);
    const isThrough = (): boolean => running.size === 0;
    const untilMs = parts.clock.monotonicMs() + graceMs;
    while (!isThrough() && parts.clock.monotonicMs() < untilMs) await wait(Math.min(20, graceMs));
    for (const { lease, row } of running) lease.end(new StopReason(row.runId));
    await settle();
    // What late ends had to say is in the store as well when the process goes.
    await Promise.all([...touched].map((projectId) => parts.recorderOf(projectId).settle().catch(parts.onError)));
    await Promise.all(beats.splice(0).map((beat) => beat.stop()));
    book.stop();
    await telling;
    await registry.remove();
    isRunning = false;
    isStopping = false;
  };

  let stopping: Promise<void> | null = null;

  return {
    workerId,
    async start() {
      if (isRunning) return;
      isRunning = true;
      book.start();
      if (projectIds !== 'all') await registry.show(projectIds);
      const { reapMs, scheduleMs, heartbeatMs } = settings;
      const { onError } = parts;
      beats.push(createBeat({ everyMs: heartbeatMs, work: () => registry.beat(isStopping), onError }));
      if (reapMs !== null)
        beats.push(createBeat({ everyMs: reapMs, work: async () => void (await reapOnce(parts, isOwn)), onError }));
      if (scheduleMs !== null)
        beats.push(
          createBeat({ everyMs: scheduleMs, work: async () => void (await runSchedules(parts, isOwn)), onError }),
        );
      loop.start();
    },
    stop({ graceMs = 10_000 } = {}) {
      if (!isRunning) return Promise.resolve();
      stopping ??= stop(graceMs).finally(() => {
        stopping = null;
      });
      return stopping;
    },
    async idle() {
      for (;;) {
        await settle();
        if (!isRunning || (loop.isDry && running.size === 0 && pendingEnds.size === 0)) return;
        await wait(5);
      }
    },
    status: () => ({
      workerId,
      isRunning,
      isStopping,
      running: running.size,
      waiting: loop.waiting,
      ending: endings.size,
      claimed,
      finished,
    }),
  };
}
