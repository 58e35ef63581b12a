import type { AttemptView } from '../../core/model/attempt.ts';
import type { RunView } from '../../core/model/run.ts';
import type { StepView } from '../../core/model/step.ts';
import type { Store } from '../../core/store.ts';

/** A step with what hangs under it. */
export interface TreeStep {
  readonly step: StepView;
  readonly attempts: readonly AttemptView[];
  readonly children: readonly RunTreeView[];
}

/** A run with its steps, and under the steps the runs they started. */
export interface RunTreeView {
  readonly run: RunView;
  readonly steps: readonly TreeStep[];
  /** Child runs that hang under no step. */
  readonly children: readonly RunTreeView[];
}

const depthMax = 16;
const pageSteps = 5000;

async function readSteps(store: Store, run: RunView): Promise<StepView[]> {
  const steps: StepView[] = [];
  for (let fromNumber = 1; ;) {
    const page = await store.listSteps(run.projectId, run.id, { fromNumber, limit: pageSteps });
    steps.push(...page);
    if (page.length < pageSteps) return steps;
    fromNumber = page.at(-1)!.number + 1;
  }
}

/** Reads a run and everything below it. */
export async function readTree(store: Store, run: RunView, depth = 0): Promise<RunTreeView> {
  const steps = await readSteps(store, run);
  const attempts = await store.listAttempts(run.projectId, run.id);
  const children = depth >= depthMax ? [] : await store.listChildren(run.projectId, run.id);
  const trees = await Promise.all(children.map((child) => readTree(store, child, depth + 1)));
  const isPlaced = (tree: RunTreeView): boolean => steps.some((step) => step.id === tree.run.parentStepId);
  return {
    run,
    steps: steps.map((step) => ({
      step,
      attempts: attempts.filter((attempt) => attempt.stepId === step.id),
      children: trees.filter((tree) => tree.run.parentStepId === step.id),
    })),
    children: trees.filter((tree) => !isPlaced(tree)),
  };
}
