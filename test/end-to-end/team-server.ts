import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const mainFile = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** The secret of the servers in these tests. */
export const teamSecret = 'cd'.repeat(32);

/** A server in a process of its own. */
export interface TeamServer {
  readonly child: ChildProcess;
  /** Where it listens, once it does. */
  readonly url: Promise<string>;
  /** Lines of its log so far. */
  readonly log: readonly Record<string, unknown>[];
  /** Status and time from now until it has ended. */
  ended(): Promise<{ status: number | null; ms: number }>;
}

/** What to start a server with. */
export interface TeamServerOptions {
  readonly home: string;
  readonly database?: string | undefined;
  readonly port?: number;
}

/** Starts `tachograph serve`. */
export function startServer({ home, database, port = 0 }: TeamServerOptions): TeamServer {
  const args = ['serve', '--home', home, '--port', String(port), '--no-sample', '--json', '--log', 'json'];
  const child = spawn(process.execPath, [mainFile, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TACHOGRAPH_SECRET: teamSecret, TACHOGRAPH_DATABASE_URL: database ?? '' },
  });
  const log: Record<string, unknown>[] = [];
  createInterface({ input: child.stderr! }).on('line', (line) => log.push(JSON.parse(line) as Record<string, unknown>));
  const url = once(createInterface({ input: child.stdout! }), 'line').then(
    ([line]) => (JSON.parse(line as string) as { url: string }).url,
  );
  const gone = new Promise<number | null>((resolve) => child.once('close', (status) => resolve(status)));
  return {
    child,
    url,
    log,
    async ended() {
      const sinceMs = performance.now();
      const status = await gone;
      return { status, ms: performance.now() - sinceMs };
    },
  };
}

/** Starts one command line of a server's owner. */
export function startTeamCommand({ home, database }: TeamServerOptions, ...args: readonly string[]) {
  return spawn(process.execPath, [mainFile, ...args, '--home', home], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TACHOGRAPH_SECRET: teamSecret, TACHOGRAPH_DATABASE_URL: database ?? '' },
  });
}

/** Runs it to its end. */
export async function runTeamCommand(
  place: TeamServerOptions,
  ...args: readonly string[]
): Promise<{ status: number | null; out: string; err: string }> {
  const child = startTeamCommand(place, ...args);
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, out, err };
}

/** Looks again until it is as it should be, 20 s at most; gives what was seen last. */
export async function until<T>(look: () => Promise<T> | T, isGood: (found: T) => boolean): Promise<T> {
  const endMs = Date.now() + 20_000;
  for (;;) {
    const found = await look();
    if (isGood(found) || Date.now() > endMs) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
