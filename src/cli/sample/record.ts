import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { registerUrl } from '../register-url.ts';
import { startSampleProvider } from './provider.ts';

/** The sample agent's program: built at the top of dist, from source beside this file. */
function agentFile(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const built = [join(here, 'sample-agent.js'), join(here, '..', 'sample-agent.js')].find((file) => existsSync(file));
  return built ?? join(here, 'agent.ts');
}

/**
 * Records the sample agent for real: the program runs in a process of its own, under the same recording as any other,
 * against a scripted provider over HTTP. Resolves when it has ended; `false` when it did not end well.
 */
export async function recordSample(place: { home: string; projectId: string }): Promise<boolean> {
  const provider = await startSampleProvider();
  try {
    const child = spawn(process.execPath, [agentFile()], {
      stdio: 'ignore',
      env: {
        ...process.env,
        NODE_OPTIONS: `--import=${registerUrl()}`,
        TACHOGRAPH_HOME: place.home,
        TACHOGRAPH_PROJECT: place.projectId,
        SAMPLE_BASE_URL: provider.baseUrl,
      },
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code === 0;
  } finally {
    await provider.close();
  }
}
