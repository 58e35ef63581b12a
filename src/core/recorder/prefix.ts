import type { TrieNode } from '../content/interner.ts';
import type { PrefixBreak } from '../model/step.ts';

/** The last context of a conversation: where the next one is expected to go on. */
interface Tip {
  readonly stepId: string;
  readonly node: TrieNode;
}

/** The recent contexts of one run. */
export interface PrefixMemory {
  /** Remembers the context of a step and says where it stopped extending an earlier one; `null` when it extends one. */
  next(stepId: string, node: TrieNode): PrefixBreak | null;
}

/** Sub-agents and side calls interleave in a run; more conversations than this are not told apart. */
const tipsMax = 8;

function up(node: TrieNode, depth: number): TrieNode {
  let at = node;
  while (at.depth > depth && at.parent !== null) at = at.parent;
  return at;
}

/** Number of messages that two contexts share at their beginning. */
function sharedDepth(a: TrieNode, b: TrieNode): number {
  const depth = Math.min(a.depth, b.depth);
  let left = up(a, depth);
  let right = up(b, depth);
  // Compared by id: after the memory was started afresh equal contexts are other objects.
  while (left.id !== right.id && left.parent !== null && right.parent !== null) {
    left = left.parent;
    right = right.parent;
  }
  return left.depth;
}

/** A memory for one run. */
export function createPrefixMemory(): PrefixMemory {
  const tips: Tip[] = [];
  const remember = (tip: Tip, instead: number): void => {
    if (instead >= 0) tips.splice(instead, 1);
    tips.push(tip);
    if (tips.length > tipsMax) tips.shift();
  };

  return {
    next(stepId, node) {
      let best = -1;
      let bestDepth = 0;
      for (let index = tips.length - 1; index >= 0; index -= 1) {
        const depth = sharedDepth(tips[index]!.node, node);
        if (depth === tips[index]!.node.depth) {
          remember({ stepId, node }, index);
          return null;
        }
        if (depth > bestDepth) {
          best = index;
          bestDepth = depth;
        }
      }
      const latest = tips.length - 1;
      // Nothing shared: a changed beginning of a conversation that goes on, unless it is shorter, then it is a new one.
      if (best === -1 && latest >= 0 && node.depth >= tips[latest]!.node.depth) best = latest;
      const previous = best === -1 ? null : tips[best]!;
      remember({ stepId, node }, best);
      return previous === null ? null : { previousStepId: previous.stepId, atIndex: bestDepth };
    },
  };
}
