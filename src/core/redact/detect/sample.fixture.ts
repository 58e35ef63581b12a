import type { Node } from '../rules/syntax.ts';
import { parsePattern } from '../rules/syntax.ts';
import type { Row } from './table/row.ts';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const signs = '-_./+=:|$@*#%;, \n';

/** Random numbers below a bound, the same for the same seed. */
export function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function textOf(node: Node, random: (below: number) => number): string {
  switch (node.type) {
    case 'set': {
      const usual = [...letters].filter((character) => node.has(character.charCodeAt(0)));
      const all = usual.length > 0 ? usual : [...signs].filter((character) => node.has(character.charCodeAt(0)));
      return all[random(all.length)]!;
    }
    case 'group':
      return textOf(node.body, random);
    case 'repeat': {
      const most = Math.min(node.max, node.min + 4);
      return Array.from({ length: node.min + random(most - node.min + 1) }, () => textOf(node.body, random)).join('');
    }
    case 'choice':
      return textOf(node.nodes[random(node.nodes.length)]!, random);
    case 'sequence':
      return node.nodes.map((each) => textOf(each, random)).join('');
    default:
      return '';
  }
}

/** A random text that a pattern matches whole. */
export function sampleOf(source: string, random: (below: number) => number): string {
  const { root } = parsePattern(source, '');
  const whole = new RegExp(`^(?:${source})$`);
  for (let turn = 0; turn < 200; turn += 1) {
    const text = textOf(root, random);
    if (whole.test(text)) return text;
  }
  throw new Error(`No text was found that ${source} matches.`);
}

/** A credential of a row, made up. */
export const credentialOf = ({ mark, rest }: Row, random: (below: number) => number): string =>
  mark + sampleOf(rest, random);
