import type { Store } from '../core/store.ts';
import { describeErasure } from './erasure-cases.ts';
import { describeImport } from './import-cases.ts';
import { describeLists } from './list-cases.ts';
import { describeModel } from './model-cases.ts';
import { describePurge } from './purge-cases.ts';
import { describeReading } from './reading-cases.ts';
import { describeSeals } from './seal-cases.ts';
import { describeSearch } from './search-cases.ts';
import { describeTotals } from './totals-cases.ts';

/** What the suite needs of a test framework: vitest, node:test, mocha and jest all have it. Assertions are node:assert. */
export interface TestApi {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
}

/** The store under test. */
export interface StoreUnderTest {
  /** A new empty store, initialized or not. */
  open(): Promise<Store> | Store;
  /** Closes a store that stays and opens its data anew; left out by stores that keep nothing. */
  reopen?(store: Store): Promise<Store> | Store;
}

/** Runs one case against a fresh store and closes it, whatever comes. */
export type WithStore = (body: (store: Store) => Promise<void>) => () => Promise<void>;

/** What the case files are given. */
export interface SuiteContext {
  readonly api: TestApi;
  readonly withStore: WithStore;
  readonly reopen: ((store: Store) => Promise<Store>) | null;
}

/**
 * The rules that every store keeps, as tests. Pass the framework's `describe` and `it`; each case opens a store of its
 * own, so cases may run in any order.
 */
export function describeStore(name: string, under: StoreUnderTest, api: TestApi): void {
  const withStore: WithStore = (body) => async () => {
    const store = await under.open();
    try {
      await store.initialize();
      await body(store);
    } finally {
      await store.close();
    }
  };
  const reopen = under.reopen === undefined ? null : async (store: Store) => under.reopen!(store);
  const context: SuiteContext = { api, withStore, reopen };
  api.describe(`store: ${name}`, () => {
    describeImport(context);
    describeSeals(context);
    describeReading(context);
    describeLists(context);
    describeSearch(context);
    describeTotals(context);
    describePurge(context);
    describeErasure(context);
    describeModel(context);
  });
}
