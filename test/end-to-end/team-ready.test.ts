import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { Problem } from '../../src/server/wire.ts';
import { onPostgres } from '../postgres/cluster.ts';
import type { TeamServer } from './team-server.ts';
import { runTeamCommand, startServer, until } from './team-server.ts';

// A server that is started before its database has a schema, and one whose database goes away and comes back.

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

const probe = async (url: string, path: string): Promise<{ status: number; code?: string; detail?: string }> => {
  const response = await fetch(`${url}${path}`).catch(() => null);
  if (response === null) return { status: 0 };
  const { code, detail } = (await response.json()) as Problem;
  return { status: response.status, code, detail };
};

describe('a server and its database', () => {
  const { cluster, it } = onPostgres();
  let folder: string;
  let server: TeamServer | null = null;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tachograph-ready-'));
  });
  afterAll(async () => {
    server?.child.kill('SIGTERM');
    await server?.ended();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is alive but not ready without a schema, and ready once it is migrated, without a restart', async () => {
    const database = await cluster().createDatabase({ isEmpty: true });
    const port = await freePort();
    server = startServer({ home: join(folder, 'home'), database: database.url, port });
    const url = `http://127.0.0.1:${port}`;
    const waiting = await until(
      () => probe(url, '/readyz'),
      ({ status }) => status === 503,
    );
    expect(waiting).toMatchObject({ status: 503, code: 'store-broken' });
    expect(waiting.detail).toContain('tachograph migrate');
    expect((await probe(url, '/healthz')).status).toBe(200);
    expect((await probe(url, '/api/v1/runs')).status).toBe(503);
    const migrated = await runTeamCommand(
      { home: join(folder, 'home'), database: database.ownerUrl },
      'migrate',
      '--role',
      'tachograph_app',
    );
    expect(migrated).toMatchObject({ status: 0 });
    const ready = await until(
      () => probe(url, '/readyz'),
      ({ status }) => status === 200,
    );
    expect(ready.status).toBe(200);
    expect(server.log.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['store-waiting', 'store-ready', 'server-started']),
    );
    expect(JSON.stringify(server.log)).not.toContain(new URL(database.url).password + '@');
  });

  it('is alive and not ready while PostgreSQL is dead, says so in its numbers, and recovers by itself', async () => {
    const url = await server!.url;
    await cluster().kill();
    const down = await until(
      () => probe(url, '/readyz'),
      ({ status }) => status === 503,
    );
    expect(down).toMatchObject({ status: 503, code: 'store-busy' });
    expect((await probe(url, '/healthz')).status).toBe(200);
    await cluster().start();
    const ready = await until(
      () => probe(url, '/readyz'),
      ({ status }) => status === 200,
    );
    expect(ready.status).toBe(200);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/^tachograph_store_up 1$/m);
    const connections = [...metrics.matchAll(/^tachograph_store_connections\{state="(used|idle)"\} (\d+)$/gm)];
    expect(connections.map(([, state]) => state)).toEqual(['used', 'idle']);
    expect(connections.reduce((sum, [, , count]) => sum + Number(count), 0)).toBeGreaterThan(0);
    expect(metrics).toMatch(/^tachograph_store_connections_awaited \d+$/m);
    expect(Number(/^tachograph_store_errors_total\{code="store-busy"\} (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0);
  });
});
