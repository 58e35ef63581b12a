import { z } from 'zod';
import { TachographError } from '../../../core/error.ts';
import type { Agent } from '../../../core/work/agent.ts';
import { workOf } from '../../reading/work-reading.ts';
import type { Route } from '../../route.ts';
import { defineRoute } from '../../route.ts';
import { agentInput, wireAgent } from '../../schema/work/agent.ts';
import type { AgentInput, WireAgent } from '../../wire-work.ts';

const agentPath = z.strictObject({
  agentId: z.string().min(1).max(512).describe('An agent as it is named in its runs.'),
});

function agentToWire({ projectId: _projectId, ...agent }: Agent): WireAgent {
  return agent;
}

/** The agent as it is put: what the input leaves out stays as it was. */
function toAgent(
  of: Pick<Agent, 'projectId' | 'agentId' | 'updatedAtMs'>,
  input: AgentInput,
  before: Agent | null,
): Agent {
  const tools = input.tools?.map(({ name, class: toolClass = null, environments = [], synthetic = null }) => ({
    name,
    class: toolClass,
    environments,
    synthetic,
  }));
  return {
    ...of,
    tools: tools ?? before?.tools ?? [],
    runsMax: input.runsMax === undefined ? (before?.runsMax ?? null) : input.runsMax,
    handlerVersion: before?.handlerVersion ?? null,
  };
}

const list = defineRoute({
  method: 'GET',
  path: '/api/v1/registrations',
  scope: 'read',
  summary: 'Lists the agents that are registered, with their tools and limits.',
  answer: z.array(wireAgent),
  handle: async (_input, around): Promise<readonly WireAgent[]> =>
    (await workOf(around).listAgents(around.projectId)).map(agentToWire),
});

const get = defineRoute({
  method: 'GET',
  path: '/api/v1/agents/{agentId}/registration',
  scope: 'read',
  summary: 'Gives an agent as it is registered.',
  params: agentPath,
  answer: wireAgent,
  async handle({ params }, around): Promise<WireAgent> {
    const agent = await workOf(around).getAgent(around.projectId, params.agentId);
    if (agent === null)
      throw new TachographError('agent-not-found', 'No agent of this name is registered in the project.');
    return agentToWire(agent);
  },
});

const put = defineRoute({
  method: 'PUT',
  path: '/api/v1/agents/{agentId}/registration',
  scope: 'admin',
  summary: 'Registers an agent, or changes what is registered; what the body leaves out stays.',
  params: agentPath,
  body: agentInput,
  answer: wireAgent,
  async handle({ params, body }, around): Promise<WireAgent> {
    const work = workOf(around);
    const { projectId } = around;
    const before = await work.getAgent(projectId, params.agentId);
    const agent = toAgent({ projectId, agentId: params.agentId, updatedAtMs: await work.nowMs() }, body, before);
    await work.putAgent(agent);
    return agentToWire(agent);
  },
});

/** Routes of agents as they are registered. */
export const registrationRoutes: readonly Route[] = [list, get, put];
