import type { Cost } from '../model/cost.ts';
import { divideHalfEven, toSafeNumber, usdToNanoUsd } from './money.ts';

type Fields = Readonly<Record<string, unknown>>;

const toFields = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;

/** xAI counts in ticks of 10⁻¹⁰ USD; its recorded answers agree with its price list to the tick (2026-11-21). */
function ticksToNanoUsd(ticks: unknown): number | null {
  if (!Number.isSafeInteger(ticks) || (ticks as number) < 0) return null;
  return toSafeNumber(divideHalfEven(BigInt(ticks as number), 10n));
}

/** With a key of one's own the upstream provider charges beside OpenRouter, which then states both parts. */
function routerCost(usage: Fields): number | null {
  const own = usdToNanoUsd(usage['cost']);
  if (own === null || (usage['is_byok'] !== true && usage['isByok'] !== true)) return own;
  const details = toFields(usage['cost_details'] ?? usage['costDetails']);
  const upstream = usdToNanoUsd(details?.['upstream_inference_cost'] ?? details?.['upstreamInferenceCost']);
  return upstream === null ? null : own + upstream;
}

function usageToNanoUsd(usage: Fields): number | null {
  return (
    ticksToNanoUsd(usage['cost_in_usd_ticks']) ??
    routerCost(usage) ??
    usdToNanoUsd(toFields(usage['cost'])?.['total_cost'])
  );
}

/** What gateways put beside the answer: `providerMetadata` as the SDK hands it on. */
function metadataToNanoUsd(metadata: Fields): number | null {
  const provider = toFields(metadata['providerMetadata']);
  const routed = toFields(toFields(provider?.['openrouter'])?.['usage']);
  const gateway = toFields(provider?.['gateway']);
  return (routed === null ? null : routerCost(routed)) ?? usdToNanoUsd(gateway?.['cost']);
}

/**
 * What the provider itself said a call cost, in its usage (xAI, OpenRouter, Perplexity) or beside it (gateways); `null`
 * when it said nothing that can be understood.
 */
export function reportedCost(usageRaw: unknown, metadata: unknown): Cost | null {
  const usage = toFields(usageRaw);
  const beside = toFields(metadata);
  const nanoUsd =
    (usage === null ? null : usageToNanoUsd(usage)) ?? (beside === null ? null : metadataToNanoUsd(beside));
  return nanoUsd === null ? null : { nanoUsd, status: 'actual', source: 'provider-response' };
}
