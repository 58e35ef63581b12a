import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TachographError } from '../../core/error.ts';
import type { AgentRegistration, Handler } from '../../runtime/index.ts';

const shape = 'a default export such as { mailer: async (run, context) => … }';

function refuse(file: string, what: string): never {
  throw new TachographError('bad-argument', `The module ${file} ${what}; give ${shape}.`);
}

function toRegistration(file: string, agentId: string, value: unknown): AgentRegistration {
  if (typeof value === 'function') return { run: value as Handler };
  if (typeof value === 'object' && value !== null && typeof (value as { run?: unknown }).run === 'function')
    return value as AgentRegistration;
  return refuse(file, `has no handler for the agent ${JSON.stringify(agentId)}`);
}

/**
 * The agents of a user's module: its default export, or its export `agents`, an object of handlers or registrations by
 * name. The module is run; what it throws is thrown. `bad-argument` for one that is not there or has no agents.
 */
export async function readWorkModule(path: string): Promise<ReadonlyMap<string, AgentRegistration>> {
  const file = resolve(path);
  if (!existsSync(file)) throw new TachographError('bad-argument', `There is no module ${file}.`);
  const loaded = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const agents = loaded['default'] ?? loaded['agents'];
  if (typeof agents !== 'object' || agents === null || Array.isArray(agents)) return refuse(file, 'exports no agents');
  const entries = Object.entries(agents);
  if (entries.length === 0) return refuse(file, 'exports no agents');
  return new Map(entries.map(([agentId, value]) => [agentId, toRegistration(file, agentId, value)]));
}
