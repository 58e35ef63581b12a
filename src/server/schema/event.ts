import { z } from 'zod';
import type { WireEvent } from '../wire.ts';
import { anything, count, id, maybeCount, ms } from './scalar.ts';

/** An event. */
export const wireEvent = z
  .strictObject({
    seq: count,
    writerId: z.string(),
    n: count,
    type: z.string(),
    timeMs: ms,
    stepId: id.nullable(),
    attempt: maybeCount,
    facts: anything,
    payload: anything.meta({ description: 'null once erased; {error, raw} when malformed' }),
    hash: z.string(),
  })
  .meta({ id: 'WireEvent' }) satisfies z.ZodType<WireEvent>;
