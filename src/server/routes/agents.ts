import { z } from 'zod';
import type { Route } from '../route.ts';
import { defineRoute } from '../route.ts';
import { agentRow } from '../schema/detail.ts';
import type { AgentRow } from '../wire.ts';

/** The agents that have run. */
export const agentRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/api/v1/agents',
    scope: 'read',
    summary: 'Lists agents with the number of their runs and the last one, the latest active first.',
    answer: z.array(agentRow),
    async handle(_input, { store, projectId }): Promise<readonly AgentRow[]> {
      const agents = await store.listAgents(projectId);
      const ids = agents.map(({ agentId }) => agentId);
      const lastByAgent = await store.lastRunPerAgent(projectId, ids, { includeFailed: true });
      return agents
        .map(({ agentId, runs, lastStartedAtMs }) => ({
          agentId,
          runs,
          lastStartedAtMs,
          lastRun: lastByAgent.get(agentId) ?? null,
        }))
        .sort((a, b) => b.lastStartedAtMs - a.lastStartedAtMs || (a.agentId < b.agentId ? -1 : 1));
    },
  }),
];
