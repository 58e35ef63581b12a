import type { BudgetLedger } from '../../core/work/budget-ledger.ts';

/** Looks whether the emergency stop has been put on, for calls that are out. */
export interface StopWatch {
  /** Calls `stop` once when the stop of the project or of all is on; the function given back ends the watch. */
  watch(projectId: string, stop: () => void): () => void;
}

/** A call is cut off within this and the time that the ledger takes to answer. */
const everyMsDefault = 400;

/** A watch that asks the ledger every `everyMs` for each project that has a call out, and not at all while none is. */
export function createStopWatch(ledger: Pick<BudgetLedger, 'stops'>, everyMs = everyMsDefault): StopWatch {
  const waitingByProject = new Map<string, Set<() => void>>();

  const lookLater = (projectId: string): void => void setTimeout(() => void look(projectId), everyMs).unref();
  const look = async (projectId: string): Promise<void> => {
    const waiting = waitingByProject.get(projectId)!;
    if (waiting.size === 0) return void waitingByProject.delete(projectId);
    try {
      const stops = await ledger.stops(projectId);
      if (stops.platform || stops.project)
        for (const stop of [...waiting]) {
          waiting.delete(stop);
          stop();
        }
    } catch {
      // A ledger that is away lets no new call out; what is out is looked at again.
    }
    lookLater(projectId);
  };

  return {
    watch(projectId, stop) {
      let waiting = waitingByProject.get(projectId);
      if (waiting === undefined) {
        waitingByProject.set(projectId, (waiting = new Set()));
        lookLater(projectId);
      }
      waiting.add(stop);
      return () => void waiting.delete(stop);
    },
  };
}
