import type { Prices } from '../../../core/cost/prices.ts';
import { reportedCost } from '../../../core/cost/reported.ts';
import type { Cost } from '../../../core/model/cost.ts';
import { unknownCost } from '../../../core/model/cost.ts';
import type { Usage } from '../../../core/model/usage.ts';
import { addUsage, toUsage } from '../../../core/model/usage.ts';
import type { Answer } from './answer.ts';
import { toFields } from '../vendor.ts';

/** What one call used and cost. */
export interface Spending {
  readonly usage: Usage | null;
  readonly cost: Cost;
}

/** What several calls used and cost together. */
export interface SpendingSum {
  readonly calls: number;
  readonly usage: Usage | null;
  /** `null` when the cost of any of them is unknown (I12). */
  readonly costNanoUsd: number | null;
  /** What is known of it: at least so much. */
  readonly costKnownNanoUsd: number;
}

/** A model as its calls are priced. */
export interface PricedModel {
  /** The SDK's full name: `openai.chat`. */
  readonly provider: string;
  readonly modelId: string;
}

/** Usage in the provider layer's form (`LanguageModelV4Usage`); `null` when none was given. */
export function toRecordedUsage(value: unknown): Usage | null {
  const usage = toFields(value);
  const input = toFields(usage?.['inputTokens']);
  const output = toFields(usage?.['outputTokens']);
  if (input === null && output === null) return null;
  const creation = toFields(toFields(usage?.['raw'])?.['cache_creation']);
  return toUsage(
    {
      ...input,
      cacheWriteFiveMinutes: creation?.['ephemeral_5m_input_tokens'],
      cacheWriteOneHour: creation?.['ephemeral_1h_input_tokens'],
    },
    output ?? {},
  );
}

/** What an answer used, and what it cost: as its provider says, else by the prices. */
export function answerToSpending(answer: Answer, model: PricedModel, at: { timeMs: number; prices: Prices }): Spending {
  const usage = toRecordedUsage(answer.usage);
  const usageRaw = toFields(answer.usage)?.['raw'];
  const reported = reportedCost(usageRaw, { providerMetadata: answer.providerMetadata });
  if (reported !== null) return { usage, cost: reported };
  const { nanoUsd, status, source } = at.prices.estimate({
    provider: model.provider,
    model: answer.modelId ?? model.modelId,
    timeMs: at.timeMs,
    usage,
    usageRaw,
  });
  return { usage, cost: { nanoUsd, status, source } };
}

/** What a call cost that failed: nothing when the provider refused it, else nobody knows. */
export function failureToSpending(error: unknown, prices: Prices): Spending {
  const status = toFields(error)?.['statusCode'];
  if (typeof status !== 'number' || status < 400) return { usage: null, cost: unknownCost };
  const { nanoUsd, status: costStatus, source } = prices.refused();
  return { usage: null, cost: { nanoUsd, status: costStatus, source } };
}

/** The sum of what calls used and cost. Of no calls the cost is 0. */
export function sumOfSpendings(spendings: readonly Spending[]): SpendingSum {
  const usages = spendings.map(({ usage }) => usage).filter((usage) => usage !== null);
  const costKnownNanoUsd = spendings.reduce((sum, { cost }) => sum + (cost.nanoUsd ?? 0), 0);
  return {
    calls: spendings.length,
    usage: usages.length === 0 ? null : usages.reduce(addUsage),
    costNanoUsd: spendings.every(({ cost }) => cost.nanoUsd !== null) ? costKnownNanoUsd : null,
    costKnownNanoUsd,
  };
}
