import type { RunView, StepView } from '../api/wire.ts';

/** A step as a row of the tree; `step` is `null` while it is not read yet. `key` is stable and unique in the tree. */
export interface StepRow {
  readonly kind: 'step';
  readonly key: string;
  readonly runId: string;
  readonly number: number;
  readonly step: StepView | null;
  readonly depth: number;
  readonly hasChildren: boolean;
  readonly isOpen: boolean;
}

/** A child run as a row of the tree. */
export interface RunRow {
  readonly kind: 'run';
  readonly key: string;
  readonly run: RunView;
  readonly depth: number;
  readonly hasChildren: boolean;
  readonly isOpen: boolean;
}

/** One row of the tree and the timeline. */
export type Row = StepRow | RunRow;

/** Rows by position: the same face for a small tree held whole and for 100,000 steps read by the page. */
export interface RowSource {
  readonly count: number;
  at(index: number): Row | null;
  /** -1 when the row is not there. */
  indexOf(key: string): number;
}

/** A run as far as it is read: `steps[i]` is the step with number i + 1. */
export interface LoadedRun {
  readonly runId: string;
  readonly steps: readonly (StepView | null)[];
  readonly children: readonly RunView[];
}

/** What is folded and unfolded, and what is read of the child runs. */
export interface RowOptions {
  /** Keys of steps whose children are hidden. */
  readonly folded: ReadonlySet<string>;
  /** Ids of child runs that are unfolded. */
  readonly openRuns: ReadonlySet<string>;
  readonly loadedById: ReadonlyMap<string, LoadedRun>;
}

/** The row key of a step. */
export function stepKey(runId: string, number: number): string {
  return `${runId}.${number}`;
}

/** The row key of a child run. */
export function runKey(runId: string): string {
  return `run.${runId}`;
}

type Node =
  | {
      readonly kind: 'step';
      readonly number: number;
      readonly step: StepView | null;
      readonly loaded: Index;
      readonly depth: number;
    }
  | { readonly kind: 'run'; readonly run: RunView; readonly depth: number };

interface Index {
  readonly runId: string;
  readonly roots: readonly { readonly number: number; readonly step: StepView | null }[];
  readonly stepsByParent: ReadonlyMap<string, readonly StepView[]>;
  readonly runsByStep: ReadonlyMap<string, readonly RunView[]>;
  readonly rootRuns: readonly RunView[];
}

function group<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const list = groups.get(keyOf(item));
    if (list) list.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

/** True when following parents from `step` comes back to it: such steps stand at the top instead of nowhere. */
function isInCycle(step: StepView, stepById: ReadonlyMap<string, StepView>, safe: Set<string>): boolean {
  const path: string[] = [];
  const seen = new Set<string>();
  let current: StepView | undefined = step;
  while (current !== undefined && current.parentStepId !== null && !safe.has(current.id)) {
    if (seen.has(current.id)) return true;
    seen.add(current.id);
    path.push(current.id);
    current = stepById.get(current.parentStepId);
  }
  for (const id of path) safe.add(id);
  return false;
}

function indexRun(loaded: LoadedRun): Index {
  const known = loaded.steps.filter((step) => step !== null);
  const stepById = new Map(known.map((step) => [step.id, step]));
  const safe = new Set<string>();
  const nested = known.filter(
    (step) => step.parentStepId !== null && stepById.has(step.parentStepId) && !isInCycle(step, stepById, safe),
  );
  const nestedIds = new Set(nested.map((step) => step.id));
  const roots = loaded.steps
    .map((step, index) => ({ number: index + 1, step }))
    .filter((entry) => entry.step === null || !nestedIds.has(entry.step.id));
  const hasStep = (run: RunView): boolean => run.parentStepId !== null && stepById.has(run.parentStepId);
  return {
    runId: loaded.runId,
    roots,
    stepsByParent: group(nested, (step) => step.parentStepId!),
    runsByStep: group(loaded.children.filter(hasStep), (run) => run.parentStepId!),
    rootRuns: loaded.children.filter((run) => !hasStep(run)),
  };
}

