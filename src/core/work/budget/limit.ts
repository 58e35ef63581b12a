import type { ErrorCode } from '../../error.ts';

/*
 * What may be spent, in layers. A call is asked of each in this order; the first that has no room refuses it:
 *
 *   emergency stop ► platform, per day ► project, per day ► agent, per day ► caller, per rolling 7 days ► run
 */

/** Layers that have limits, in the order in which they are asked. */
export const budgetLayers = ['platform', 'project', 'agent', 'caller', 'run'] as const;

/** One of the layers. */
export type BudgetLayer = (typeof budgetLayers)[number];

/** The code of a refusal, by what refused. */
export const budgetCodes = {
  emergency: 'E-BUDGET-003',
  platform: 'E-BUDGET-002',
  project: 'E-BUDGET-001',
  agent: 'E-BUDGET-006',
  caller: 'E-BUDGET-005',
  run: 'E-BUDGET-004',
} as const satisfies Record<BudgetLayer | 'emergency', ErrorCode>;

/** A sum to be spent, or spent: whole nano-USD, `null` for what has no price (I12), and tokens of all kinds. */
export interface Amount {
  readonly nanoUsd: number | null;
  readonly tokens: number;
}

/** The scope of a limit that holds for each agent, caller or run which has none of its own. */
export const anyScope = '*';

/**
 * How much of one layer may be spent. `scope` says whose: an agent's id, a caller's keyed digest, a run's id, or `*` for
 * each without a limit of its own; empty for platform and project. `null`: any amount.
 */
export interface BudgetLimit {
  readonly layer: BudgetLayer;
  readonly scope: string;
  readonly nanoUsdMax: number | null;
  readonly tokensMax: number | null;
}

/** Who spends. The caller by the keyed digest of its name, never by the name. */
export interface Spender {
  readonly runId: string;
  readonly agentId: string;
  readonly caller: string | null;
}

const dayMs = 24 * 3600 * 1000;

/** First moment of the UTC day of a time. */
export function dayStartMs(timeMs: number): number {
  return Math.floor(timeMs / dayMs) * dayMs;
}

/** The UTC day of a time, `2026-11-21`. */
export function timeToDay(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/** From when on spending counts for a layer; spending of exactly this moment does. */
export function windowStartMs(layer: BudgetLayer, nowMs: number): number {
  if (layer === 'run') return 0;
  // Seven days ago is over: what was spent then has just left the window.
  return layer === 'caller' ? nowMs - 7 * dayMs + 1 : dayStartMs(nowMs);
}

/** Whom of a layer a spender is; `null` when the layer has nothing to do with it. */
export function spenderToScope(layer: BudgetLayer, spender: Spender): string | null {
  if (layer === 'agent') return spender.agentId;
  if (layer === 'caller') return spender.caller;
  return layer === 'run' ? spender.runId : '';
}

/** A limit as it binds a spender: `scope` is the spender's own, also where the limit is for each. */
export interface BindingLimit {
  readonly limit: BudgetLimit;
  readonly scope: string;
}

/** The limits that bind a spender, in order; an own limit takes the place of that for each. */
export function limitsOf(spender: Spender, limits: readonly BudgetLimit[]): readonly BindingLimit[] {
  return budgetLayers.flatMap((layer) => {
    const scope = spenderToScope(layer, spender);
    if (scope === null) return [];
    const ofLayer = limits.filter((limit) => limit.layer === layer);
    const limit =
      ofLayer.find((one) => one.scope === scope) ?? ofLayer.find((one) => scope !== '' && one.scope === anyScope);
    return limit === undefined || (limit.nanoUsdMax === null && limit.tokensMax === null) ? [] : [{ limit, scope }];
  });
}
