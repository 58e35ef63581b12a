import { z } from 'zod';
import { entryKinds } from '../../../core/work/budget/entry.ts';
import { budgetLayers } from '../../../core/work/budget/limit.ts';
import type { BudgetEntryPage, BudgetInput, StopInput, WireBudgets } from '../../wire-work.ts';
import { count, id, ms, name, nano } from '../scalar.ts';

const scope = z.string().min(1).max(512);
const max = count.nullable();

/** Limits with what is spent of them. */
export const wireBudgets = z
  .strictObject({
    limits: z.array(
      z
        .strictObject({
          layer: z.enum(budgetLayers),
          scope: z.string().describe('Agent, digest of a caller, or run; * for each; empty for platform and project.'),
          nanoUsdMax: z.number().nullable(),
          tokensMax: z.number().nullable(),
          used: z
            .strictObject({ nanoUsd: z.number(), tokens: z.number() })
            .nullable()
            .describe('Reservations counted in; null for a limit that holds for each.'),
          share: z.number().nullable().describe('The part that is used; at 1 it stops.'),
        })
        .meta({ id: 'Budget' }),
    ),
    stops: z.strictObject({ platform: z.boolean(), project: z.boolean() }),
    nowMs: ms,
  })
  .meta({ id: 'Budgets' }) satisfies z.ZodType<WireBudgets>;

/** A limit on its way in. */
export const budgetInput = z
  .strictObject({
    layer: z.enum(budgetLayers),
    scope: scope.optional().describe('Agent, run, or * for each; left out for platform and project.'),
    callerId: scope.optional().describe('A caller by its name, in place of the scope.'),
    nanoUsdMax: max,
    tokensMax: max,
  })
  .meta({ id: 'BudgetInput' }) satisfies z.ZodType<BudgetInput>;

/** The emergency stop, on or off. */
export const stopInput = z
  .strictObject({ isStopped: z.boolean(), isPlatform: z.boolean().optional() })
  .meta({ id: 'StopInput' }) satisfies z.ZodType<StopInput>;

/** Lines of the ledger. */
export const budgetEntryPage = z
  .strictObject({
    items: z.array(
      z
        .strictObject({
          reservationId: z.string(),
          kind: z.enum(entryKinds),
          runId: id,
          rootRunId: id,
          agentId: z.string(),
          caller: name,
          stepId: name,
          atMs: ms,
          countsAtMs: ms,
          amount: z.strictObject({ nanoUsd: nano, tokens: z.number() }),
        })
        .meta({ id: 'BudgetEntry' }),
    ),
    nextCursor: name,
    limit: count,
    limitCorrected: z.boolean(),
  })
  .meta({ id: 'BudgetEntryPage' }) satisfies z.ZodType<BudgetEntryPage>;
