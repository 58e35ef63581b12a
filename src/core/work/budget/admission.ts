import { TachographError } from '../../error.ts';
import type { Amount, BindingLimit, BudgetLayer, BudgetLimit } from './limit.ts';
import { budgetCodes } from './limit.ts';

/** What was spent of a limit, reservations counted in. */
export interface Standing extends BindingLimit {
  /** Whole nano-USD and tokens within the layer's time. */
  readonly used: { readonly nanoUsd: number; readonly tokens: number };
}

/** Where a layer warns, where it warns loudly, and where it stops. */
export const thresholds = [0.8, 0.95, 1] as const;

/** One of the thresholds. */
export type Threshold = (typeof thresholds)[number];

/** A threshold that a layer has passed; each is told once per UTC day and limit. */
export interface Passed {
  readonly standing: Standing;
  readonly threshold: Threshold;
}

/** Why a call may not leave. `layer` is `emergency` for a stop. */
export interface Refusal {
  readonly layer: BudgetLayer | 'emergency';
  /** `null` for an emergency stop. */
  readonly standing: Standing | null;
  /** A limit in money cannot be kept for a call without a price. */
  readonly isUnpriced: boolean;
}

/** The part of a limit that is used: 1 is all of it. The larger of money and tokens; of a limit of 0, 1. */
export function standingToShare({ limit, used }: Standing): number {
  const share = (spent: number, max: number | null): number => (max === null ? 0 : max <= 0 ? 1 : spent / max);
  return Math.max(share(used.nanoUsd, limit.nanoUsdMax), share(used.tokens, limit.tokensMax));
}

const hasRoom = (used: number, more: number, max: number | null): boolean => max === null || used + more <= max;

function refusalBy(standing: Standing, amount: Amount): Refusal | null {
  const { limit, used } = standing;
  const isUnpriced = amount.nanoUsd === null && limit.nanoUsdMax !== null;
  const fits =
    !isUnpriced &&
    hasRoom(used.nanoUsd, amount.nanoUsd ?? 0, limit.nanoUsdMax) &&
    hasRoom(used.tokens, amount.tokens, limit.tokensMax);
  return fits ? null : { layer: limit.layer, standing, isUnpriced };
}

/** The first layer that has no room for an amount, or `null`. `standings` in the order of the layers. */
export function toRefusal(isStopped: boolean, standings: readonly Standing[], amount: Amount): Refusal | null {
  if (isStopped) return { layer: 'emergency', standing: null, isUnpriced: false };
  for (const standing of standings) {
    const refusal = refusalBy(standing, amount);
    if (refusal !== null) return refusal;
  }
  return null;
}

/** The thresholds that limits have passed, lowest first; one that refuses a call has passed them all. */
export function toPassed(standings: readonly Standing[], refusal: Refusal | null = null): readonly Passed[] {
  return standings.flatMap((standing) => {
    const isFull = refusal?.standing === standing && !refusal.isUnpriced;
    const share = isFull ? 1 : standingToShare(standing);
    return thresholds.filter((one) => share >= one).map((threshold): Passed => ({ standing, threshold }));
  });
}

const words: Readonly<Record<BudgetLayer, string>> = {
  platform: 'the platform for today',
  project: 'the project for today',
  agent: 'the agent for today',
  caller: 'the caller for seven days',
  run: 'the run',
};

const usd = (nanoUsd: number): string => `$${(nanoUsd / 1e9).toFixed(6)}`;

function limitToText({ nanoUsdMax, tokensMax }: BudgetLimit): string {
  const parts = [nanoUsdMax === null ? null : usd(nanoUsdMax), tokensMax === null ? null : `${tokensMax} tokens`];
  return parts.filter((part) => part !== null).join(' and ');
}

/** The error of a call that was out when the emergency stop was put on. */
export function budgetStopToError(): TachographError {
  return new TachographError(
    budgetCodes.emergency,
    'The call was cut off: the emergency stop is on. Take it back to go on.',
  );
}

/** The error that a refused call gets: its code names the layer. It says nothing of what others have spent. */
export function refusalToError({ layer, standing, isUnpriced }: Refusal): TachographError {
  if (layer === 'emergency' || standing === null)
    return new TachographError(
      budgetCodes.emergency,
      'The call was not made: the emergency stop is on. Take it back to go on.',
    );
  const of = words[layer];
  return new TachographError(
    budgetCodes[layer],
    isUnpriced
      ? `The call was not made: the model has no price, and the budget of ${of} is in money. Give the price, or limit tokens only.`
      : `The call was not made: the budget of ${of} (${limitToText(standing.limit)}) has no room for it. Raise the limit, or wait.`,
  );
}
