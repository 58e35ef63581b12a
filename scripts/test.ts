// All tests: types, lint and format first since they are quick, then the build, then vitest over everything. Each part
// runs even when one before it failed; the end says what failed, and what was skipped and why.
//
// TACHOGRAPH_TEST_SKIP=types,lint,format,build leaves parts out for a person at work; CI ignores it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { provideBrowser } from './test/browser.ts';
import { providePooler } from './test/pooler.ts';

const root = join(import.meta.dirname, '..');
const skips: string[] = [];

interface Skip {
  readonly file: string;
  readonly name: string;
  readonly reason: string | null;
}

function runNode(args: readonly string[], env: Record<string, string> = {}): boolean {
  return (
    spawnSync(process.execPath, args, { cwd: root, env: { ...process.env, ...env }, stdio: 'inherit' }).status === 0
  );
}

function runVitest(env: Record<string, string>): boolean {
  const cache = join(root, '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'skips-'));
  const file = join(folder, 'skips.json');
  try {
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const passed = runNode([vitest, 'run', ...process.argv.slice(2)], { ...env, TACHOGRAPH_SKIPS: file });
    if (existsSync(file)) skips.push(...(JSON.parse(readFileSync(file, 'utf8')) as Skip[]).map(toLine));
    return passed;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function toLine({ file, name, reason }: Skip): string {
  return `${file} > ${name}: ${reason ?? 'the test says no reason'}`;
}

function provide(): Record<string, string> {
  const browser = provideBrowser();
  if (browser === null)
    skips.push('browser tests: no Chromium found and none could be installed (TACHOGRAPH_CHROMIUM names one)');
  if (!existsSync(join(root, '..', 'shared', 'corpus'))) skips.push('corpus tests: ../shared/corpus is not there');
  const pooler = providePooler();
  if (pooler === null)
    skips.push('pooler tests: no PgBouncer found and none could be installed (TACHOGRAPH_PGBOUNCER names one)');
  return {
    ...(browser === null ? {} : { TACHOGRAPH_CHROMIUM: browser }),
    ...(pooler === null ? {} : { TACHOGRAPH_PGBOUNCER: pooler }),
  };
}

const env = provide();
const parts: Record<string, () => boolean> = {
  types: () => runNode(['scripts/check.ts', 'types']),
  lint: () => runNode(['scripts/check.ts', 'lint']),
  format: () => runNode(['scripts/check.ts', 'format']),
  build: () => runNode(['scripts/build.ts', '--if-stale']),
  tests: () => runVitest(env),
};

const left = process.env.CI === undefined ? (process.env.TACHOGRAPH_TEST_SKIP ?? '').split(',') : [];
const rows: { name: string; passed: boolean; seconds: string }[] = [];
for (const [name, run] of Object.entries(parts)) {
  if (left.includes(name)) {
    skips.push(`${name}: left out by TACHOGRAPH_TEST_SKIP`);
    continue;
  }
  console.log(`test: ${name}`);
  const started = Date.now();
  const passed = run();
  rows.push({ name, passed, seconds: ((Date.now() - started) / 1000).toFixed(1) });
}

console.log('');
for (const { name, passed, seconds } of rows)
  console.log(`test: ${name.padEnd(7)} ${passed ? 'passed' : 'FAILED'} ${seconds} s`);
console.log(
  skips.length === 0 ? 'test: nothing was skipped' : `test: skipped:\n${skips.map((skip) => `  - ${skip}`).join('\n')}`,
);
process.exitCode = rows.every((row) => row.passed) ? 0 : 1;
