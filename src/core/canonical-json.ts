import { TachographError } from './error.ts';

const depthMax = 256;

/**
 * The canonical form of a JSON value (RFC 8785): keys in the order of their UTF-16 units, numbers as JavaScript writes them.
 * For digests of values that were never seen by a model; what a model saw is named by its exact bytes. `bad-argument` for
 * what JSON cannot hold: NaN, infinities, big integers, functions, cycles, half characters, a depth over 256.
 */
export function toCanonicalJson(value: unknown): string {
  return write(value, 0);
}

function refuse(what: string): never {
  throw new TachographError('bad-argument', `The value cannot be written as canonical JSON: ${what}.`);
}

function writeText(text: string): string {
  if (!text.isWellFormed()) refuse('a text holds half a character (a lone surrogate)');
  return JSON.stringify(text);
}

function write(value: unknown, depth: number): string {
  if (depth > depthMax) refuse(`it is nested deeper than ${depthMax}, or holds itself`);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return writeText(value);
  if (typeof value === 'number')
    return Number.isFinite(value) ? JSON.stringify(value) : refuse(`${value} is no JSON number`);
  if (typeof value !== 'object') refuse(`a ${typeof value} is no JSON value`);
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') return write((value as { toJSON(): unknown }).toJSON(), depth + 1);
  if (Array.isArray(value)) return `[${value.map((item) => write(item ?? null, depth + 1)).join(',')}]`;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${writeText(key)}:${write(field, depth + 1)}`).join(',')}}`;
}
