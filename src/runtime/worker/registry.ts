import type { Agent } from '../../core/work/agent.ts';
import type { RuntimeParts } from '../parts.ts';
import { storeTimeOf } from '../store-time.ts';
import type { WorkerSettings } from './options.ts';

/** Shows a worker, and the agents that it has, to the projects it works for. */
export interface Registry {
  /** Projects it works for, those of `all` as they come. Never rejects. */
  show(projectIds: readonly string[]): Promise<void>;
  /** How many runs of each agent may be under a lease in a project, as its agents are registered there. */
  limitsOf(projectId: string): ReadonlyMap<string, number>;
  /** Says again that it lives, and hears of new limits. Never rejects. */
  beat(isStopping: boolean): Promise<void>;
  /** Takes it from the lists. Never rejects. */
  remove(): Promise<void>;
}

type Shown = Omit<Agent, 'updatedAtMs'>;

const isSame = (a: Shown, b: Shown): boolean =>
  a.runsMax === b.runsMax &&
  a.handlerVersion === b.handlerVersion &&
  JSON.stringify(a.tools) === JSON.stringify(b.tools);

/** The registry of a worker. */
export function createRegistry(parts: RuntimeParts, settings: WorkerSettings): Registry {
  const { work } = parts;
  const { workerId, host, pid, agentById, concurrency } = settings;
  const shown = new Set<string>();
  const limitsByProject = new Map<string, ReadonlyMap<string, number>>();
  let startedAtMs = 0;

  const putWorker = (projectId: string, isStopping: boolean): Promise<void> =>
    work.putWorker(projectId, {
      ...{ workerId, host, pid, concurrency, startedAtMs, isStopping },
      agentIds: [...agentById.keys()],
      seenAtMs: startedAtMs,
    });

  const putAgents = async (projectId: string): Promise<void> => {
    for (const [agentId, { version, tools, runsMax }] of agentById) {
      const known = await work.getAgent(projectId, agentId);
      const agent: Shown = {
        projectId,
        agentId,
        tools: tools ?? known?.tools ?? [],
        runsMax: runsMax ?? known?.runsMax ?? null,
        handlerVersion: version ?? known?.handlerVersion ?? null,
      };
      // Many workers start at once, and most have nothing new to say.
      if (known !== null && isSame(known, agent)) continue;
      await work.putAgent({ ...agent, updatedAtMs: await storeTimeOf(work, parts.clock).nowMs() });
    }
  };

  const readLimits = async (projectId: string): Promise<void> => {
    const agents = await work.listAgents(projectId);
    const limits = agents.flatMap(({ agentId, runsMax }): [string, number][] =>
      runsMax === null || !agentById.has(agentId) ? [] : [[agentId, runsMax]],
    );
    limitsByProject.set(projectId, new Map(limits));
  };

  const safely = async (fn: () => Promise<void>): Promise<void> => {
    try {
      await fn();
    } catch (error) {
      parts.onError(error);
    }
  };

  return {
    async show(projectIds) {
      for (const projectId of projectIds) {
        if (shown.has(projectId)) continue;
        shown.add(projectId);
        await safely(async () => {
          if (startedAtMs === 0) startedAtMs = await storeTimeOf(work, parts.clock).nowMs();
          await putWorker(projectId, false);
          await putAgents(projectId);
          await readLimits(projectId);
        });
      }
    },
    async beat(isStopping) {
      for (const projectId of shown)
        await safely(async () => {
          await putWorker(projectId, isStopping);
          await readLimits(projectId);
        });
    },
    limitsOf: (projectId) => limitsByProject.get(projectId) ?? new Map(),
    async remove() {
      for (const projectId of shown) await safely(() => work.removeWorker(projectId, workerId));
    },
  };
}
