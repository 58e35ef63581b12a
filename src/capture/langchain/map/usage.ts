import type { Usage } from '../../../core/model/usage.ts';
import { isUsageUnknown, toUsage, unknownUsage } from '../../../core/model/usage.ts';
import { lessOf, sumOf } from '../../fetch/formats/counts.ts';
import { toCount } from '../../fetch/formats/fields.ts';
import type { Fields } from '../vendor.ts';
import { toFields } from '../vendor.ts';

/** Cache writes by lifetime, which only Anthropic's own usage tells. */
function lifetimesOf(raw: unknown): Fields {
  return toFields(toFields(raw)?.['cache_creation']) ?? {};
}

/**
 * LangChain's usage as it is recorded: its input counts the cache, its output the thoughts. `null` where none was
 * reported (I12).
 */
export function toRecordedUsage(given: unknown, raw: unknown): Usage | null {
  const usage = toFields(given);
  if (usage === null) return null;
  const input = toFields(usage['input_token_details']);
  const output = toFields(usage['output_token_details']);
  const total = toCount(usage['input_tokens']);
  const cacheRead = toCount(input?.['cache_read']);
  const cacheWrite = toCount(input?.['cache_creation']);
  const outputTotal = toCount(usage['output_tokens']);
  const reasoning = toCount(output?.['reasoning']);
  const lifetimes = lifetimesOf(raw);
  const recorded = toUsage(
    {
      total,
      noCache: lessOf(total, sumOf(cacheRead, cacheWrite)),
      cacheRead,
      cacheWrite,
      cacheWriteFiveMinutes: lifetimes['ephemeral_5m_input_tokens'],
      cacheWriteOneHour: lifetimes['ephemeral_1h_input_tokens'],
    },
    { total: outputTotal, reasoning, text: lessOf(outputTotal, sumOf(reasoning, toCount(output?.['audio']))) },
  );
  return isUsageUnknown(recorded) ? null : recorded;
}

/** Usage of a text completion, which LangChain tells in older words. */
export function tokenUsageToUsage(given: unknown): Usage | null {
  const usage = toFields(given);
  if (usage === null || (toCount(usage['promptTokens']) ?? toCount(usage['completionTokens'])) === null) return null;
  return toUsage({ total: usage['promptTokens'] }, { total: usage['completionTokens'] });
}

/** An answer out of LangChain's own cache: no model was asked, so nothing was spent. */
export const nothingSpent: Usage = {
  input: { ...unknownUsage.input, total: 0 },
  output: { ...unknownUsage.output, total: 0 },
  requests: 0,
};
