import { z } from 'zod';
import { TachographError } from '../../../core/error.ts';
import { integer, moment, text, uuid } from '../../field.ts';
import { toProblem } from '../../problem.ts';
import { readBudgets } from '../../reading/budget-reading.ts';
import { runsOf, workOf } from '../../reading/work-reading.ts';
import type { Route } from '../../route.ts';
import { defineRoute } from '../../route.ts';
import { budgetEntryPage, budgetInput, stopInput, wireBudgets } from '../../schema/work/budget.ts';
import type { Surroundings } from '../../surroundings.ts';
import type { BudgetEntryPage, BudgetInput, WireBudgets } from '../../wire-work.ts';

/** Of all projects together decides only who belongs to the server's own. */
function refusePlatform({ isOwner }: Surroundings): Response | null {
  if (isOwner) return null;
  return toProblem('scope-missing', 'What holds for all projects is set with a key of the server’s own project.');
}

const read = (around: Surroundings): Promise<WireBudgets> =>
  readBudgets(workOf(around), { projectId: around.projectId, withPlatform: around.isOwner });

function inputToScope(input: BudgetInput, around: Surroundings): string {
  const { layer, scope, callerId } = input;
  const isWhole = layer === 'platform' || layer === 'project';
  const isNamed = scope !== undefined || callerId !== undefined;
  if (isWhole === isNamed || (callerId !== undefined && (layer !== 'caller' || scope !== undefined)))
    throw new TachographError(
      'bad-argument',
      `A limit of the layer "${layer}" takes ${isWhole ? 'no scope' : layer === 'caller' ? 'callerId, or scope' : 'a scope'}.`,
    );
  return callerId === undefined ? (scope ?? '') : runsOf(around).callerToScope(callerId);
}

const list = defineRoute({
  method: 'GET',
  path: '/api/v1/budgets',
  scope: 'read',
  summary: 'Lists what may be spent and what was, in the order in which the layers are asked, and the emergency stops.',
  answer: wireBudgets,
  handle: async (_input, around) => read(around),
});

const put = defineRoute({
  method: 'PUT',
  path: '/api/v1/budgets',
  scope: 'admin',
  summary: 'Sets how much may be spent, in place of the limit of the same layer and scope; both maxima null: no limit.',
  body: budgetInput,
  answer: wireBudgets,
  async handle({ body }, around) {
    const { layer, nanoUsdMax, tokensMax } = body;
    const refused = layer === 'platform' ? refusePlatform(around) : null;
    if (refused !== null) return refused;
    const limit = { layer, scope: inputToScope(body, around), nanoUsdMax, tokensMax };
    await workOf(around).budgets.putLimit(layer === 'platform' ? null : around.projectId, limit);
    return read(around);
  },
});

const stop = defineRoute({
  method: 'PUT',
  path: '/api/v1/budgets/stop',
  scope: 'admin',
  summary:
    'Puts the emergency stop on or takes it back: while it is on, no call of a governed run leaves, and those that are out are cut off.',
  body: stopInput,
  answer: wireBudgets,
  async handle({ body }, around) {
    const isPlatform = body.isPlatform === true;
    const refused = isPlatform ? refusePlatform(around) : null;
    if (refused !== null) return refused;
    await workOf(around).budgets.setStop(isPlatform ? null : around.projectId, body.isStopped);
    return read(around);
  },
});

const entries = defineRoute({
  method: 'GET',
  path: '/api/v1/budgets/entries',
  scope: 'read',
  summary: 'Lists the ledger of the project, newest first: reservations, and what became of them.',
  query: z.strictObject({
    run: uuid.optional(),
    reservation: text('Entries of this reservation.').optional(),
    since: moment('Written at or after.').optional(),
    limit: integer('Entries of a page; at most 500. Outside 1 to 500 it becomes 50.').optional(),
    cursor: text('From `nextCursor` of the page before.').optional(),
  }),
  queryProblem: (field) => (field === 'cursor' ? 'bad-cursor' : field === 'limit' ? 'bad-argument' : 'bad-filter'),
  answer: budgetEntryPage,
  async handle({ query }, around): Promise<BudgetEntryPage> {
    const { run, reservation, since, limit, cursor } = query;
    const page = await workOf(around).budgets.listEntries(
      around.projectId,
      {
        ...(run === undefined ? {} : { runId: run }),
        ...(reservation === undefined ? {} : { reservationId: reservation }),
        ...(since === undefined ? {} : { sinceMs: since }),
      },
      { limit, cursor },
    );
    return {
      items: page.items,
      nextCursor: page.nextCursor,
      limit: page.limit,
      limitCorrected: page.limitCorrected,
    };
  },
});

/** Routes of budgets. */
export const budgetRoutes: readonly Route[] = [list, put, stop, entries];
