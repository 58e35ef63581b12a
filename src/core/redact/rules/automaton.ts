import type { Node } from './syntax.ts';
import { isWord, Unjudged } from './syntax.ts';

/*
 * A pattern as a position automaton:
 *
 *     pattern ─► graph of empty moves and sets ─► states (set that was read, was it a word character?)
 *
 * State 0 is the search itself: it reads anything and tries the pattern again at the next place. Moves carry how many
 * ways lead from one state to the next, for `(?:a*)*` is bad although it has one state.
 */

const pointsMax = 4000;
/** A finite repetition past this counts as an endless one. */
const copiesMax = 256;

interface Point {
  readonly to: number[];
  readonly set: ((code: number) => boolean) | null;
  readonly assert: Extract<Node, { type: 'assert' }> | null;
}

interface Graph {
  readonly points: Point[];
  readonly start: number;
  readonly end: number;
}

function isUnbounded(node: Node): boolean {
  if (node.type === 'repeat') return node.max > copiesMax || isUnbounded(node.body);
  if (node.type === 'sequence' || node.type === 'choice') return node.nodes.some(isUnbounded);
  return (node.type === 'group' || node.type === 'look') && isUnbounded(node.body);
}

function buildGraph(root: Node): Graph {
  const points: Point[] = [];
  const add = (set: Point['set'] = null, assert: Point['assert'] = null): number => {
    if (points.length >= pointsMax) throw new Unjudged('a pattern of this size');
    points.push({ to: [], set, assert });
    return points.length - 1;
  };
  const link = (from: number, to: number): void => void points[from]!.to.push(to);
  const repeat = (node: Extract<Node, { type: 'repeat' }>, from: number): number => {
    let at = from;
    for (let copy = 0; copy < Math.min(node.min, copiesMax); copy += 1) at = build(node.body, at);
    const end = add();
    if (node.max > copiesMax) {
      const loop = add();
      link(at, loop);
      link(build(node.body, loop), loop);
      link(loop, end);
      return end;
    }
    for (let copy = node.min; copy < node.max; copy += 1) {
      link(at, end);
      at = build(node.body, at);
    }
    link(at, end);
    return end;
  };
  function build(node: Node, from: number): number {
    if (node.type === 'group') return build(node.body, from);
    if (node.type === 'repeat') return repeat(node, from);
    if (node.type === 'choice') {
      const end = add();
      for (const each of node.nodes) {
        const start = add();
        link(from, start);
        link(build(each, start), end);
      }
      return end;
    }
    if (node.type === 'look') {
      if (node.isBehind && isUnbounded(node.body)) throw new Unjudged('an endless look-behind');
      const inside = add();
      const end = add();
      link(from, end);
      if (!node.isBehind) {
        link(from, inside);
        build(node.body, inside);
      }
      return end;
    }
    if (node.type === 'sequence') return node.nodes.reduce((at, each) => build(each, at), from);
    const point = node.type === 'set' ? add(node.has) : add(null, node as Point['assert']);
    link(from, point);
    const after = add();
    link(point, after);
    return after;
  }
  const start = add();
  return { points, start, end: build(root, start) };
}

/** One move of the automaton; `ways` above 1 say that several paths lead there. */
export interface Move {
  readonly symbol: number;
  readonly to: number;
  readonly ways: number;
}

/** The automaton of a search: moves by state, and the states from which a match can no longer fail. */
export interface Automaton {
  readonly moves: readonly (readonly Move[])[];
  readonly isSure: readonly boolean[];
}

/** Characters that stand for all others: codes which no set of the pattern tells apart are one symbol. */
function findSymbols(graph: Graph): { codes: number[]; isWordBySymbol: boolean[] } {
  const samples = [...Array.from({ length: 384 }, (_, code) => code), 0x4e00, 0x2028, 0xd83d, 0xde00, 0xfeff];
  const sets = graph.points.flatMap(({ set }) => set ?? []);
  const codeByVector = new Map<string, number>();
  for (const code of samples) {
    const vector = [isWord, ...sets].map((has) => (has(code) ? '1' : '0')).join('');
    if (!codeByVector.has(vector)) codeByVector.set(vector, code);
  }
  const codes = [...codeByVector.values()];
  return { codes, isWordBySymbol: codes.map(isWord) };
}

