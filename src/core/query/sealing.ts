import type { RunView } from '../model/run.ts';
import { isTerminal } from '../model/run.ts';
import type { Seal } from '../record/seal.ts';
import type { WriterHead } from '../store.ts';

/** True for a run that has ended and has events beyond its newest seal: the indexer seals it next. */
export function isSealDue(run: RunView, writers: readonly WriterHead[], newest: Seal | null): boolean {
  if (!isTerminal(run.status)) return false;
  const countByWriter = new Map(newest?.writers.map((writer) => [writer.writerId, writer.count]));
  return writers.some((writer) => writer.n > (countByWriter.get(writer.writerId) ?? 0));
}
