import type { Cost } from '../../../core/model/cost.ts';
import type { FinishReason } from '../../../core/model/step.ts';
import { toCount, toFields, toFieldsList, toText } from './fields.ts';

/** The sum of what was reported, or `null` when nothing was. */
export function sumOf(...counts: readonly (number | null)[]): number | null {
  const known = counts.filter((count) => count !== null);
  return known.length === 0 ? null : known.reduce((sum, count) => sum + count, 0);
}

/** The first of these that was reported, or `null`. */
export function firstCount(...values: readonly unknown[]): number | null {
  return values.map(toCount).find((count) => count !== null) ?? null;
}

/** The difference where both sides were reported. */
export function lessOf(total: number | null, part: number | null): number | null {
  return total === null || part === null ? null : Math.max(0, total - part);
}

/** Tokens of pictures and sound in a list of counts by modality; 0 when there are none or no list. */
export function otherThanText(byModality: unknown): number {
  const others = toFieldsList(byModality).filter((entry) => toText(entry['modality'])?.toLowerCase() !== 'text');
  return sumOf(...others.map((entry) => toCount(entry['tokenCount'] ?? entry['tokens']))) ?? 0;
}

const nanoPerUsd = 1e9;
/** xAI counts in ticks of 10⁻¹⁰ USD; its recorded answers agree with its price list to the tick (2026-11-21). */
const nanoPerTick = 0.1;

/** What the provider itself said the call cost, where it says so; `null` otherwise. */
export function toCost(usageRaw: unknown): Cost | null {
  const usage = toFields(usageRaw);
  const ticks = toCount(usage?.['cost_in_usd_ticks']);
  const usd = toCount(usage?.['cost']);
  const nanoUsd = ticks !== null ? ticks * nanoPerTick : usd !== null ? usd * nanoPerUsd : null;
  return nanoUsd === null ? null : { nanoUsd: Math.round(nanoUsd), status: 'actual', source: 'provider-response' };
}

const unifiedByRaw: Readonly<Record<string, string>> = {
  stop: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  completed: 'stop',
  pause_turn: 'stop',
  length: 'length',
  max_tokens: 'length',
  max_output_tokens: 'length',
  model_context_window_exceeded: 'length',
  model_length: 'length',
  incomplete: 'length',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  tool_use: 'tool-calls',
  requires_action: 'tool-calls',
  content_filter: 'content-filter',
  refusal: 'content-filter',
  safety: 'content-filter',
  recitation: 'content-filter',
  blocklist: 'content-filter',
  prohibited_content: 'content-filter',
  spii: 'content-filter',
  image_safety: 'content-filter',
  malformed_function_call: 'error',
  failed: 'error',
  error: 'error',
};

/** A provider's word for why the model stopped, with the word they all share. `hasCalls`: the stop asks for tools. */
export function toFinishReason(raw: string, hasCalls = false): FinishReason {
  const unified = unifiedByRaw[raw.toLowerCase()] ?? 'other';
  return { unified: unified === 'stop' && hasCalls ? 'tool-calls' : unified, raw };
}
