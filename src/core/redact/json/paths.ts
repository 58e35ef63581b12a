import { TachographError } from '../../error.ts';
import type { KeyVerdict } from '../keys.ts';

/** Where a walk stands in a document, told by the walk itself; answers what the paths of a user say of that place. */
export interface PathTracker {
  enter(isObject: boolean): void;
  leave(): void;
  /** The next value belongs to this key. */
  key(name: string): void;
  /** The next element of an array begins. */
  item(): void;
  /** `deny-all`, `identifier` for an allowed place, or the verdict of the key. */
  verdict(byKey: KeyVerdict): KeyVerdict;
}

/** Paths that were checked once and are followed in every document. */
export interface PathRules {
  track(): PathTracker;
}

function parsePath(path: string): string[] {
  const parts = path
    .replace(/^\$\.?/, '')
    .replaceAll(/\[(\d+|\*)\]/g, '.$1')
    .split('.');
  if (parts.some((part) => part === ''))
    throw new TachographError(
      'bad-argument',
      `"${path}" is no path. Write keys with dots between, * for any, ** for any number.`,
    );
  return parts;
}

/** True when a pattern fits a path from their `at`th parts on. Parts are few, so trying all ways is cheap. */
function fits(pattern: readonly string[], path: readonly string[]): boolean {
  let reached = new Set([0]);
  const skip = (from: Set<number>): Set<number> => {
    for (const at of from) if (pattern[at] === '**') from.add(at + 1);
    return from;
  };
  reached = skip(reached);
  for (const part of path) {
    const next = new Set<number>();
    for (const at of reached) {
      if (pattern[at] === '**') next.add(at);
      else if (pattern[at] === '*' || pattern[at] === part) next.add(at + 1);
    }
    reached = skip(next);
    if (reached.size === 0) return false;
  }
  return reached.has(pattern.length);
}

/** Rules for places, or `null` when there are none. Throws `bad-argument` for a path that is none. */
export function createPathRules(denied: readonly string[], allowed: readonly string[]): PathRules | null {
  const deniedParts = denied.map(parsePath);
  const allowedParts = allowed.map(parsePath);
  if (deniedParts.length + allowedParts.length === 0) return null;
  return {
    track() {
      const path: string[] = [];
      const isObjectByDepth: boolean[] = [];
      return {
        enter(isObject) {
          isObjectByDepth.push(isObject);
          path.push(isObject ? '' : '0');
        },
        leave() {
          isObjectByDepth.pop();
          path.pop();
        },
        key: (name) => void (path[path.length - 1] = name),
        item() {
          if (isObjectByDepth.at(-1) === false) path[path.length - 1] = String(Number(path.at(-1)) + 1);
        },
        verdict(byKey) {
          if (deniedParts.some((pattern) => fits(pattern, path))) return 'deny-all';
          return allowedParts.some((pattern) => fits(pattern, path)) ? 'identifier' : byKey;
        },
      };
    },
  };
}
