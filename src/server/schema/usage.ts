import { z } from 'zod';
import { costSources, costStatuses } from '../../core/model/cost.ts';
import type { Cost, Usage } from '../wire.ts';
import { maybeCount, nano } from './scalar.ts';

/** Tokens. */
export const usage = z
  .strictObject({
    input: z.strictObject({
      total: maybeCount,
      noCache: maybeCount,
      cacheRead: maybeCount,
      cacheWrite: maybeCount,
      cacheWriteFiveMinutes: maybeCount,
      cacheWriteOneHour: maybeCount,
    }),
    output: z.strictObject({ total: maybeCount, text: maybeCount, reasoning: maybeCount }),
    requests: maybeCount,
  })
  .meta({ id: 'Usage' }) satisfies z.ZodType<Usage>;

/** A cost with its status and source. */
export const cost = z
  .strictObject({ nanoUsd: nano, status: z.enum(costStatuses), source: z.enum(costSources) })
  .meta({ id: 'Cost' }) satisfies z.ZodType<Cost>;
