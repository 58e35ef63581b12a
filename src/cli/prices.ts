import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { parsePriceText } from '../core/cost/price-file.ts';
import type { PriceTable } from '../core/cost/price-table.ts';
import type { Prices } from '../core/cost/prices.ts';
import { createPrices } from '../core/cost/prices.ts';
import { shippedPrices } from '../core/cost/shipped.ts';
import { TachographError } from '../core/error.ts';

/** Name of the user's price file in a home. */
export const priceFileName = 'prices.json';

interface PriceFile {
  readonly path: string;
  /** Somebody named it, so it must be there. */
  readonly isNamed: boolean;
}

function priceFileOf(home: string, named: string | undefined): PriceFile {
  return named === undefined || named === ''
    ? { path: join(home, priceFileName), isNamed: false }
    : { path: resolve(named), isNamed: true };
}

function readUserPrices({ path, isNamed }: PriceFile): PriceTable | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !isNamed) return null;
    const named = isNamed ? ', which TACHOGRAPH_PRICES names,' : '';
    throw new TachographError('bad-argument', `The price file ${path}${named} cannot be read: ${message}.`, {
      cause: error,
    });
  }
  return parsePriceText(text, path, 'user-override');
}

/**
 * The prices in force in a home, or the shipped ones when the user's file is not usable, which `onProblem` is told: a
 * command that records goes on all the same, and `tachograph reprice` makes good for it.
 */
export function readPricesOrShipped(home: string, onProblem: (error: unknown) => void): Prices {
  try {
    return readPrices(home);
  } catch (error) {
    onProblem(error);
    return createPrices([shippedPrices()]);
  }
}

/**
 * The prices in force in a home: the user's file (TACHOGRAPH_PRICES, else `prices.json` in the home) before the shipped
 * table. A file that is not usable is `bad-argument` with the path of the bad value; it is never passed over in silence.
 */
export function readPrices(home: string, named: string | undefined = process.env['TACHOGRAPH_PRICES']): Prices {
  const own = readUserPrices(priceFileOf(home, named));
  return createPrices(own === null ? [shippedPrices()] : [own, shippedPrices()]);
}
