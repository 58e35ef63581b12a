import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { findPooler } from '../../scripts/test/pooler.ts';
import { runSql } from './cluster.ts';

/*
 * A real PgBouncer in transaction mode in front of a test cluster: each transaction may get another of very few connections,
 * and settings, prepared statements and locks of a session do not survive. It ends with the shell it hangs on, which ends
 * with this process.
 */

/** A pooler in front of a cluster. */
export interface Pooler {
  /** The same database and role by way of the pooler. */
  through(url: string): string;
  stop(): Promise<void>;
}

/** Why no pooler can run here, or `null` when one can. */
export function whyNoPooler(): string | null {
  if (findPooler() !== null) return null;
  return 'no PgBouncer here: apt-get install pgbouncer, or name one by TACHOGRAPH_PGBOUNCER';
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** It does not run as root either. */
function findIds(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0 || !existsSync('/etc/passwd')) return {};
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('postgres:'));
  if (line === undefined) return {};
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

/** Starts PgBouncer before the server of a URL, with so few connections that callers must share them. */
export async function startPooler(url: string, { connections = 2, mode = 'transaction' } = {}): Promise<Pooler> {
  const target = new URL(url);
  const folder = mkdtempSync(join(tmpdir(), 'tachograph-pooler-'));
  const port = await freePort();
  const config = join(folder, 'pgbouncer.ini');
  const users = join(folder, 'users.txt');
  writeFileSync(
    config,
    [
      '[databases]',
      `* = host=${target.hostname} port=${target.port}`,
      '[pgbouncer]',
      `listen_addr = 127.0.0.1`,
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = plain',
      `auth_file = ${users}`,
      `pool_mode = ${mode}`,
      `default_pool_size = ${connections}`,
      'max_client_conn = 200',
      // What a real one is often set to: parameters that it does not know are not its business.
      'ignore_startup_parameters = extra_float_digits',
      'logfile =',
      'pidfile =',
    ].join('\n'),
  );
  const passwords = { tachograph_app: 'app', tachograph_owner: 'owner', postgres: 'super', tenant_one: 'x' };
  writeFileSync(
    users,
    Object.entries(passwords)
      .map(([name, password]) => `"${name}" "${password}"`)
      .join('\n'),
  );
  const ids = findIds();
  if (ids.uid !== undefined && ids.gid !== undefined)
    for (const path of [folder, config, users]) chownSync(path, ids.uid, ids.gid);
  const script = '"$@" </dev/null & read _; kill -TERM $! 2>/dev/null; wait $!';
  const shell: ChildProcess = spawn('/bin/sh', ['-c', script, 'sh', findPooler()!, '-q', config], {
    ...ids,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const through = (direct: string): string => {
    const pooled = new URL(direct);
    pooled.port = String(port);
    return pooled.href;
  };
  for (let tries = 0; ; tries += 1) {
    try {
      await runSql(through(url), 'SELECT 1');
      break;
    } catch (error) {
      if (tries > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  return {
    through,
    async stop() {
      const end = new Promise((resolve) => shell.once('exit', resolve));
      shell.stdin!.end();
      await end;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
