import { isTerminal, type RunView } from '../model/run.ts';

/** Which ended runs keep their words. */
export interface Sampling {
  /** The share of ordinary runs that keep theirs, from 0 to 1. */
  readonly keep: number;
  /** Runs that took at least so long keep theirs; `null`: no run is slow. */
  readonly slowMs: number | null;
  /** Runs that cost at least so much keep theirs; `null`: no run is expensive. */
  readonly costUsd: number | null;
  /** How long after its last write a run is looked at. */
  readonly afterHours: number;
}

const nanoPerUsd = 1e9;

/** A place from 0 to 1 for an id, the same everywhere: the random last half of a UUID, read as a fraction. */
function idToShare(id: string): number {
  const digits = id.replaceAll('-', '').slice(-12);
  return Number.parseInt(digits, 16) / 0x1_0000_0000_0000;
}

/** Why a run keeps its words whatever its luck; `null` when it is an ordinary one. Unknown costs are not small (I12). */
export function whyKept(run: RunView, { slowMs, costUsd }: Sampling): string | null {
  if (!isTerminal(run.status)) return 'open';
  if (run.status !== 'completed' || run.summary.hasError || run.errorCode !== null) return 'error';
  if (run.swept || run.counts.gaps > 0 || run.counts.missing > 0) return 'incomplete';
  if (slowMs !== null && (run.durationMs === null || run.durationMs >= slowMs)) return 'slow';
  if (costUsd === null) return null;
  return run.costNanoUsd === null || run.costNanoUsd >= costUsd * nanoPerUsd ? 'expensive' : null;
}

/**
 * True when the words of a tree of runs go: its root drew no lot, and none of its runs failed, is open, incomplete, slow
 * or expensive. The lot is drawn by the root's id, so the whole tree has one fate, and the same one wherever it is asked.
 */
export function isSampledOut(tree: readonly RunView[], sampling: Sampling): boolean {
  const [root] = tree;
  if (root === undefined || idToShare(root.rootRunId) < sampling.keep) return false;
  return tree.every((run) => whyKept(run, sampling) === null);
}
