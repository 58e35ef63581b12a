import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { whyNoCluster } from '../../bench/place/cluster.ts';

/*
 * That the programs work, not how fast anything is: each runs in its small form and must have measured everything it
 * promises to.
 */

interface Written {
  readonly isSmall: boolean;
  readonly figures: readonly Readonly<Record<string, unknown>>[];
}

async function run(name: string, ...more: readonly string[]): Promise<Written> {
  const folder = mkdtempSync(join(tmpdir(), 'tachograph-bench-test-'));
  const file = join(folder, 'figures.json');
  const program = fileURLToPath(new URL(`../../bench/${name}.ts`, import.meta.url));
  try {
    await promisify(execFile)(process.execPath, [program, '--small', ...more, '--json', file]);
    return JSON.parse(readFileSync(file, 'utf8')) as Written;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const missing = whyNoCluster();

describe.each(['sqlite', 'postgres'])('the benches of a server on %s', (store) => {
  it('bring batches over HTTP and find every one of them in the store', async (context) => {
    context.skip(store === 'postgres' && missing !== null, missing ?? '');
    const { isSmall, figures } = await run('ingest', '--store', store);
    expect(isSmall).toBe(true);
    const measured = figures.filter((figure) => figure['store'] === store);
    expect(measured.map(({ phase, payloadBytes, recorders }) => [phase, payloadBytes, recorders])).toEqual([
      ['burst', 1500, 1],
      ['burst', 1500, 4],
      ['burst', 10_000, 1],
      ['burst', 10_000, 4],
      ['steady', 1500, 1],
    ]);
    for (const figure of measured) {
      expect(figure['events']).toBeGreaterThan(300);
      expect(figure['indexedPerSecond']).toBeGreaterThan(0);
      expect(figure['lagMaxMs']).toBeGreaterThanOrEqual(0);
    }
  });

  it('ask a store everything and purge a copy of it', async (context) => {
    context.skip(store === 'postgres' && missing !== null, missing ?? '');
    const { figures } = await run('queries', '--store', store);
    expect(figures.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['list by newest', 'search a phrase', 'big run, all events', 'purge, 25 runs a chunk']),
    );
    for (const { what, p50, max } of figures) {
      expect(p50, String(what)).toBeGreaterThan(0);
      expect(max, String(what)).toBeGreaterThanOrEqual(p50 as number);
    }
  });
});

describe('the bench of runs as work', () => {
  it('measures ours and other queues in every phase that they offer', async (context) => {
    context.skip(missing !== null, missing ?? '');
    const { figures } = await run('work', '--only', 'tachograph,graphile-worker,bursts,dbos');
    const phases = (name: string): unknown[] =>
      figures.filter(({ contender }) => contender === name).map(({ phase }) => phase);
    expect(phases('tachograph')).toEqual(['create to complete', 'claim + complete', 'two steps']);
    expect(phases('graphile-worker')).toEqual(['create to complete', 'claim + complete']);
    expect(phases('pg-boss in bursts')).toEqual(['create to complete', 'claim + complete']);
    expect(phases('DBOS')).toEqual(['create to complete', 'two steps']);
    for (const { medianPerSecond, contender } of figures) expect(medianPerSecond, String(contender)).toBeGreaterThan(0);
  });
});
