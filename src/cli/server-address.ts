import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const fileName = 'server.json';
const probeMs = 300;

/** Notes where the server of a home listens, so that other commands can print links. */
export async function writeServerAddress(home: string, url: string): Promise<void> {
  await writeFile(join(home, fileName), JSON.stringify({ url, pid: process.pid }), { mode: 0o600 });
}

/** Takes the note away again. */
export async function forgetServerAddress(home: string): Promise<void> {
  await rm(join(home, fileName), { force: true });
}

/** Where a server of this home listens now, or `null` when none answers. */
export async function readServerAddress(home: string): Promise<string | null> {
  try {
    const { url } = JSON.parse(await readFile(join(home, fileName), 'utf8')) as { url: string };
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(probeMs) });
    return response.ok ? url : null;
  } catch {
    // No note, or nobody there any more: no link.
    return null;
  }
}
