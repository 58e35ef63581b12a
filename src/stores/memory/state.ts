import type { Content } from '../../core/content/content.ts';
import type { ContextNode } from '../../core/content/context.ts';
import type { Prices } from '../../core/cost/prices.ts';
import { TachographError } from '../../core/error.ts';
import type { AttemptView } from '../../core/model/attempt.ts';
import type { RunView } from '../../core/model/run.ts';
import type { StepView } from '../../core/model/step.ts';
import type { Seal } from '../../core/record/seal.ts';
import type { Annotation, StoredEvent, WriterHead } from '../../core/store.ts';

/** All that a memory store holds. */
export interface State {
  /** What calls cost whose record does not tell. */
  readonly prices: Prices | null;
  readonly projectById: Map<string, ProjectState>;
  readonly bytesByJournal: Map<string, number>;
  changes: number;
}

/** One project: nothing in it refers to another. */
export interface ProjectState {
  readonly runById: Map<string, RunState>;
  readonly epochByNumber: Map<number, EpochState>;
  readonly annotationById: Map<string, Annotation>;
  /** By number. */
  readonly seals: Seal[];
  /** How often words were erased, and which erasure was the newest of each run, in order. */
  readonly erasures: { count: number; readonly numberByRun: Map<string, number> };
}

/** What the runs of one epoch share. */
export interface EpochState {
  readonly contentById: Map<string, Content>;
  readonly nodeById: Map<string, ContextNode>;
}

/** One run with all that is its own. */
export interface RunState {
  view: RunView;
  readonly epoch: number;
  events: StoredEvent[];
  readonly stepByNumber: Map<number, StepView>;
  readonly attemptByKey: Map<string, AttemptView>;
  readonly writerById: Map<string, WriterHead>;
  /** First step that used a content, by content id. */
  readonly stepIdByContent: Map<string, string | null>;
  /** Tips of the contexts that its steps name. */
  readonly tips: Set<string>;
  /** It waits for a seal. */
  isSealDue: boolean;
}

/** A store's state when nothing was stored. */
export function createState(prices: Prices | null): State {
  return { prices, projectById: new Map(), bytesByJournal: new Map(), changes: 0 };
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}

const emptyProject = (): ProjectState => ({
  runById: new Map(),
  epochByNumber: new Map(),
  annotationById: new Map(),
  seals: [],
  erasures: { count: 0, numberByRun: new Map() },
});
const emptyEpoch = (): EpochState => ({ contentById: new Map(), nodeById: new Map() });

/** A project, made when it is new. */
export function projectOf(state: State, projectId: string): ProjectState {
  return getOrMake(state.projectById, projectId, emptyProject);
}

/** A project for reading: an empty one, not kept, when it is unknown. */
export function peekProject(state: State, projectId: string): ProjectState {
  return state.projectById.get(projectId) ?? emptyProject();
}

/** An epoch of a project, made when it is new. */
export function epochOf(project: ProjectState, epoch: number): EpochState {
  return getOrMake(project.epochByNumber, epoch, emptyEpoch);
}

/** A run, made when it is new; the first epoch stands. */
export function runStateOf(project: ProjectState, view: RunView, epoch: number): RunState {
  const make = (): RunState => ({
    view,
    epoch,
    events: [],
    stepByNumber: new Map(),
    attemptByKey: new Map(),
    writerById: new Map(),
    stepIdByContent: new Map(),
    tips: new Set(),
    isSealDue: false,
  });
  return getOrMake(project.runById, view.id, make);
}

/** A run, or `run-not-found`; a run of another project is not found. */
export function findRun(state: State, projectId: string, runId: string): RunState {
  const run = state.projectById.get(projectId)?.runById.get(runId);
  if (run === undefined)
    throw new TachographError('run-not-found', `There is no run ${runId} in project ${projectId}.`);
  return run;
}
