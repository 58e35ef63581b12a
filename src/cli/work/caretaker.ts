import type { Budgets, Notifier } from '../../runtime/budget/index.ts';
import { createAlertSender } from '../../runtime/budget/index.ts';
import { reapOnce, runSchedules } from '../../runtime/index.ts';
import { createBeat } from '../../runtime/worker/beat.ts';
import type { HomeParts } from './runtime-parts.ts';

/** Looks after the work of a store while no worker does. */
export interface Caretaker {
  close(): Promise<void>;
}

/** What a caretaker works with. */
export interface CaretakerParts {
  readonly parts: HomeParts;
  readonly budgets: Budgets;
  /** Is told of budgets that run out. */
  readonly notifier: Notifier;
}

/** How often it looks: as workers do. */
const everyMs = { reap: 10_000, schedule: 1000, expire: 10_000, tidy: 60_000 };
/** A worker that was not seen for so long did not take itself from the list: it is taken for dead. */
const goneMs = 3_600_000;

/** Takes workers that are gone from the lists of all projects. */
async function dropGoneWorkers({ store, work }: HomeParts): Promise<void> {
  const nowMs = await work.nowMs();
  for (const { id } of await store.directory.listProjects())
    for (const { workerId, seenAtMs } of await work.listWorkers(id))
      if (nowMs - seenAtMs > goneMs) await work.removeWorker(id, workerId);
}

/**
 * Claims back what dead workers had, ends what is out of time, creates what is scheduled, takes back reservations that were
 * held too long, and tells of budgets that run out. Of all projects; any number may do so at once.
 */
export function startCaretaker(of: CaretakerParts, times: Partial<typeof everyMs> = {}): Caretaker {
  const { parts, budgets, notifier } = of;
  const { onError } = parts;
  const { reap, schedule, expire, tidy } = { ...everyMs, ...times };
  const isOwn = (): boolean => true;
  const alerts = createAlertSender({ ledger: parts.work.budgets, notifier, onError });
  alerts.start();
  const beats = [
    createBeat({ everyMs: reap, work: async () => void (await reapOnce(parts, isOwn)), onError }),
    createBeat({ everyMs: schedule, work: async () => void (await runSchedules(parts, isOwn)), onError }),
    createBeat({ everyMs: tidy, work: () => dropGoneWorkers(parts), onError }),
    createBeat({ everyMs: expire, work: async () => void (await budgets.expire()), onError }),
  ];
  return {
    async close() {
      await Promise.all(beats.map((beat) => beat.stop()));
      await alerts.stop();
    },
  };
}
