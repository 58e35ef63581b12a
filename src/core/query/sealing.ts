import type { RunView } from '../model/run.ts';
import { isTerminal } from '../model/run.ts';
import type { Seal } from '../record/seal.ts';
import type { WriterHead } from '../store.ts';

/** True for a run that has ended and has events beyond its newest seal: the indexer seals it next. */
export function isSealDue(run: Pick<RunView, 'status'>, writers: readonly WriterHead[], newest: Seal | null): boolean {
  if (!isTerminal(run.status)) return false;
  const countByWriter = new Map(newest?.writers.map((writer) => [writer.writerId, writer.count]));
  return writers.some((writer) => writer.n > (countByWriter.get(writer.writerId) ?? 0));
}

/** True when events have come to a run since its writers were seen. */
export function haveWritersMoved(seen: readonly WriterHead[], writers: readonly WriterHead[]): boolean {
  const countByWriter = new Map(seen.map(({ writerId, n }) => [writerId, n]));
  return writers.some(({ writerId, n }) => countByWriter.get(writerId) !== n);
}
