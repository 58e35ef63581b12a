import { anthropic } from './list/anthropic.ts';
import { google } from './list/google.ts';
import { readOn } from './list/model-entry.ts';
import { openai } from './list/openai.ts';
import { cohere, deepseek, groq, mistral, xai } from './list/others.ts';
import { parsePriceFile, priceFormat } from './price-file.ts';
import type { PriceTable } from './price-table.ts';

let table: PriceTable | null = null;

/**
 * The list prices that come with this version, read from the providers' pages and from collections of them; each entry
 * names its source. What no source was found for is not in it, and is then unknown.
 */
export function shippedPrices(): PriceTable {
  table ??= parsePriceFile(
    { format: priceFormat, date: readOn, providers: [anthropic, openai, google, mistral, deepseek, xai, groq, cohere] },
    'of this version',
    'price-table',
  );
  return table;
}
