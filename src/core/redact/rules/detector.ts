import { TachographError } from '../../error.ts';
import type { Finding } from '../edit.ts';
import { growthOf } from './ambiguity.ts';
import { buildAutomaton } from './automaton.ts';
import { probeGrowth } from './probe.ts';
import { parsePattern, Unjudged } from './syntax.ts';

/**
 * A detector of one's own. `kind` stands in the placeholder: `[a-z0-9-]`, 1 to 40 characters. What `pattern` matches
 * goes; with a group named `secret`, only that group. Of its flags `i`, `m`, `s` and `u` count.
 */
export interface Detector {
  readonly kind: string;
  readonly pattern: RegExp | string;
}

/** A registered detector: adds what it finds in a text. */
export interface CustomDetector {
  isIn(text: string): boolean;
  find(text: string, findings: Finding[]): void;
}

function refuse(kind: string, why: string): never {
  throw new TachographError('bad-argument', `The detector "${kind}" is refused: ${why}`);
}

/**
 * Why a pattern may not be used on text from outside, or `null` when nothing speaks against it. Two checks: an
 * automaton finds ambiguity that makes work grow faster than the text, and a counting matcher tries texts made of the
 * pattern's own pieces. The first judges shapes, not the engine: look-ahead is taken to hold always, and a finite
 * repetition past 256 counts as endless, so it refuses some harmless patterns; look-behind is trusted up to a bounded
 * length. A pattern that passes is linear in the length of the text, with a factor that its own bounds decide.
 */
export function findPatternFault(source: string, flags: string): string | null {
  try {
    const syntax = parsePattern(source, flags);
    const growth = growthOf(buildAutomaton(syntax.root));
    if (growth !== 'linear')
      return `its work can grow ${growth === 'exponential' ? 'exponentially' : 'with the square of the length or worse'} on hostile text. Give repetitions an upper bound, begin with \\b or a literal that the repetition cannot read, and let no two repetitions in a row read the same characters.`;
    const piece = probeGrowth(syntax);
    return piece === null ? null : `its work grew faster than the text on repetitions of ${JSON.stringify(piece)}.`;
  } catch (error) {
    if (error instanceof Unjudged) return `${error.message} cannot be shown to be harmless. Write it without.`;
    throw error;
  }
}

function compile(kind: string, pattern: RegExp | string): RegExp {
  const source = typeof pattern === 'string' ? pattern : pattern.source;
  const flags = typeof pattern === 'string' ? '' : pattern.flags;
  try {
    return new RegExp(source, `${flags.replaceAll(/[dgy]/g, '')}${source.includes('(?<secret>') ? 'd' : ''}g`);
  } catch (error) {
    return refuse(kind, `${(error as Error).message}.`);
  }
}

/** Registers a detector. Throws `bad-argument` for a bad kind, a pattern that matches nothing at all, and one whose work could outgrow the text. */
export function createDetector({ kind, pattern }: Detector): CustomDetector {
  if (typeof kind !== 'string' || !/^[a-z0-9-]{1,40}$/.test(kind))
    refuse(String(kind), 'its kind must be 1 to 40 of a-z, 0-9 and -.');
  const compiled = compile(kind, pattern);
  if (new RegExp(`^(?:${compiled.source})$`, compiled.flags.replaceAll(/[dg]/g, '')).test(''))
    refuse(kind, 'its pattern matches the empty text.');
  const fault = findPatternFault(compiled.source, compiled.flags);
  if (fault !== null) refuse(kind, fault);
  return {
    isIn(text) {
      compiled.lastIndex = 0;
      return compiled.test(text);
    },
    find(text, findings) {
      compiled.lastIndex = 0;
      for (const match of text.matchAll(compiled)) {
        const named = match.indices?.groups?.['secret'];
        const [start, end] = named ?? [match.index, match.index + match[0].length];
        if (end > start) findings.push({ start, end, kind });
      }
    },
  };
}
