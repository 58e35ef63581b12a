import type { JournalEntry } from '../journal.ts';
import type { Page, PageRequest } from '../store.ts';
import type { Refusal, Standing, Threshold } from './budget/admission.ts';
import type { BudgetEntry } from './budget/entry.ts';
import type { Amount, BudgetLayer, BudgetLimit, Spender } from './budget/limit.ts';

/*
 * What may be spent and what was. Every amount is an entry that is written once; the sum of the entries is what was spent,
 * and every decision is made by that sum, under a lock, in the transaction that writes the next entry.
 */

/** A reservation to be made. */
export interface ReserveOrder extends Spender {
  readonly rootRunId: string;
  /** A UUID of the caller's own. */
  readonly reservationId: string;
  readonly stepId: string | null;
  readonly amount: Amount;
  /** After so long without an end it expires, once. */
  readonly holdMs: number;
  /** Events that tell of it in the run's record, written only with it. */
  readonly entries: readonly JournalEntry[];
}

/** What became of a reservation: `null` when it was made, else why not. */
export interface ReserveAnswer {
  readonly refusal: Refusal | null;
}

/** A reservation to be ended. */
export interface EndOrder {
  readonly reservationId: string;
  readonly entries: readonly JournalEntry[];
}

/** A threshold that was passed, to be told to people. Told once per UTC day, limit and threshold. */
export interface BudgetAlert {
  /** The same however often it is sent. */
  readonly id: string;
  /** `null` for the platform's. */
  readonly projectId: string | null;
  readonly layer: BudgetLayer;
  /** Agent, keyed digest of the caller, or run; empty for platform and project. */
  readonly scope: string;
  readonly threshold: Threshold;
  /** UTC day, `2026-11-21`. */
  readonly day: string;
  readonly atMs: number;
  readonly used: { readonly nanoUsd: number; readonly tokens: number };
  readonly nanoUsdMax: number | null;
  readonly tokensMax: number | null;
}

/** Which emergency stops are on. */
export interface BudgetStops {
  readonly platform: boolean;
  readonly project: boolean;
}

/** Which entries to list. */
export interface EntryFilter {
  readonly runId?: string;
  readonly reservationId?: string;
  /** Written at this time or later. */
  readonly sinceMs?: number;
}

/**
 * The ledger of a store. Every method is atomic; those about one project see no other (I10). `projectId` `null` is the
 * platform: all projects of the store together.
 */
export interface BudgetLedger {
  /** Asks all layers and writes the reservation, or refuses; of many at once no more are admitted than there is room for. */
  reserve(projectId: string, order: ReserveOrder): Promise<ReserveAnswer>;
  /** What was spent in fact, also more than was reserved, also after the reservation expired. False: it has ended before. */
  settle(projectId: string, order: EndOrder & { readonly spent: Amount }): Promise<boolean>;
  /** Nothing was spent. False: it has ended or expired before. */
  release(projectId: string, order: EndOrder): Promise<boolean>;
  /** Of all projects: takes back reservations that were held too long, each once; at most `limit`. Gives how many. */
  expire(limit: number, toEntries: (entry: BudgetEntry, projectId: string) => readonly JournalEntry[]): Promise<number>;
  /** How the limits of a spender stand, the platform's left out. */
  balance(projectId: string, spender: Spender): Promise<readonly Standing[]>;
  /** How the platform's limit stands; `null` without one. */
  platformBalance(): Promise<Standing | null>;
  listLimits(projectId: string | null): Promise<readonly BudgetLimit[]>;
  /** In place of the limit of the same layer and scope. Both maxima `null`: there is none any more. `bad-argument` for a limit of the wrong layer. */
  putLimit(projectId: string | null, limit: BudgetLimit): Promise<void>;
  /** The emergency stop of a project or of the platform: no call of a governed run leaves while it is on. */
  setStop(projectId: string | null, isStopped: boolean): Promise<void>;
  stops(projectId: string): Promise<BudgetStops>;
  /** Newest first. */
  listEntries(projectId: string, filter: EntryFilter, page: PageRequest): Promise<Page<BudgetEntry>>;
  /** Of all projects: alerts that nobody sends now; whoever takes them has `claimMs` for it. */
  claimAlerts(limit: number, claimMs: number): Promise<readonly BudgetAlert[]>;
  /** It was sent; it is never given out again. */
  markAlertSent(alert: BudgetAlert): Promise<void>;
}
