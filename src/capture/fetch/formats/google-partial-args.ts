import type { Fields } from './fields.ts';

type Step = string | number;

/** The steps of a path such as `$.a[0].b` or `$['a b']`; an unreadable one gives none. */
function toSteps(path: string): readonly Step[] {
  const steps: Step[] = [];
  for (const match of path.matchAll(/\.([^.[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]/g)) {
    steps.push(match[2] !== undefined ? Number(match[2]) : (match[1] ?? match[3])!);
  }
  return steps;
}

function pieceValue(piece: Fields): unknown {
  for (const name of ['stringValue', 'numberValue', 'boolValue']) if (piece[name] !== undefined) return piece[name];
  return null;
}

const indexMax = 10_000;
const isUnsafe = (step: Step): boolean => (typeof step === 'number' ? step > indexMax : step === '__proto__');

/**
 * Puts one piece of a call's arguments, as Google streams them, where its path says. Text at a place that has text is
 * appended. A path that leads nowhere sensible is passed over.
 */
export function setAtPath(args: Record<string, unknown>, piece: Fields): void {
  const steps = toSteps(typeof piece['jsonPath'] === 'string' ? piece['jsonPath'] : '');
  if (steps.length === 0 || steps.some(isUnsafe)) return;
  let at = args as Record<Step, unknown>;
  for (const [index, step] of steps.slice(0, -1).entries()) {
    const next = at[step];
    if (typeof next !== 'object' || next === null) at[step] = typeof steps[index + 1] === 'number' ? [] : {};
    at = at[step] as Record<Step, unknown>;
  }
  const last = steps.at(-1)!;
  const value = pieceValue(piece);
  const before = at[last];
  at[last] = typeof before === 'string' && typeof value === 'string' ? before + value : value;
}
