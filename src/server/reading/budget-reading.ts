import type { Standing } from '../../core/work/budget/admission.ts';
import { standingToShare } from '../../core/work/budget/admission.ts';
import type { BudgetLimit, Spender } from '../../core/work/budget/limit.ts';
import { anyScope, budgetLayers } from '../../core/work/budget/limit.ts';
import type { WorkStore } from '../../core/work/work.ts';
import type { WireBudget, WireBudgets } from '../wire-work.ts';

const nobody: Spender = { runId: '', agentId: '', caller: null };

/** Whoever a limit is for, and nobody else; `null` for a limit that is for each. */
function limitToSpender({ layer, scope }: BudgetLimit): Spender | null {
  if (layer === 'platform' || layer === 'project') return nobody;
  if (scope === anyScope) return null;
  if (layer === 'agent') return { ...nobody, agentId: scope };
  return layer === 'caller' ? { ...nobody, caller: scope } : { ...nobody, runId: scope };
}

async function readStanding(work: WorkStore, projectId: string, limit: BudgetLimit): Promise<Standing | null> {
  if (limit.layer === 'platform') return work.budgets.platformBalance();
  const spender = limitToSpender(limit);
  const standings = spender === null ? [] : await work.budgets.balance(projectId, spender);
  return standings.find((one) => one.limit.layer === limit.layer && one.scope === limit.scope) ?? null;
}

function standingToWire(limit: BudgetLimit, standing: Standing | null): WireBudget {
  return { ...limit, used: standing?.used ?? null, share: standing === null ? null : standingToShare(standing) };
}

/** The limits of a project, and if they are asked for those of the platform, each with what is spent of it. */
export async function readBudgets(
  work: WorkStore,
  of: { readonly projectId: string; readonly withPlatform: boolean },
): Promise<WireBudgets> {
  const { projectId } = of;
  const platform = of.withPlatform ? await work.budgets.listLimits(null) : [];
  const limits: WireBudget[] = [];
  for (const limit of [...platform, ...(await work.budgets.listLimits(projectId))])
    limits.push(standingToWire(limit, await readStanding(work, projectId, limit)));
  limits.sort((a, b) => budgetLayers.indexOf(a.layer) - budgetLayers.indexOf(b.layer));
  return { limits, stops: await work.budgets.stops(projectId), nowMs: await work.nowMs() };
}
