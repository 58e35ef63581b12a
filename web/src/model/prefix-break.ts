import type { StepView, Usage } from '../api/wire.ts';

/** What a prefix break cost: tokens the provider had cached for the previous call and did not read for this one. */
export interface PrefixLoss {
  /** `null` when either side did not report its cache (I12). */
  readonly lostTokens: number | null;
  readonly readTokens: number | null;
  readonly cachedTokens: number | null;
  /** Cache writes were not reported, so that the loss may be larger. */
  readonly isAtLeast: boolean;
}

/** Tokens a provider held in its cache after a call: what it read and what it wrote; `null` when neither was reported. */
function cachedAfter(usage: Usage | null): number | null {
  if (usage === null) return null;
  const { cacheRead, cacheWrite } = usage.input;
  return cacheRead === null && cacheWrite === null ? null : (cacheRead ?? 0) + (cacheWrite ?? 0);
}

/** Compares the call before a break with the call after it. */
export function toPrefixLoss(previous: StepView | null, step: StepView): PrefixLoss {
  const cachedTokens = cachedAfter(previous?.usage ?? null);
  const readTokens = step.usage?.input.cacheRead ?? null;
  const lostTokens = cachedTokens === null || readTokens === null ? null : Math.max(0, cachedTokens - readTokens);
  return { lostTokens, readTokens, cachedTokens, isAtLeast: (previous?.usage?.input.cacheWrite ?? null) === null };
}
