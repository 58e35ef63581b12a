import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Scenario } from './overhead/scenarios.ts';
import { createScenarios } from './overhead/scenarios.ts';
import type { Variant } from './overhead/variants.ts';
import { openVariants } from './overhead/variants.ts';

// What recording one call of the AI SDK costs, beside no recorder, an integration that does nothing, and peers. The
// variants take turns in rounds within one process; medians of rounds are quoted, and what a variant still has to send
// is waited for inside its turn. Prints a table; --json <file> keeps the figures.
//
//   node bench/overhead.ts [--rounds 9] [--scenario 0,2] [--variant 0,1,2] [--json <file>]

interface Figure {
  readonly scenario: string;
  readonly variant: string;
  /** Median of the rounds, microseconds per call. */
  readonly usPerCall: number;
  /** Beside the integration that does nothing. */
  readonly ratio: number | null;
  readonly overheadUs: number | null;
  readonly bytesPerRun: number | null;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    scenario: { type: 'string' },
    variant: { type: 'string', default: '' },
    json: { type: 'string' },
  },
});
const rounds = Number(values.rounds);

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]!;

async function turn(scenario: Scenario, variant: Variant): Promise<number> {
  const calls = Math.max(3, Math.round(scenario.calls / variant.divisor));
  const since = performance.now();
  for (let index = 0; index < calls; index += 1) await scenario.call(variant.telemetry);
  await variant.settle();
  return ((performance.now() - since) * 1000) / calls;
}

async function measure(scenario: Scenario, collectorUrl: string): Promise<Figure[]> {
  const variants = openVariants(collectorUrl, values.variant === '' ? [] : values.variant.split(','));
  const bytesBefore = await Promise.all(variants.map((variant) => variant.bytes()));
  const timesByVariant = variants.map((): number[] => []);
  let runs = variants.map(() => 0);
  for (let round = -1; round < rounds; round += 1) {
    for (const [index, variant] of variants.entries()) {
      const us = await turn(scenario, variant);
      // The first round warms up.
      if (round >= 0) timesByVariant[index]!.push(us);
      runs = runs.with(index, runs[index]! + Math.max(3, Math.round(scenario.calls / variant.divisor)));
    }
    process.stderr.write(process.stderr.isTTY ? `\r${scenario.name}: round ${round + 1} of ${rounds}` : '');
  }
  const medians = timesByVariant.map(median);
  const baseIndex = variants.findIndex(({ name }) => name === 'integration that does nothing');
  const offIndex = variants.findIndex(({ name }) => name === 'no recorder');
  const figures: Figure[] = [];
  for (const [index, variant] of variants.entries()) {
    const bytes = (await variant.bytes()) - bytesBefore[index]!;
    figures.push({
      scenario: scenario.name,
      variant: variant.name,
      usPerCall: medians[index]!,
      ratio: baseIndex === -1 ? null : medians[index]! / medians[baseIndex]!,
      overheadUs: offIndex === -1 ? null : medians[index]! - medians[offIndex]!,
      bytesPerRun: bytes === 0 ? null : bytes / runs[index]!,
    });
    await variant.close();
  }
  return figures;
}

function print(figures: readonly Figure[]): void {
  process.stdout.write(`\n${figures[0]!.scenario}\n`);
  for (const { variant, usPerCall, ratio, overheadUs, bytesPerRun } of figures) {
    const cells = [
      variant.padEnd(32),
      `${usPerCall.toFixed(0).padStart(8)} us`,
      `${ratio === null ? '' : `${ratio.toFixed(2)} x`}`.padStart(9),
      `${overheadUs === null ? '' : `+${overheadUs.toFixed(0)} us`}`.padStart(11),
      `${bytesPerRun === null ? '-' : `${(bytesPerRun / 1000).toFixed(2)} kB`}`.padStart(12),
    ];
    process.stdout.write(`  ${cells.join('  ')}\n`);
  }
}

const collector = fork(fileURLToPath(new URL('overhead/collector.ts', import.meta.url)), {
  stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
});
const [line] = (await once(collector.stdout!, 'data')) as [Buffer];
const url = line.toString().trim();
const chosen = values.scenario?.split(',').map(Number);
const all: Figure[] = [];
for (const [index, scenario] of createScenarios(url).entries()) {
  if (chosen !== undefined && !chosen.includes(index)) continue;
  const figures = await measure(scenario, url);
  print(figures);
  all.push(...figures);
}
collector.disconnect();
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(all, null, 2)}\n`);