/** The nodes at the top of a run: its root steps, with child runs that no step names put in by their time. */
function topNodes(index: Index, depth: number): Node[] {
  const waiting = [...index.rootRuns].sort((a, b) => a.createdAtMs - b.createdAtMs);
  const nodes: Node[] = [];
  for (const { number, step } of index.roots) {
    while (step !== null && waiting[0] !== undefined && waiting[0].createdAtMs < step.startedAtMs) {
      nodes.push({ kind: 'run', run: waiting.shift()!, depth });
    }
    nodes.push({ kind: 'step', number, step, loaded: index, depth });
  }
  for (const run of waiting) nodes.push({ kind: 'run', run, depth });
  return nodes;
}

function childNodes(node: Extract<Node, { kind: 'step' }>): Node[] {
  if (node.step === null) return [];
  const depth = node.depth + 1;
  const runs = node.loaded.runsByStep.get(node.step.id) ?? [];
  const steps = node.loaded.stepsByParent.get(node.step.id) ?? [];
  return [
    ...runs.map((run): Node => ({ kind: 'run', run, depth })),
    ...steps.map((step): Node => ({ kind: 'step', number: step.number, step, loaded: node.loaded, depth })),
  ];
}

/**
 * The tree of a run as rows, depth first. Walks without recursion, so that depth costs no stack; parents in a circle
 * end up at the top; a run that contains itself is unfolded once.
 */
export function toRows(root: LoadedRun, options: RowOptions): readonly Row[] {
  const rows: Row[] = [];
  const unfolded = new Set([root.runId]);
  const stack = topNodes(indexRun(root), 0).reverse();
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node.kind === 'step') {
      const children = childNodes(node);
      const key = stepKey(node.loaded.runId, node.number);
      const isOpen = children.length > 0 && !options.folded.has(key);
      const { number, step, depth } = node;
      rows.push({
        kind: 'step',
        key,
        runId: node.loaded.runId,
        number,
        step,
        depth,
        hasChildren: children.length > 0,
        isOpen,
      });
      if (isOpen) stack.push(...children.reverse());
    } else {
      const { run, depth } = node;
      const loaded = options.loadedById.get(run.id);
      const isOpen = options.openRuns.has(run.id) && !unfolded.has(run.id);
      rows.push({ kind: 'run', key: runKey(run.id), run, depth, hasChildren: run.counts.steps > 0, isOpen });
      if (isOpen && loaded !== undefined) {
        unfolded.add(run.id);
        for (const child of topNodes(indexRun(loaded), depth + 1).reverse()) stack.push(child);
      }
    }
  }
  return rows;
}

/** Rows held whole. */
export function toRowSource(rows: readonly Row[]): RowSource {
  const indexByKey = new Map(rows.map((row, index) => [row.key, index]));
  return {
    count: rows.length,
    at: (index) => rows[index] ?? null,
    indexOf: (key) => indexByKey.get(key) ?? -1,
  };
}

/**
 * Rows of a run too large to hold: one per step in the order of their numbers, read when looked at. Nesting is shown
 * by indentation only, as far as the parents are read.
 */
export function toFlatSource(runId: string, count: number, stepAt: (number: number) => StepView | null): RowSource {
  return {
    count,
    at: (index) => {
      if (index < 0 || index >= count) return null;
      const number = index + 1;
      const step = stepAt(number);
      const depth = step === null || step.parentStepId === null ? 0 : 1;
      return {
        kind: 'step',
        key: stepKey(runId, number),
        runId,
        number,
        step,
        depth,
        hasChildren: false,
        isOpen: false,
      };
    },
    indexOf: (key) => {
      const number = key.startsWith(`${runId}.`) ? Number(key.slice(runId.length + 1)) : Number.NaN;
      return Number.isInteger(number) && number >= 1 && number <= count ? number - 1 : -1;
    },
  };
}
