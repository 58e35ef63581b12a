import type { Cost } from '../model/cost.ts';
import { costSources, costStatuses } from '../model/cost.ts';
import type { Usage } from '../model/usage.ts';
import { toUsage } from '../model/usage.ts';
import { count } from './given.ts';

type Fields = Readonly<Record<string, unknown>>;

const nothing: Fields = {};
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : nothing;

/** The same buckets with every number that is none taken out, so that sums and stores hold (I12). */
function counts(fields: Fields): Record<string, number | null> {
  const taken: Record<string, number | null> = {};
  for (const key in fields) taken[key] = count(fields[key]) ?? null;
  return taken;
}

/** A usage in full, whatever part of it was given; `null` stays. */
export function readUsage(value: unknown): Usage | null | undefined {
  if (value === null) return null;
  if (typeof value !== 'object') return undefined;
  const { input, output, requests } = value as Fields;
  const usage = toUsage(counts(fieldsOf(input)), counts(fieldsOf(output)));
  return { ...usage, requests: count(requests) ?? null };
}

/** A cost in whole nano-USD. Without a number, or a word for how sure it is, it is unknown (I12). */
export function readCost(value: unknown): Cost | null | undefined {
  if (value === null) return null;
  if (typeof value !== 'object') return undefined;
  const { nanoUsd, status, source } = value as Fields;
  const amount = count(nanoUsd) ?? null;
  const sure = costStatuses.find((known) => known === status) ?? 'unknown';
  const isKnown = amount !== null && sure !== 'unknown';
  return {
    nanoUsd: isKnown ? Math.round(amount) : null,
    status: isKnown ? sure : 'unknown',
    source: costSources.find((known) => known === source) ?? 'none',
  };
}
