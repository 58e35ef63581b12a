import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it as plainIt } from 'vitest';
import { onPostgres, runSql } from '../postgres/cluster.ts';
import { teamSecret } from './team-server.ts';

// Dockerfile, compose.yaml and the guide, as far as they can be tried without Docker: the file parses, its steps run in their
// order on a database of their own, and every command line is one that the command line takes.

interface Service {
  readonly command?: readonly string[];
  readonly image?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const mainFile = join(root, 'src/cli/main.ts');
const read = (name: string): string => readFileSync(join(root, name), 'utf8');
const yaml = createRequire(import.meta.url)('js-yaml') as { load(text: string): unknown };
const { services } = yaml.load(read('compose.yaml')) as { services: Readonly<Record<string, Service>> };
const dockerfile = read('Dockerfile');
const commandOf = (name: string): readonly string[] => services[name]!.command!;

const helpByCommand = new Map<string, string>();
/** Options that the help of a command does not name. */
function unknownOptions(args: readonly string[]): string[] {
  const options = args.filter((arg) => arg.startsWith('--') && arg !== '--').map((arg) => arg.split('=')[0]!);
  const words = args.slice(0, ['keys', 'projects'].includes(args[0]!) ? 2 : 1);
  const name = words.join(' ');
  let help = helpByCommand.get(name);
  if (help === undefined) {
    const asked = spawnSync(process.execPath, [mainFile, ...words, '--help'], { encoding: 'utf8' });
    expect([name, asked.status]).toEqual([name, 0]);
    helpByCommand.set(name, (help = asked.stdout));
  }
  return options.filter((option) => !help.includes(option)).map((option) => `${name} ${option}`);
}

/** The health check of the image, asked of another port. */
function checkHealth(port: string): number | null {
  const [, line] = /HEALTHCHECK[^[]*CMD (\[.*\])/.exec(dockerfile.replaceAll('\\\n', ' ')) ?? [];
  const [program, ...args] = JSON.parse(line!) as string[];
  expect(program).toBe('node');
  return spawnSync(
    process.execPath,
    args.map((arg) => arg.replace(':7411', `:${port}`)),
  ).status;
}

describe('what a team is started with', () => {
  const { cluster, it } = onPostgres();
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tachograph-files-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  plainIt('waits for the database, migrates, and only then serves', () => {
    expect(Object.keys(services)).toEqual(['database', 'migrate', 'first-key', 'server']);
    expect(services['database']!.image).toBe('postgres:17');
    expect(services['migrate']!.depends_on).toEqual({ database: { condition: 'service_healthy' } });
    for (const name of ['first-key', 'server'])
      expect(services[name]!.depends_on).toEqual({ migrate: { condition: 'service_completed_successfully' } });
    expect(Object.keys(services['server']!.environment!)).toEqual(['TACHOGRAPH_DATABASE_URL', 'TACHOGRAPH_SECRET']);
    // The owner's password stays with the step that needs it.
    expect(JSON.stringify(services['server'])).not.toContain('POSTGRES_PASSWORD');
  });

  plainIt('is built in stages, from one Node, and runs as nobody special', () => {
    expect(dockerfile.match(/^FROM .*$/gm)!.every((line) => line.startsWith('FROM node:24-slim'))).toBe(true);
    expect(dockerfile).toMatch(/^USER node$/m);
    expect(dockerfile).toMatch(/pg@8\.23\.1$/m);
    const [, command] = /^CMD (\[.*\])$/m.exec(dockerfile)!;
    expect(JSON.parse(command!)).toEqual(commandOf('server'));
  });

  plainIt('has a guide whose command lines are known', () => {
    const lines = [...read('docs/guides/team.md').matchAll(/```sh\n(.*?)```/gs)]
      .flatMap(([, block]) => block!.split('\n'))
      .filter((line) => line.startsWith('tachograph '));
    expect(lines.length).toBeGreaterThan(8);
    expect(lines.flatMap((line) => unknownOptions(line.split(' -- ')[0]!.split(' ').slice(1)))).toEqual([]);
    expect(unknownOptions(['serve', '--never-was'])).toEqual(['serve --never-was']);
  });

  it('works step by step as its commands stand', async () => {
    const database = await cluster().createDatabase({ isEmpty: true });
    const variables = {
      ...process.env,
      TACHOGRAPH_HOME: join(folder, 'data'),
      TACHOGRAPH_SECRET: teamSecret,
      TACHOGRAPH_DATABASE_URL: database.url,
    };
    const migrated = spawnSync(process.execPath, [mainFile, ...commandOf('migrate')], {
      encoding: 'utf8',
      env: { ...process.env, TACHOGRAPH_OWNER_URL: database.ownerUrl, TACHOGRAPH_ROLE_PASSWORD: 'app' },
    });
    expect([migrated.status, migrated.stderr]).toEqual([0, '']);
    const key = spawnSync(process.execPath, [mainFile, ...commandOf('first-key')], {
      encoding: 'utf8',
      env: variables,
    });
    expect(key.stdout).toMatch(/^tk_default\./);
    const doctor = (): Record<string, string> => {
      const asked = spawnSync(process.execPath, [mainFile, 'doctor', '--json'], { encoding: 'utf8', env: variables });
      const { findings } = JSON.parse(asked.stdout) as { findings: { what: string; state: string }[] };
      return Object.fromEntries(findings.map(({ what, state }) => [what, state]));
    };
    const sound = { database: 'good', schema: 'good', role: 'good', rls: 'good', clock: 'good', secret: 'good' };
    expect(doctor()).toMatchObject(sound);
    variables.TACHOGRAPH_DATABASE_URL = database.ownerUrl;
    expect(doctor()).toMatchObject({ ...sound, role: 'note' });
    variables.TACHOGRAPH_DATABASE_URL = database.superUrl;
    await runSql(database.superUrl, 'ALTER TABLE tachograph.runs NO FORCE ROW LEVEL SECURITY');
    expect(doctor()).toMatchObject({ ...sound, role: 'wrong', rls: 'wrong', store: 'wrong' });
    await runSql(database.superUrl, 'ALTER TABLE tachograph.runs FORCE ROW LEVEL SECURITY');
    variables.TACHOGRAPH_DATABASE_URL = database.url;
    // The address that others reach is not listened on here.
    const args = commandOf('server').map((arg) => (arg === '0.0.0.0' ? '127.0.0.1' : arg));
    const server = spawn(process.execPath, [mainFile, ...args, '--port', '0', '--json'], {
      env: variables,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = (await once(server.stdout, 'data')) as [Buffer];
    const { url } = JSON.parse(line.toString()) as { url: string };
    const { port } = new URL(url);
    expect(checkHealth(port)).toBe(0);
    const asked = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${key.stdout.trim()}` } });
    const metrics = await asked.text();
    for (const [name] of read('docs/guides/team.md').matchAll(/tachograph_[a-z_]*[a-z]/g))
      if (!/^tachograph_(app|owner)$/.test(name)) expect(metrics).toContain(`# TYPE ${name} `);
    server.kill('SIGTERM');
    const [status] = (await once(server, 'exit')) as [number];
    expect(status).toBe(0);
    expect(checkHealth(port)).toBe(1);
  });
});
