import type { RunView } from '../../core/model/run.ts';
import type { Surroundings } from '../surroundings.ts';
import type { RunTree } from '../wire.ts';

type Around = Pick<Surroundings, 'store' | 'projectId'>;

interface Node {
  readonly run: RunView;
  readonly level: number;
  readonly steps: RunTree['steps'][number][];
  readonly children: Node[];
  cut: boolean;
}

const toNode = (run: RunView, level: number): Node => ({ run, level, steps: [], children: [], cut: false });
const nodeToTree = ({ run, steps, children, cut }: Node): RunTree => ({
  run,
  steps,
  children: children.map(nodeToTree),
  cut,
});

/** Where a tree is cut. */
export interface TreeLimits {
  /** Levels of runs, the root included. */
  readonly depth: number;
  /** Steps of all runs together. */
  readonly steps: number;
  /** Runs of the tree. */
  readonly runs: number;
}

/**
 * Reads a run with its steps and, nested, its child runs, breadth first, so that what is near the root is kept when a
 * limit cuts it. Ends also for a record whose parents run in a circle: no run is shown twice.
 */
export async function readTree(around: Around, root: RunView, limits: TreeLimits): Promise<RunTree> {
  const tree = toNode(root, 1);
  const seen = new Set([root.id]);
  let stepsLeft = limits.steps;
  for (const queue = [tree]; queue.length > 0;) {
    const node = queue.shift()!;
    const wanted = Math.min(node.run.lastStepNumber, stepsLeft);
    if (wanted > 0)
      node.steps.push(
        ...(await around.store.listSteps(around.projectId, node.run.id, { fromNumber: 1, limit: wanted })),
      );
    stepsLeft -= node.steps.length;
    node.cut = node.steps.length < node.run.lastStepNumber;
    const children = (await around.store.listChildren(around.projectId, node.run.id)).filter(
      (child) => !seen.has(child.id),
    );
    const room = node.level >= limits.depth ? 0 : limits.runs - seen.size;
    if (children.length > room) node.cut = true;
    for (const child of children.slice(0, room)) {
      seen.add(child.id);
      const next = toNode(child, node.level + 1);
      node.children.push(next);
      queue.push(next);
    }
  }
  return nodeToTree(tree);
}
