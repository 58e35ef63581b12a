/**
 * Tokens of a model call as the provider reported them. `null` means not reported and is never read as 0 (I12).
 * `input.total` includes cache reads and writes; `output.total` includes reasoning where the provider counts so.
 */
export interface Usage {
  readonly input: InputUsage;
  readonly output: OutputUsage;
  /** Model requests behind these numbers, when known. */
  readonly requests: number | null;
}

/** Input tokens by bucket. `cacheWrite` is split by lifetime only where the provider reports the split. */
export interface InputUsage {
  readonly total: number | null;
  readonly noCache: number | null;
  readonly cacheRead: number | null;
  readonly cacheWrite: number | null;
  readonly cacheWriteFiveMinutes: number | null;
  readonly cacheWriteOneHour: number | null;
}

/** Output tokens by bucket. */
export interface OutputUsage {
  readonly total: number | null;
  readonly text: number | null;
  readonly reasoning: number | null;
}

/** A count that was reported. Anything but a finite number was not, and stays `null` (I12). */
function toCount(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** Tokens of one model request, bucket by bucket. What is left out, or is no finite number, was not reported. */
export function toUsage(
  input: Partial<Record<keyof InputUsage, unknown>>,
  output: Partial<Record<keyof OutputUsage, unknown>>,
): Usage {
  return {
    input: {
      total: toCount(input.total),
      noCache: toCount(input.noCache),
      cacheRead: toCount(input.cacheRead),
      cacheWrite: toCount(input.cacheWrite),
      cacheWriteFiveMinutes: toCount(input.cacheWriteFiveMinutes),
      cacheWriteOneHour: toCount(input.cacheWriteOneHour),
    },
    output: { total: toCount(output.total), text: toCount(output.text), reasoning: toCount(output.reasoning) },
    requests: 1,
  };
}

/** A usage in which nothing was reported. */
export const unknownUsage: Usage = { ...toUsage({}, {}), requests: null };

const add = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : a + b);

function combine(a: Usage, b: Usage, with_: (x: number | null, y: number | null) => number | null): Usage {
  return {
    input: {
      total: with_(a.input.total, b.input.total),
      noCache: with_(a.input.noCache, b.input.noCache),
      cacheRead: with_(a.input.cacheRead, b.input.cacheRead),
      cacheWrite: with_(a.input.cacheWrite, b.input.cacheWrite),
      cacheWriteFiveMinutes: with_(a.input.cacheWriteFiveMinutes, b.input.cacheWriteFiveMinutes),
      cacheWriteOneHour: with_(a.input.cacheWriteOneHour, b.input.cacheWriteOneHour),
    },
    output: {
      total: with_(a.output.total, b.output.total),
      text: with_(a.output.text, b.output.text),
      reasoning: with_(a.output.reasoning, b.output.reasoning),
    },
    requests: with_(a.requests, b.requests),
  };
}

/** Sum of two usages. A bucket that neither reported stays `null`; one reported side is the sum. */
export function addUsage(a: Usage, b: Usage): Usage {
  return combine(a, b, add);
}

/** `a` without `b`, bucket by bucket; what `b` did not report stays as it is. */
export function subtractUsage(a: Usage, b: Usage): Usage {
  return combine(a, b, (x, y) => (x === null || y === null ? x : x - y));
}

/** True when no bucket was reported. */
export function isUsageUnknown(usage: Usage): boolean {
  return (
    Object.values(usage.input).every((value) => value === null) &&
    Object.values(usage.output).every((value) => value === null)
  );
}
