import { matchHere, TooManySteps } from './matcher.ts';
import type { Node, Syntax } from './syntax.ts';

const stepsMax = 1_500_000;
const lengths = [600, 2400] as const;
/** Work may grow so much when a text grows fourfold, and so many steps more. */
const growthMax = 6;
const slack = 4000;
const piecesMax = 24;

const samples = 'a0A _-.:/@\n"=xz9Z!\u00e9'.split('');

function sampleOf(node: Extract<Node, { type: 'set' }>): string {
  for (const sample of samples) if (node.has(sample.charCodeAt(0))) return sample;
  for (let code = 0; code < 256; code += 1) if (node.has(code)) return String.fromCharCode(code);
  return '\u4e00';
}

/** A short text that a tree may match, and the texts of its repetitions. */
function shortestOf(node: Node, loops: string[]): string {
  switch (node.type) {
    case 'set':
      return sampleOf(node);
    case 'assert':
    case 'look':
      return '';
    case 'group':
      return shortestOf(node.body, loops);
    case 'repeat': {
      const body = shortestOf(node.body, loops);
      if (node.max > 1) loops.push(body);
      return body.repeat(Math.min(node.min, 64));
    }
    case 'choice':
      return node.nodes.map((each) => shortestOf(each, loops))[0] ?? '';
    default:
      return node.nodes.map((each) => shortestOf(each, loops)).join('');
  }
}

/** Steps of a search through a text, as the engine goes about it: at each place, on behind a match. */
function stepsOf(pattern: Syntax, text: string): number {
  const budget = { steps: 0, stepsMax };
  for (let at = 0; at <= text.length;) {
    const match = matchHere(pattern, { text, at }, budget);
    at = match === null ? at + 1 : Math.max(match.end, at + 1);
  }
  return budget.steps;
}

/**
 * Runs a pattern by a counting matcher over texts made of its own pieces, and says on which its work grew faster than
 * the text; `null` when on none. Bounded: no text is longer than some 2,400 characters and no search takes more than 1,500,000 steps.
 */
export function probeGrowth(pattern: Syntax): string | null {
  const loops: string[] = [];
  const whole = shortestOf(pattern.root, loops);
  const pieces = [...new Set([whole, ...loops, whole.slice(0, -1), ...[...whole].slice(0, 8), 'a', '0', ' '])]
    .filter((piece) => piece !== '')
    .slice(0, piecesMax);
  const textOf = (piece: string, length: number): string =>
    `${whole.slice(0, -1)}${piece.repeat(Math.ceil(length / piece.length)).slice(0, length)}\u0001`;
  for (const piece of pieces) {
    try {
      const [short, long] = lengths.map((length) => stepsOf(pattern, textOf(piece, length)));
      if (long! > growthMax * short! + slack) return piece;
    } catch (error) {
      if (error instanceof TooManySteps || error instanceof RangeError) return piece;
      throw error;
    }
  }
  return null;
}
