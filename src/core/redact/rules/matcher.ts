import type { Node, Syntax } from './syntax.ts';
import { isWord } from './syntax.ts';

/** Thrown when a match takes more steps than it may. Never leaves this folder. */
export class TooManySteps extends Error {}

/** Steps taken so far, and how many are allowed. */
export interface Budget {
  steps: number;
  readonly stepsMax: number;
}

type Next = (at: number) => boolean;

function holds(node: Extract<Node, { type: 'assert' }>, text: string, at: number): boolean {
  const isLineEnd = (place: number): boolean => node.isLineWise && (text[place] === '\n' || text[place] === '\r');
  if (node.at === 'start') return at === 0 || isLineEnd(at - 1);
  if (node.at === 'end') return at === text.length || isLineEnd(at);
  const isBoundary = isWord(text.charCodeAt(at - 1)) !== isWord(text.charCodeAt(at));
  return node.at === 'word' ? isBoundary : !isBoundary;
}

/** A match: where it ends, and what its groups captured. */
export interface Match {
  readonly end: number;
  readonly groups: readonly (string | undefined)[];
}

/**
 * Matches a pattern at one place as a backtracking engine does, and counts the steps. What backtracks badly here
 * backtracks badly in the engine. Look-behind takes the characters straight before the place, at most 64 of them.
 */
export function matchHere(pattern: Syntax, place: { text: string; at: number }, budget: Budget): Match | null {
  const { text } = place;
  const groups: (string | undefined)[] = Array.from({ length: pattern.captures });
  let end = -1;
  const step = (count = 1): void => {
    budget.steps += count;
    if (budget.steps > budget.stepsMax) throw new TooManySteps('Too many steps.');
  };
  const repeatSet = (node: Extract<Node, { type: 'repeat' }>, at: number, next: Next): boolean => {
    const { has } = node.body as Extract<Node, { type: 'set' }>;
    let last = at;
    while (last < text.length && last - at < node.max && has(text.charCodeAt(last))) last += 1;
    step(last - at + 1);
    for (let each = last; each - at >= node.min; each -= 1) {
      step();
      if (next(each)) return true;
    }
    return false;
  };
  const repeat = (node: Extract<Node, { type: 'repeat' }>, at: number, count: number, next: Next): boolean => {
    if (node.body.type === 'set') return repeatSet(node, at, next);
    const again = (after: number): boolean => (after > at || count < node.min) && repeat(node, after, count + 1, next);
    if (count < node.max && run(node.body, at, again)) return true;
    return count >= node.min && next(at);
  };
  const isBehind = (body: Node, at: number): boolean => {
    for (let from = at; from >= Math.max(0, at - 64); from -= 1)
      if (run(body, from, (after) => after === at)) return true;
    return false;
  };
  const run = (node: Node, at: number, next: Next): boolean => {
    step();
    switch (node.type) {
      case 'set':
        return at < text.length && node.has(text.charCodeAt(at)) && next(at + 1);
      case 'assert':
        return holds(node, text, at) && next(at);
      case 'look':
        return (
          (node.isBehind ? isBehind(node.body, at) : run(node.body, at, () => true)) !== node.isNegative && next(at)
        );
      case 'group':
        return run(node.body, at, (after) => {
          if (node.capture !== null) groups[node.capture - 1] = text.slice(at, after);
          return next(after);
        });
      case 'repeat':
        return repeat(node, at, 0, next);
      case 'choice':
        return node.nodes.some((each) => run(each, at, next));
      default: {
        const from = (index: number, spot: number): boolean =>
          index === node.nodes.length ? next(spot) : run(node.nodes[index]!, spot, (after) => from(index + 1, after));
        return from(0, at);
      }
    }
  };
  const isMatch = run(pattern.root, place.at, (at) => {
    end = at;
    return true;
  });
  return isMatch ? { end, groups } : null;
}
