import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const agentFile = fileURLToPath(new URL('agent.ts', import.meta.url));
const registerUrl = new URL('../../src/cli/register.ts', import.meta.url).href;

/** How an agent process is started. */
export interface VictimOptions {
  readonly home: string;
  readonly name: string;
  readonly baseUrl: string;
  readonly calls?: number;
  /** The negative control: entries rest in memory before they are written. */
  readonly isBuffered?: boolean;
}

/** Starts an agent under recording, as `tachograph run` would. */
export function startVictim(options: VictimOptions): ChildProcess {
  return spawn(process.execPath, [agentFile], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      NODE_OPTIONS: `--import=${registerUrl}`,
      TACHOGRAPH_HOME: options.home,
      AGENT_NAME: options.name,
      AGENT_BASE_URL: options.baseUrl,
      ...(options.calls === undefined ? {} : { AGENT_CALLS: String(options.calls) }),
      ...(options.isBuffered === true ? { TACHOGRAPH_BUFFERED: '1' } : {}),
    },
  });
}

/** Kills a process for good and waits until it is gone. */
export async function killVictim(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
