import type { Cost } from '../../core/model/cost.ts';
import type { FinishReason } from '../../core/model/step.ts';
import type { Usage } from '../../core/model/usage.ts';
import { toUsage } from '../../core/model/usage.ts';

/** What a model is asked in one try. */
export interface ModelRequest {
  /** The caller's messages, and after them what earlier tries were refused for. */
  readonly messages: readonly unknown[];
  /** The try, from 1. */
  readonly attempt: number;
  /** Aborted when the caller's signal is. */
  readonly signal: AbortSignal;
}

/** Tokens of one call in the fewest words; what is left out was not reported. */
export interface TokenCounts {
  /** All of the input, cache reads and writes included. */
  readonly input?: number | null;
  readonly output?: number | null;
  readonly reasoning?: number | null;
  readonly cacheRead?: number | null;
}

/** What a model answered. Only the text is required; the rest is recorded where nothing else records the call. */
export interface ModelAnswer {
  readonly text: string;
  readonly usage?: Usage | TokenCounts | null;
  /** The provider's own usage object. */
  readonly usageRaw?: unknown;
  readonly cost?: Cost | null;
  readonly finishReason?: FinishReason | string | null;
  readonly provider?: string | null;
  /** The model that served. */
  readonly model?: string | null;
  readonly providerResponseId?: string | null;
}

/** Calls a model. What it throws goes through to the caller unchanged, and is no try that failed the schema. */
export type CallModel = (request: ModelRequest) => Promise<ModelAnswer>;

/** The usage of an answer by bucket, or `null` when it told none. */
export function usageOf({ usage }: ModelAnswer): Usage | null {
  if (usage === undefined || usage === null || typeof usage !== 'object') return null;
  if (typeof usage.input === 'object' && usage.input !== null) return usage as Usage;
  const { input, output, reasoning, cacheRead } = usage as TokenCounts;
  return toUsage({ total: input, cacheRead }, { total: output, reasoning });
}
