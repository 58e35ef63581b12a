import type { Usage } from '../../../core/model/usage.ts';
import { toFields } from '../sdk-events.ts';

/** A count that was reported. `undefined`, NaN and anything else is not reported and stays `null` (I12). */
function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** Lifetime split of cache writes, which only the provider's raw usage carries. */
function cacheWriteSplit(raw: unknown): { cacheWriteFiveMinutes: number | null; cacheWriteOneHour: number | null } {
  const creation = toFields(toFields(raw)?.['cache_creation']);
  return {
    cacheWriteFiveMinutes: count(creation?.['ephemeral_5m_input_tokens']),
    cacheWriteOneHour: count(creation?.['ephemeral_1h_input_tokens']),
  };
}

/** The provider-level usage (`LanguageModelV4Usage`) as it is recorded; `null` when none was given. */
export function modelUsageToUsage(value: unknown): Usage | null {
  const usage = toFields(value);
  if (usage === null) return null;
  const input = toFields(usage['inputTokens']);
  const output = toFields(usage['outputTokens']);
  return {
    input: {
      total: count(input?.['total']),
      noCache: count(input?.['noCache']),
      cacheRead: count(input?.['cacheRead']),
      cacheWrite: count(input?.['cacheWrite']),
      ...cacheWriteSplit(usage['raw']),
    },
    output: { total: count(output?.['total']), text: count(output?.['text']), reasoning: count(output?.['reasoning']) },
    requests: 1,
  };
}

/** The usage that the SDK's results and events carry (`LanguageModelUsage`, flat) as it is recorded. */
export function resultUsageToUsage(value: unknown): Usage | null {
  const usage = toFields(value);
  if (usage === null) return null;
  const input = toFields(usage['inputTokenDetails']);
  const output = toFields(usage['outputTokenDetails']);
  return {
    input: {
      total: count(usage['inputTokens']),
      noCache: count(input?.['noCacheTokens']),
      cacheRead: count(input?.['cacheReadTokens']),
      cacheWrite: count(input?.['cacheWriteTokens']),
      ...cacheWriteSplit(usage['raw']),
    },
    output: {
      total: count(usage['outputTokens']),
      text: count(output?.['textTokens']),
      reasoning: count(output?.['reasoningTokens']),
    },
    requests: 1,
  };
}

/** Usage of an embedding call, which knows input tokens only. */
export function embeddingUsageToUsage(value: unknown): Usage | null {
  const tokens = count(toFields(value)?.['tokens']);
  if (tokens === null) return null;
  return {
    input: {
      total: tokens,
      noCache: null,
      cacheRead: null,
      cacheWrite: null,
      cacheWriteFiveMinutes: null,
      cacheWriteOneHour: null,
    },
    output: { total: null, text: null, reasoning: null },
    requests: 1,
  };
}
