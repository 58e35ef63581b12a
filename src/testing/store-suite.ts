import type { Prices } from '../core/cost/prices.ts';
import type { Store } from '../core/store.ts';
import { describeCost } from './cost-cases.ts';
import { describeDirectory } from './directory-cases.ts';
import { describeErasedPart } from './erased-part-cases.ts';
import { describeErasure } from './erasure-cases.ts';
import { describeImport } from './import-cases.ts';
import { describeLists } from './list-cases.ts';
import { describeModel } from './model-cases.ts';
import { describePurge } from './purge-cases.ts';
import { describeReading } from './reading-cases.ts';
import { describeSeals } from './seal-cases.ts';
import { describeSearch } from './search-cases.ts';
import { describeTotals } from './totals-cases.ts';
import { describeWork } from './work/work-suite.ts';

/** What the suite needs of a test framework: vitest, node:test, mocha and jest all have it. Assertions are node:assert. */
export interface TestApi {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
}

/** What a store is opened with. */
export interface StoreOptions {
  /** What calls cost whose record does not tell. */
  readonly prices?: Prices;
}

/** The store under test. */
export interface StoreUnderTest {
  /** A new empty store, initialized or not, that estimates by the prices it is given. */
  open(options: StoreOptions): Promise<Store> | Store;
  /** Closes a store that stays and opens its data anew; left out by stores that keep nothing. */
  reopen?(store: Store, options: StoreOptions): Promise<Store> | Store;
}

/** Runs one case against a fresh store and closes it, whatever comes. */
export type WithStore = (body: (store: Store) => Promise<void>) => () => Promise<void>;

/** What the case files are given. */
export interface SuiteContext {
  readonly api: TestApi;
  readonly withStore: WithStore;
  /** The same against a store with prices. */
  readonly withPrices: (prices: Prices, body: (store: Store) => Promise<void>) => () => Promise<void>;
  readonly reopen: ((store: Store, options?: StoreOptions) => Promise<Store>) | null;
}

/**
 * The rules that every store keeps, as tests. Pass the framework's `describe` and `it`; each case opens a store of its
 * own, so cases may run in any order.
 */
export function describeStore(name: string, under: StoreUnderTest, api: TestApi): void {
  const opened = async (options: StoreOptions, body: (store: Store) => Promise<void>): Promise<void> => {
    const store = await under.open(options);
    try {
      await store.initialize();
      await body(store);
    } finally {
      await store.close();
    }
  };
  const withStore: WithStore = (body) => () => opened({}, body);
  const withPrices: SuiteContext['withPrices'] = (prices, body) => () => opened({ prices }, body);
  const reopen =
    under.reopen === undefined
      ? null
      : async (store: Store, options: StoreOptions = {}) => under.reopen!(store, options);
  const context: SuiteContext = { api, withStore, withPrices, reopen };
  api.describe(`store: ${name}`, () => {
    describeImport(context);
    describeSeals(context);
    describeReading(context);
    describeLists(context);
    describeSearch(context);
    describeTotals(context);
    describeCost(context);
    describePurge(context);
    describeErasure(context);
    describeErasedPart(context);
    describeDirectory(context);
    describeModel(context);
    describeWork(context);
  });
}
