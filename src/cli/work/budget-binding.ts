import type { Prices } from '../../core/cost/prices.ts';
import type { CallGate } from '../../core/work/gate.ts';
import type { BudgetGate, Budgets } from '../../runtime/budget/index.ts';
import { createBudgets } from '../../runtime/budget/index.ts';
import type { AgentRegistration, GovernedRun, Handler } from '../../runtime/index.ts';
import type { HomeParts } from './runtime-parts.ts';

/** Budgets, bound to the runs that the workers of a process take. */
export interface BudgetBinding {
  readonly budgets: Budgets;
  /** The gate that the calls of a run ask. */
  gateOf(run: GovernedRun): CallGate;
  /** The same agent, with what its calls spent settled before its run's end is written. */
  bind(agent: AgentRegistration | Handler): AgentRegistration;
}

/** Binds the budgets of a store. Without prices every limit in money refuses. */
export function bindBudgets(parts: HomeParts, prices: Prices): BudgetBinding {
  const budgets = createBudgets(parts, { prices });
  const ownByGate = new WeakMap<CallGate, BudgetGate>();
  return {
    budgets,
    gateOf({ row, callerId }) {
      const gate = budgets.gateFor(row, callerId);
      ownByGate.set(gate, gate);
      return gate;
    },
    bind(agent) {
      const registration = typeof agent === 'function' ? { run: agent } : agent;
      return {
        ...registration,
        async run(run, context) {
          try {
            return await registration.run(run, context);
          } finally {
            const { gate } = context.recorder;
            if (gate !== null) await ownByGate.get(gate)?.close();
          }
        },
      };
    },
  };
}
