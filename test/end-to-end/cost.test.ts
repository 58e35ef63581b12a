import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toUsage } from '../../src/core/model/usage.ts';
import type { RunRecorder } from '../../src/core/record/recording.ts';
import { openRecorder } from '../../src/journal/index.ts';
import { tachograph } from './command.ts';

let home: string;
let runId: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'cost-'));
  const recorder = openRecorder({ home });
  const run = recorder.startRun({ agentId: 'buyer' });
  runId = run.id;
  const call = (of: RunRecorder, model: string, cost: number | null = null): void => {
    const step = of.step({ kind: 'model', operation: 'generate', provider: 'openai', model });
    const usage = toUsage({ total: 1000, noCache: 200, cacheRead: 800 }, { total: 100, text: 60, reasoning: 40 });
    step.finish({
      status: 'completed',
      usage,
      ...(cost === null ? {} : { cost: { nanoUsd: cost, status: 'actual', source: 'provider-response' } }),
    });
  };
  call(run, 'gpt-5-mini-2025-08-07');
  call(run, 'gpt-5-mini', 9_000_000);
  const child = recorder.startRun({ agentId: 'seller', parent: run });
  call(child, 'gpt-5-nano');
  call(child, 'gpt-of-tomorrow');
  child.close({ endReason: 'ok' });
  run.close({ endReason: 'ok' });
  await recorder.close();
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

// gpt-5-mini is $0.25, $0.025 cached and $2 for a million tokens; gpt-5-nano $0.05, $0.005 and $0.40.
const estimate = 200 * 250 + 800 * 25 + 100 * 2000;
const childKnown = 200 * 50 + 800 * 5 + 100 * 400;

interface Shown {
  readonly run: { readonly costNanoUsd: number | null };
  readonly childCost: { readonly runs: number; readonly costNanoUsd: number | null; readonly costKnownNanoUsd: number };
  readonly steps: readonly { readonly step: { readonly cost: { readonly table: string | null } } }[];
}

const show = async (): Promise<Shown> => JSON.parse((await tachograph(home, 'show', runId, '--json')).out) as Shown;

describe('the command line', () => {
  test('shows what runs and steps cost, child runs apart, and n/a for what is unknown', async () => {
    const { out } = await tachograph(home, 'show', runId);
    expect(out).toContain('cost $0.0093 · 1 child run: ≥ $0.000054');
    expect(out).toMatch(/generate gpt-of-tomorrow {2}.* · n\/a/);
    expect(await show()).toMatchObject({
      run: { costNanoUsd: estimate + 9_000_000 },
      childCost: { runs: 1, costNanoUsd: null, costKnownNanoUsd: childKnown },
    });
    expect((await tachograph(home, 'ls')).out).toContain('$0.0093');
    const first = await tachograph(home, 'show', runId, '--step', '1');
    expect(first.out).toMatch(/cost \$0\.00027 \(estimated, price table 2026-11-21\+[0-9a-f]{12}\)/);
    const second = await tachograph(home, 'show', runId, '--step', '2');
    expect(second.out).toContain('cost $0.0090 (actual, provider response)');
  });

  test('makes estimates anew by other prices, after a dry run, and touches nothing else', async () => {
    const version = (await show()).steps[0]!.step.cost.table;
    const prices = [{ input: '$1', cachedInput: '$1', output: '$1' }];
    const models = [
      { id: 'gpt-5-mini', prices },
      { id: 'gpt-of-tomorrow', prices },
    ];
    const file = { format: 1, date: '2026-12-01', providers: [{ id: 'openai', models }] };
    writeFileSync(join(home, 'prices.json'), JSON.stringify(file));

    const dry = JSON.parse((await tachograph(home, 'reprice', '--dry-run', '--json')).out) as Record<string, unknown>;
    expect(dry).toMatchObject({ dryRun: true, runs: 2, version: expect.stringMatching(/^2026-12-01\+/) as unknown });
    expect(dry['repriced']).toEqual(
      expect.arrayContaining([
        { runId, steps: 1, beforeNanoUsd: estimate + 9_000_000, afterNanoUsd: 1_100_000 + 9_000_000 },
        expect.objectContaining({ steps: 2, beforeNanoUsd: null, afterNanoUsd: childKnown + 1_100_000 }),
      ]),
    );
    expect((await show()).steps[0]!.step.cost.table).toBe(version);

    const real = await tachograph(home, 'reprice');
    expect(real.out).toMatch(/2 runs looked at, 2 repriced with prices 2026-12-01\+[0-9a-f]{12}\./);
    expect(await show()).toMatchObject({
      run: { costNanoUsd: 1_100_000 + 9_000_000 },
      childCost: { costNanoUsd: childKnown + 1_100_000 },
    });
    expect((await tachograph(home, 'reprice')).out).toContain('2 runs looked at, 0 repriced');
    expect((await tachograph(home, 'rebuild')).out).toContain('0 had differed');
    expect((await tachograph(home, 'verify', runId)).out).toContain('intact');
  });

  test('refuses a price file that is not usable by the path of the value; recording goes on', async () => {
    writeFileSync(join(home, 'prices.json'), '{"format":1,"date":"2026-12-01","providers":[{"id":"a","modells":[]}]}');
    const listed = await tachograph(home, 'ls');
    expect([listed.status, listed.out]).toEqual([2, '']);
    expect(listed.err).toContain('prices.json is not usable: providers[0].modells is no known key');
    const recorded = await tachograph(home, 'run', '--', process.execPath, '-e', 'console.log("done")');
    expect([recorded.status, recorded.out]).toEqual([0, 'done\n']);
    expect(recorded.err).toContain('The shipped prices are used.');
  });
});
