import { isUuid } from '../id.ts';
import type { EventHeader } from '../record/event.ts';

/** Midnight before the year 10000: every moment up to it can be written as a date of 24 characters. */
const timeMaxMs = 253_402_300_800_000;
const attemptMax = 1_000_000;
const epochMax = 500_000;

const writerPattern = /^[0-9a-f]{16}$/;
// Not the closed list: a newer minor version of the format may add a type, and what it wrote must not be lost.
const typePattern = /^[a-z]+(?:-[a-z]+)*$/;
const typeCharsMax = 64;

const isWhole = (value: number, min: number, max: number): boolean =>
  Number.isSafeInteger(value) && value >= min && value <= max && !Object.is(value, -0);

/**
 * True for a header whose every field is of its kind, so that views can be computed from it and kept. A header is
 * hashed and cannot be put right: an event without a sound one belongs to no run.
 */
export function isHeaderInRange(header: EventHeader): boolean {
  const { runId, writerId, n, type, timeMs, stepId, attempt } = header;
  return (
    isUuid(runId) &&
    writerPattern.test(writerId) &&
    isWhole(n, 1, Number.MAX_SAFE_INTEGER) &&
    type.length <= typeCharsMax &&
    typePattern.test(type) &&
    isWhole(timeMs, 0, timeMaxMs - 1) &&
    (stepId === null || isUuid(stepId)) &&
    (attempt === null || isWhole(attempt, 1, attemptMax))
  );
}

/** True for the number of a week that a run's id can name. */
export function isEpochInRange(epoch: number): boolean {
  return isWhole(epoch, -1, epochMax);
}
