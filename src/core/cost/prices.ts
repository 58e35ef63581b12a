import { sha256Hex } from '../digest.ts';
import type { StepCost, UnknownCostReason } from '../model/cost.ts';
import type { Usage } from '../model/usage.ts';
import { estimateNanoUsd, ratesFor } from './estimate.ts';
import type { FoundPrice } from './lookup.ts';
import { findPrice, isProviderKnown, periodAt } from './lookup.ts';
import type { PriceTable } from './price-table.ts';
import { usageToQuantities } from './quantities.ts';
import { readRawUsage } from './raw-usage.ts';

/** What a price depends on. */
export interface PricedCall {
  readonly provider: string | null;
  readonly model: string | null;
  /** When the call began, Unix milliseconds: prices have their times. */
  readonly timeMs: number;
  readonly usage: Usage | null;
  readonly usageRaw: unknown;
}

/** Prices in force. Pure: the same call costs the same under the same version, whenever it is asked. */
export interface Prices {
  /** Day and digest of the tables: `2026-11-21+1a2b3c4d5e6f`. Equal exactly when the tables are. */
  readonly version: string;
  /** What a call costs by the tables. `unknown`, with the reason, when any of it has no price. */
  estimate(call: PricedCall): StepCost;
  /** The cost of a call that the provider refused: nothing was used, nothing is charged. */
  refused(): StepCost;
}

/** Names a set of tables; the newest day of them, and a digest over all that decides a price. */
export function tablesToVersion(tables: readonly PriceTable[]): string {
  const days = tables.map(({ date }) => date).toSorted();
  const bare = JSON.stringify(tables, (key, value: unknown) => (key === 'reference' ? undefined : value));
  return `${days.at(-1) ?? 'none'}+${sha256Hex(bare).slice(0, 12)}`;
}

function look(
  tables: readonly PriceTable[],
  provider: string | null,
  model: string | null,
): FoundPrice | UnknownCostReason {
  if (provider === null || !isProviderKnown(tables, provider)) return 'provider-unpriced';
  return (model === null ? null : findPrice(tables, provider, model)) ?? 'model-unpriced';
}

/** Names whose price is remembered, so that an import does not look through the tables for every step. */
const namesMax = 1000;

/** Prices from tables, in order: what an earlier table lists wins. */
export function createPrices(tables: readonly PriceTable[]): Prices {
  const version = tablesToVersion(tables);
  const unknown = (reason: UnknownCostReason): StepCost => ({
    nanoUsd: null,
    status: 'unknown',
    source: 'none',
    table: version,
    reason,
  });

  const foundByName = new Map<string, FoundPrice | UnknownCostReason>();
  const find = (provider: string | null, model: string | null): FoundPrice | UnknownCostReason => {
    const name = JSON.stringify([provider, model]);
    let found = foundByName.get(name);
    if (found === undefined) {
      if (foundByName.size >= namesMax) foundByName.clear();
      found = look(tables, provider, model);
      foundByName.set(name, found);
    }
    return found;
  };

  const estimate = (call: PricedCall): StepCost => {
    const found = find(call.provider, call.model);
    if (typeof found === 'string') return unknown(found);
    const period = periodAt(found.model, call.timeMs);
    if (period === null) return unknown('time-unpriced');
    const priced = (nanoUsd: number): StepCost => ({
      nanoUsd,
      status: period.isIncluded ? 'included' : 'estimated',
      source: found.origin,
      table: version,
      reason: null,
    });
    if (period.isIncluded) return priced(0);
    const notes = readRawUsage(call.usageRaw);
    if (notes.isMixed) return unknown('usage-mixed');
    if (notes.isSpecialRate) return unknown('rate-special');
    const quantities = usageToQuantities(call.usage, notes, found.provider);
    if (typeof quantities === 'string') return unknown(quantities);
    const nanoUsd = estimateNanoUsd(quantities, ratesFor(period, quantities.promptTokens));
    return typeof nanoUsd === 'string' ? unknown(nanoUsd) : priced(nanoUsd);
  };

  return {
    version,
    estimate,
    refused: () => ({ nanoUsd: 0, status: 'estimated', source: 'price-table', table: version, reason: null }),
  };
}
