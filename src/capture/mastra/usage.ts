import type { Usage } from '../../core/model/usage.ts';
import { isUsageUnknown, toUsage } from '../../core/model/usage.ts';
import { toFields } from './vendor.ts';

const known = (usage: Usage): Usage | null => (isUsageUnknown(usage) ? null : usage);

/**
 * Tokens as a span's attributes tell them. `text` is what Mastra computes from the other counts: where none of them was
 * reported it says nothing, and stays unknown (I12).
 */
export function spanUsageToUsage(value: unknown): Usage | null {
  const usage = toFields(value);
  if (usage === null) return null;
  const input = toFields(usage['inputDetails']) ?? {};
  const output = toFields(usage['outputDetails']) ?? {};
  const hasCache = input['cacheRead'] !== undefined || input['cacheWrite'] !== undefined;
  return known(
    toUsage(
      {
        total: usage['inputTokens'],
        noCache: hasCache ? input['text'] : null,
        cacheRead: input['cacheRead'],
        cacheWrite: input['cacheWrite'],
        cacheWriteFiveMinutes: input['cacheWrite5m'],
        cacheWriteOneHour: input['cacheWrite1h'],
      },
      {
        total: usage['outputTokens'],
        text: output['reasoning'] === undefined ? null : output['text'],
        reasoning: output['reasoning'],
      },
    ),
  );
}

/** Anthropic's cache writes by lifetime, which only its own words tell. */
function lifetimes(providerMetadata: unknown): { fiveMinutes: unknown; oneHour: unknown } {
  const anthropic = toFields(toFields(providerMetadata)?.['anthropic']);
  const split =
    toFields(anthropic?.['cacheCreation']) ?? toFields(toFields(anthropic?.['usage'])?.['cache_creation']) ?? {};
  return {
    fiveMinutes: split['ephemeral_5m_input_tokens'] ?? split['ephemeral5mInputTokens'],
    oneHour: split['ephemeral_1h_input_tokens'] ?? split['ephemeral1hInputTokens'],
  };
}

/**
 * Tokens as the end of a model call tells them: the provider layer's own counts under `raw` where they are of its
 * newer form, else the flat ones. `raw` is what the provider itself said, as far as it is known.
 */
export function callUsageToUsage(value: unknown, providerMetadata: unknown): { usage: Usage | null; raw: unknown } {
  const flat = toFields(value);
  if (flat === null) return { usage: null, raw: undefined };
  const layer = toFields(flat['raw']);
  const input = toFields(layer?.['inputTokens']);
  const output = toFields(layer?.['outputTokens']);
  const split = lifetimes(providerMetadata);
  const writes = { cacheWriteFiveMinutes: split.fiveMinutes, cacheWriteOneHour: split.oneHour };
  if (input !== null || output !== null)
    return { usage: known(toUsage({ ...input, ...writes }, { ...output })), raw: layer?.['raw'] ?? layer };
  const usage = toUsage(
    {
      total: flat['inputTokens'],
      cacheRead: flat['cachedInputTokens'],
      cacheWrite: flat['cacheCreationInputTokens'],
      cacheWriteFiveMinutes: flat['cacheCreationInputTokens5m'] ?? split.fiveMinutes,
      cacheWriteOneHour: flat['cacheCreationInputTokens1h'] ?? split.oneHour,
    },
    { total: flat['outputTokens'], reasoning: flat['reasoningTokens'] },
  );
  return { usage: known(usage), raw: flat['raw'] };
}
