import type { ModelPrices, PricePeriod, PriceTable, ProviderPrices } from './price-table.ts';

/** A price that was found, and the table it stands in. */
export interface FoundPrice {
  readonly origin: PriceTable['origin'];
  readonly provider: ProviderPrices;
  readonly model: ModelPrices;
}

const isSameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

function isNameOf(alias: string, name: string): boolean {
  return alias.endsWith('*')
    ? name.toLowerCase().startsWith(alias.slice(0, -1).toLowerCase())
    : isSameName(alias, name);
}

/** A day right behind a model's name: `-2025-08-07`, `-20250807`, `@20250807`. */
const datedEnd = /^[-@](\d{4})(-?)(\d{2})\2(\d{2})$/;

function isDated(end: string): boolean {
  const match = datedEnd.exec(end);
  if (match === null) return false;
  const [, year, , month, day] = match;
  return Number(year) >= 2020 && Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= 31;
}

/** What follows a name in another; `null` when that does not begin with it. */
function endAfter(name: string, model: string): string | null {
  return model.toLowerCase().startsWith(name.toLowerCase()) ? model.slice(name.length) : null;
}

const isFamilyEnd = (end: string): boolean => end.length > 1 && '-:@'.includes(end[0]!);

/** How well a model's entry answers to a name, higher is better; 0: not at all. */
function matchOf(entry: ModelPrices, model: string): number {
  let best = 0;
  for (const name of [entry.id, ...entry.aliases]) {
    if (isSameName(name, model)) return 3000;
    const end = endAfter(name, model);
    if (end === null) continue;
    if (isDated(end)) best = Math.max(best, 2000 + name.length);
    else if (entry.isFamily && isFamilyEnd(end)) best = Math.max(best, 1000 + name.length);
  }
  return best;
}

function findInProvider(provider: ProviderPrices, model: string): ModelPrices | null {
  let found: ModelPrices | null = null;
  let best = 0;
  for (const entry of provider.models) {
    const match = matchOf(entry, model);
    if (match > best) [found, best] = [entry, match];
  }
  return found;
}

/** All entries of a provider, under whichever name the tables know it, in the order of the tables. */
function providersNamed(
  tables: readonly PriceTable[],
  name: string,
): { readonly table: PriceTable; readonly provider: ProviderPrices }[] {
  const all = tables.flatMap((table) => table.providers.map((provider) => ({ table, provider })));
  // A name that one table gives to a provider holds for the provider in every table.
  const ids = all
    .filter(({ provider }) => [provider.id, ...provider.aliases].some((alias) => isNameOf(alias, name)))
    .map(({ provider }) => provider.id);
  return all.filter(({ provider }) => ids.some((id) => isSameName(id, provider.id)));
}

/** True when some table knows the provider. */
export function isProviderKnown(tables: readonly PriceTable[], provider: string): boolean {
  return providersNamed(tables, provider).length > 0;
}

/**
 * The prices of a provider's model: by its exact name, else as a dated snapshot of a listed one, else by the longest
 * listed family it belongs to. An earlier table wins over a later one. Never takes another provider's price, nor that of
 * a model whose name merely begins alike.
 */
export function findPrice(tables: readonly PriceTable[], provider: string, model: string): FoundPrice | null {
  for (const { table, provider: entry } of providersNamed(tables, provider)) {
    const found = findInProvider(entry, model);
    if (found !== null) return { origin: table.origin, provider: entry, model: found };
  }
  return null;
}

/** The prices in force at a moment, Unix milliseconds; `null` when none are listed for it. */
export function periodAt(model: ModelPrices, timeMs: number): PricePeriod | null {
  return (
    model.periods.find(
      ({ fromMs, toMs }) => (fromMs === null || fromMs <= timeMs) && (toMs === null || timeMs < toMs),
    ) ?? null
  );
}
