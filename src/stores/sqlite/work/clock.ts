import { cellToNumber, type SqlRow } from '../../sql/value.ts';

/*
 * Wall clocks step. A lease must not: a step ahead would take every run from its worker, one back would leave a dead worker's
 * runs lying. So leases are measured by the machine's monotonic clock, which all processes of one boot share
 * (CLOCK_MONOTONIC, mach_absolute_time, QueryPerformanceCounter). It begins anew with a boot: a lease that ends further
 * ahead than it is long was given before that, and has run out. It stands still while the machine sleeps, and so do the
 * workers. To callers a lease is told in Unix milliseconds: as it was given, unless the wall clock has stepped over it.
 *
 *   lease_expires_at_ms   Unix ms, as given       lease_until   ms of the monotonic clock       lease_ms   its length
 */

/** The clocks of a store. */
export interface LeaseClock {
  /** Unix milliseconds; may step. */
  nowMs(): number;
  /** Milliseconds of a clock that never steps and that all processes of one boot share. */
  machineMs(): number;
}

/** The machine's own. */
export const machineClock: LeaseClock = {
  nowMs: () => Date.now(),
  machineMs: () => Number(process.hrtime.bigint() / 1000n) / 1000,
};

/** Both clocks, read at one moment. */
export interface Reading {
  readonly nowMs: number;
  readonly machineMs: number;
}

/** Reads both clocks. */
export const readClock = (clock: LeaseClock): Reading => ({ nowMs: clock.nowMs(), machineMs: clock.machineMs() });

/** Readings of clocks are fractions, and sums of them are not exact. */
const toleranceMs = 1;

/** True while the lease of a row is in force. */
export function isInForce(cells: SqlRow, { machineMs }: Reading): boolean {
  const until = cellToNumber(cells['lease_until']);
  if (until === null || until <= machineMs) return false;
  return until - machineMs <= (cellToNumber(cells['lease_ms']) ?? 0) + toleranceMs;
}

/** The same as SQL says it: parameters are twice the machine's clock. */
export const isOutSql = `(lease_until IS NOT NULL AND (lease_until <= ? OR lease_until > ? + lease_ms + ${toleranceMs}))`;

/** When the lease of a row ends, in Unix milliseconds. */
export function shownLease(cells: SqlRow, at: Reading): number | null {
  const given = cellToNumber(cells['lease_expires_at_ms']);
  if (given === null) return null;
  return isInForce(cells, at) ? Math.max(given, at.nowMs + 1) : Math.min(given, at.nowMs);
}

/** A lease as its columns hold it: `lease_expires_at_ms`, `lease_until`, `lease_ms`. */
export function leaseToCells(expiresAtMs: number | null, at: Reading): [number | null, number | null, number | null] {
  if (expiresAtMs === null) return [null, null, null];
  const leaseMs = Math.max(0, expiresAtMs - at.nowMs);
  return [expiresAtMs, at.machineMs + leaseMs, leaseMs];
}
