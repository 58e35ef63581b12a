import { z } from 'zod';

/** A UUID. */
export const id = z.string().meta({ description: 'UUID' });

/** Text that may be absent. */
export const name = z.string().nullable();

/** Unix milliseconds, or a duration in milliseconds. */
export const ms = z.number();

/** Milliseconds that may be unknown. */
export const maybeMs = ms.nullable();

/** A whole number from 0. */
export const count = z.int().min(0);

/** A count that may be unknown: `null` is not 0 (I12). */
export const maybeCount = z.number().nullable();

/** Whole nano-USD; `null` is unknown, not free (I12). */
export const nano = z.number().nullable().meta({ description: 'nano-USD; null is unknown' });

/** Anything JSON. */
export const anything = z.unknown();

/** A JSON object. */
export const fields = z.record(z.string(), z.unknown());
