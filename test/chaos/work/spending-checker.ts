import type { BudgetEntry } from '../../../src/core/work/budget/entry.ts';
import { readRun } from './checker.ts';
import type { OpenSite } from './site.ts';
import type { StreamingProvider } from './streaming-provider.ts';

/*
 * Looks at what a run's streams have cost, when all is over. It believes the provider, who remembers what it gave.
 */

interface Sum {
  readonly nanoUsd: number;
  readonly tokens: number;
}

const toSum = (entries: readonly BudgetEntry[]): Sum => ({
  nanoUsd: entries.reduce((sum, { amount }) => sum + (amount.nanoUsd ?? 0), 0),
  tokens: entries.reduce((sum, { amount }) => sum + amount.tokens, 0),
});

/** The entries of a run's reservations, in the order they were made. */
async function readReservations({ parts }: OpenSite, runId: string): Promise<BudgetEntry[][]> {
  const { items } = await parts.work.budgets.listEntries('default', { runId }, { limit: 500 });
  const byId = new Map<string, BudgetEntry[]>();
  for (const entry of items.toReversed())
    byId.set(entry.reservationId, [...(byId.get(entry.reservationId) ?? []), entry]);
  return [...byId.values()].toSorted(([a], [b]) => a!.atMs - b!.atMs);
}

/** Reservations of a run that nobody has ended. */
export async function countHeld(at: OpenSite, runId: string): Promise<number> {
  const reservations = await readReservations(at, runId);
  return reservations.filter((entries) => entries.every(({ kind }) => kind === 'reserve')).length;
}

/** What the run's record says of each reservation last: what it counts from then on. */
async function readRecorded(at: OpenSite, runId: string) {
  const found = await readRun(at, runId);
  const lastById = new Map<string, { readonly kind: string; readonly tokens: number }>();
  for (const { header } of found.events) {
    if (header.type !== 'budget-entry') continue;
    const facts = JSON.parse(header.facts!) as { reservationId: string; kind: string; tokens: number };
    lastById.set(facts.reservationId, facts);
  }
  return { lastById, steps: found.steps.filter(({ kind }) => kind === 'model') };
}

/** Everything that is wrong with what a run's answers were settled at: each once, and as they were given. */
export async function findSpendingFaults(
  at: OpenSite,
  runId: string,
  { given }: Pick<StreamingProvider, 'given'>,
): Promise<string[]> {
  const faults: string[] = [];
  const reservations = await readReservations(at, runId);
  if (reservations.length !== given.length)
    faults.push(`${reservations.length} reservations for ${given.length} answers`);
  const { lastById, steps } = await readRecorded(at, runId);
  for (const [index, entries] of reservations.entries()) {
    const [{ reservationId, stepId }, { end, tokens, toldTokens }] = [entries[0]!, given[index]!];
    const kinds = entries.map(({ kind }) => kind).join(', ');
    const wanted = `reserve, ${end === 'stall' ? 'expire' : end === 'refused' ? 'release' : 'settle'}`;
    if (kinds !== wanted) faults.push(`the answer that ends "${end}" has ${kinds}, not ${wanted}`);
    if (entries[0]!.amount.tokens < tokens) faults.push(`"${end}" used more than was reserved for it`);
    const sum = toSum(entries);
    if (sum.tokens !== tokens) faults.push(`"${end}" counts ${sum.tokens} tokens, and ${tokens} were given`);
    if (sum.nanoUsd > 0 !== tokens > 0) faults.push(`"${end}" costs ${sum.nanoUsd} nano-USD`);
    const recorded = lastById.get(reservationId);
    if (recorded?.kind !== entries.at(-1)!.kind || recorded.tokens !== sum.tokens)
      faults.push(`the record says of "${end}": ${recorded?.kind} ${recorded?.tokens}`);
    const usage = steps.find(({ id }) => id === stepId)?.usage ?? null;
    const input = usage?.input.total ?? usage?.input.noCache ?? null;
    const isKnown = toldTokens !== null && end !== 'stall';
    if (isKnown && (input !== toldTokens.input || usage?.output.total !== toldTokens.output))
      faults.push(`the step of "${end}" has a usage of ${input} and ${usage?.output.total}`);
    if (!isKnown && usage !== null && end !== 'stall') faults.push(`the step of "${end}" made up a usage`);
  }
  const row = await at.parts.work.get('default', runId);
  if (row?.state !== 'completed') faults.push(`the run is ${row?.state}`);
  return [...faults, ...(await findBalanceFaults(at, runId))];
}

/** What is spent and what is reserved, now and together, is the sum of the ledger. */
export async function findBalanceFaults(at: OpenSite, runId: string): Promise<string[]> {
  const sum = toSum((await readReservations(at, runId)).flat());
  const spender = { runId, agentId: 'stream', caller: null };
  const standings = await at.parts.work.budgets.balance('default', spender);
  if (standings.length === 0) return ['there is no limit'];
  return standings
    .filter(({ used }) => used.tokens !== sum.tokens || used.nanoUsd !== sum.nanoUsd)
    .map(
      ({ limit, used }) => `the ${limit.layer} has used ${JSON.stringify(used)}, and its ledger ${JSON.stringify(sum)}`,
    );
}