interface Arrival {
  readonly point: number;
  /** What the next character has to be: a word character, none, or either. */
  readonly isWordNext: boolean | null;
}

/** All ways along empty moves from a point to the sets and the end; each way is told once. */
function arrivalsFrom(graph: Graph, from: number, wasWord: boolean, isSearch: boolean): Arrival[] {
  const arrivals: Arrival[] = [];
  const onPath = new Set<number>();
  let budget = 20_000;
  const follow = (at: number, isWordNext: boolean | null): void => {
    if ((budget -= 1) < 0) throw new Unjudged('so many nested choices');
    const point = graph.points[at]!;
    if (point.set !== null || at === graph.end) {
      arrivals.push({ point: at, isWordNext });
      if (point.set !== null) return;
    }
    let wanted = isWordNext;
    if (point.assert !== null) {
      if (point.assert.at === 'start' && isSearch && !point.assert.isLineWise) return;
      if (point.assert.at === 'end' && !point.assert.isLineWise) return;
      if (point.assert.at === 'word' || point.assert.at === 'inside') {
        wanted = (point.assert.at === 'word') !== wasWord;
        if (isWordNext !== null && isWordNext !== wanted) return;
      }
    }
    onPath.add(at);
    for (const next of point.to) if (!onPath.has(next)) follow(next, wanted);
    onPath.delete(at);
  };
  follow(from, null);
  return arrivals;
}

/** True when the end can be reached from a point with nothing in between: no set, no assertion. */
function reachesEnd(graph: Graph, from: number): boolean {
  const seen = new Set<number>([from]);
  for (const at of seen) {
    if (at === graph.end) return true;
    if (graph.points[at]!.set !== null || graph.points[at]!.assert !== null) continue;
    for (const next of graph.points[at]!.to) seen.add(next);
  }
  return false;
}

/** States that stand at no point of the pattern: the search behind the first character, and before it. */
const search = -1;
const beginning = -2;

/** Builds the automaton of a search for a pattern. Throws `Unjudged` for one that is too large. */
export function buildAutomaton(root: Node): Automaton {
  const graph = buildGraph(root);
  const { codes, isWordBySymbol } = findSymbols(graph);
  const stateByName = new Map<string, number>();
  const states: { point: number; wasWord: boolean }[] = [];
  const stateOf = (point: number, wasWord: boolean): number => {
    const name = `${point}/${wasWord}`;
    const known = stateByName.get(name);
    if (known !== undefined) return known;
    stateByName.set(name, states.length);
    states.push({ point, wasWord });
    return states.length - 1;
  };
  stateOf(search, false);
  stateOf(search, true);
  stateOf(beginning, false);
  const moves: Move[][] = [];
  for (let state = 0; state < states.length; state += 1) {
    const { point, wasWord } = states[state]!;
    const isSearch = point === search;
    const from = point < 0 ? graph.start : graph.points[point]!.to[0]!;
    const waysByMove = new Map<string, Move>();
    const move = (symbol: number, to: number): void => {
      const name = `${symbol}/${to}`;
      waysByMove.set(name, { symbol, to, ways: (waysByMove.get(name)?.ways ?? 0) + 1 });
    };
    for (const arrival of arrivalsFrom(graph, from, wasWord, isSearch)) {
      const { set } = graph.points[arrival.point]!;
      if (set === null) continue;
      codes.forEach((code, symbol) => {
        const isFit = arrival.isWordNext === null || arrival.isWordNext === isWordBySymbol[symbol];
        if (isFit && set(code)) move(symbol, stateOf(arrival.point, isWordBySymbol[symbol]!));
      });
    }
    if (isSearch) codes.forEach((_, symbol) => move(symbol, isWordBySymbol[symbol]! ? 1 : 0));
    moves.push([...waysByMove.values()]);
  }
  const isSure = states.map(({ point }) => point >= 0 && reachesEnd(graph, graph.points[point]!.to[0]!));
  return { moves, isSure };
}
