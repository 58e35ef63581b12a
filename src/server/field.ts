import { z } from 'zod';

/** A whole number in a query or path. */
export const integer = (description: string) =>
  z
    .string()
    .regex(/^-?\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .meta({ type: 'integer', description });

/** A whole number of at least 1. */
export const positive = (description: string) =>
  z
    .string()
    .regex(/^[1-9]\d{0,14}$/, 'must be a whole number of at least 1')
    .transform(Number)
    .meta({ type: 'integer', minimum: 1, description });

/** A whole number of at least 0. */
export const index = (description: string) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number of at least 0')
    .transform(Number)
    .meta({ type: 'integer', minimum: 0, description });

/** `true` or `false`. */
export const flag = (description: string) =>
  z
    .enum(['true', 'false'], 'must be true or false')
    .transform((value) => value === 'true')
    .meta({ type: 'boolean', description });

/** Text of at most 1,000 characters. */
export const text = (description: string) =>
  z.string().max(1000, 'must be at most 1,000 characters long').meta({ description });

const isoPattern = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

function momentToMs(value: string): number {
  if (/^\d{1,15}$/.test(value)) return Number(value);
  if (!isoPattern.test(value)) return Number.NaN;
  // A time without a zone would be read as the server's local time.
  const hasZone = !value.includes('T') || /(Z|[+-]\d{2}:?\d{2})$/.test(value);
  return Date.parse(hasZone ? value : `${value}Z`);
}

/** A moment: Unix milliseconds, or an ISO 8601 date or time, read as UTC when it names no zone. */
export const moment = (description: string) =>
  z
    .string()
    .transform(momentToMs)
    .refine((ms) => Number.isFinite(ms), 'must be Unix milliseconds or an ISO 8601 time')
    .meta({ description: `${description} Unix milliseconds or ISO 8601.` });

/** One or more of a closed list, comma-separated or repeated. */
export const list = <const T extends readonly [string, ...string[]]>(values: T, description: string) =>
  z
    .array(z.enum(values, `must be one of ${values.join(', ')}`))
    .max(values.length, 'names more values than there are')
    .meta({ description });

const toPair = (pair: string, at: number): [string, string] => [pair.slice(0, at), pair.slice(at + 1)];

/** `key:value`, commas kept; or `key=value`, of which one field may hold several, comma-separated. */
function textToPairs(value: string): [string, string][] {
  const at = value.search(/[:=]/);
  if (value[at] === ':') return [toPair(value, at)];
  return value.split(/,(?=[^,=]+=)/).map((pair) => toPair(pair, pair.indexOf('=')));
}

/** Labels that must all be present: the field repeated, or several `key=value` in one. */
export const labels = (description: string) =>
  z
    .array(
      z
        .string()
        .max(4000)
        .regex(/^[^:=]+[:=]/u, 'must be key:value'),
    )
    .max(32, 'must be given at most 32 times')
    .transform((values) => Object.fromEntries(values.flatMap(textToPairs)))
    .meta({ description });

/** A run in a path: its id, a unique beginning of it, or `last`. */
export const runReference = z
  .string()
  .regex(/^(last|[0-9a-fA-F-]{1,36})$/, 'must be a run id, the beginning of one, or "last"')
  .meta({ description: 'A run id, a unique beginning of one, or `last` for the newest.' });

/** A content in a path. */
export const contentId = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits')
  .meta({ description: 'A content id.' });

/** A UUID in a path. */
export const uuid = z
  .string()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'must be a lower-case UUID')
  .meta({ description: 'A UUID.' });

/** Path of everything under one run. */
export const runPath = z.strictObject({ id: runReference });

/** Path of one step of a run. */
export const stepPath = z.strictObject({ id: runReference, n: positive('Number of the step, from 1.') });

/** A query without fields. */
export const noQuery = z.strictObject({});
