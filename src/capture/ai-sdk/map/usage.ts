import type { InputUsage, Usage } from '../../../core/model/usage.ts';
import { isUsageUnknown, toUsage } from '../../../core/model/usage.ts';
import type { Fields } from '../sdk-events.ts';
import { toFields } from '../sdk-events.ts';

/** Lifetime split of cache writes, which only the provider's raw usage carries. */
function cacheWriteSplit(usage: Fields): Partial<Record<keyof InputUsage, unknown>> {
  const creation = toFields(toFields(usage['raw'])?.['cache_creation']);
  return {
    cacheWriteFiveMinutes: creation?.['ephemeral_5m_input_tokens'],
    cacheWriteOneHour: creation?.['ephemeral_1h_input_tokens'],
  };
}

/** The provider-level usage (`LanguageModelV4Usage`) as it is recorded; `null` when none was given. */
export function modelUsageToUsage(value: unknown): Usage | null {
  const usage = toFields(value);
  if (usage === null) return null;
  // Before version 3 of the provider interface usage was flat.
  if (toFields(usage['inputTokens']) === null && toFields(usage['outputTokens']) === null)
    return resultUsageToUsage(usage);
  // The buckets have the names that they are recorded under.
  return toUsage(
    { ...toFields(usage['inputTokens']), ...cacheWriteSplit(usage) },
    toFields(usage['outputTokens']) ?? {},
  );
}

/** The usage that the SDK's results and events carry (`LanguageModelUsage`, flat) as it is recorded. */
export function resultUsageToUsage(value: unknown): Usage | null {
  const usage = toFields(value);
  if (usage === null) return null;
  const input = toFields(usage['inputTokenDetails']);
  const output = toFields(usage['outputTokenDetails']);
  return toUsage(
    {
      total: usage['inputTokens'],
      noCache: input?.['noCacheTokens'],
      cacheRead: input?.['cacheReadTokens'] ?? usage['cachedInputTokens'],
      cacheWrite: input?.['cacheWriteTokens'],
      ...cacheWriteSplit(usage),
    },
    {
      total: usage['outputTokens'],
      text: output?.['textTokens'],
      reasoning: output?.['reasoningTokens'] ?? usage['reasoningTokens'],
    },
  );
}

/** Usage of an embedding call, which knows input tokens only; `null` when it reported none. */
export function embeddingUsageToUsage(value: unknown): Usage | null {
  const usage = toUsage({ total: toFields(value)?.['tokens'] }, {});
  return isUsageUnknown(usage) ? null : usage;
}
