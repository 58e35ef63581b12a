import type { Automaton, Move } from './automaton.ts';
import { Unjudged } from './syntax.ts';

/** How a pattern's work can grow with the length of hostile text. */
export type Growth = 'linear' | 'polynomial' | 'exponential';

const tuplesMax = 400_000;

/** The states that can be reached from each state and back: what a hostile text can keep a search in. */
function findLoops(moves: readonly (readonly Move[])[]): number[] {
  const loopByState: number[] = moves.map(() => -1);
  const order: number[] = [];
  const seen = new Set<number>();
  for (let root = 0; root < moves.length; root += 1) {
    const stack: [number, number][] = seen.has(root) ? [] : [[root, 0]];
    seen.add(root);
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const move = moves[top[0]]![top[1]];
      top[1] += 1;
      if (move === undefined) order.push(stack.pop()![0]);
      else if (!seen.has(move.to)) {
        seen.add(move.to);
        stack.push([move.to, 0]);
      }
    }
  }
  const back: number[][] = moves.map(() => []);
  moves.forEach((list, from) => list.forEach(({ to }) => back[to]!.push(from)));
  for (const root of order.reverse()) {
    if (loopByState[root] !== -1) continue;
    const members = [root];
    loopByState[root] = root;
    for (const member of members) {
      for (const from of back[member]!) {
        if (loopByState[from] !== -1) continue;
        loopByState[from] = root;
        members.push(from);
      }
    }
    if (members.length === 1 && !moves[root]!.some(({ to }) => to === root)) loopByState[root] = -2;
  }
  return loopByState;
}

/** True when tuples reached from `first` by equal symbols, within what `isOpen` allows, include `goal`. */
function reaches(
  automaton: Automaton,
  tuples: { first: readonly number[]; goal: readonly number[] },
  isOpen: (part: number, state: number) => boolean,
  budget: { left: number },
): boolean {
  const name = (tuple: readonly number[]): string => tuple.join();
  const goal = name(tuples.goal);
  const queue: (readonly number[])[] = [tuples.first];
  const seen = new Set<string>();
  for (const tuple of queue) {
    let partial: number[][] = [[]];
    const bySymbol = new Map<number, number[][]>();
    tuple.forEach((state, part) => {
      const next = new Map<number, number[][]>();
      for (const { symbol, to } of automaton.moves[state]!) {
        if (!isOpen(part, to)) continue;
        for (const start of part === 0 ? partial : (bySymbol.get(symbol) ?? [])) {
          const list = next.get(symbol) ?? [];
          list.push([...start, to]);
          next.set(symbol, list);
        }
      }
      partial = [];
      bySymbol.clear();
      for (const [symbol, list] of next) bySymbol.set(symbol, list);
    });
    for (const list of bySymbol.values()) {
      for (const each of list) {
        const key = name(each);
        if (key === goal) return true;
        if (seen.has(key)) continue;
        if ((budget.left -= 1) < 0) throw new Unjudged('a pattern this ambiguous');
        seen.add(key);
        queue.push(each);
      }
    }
  }
  return false;
}

/** Two ways from a state back to itself by one text: every repetition of that text doubles the work. */
function isExponential(automaton: Automaton, loops: readonly number[], budget: { left: number }): boolean {
  return automaton.moves.some((list, state) => {
    const loop = loops[state]!;
    if (loop < 0 || automaton.isSure[state]!) return false;
    const inside = list.filter(({ to }) => loops[to] === loop);
    if (inside.some(({ ways }) => ways > 1)) return true;
    const isOpen = (_: number, to: number): boolean => loops[to] === loop;
    return inside.some((one) =>
      inside.some(
        (other) =>
          one.to < other.to &&
          one.symbol === other.symbol &&
          reaches(automaton, { first: [one.to, other.to], goal: [state, state] }, isOpen, budget),
      ),
    );
  });
}

/** A loop that hands over to another one which reads the same text: the work is the length times itself. */
function isPolynomial(automaton: Automaton, loops: readonly number[], budget: { left: number }): boolean {
  const states = loops.flatMap((loop, state) => (loop < 0 ? [] : [state]));
  return states.some((first) =>
    states.some((last) => {
      if (first === last || automaton.isSure[last]!) return false;
      const isOpen = (part: number, to: number): boolean =>
        part === 1 || loops[to] === loops[part === 0 ? first : last];
      if (loops[first] === loops[last]) return false;
      return reaches(automaton, { first: [first, first, last], goal: [first, last, last] }, isOpen, budget);
    }),
  );
}

/** Judges an automaton. Throws `Unjudged` when it is too large to be judged. */
export function growthOf(automaton: Automaton): Growth {
  const loops = findLoops(automaton.moves);
  const budget = { left: tuplesMax };
  if (isExponential(automaton, loops, budget)) return 'exponential';
  return isPolynomial(automaton, loops, budget) ? 'polynomial' : 'linear';
}
