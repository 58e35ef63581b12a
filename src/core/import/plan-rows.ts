import type { AttemptView } from '../model/attempt.ts';
import type { RunView } from '../model/run.ts';
import type { StepView } from '../model/step.ts';
import type { Content } from '../content/content.ts';
import type { ContextNode } from '../content/context.ts';
import type { StoredEvent, WriterHead } from '../store.ts';

/** A step by name. Only both ids name one: nothing keeps a hostile journal from using the id of another run's step. */
export interface StepOfRun {
  readonly runId: string;
  readonly stepId: string;
}

/** What a store must load before a batch can be planned. */
export interface ImportKeys {
  readonly runIds: readonly string[];
  readonly steps: readonly StepOfRun[];
  /** Steps whose attempts are touched. */
  readonly attemptSteps: readonly StepOfRun[];
  /** Contents that previews and summaries are made of and that the batch itself does not carry, by run. */
  readonly contents: readonly { readonly runId: string; readonly contentId: string }[];
}

/** Key of a content in maps: the same content in two epochs is kept twice. */
export function contentKey(epoch: number, contentId: string): string {
  return `${epoch}/${contentId}`;
}

/** The rows a store loaded for a batch; what is not there is simply absent from the maps. */
export interface ImportRows {
  readonly runById: ReadonlyMap<string, RunView>;
  /** The epoch each known run lives in. */
  readonly epochByRun: ReadonlyMap<string, number>;
  /** By `stepKey`. */
  readonly stepByKey: ReadonlyMap<string, StepView>;
  /** By `attemptKey`. */
  readonly attemptByKey: ReadonlyMap<string, AttemptView>;
  /** Writer heads by `${runId}/${writerId}`. */
  readonly writerByKey: ReadonlyMap<string, WriterHead>;
  /** By `contentKey`. */
  readonly contentByKey: ReadonlyMap<string, Content>;
}

/**
 * A use of a content by a run, written for what the run's journal brought anew. A run that only continues a known
 * prefix has no uses of its own for it: erasure finds those through the context tips of the steps.
 */
export interface ContentUse {
  readonly epoch: number;
  readonly runId: string;
  readonly stepId: string | null;
  readonly contentId: string;
}

/** What a store must write, in one transaction, to import a batch. Views are whole rows that replace the old ones. */
export interface ImportChanges {
  readonly events: readonly StoredEvent[];
  readonly runs: readonly RunView[];
  /** The epoch of every run of the batch. A run lives in one: the one that its first event named. */
  readonly epochByRun: ReadonlyMap<string, number>;
  readonly steps: readonly StepView[];
  readonly attempts: readonly AttemptView[];
  readonly writers: readonly WriterHead[];
  readonly contents: readonly { readonly epoch: number; readonly content: Content }[];
  readonly nodes: readonly { readonly epoch: number; readonly node: ContextNode }[];
  readonly uses: readonly ContentUse[];
  readonly duplicates: number;
}
