import { z } from 'zod';
import { costSources, costStatuses, unknownCostReasons } from '../../core/model/cost.ts';
import type { StepCost, Usage } from '../wire.ts';
import { maybeCount, name, nano } from './scalar.ts';

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

/** The cost of a step: its status and source, the version of the prices behind an estimate, why one failed. */
export const cost = z
  .strictObject({
    nanoUsd: nano,
    status: z.enum(costStatuses),
    source: z.enum(costSources),
    table: name,
    reason: z.enum(unknownCostReasons).nullable(),
  })
  .meta({ id: 'StepCost' }) satisfies z.ZodType<StepCost>;
