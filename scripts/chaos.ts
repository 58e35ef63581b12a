import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';

// The long form of the tests that kill processes and break disks and clocks, which the suite runs in their short form.
//
//   npm run chaos [-- --rounds 100] [--only faults]

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '100' }, only: { type: 'string', default: '' } },
});
const rounds = Number(values.rounds);
if (!Number.isSafeInteger(rounds) || rounds < 1) {
  console.error(`--rounds ${JSON.stringify(values.rounds)} is no count; give 1 or more.`);
  process.exit(2);
}
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', `test/chaos/${values.only}`, '--testTimeout=7200000', '--hookTimeout=7200000'],
  {
    stdio: 'inherit',
    // A round of the kill test is ten kills, so that a hundred rounds are a thousand.
    env: { ...process.env, TACHOGRAPH_CHAOS_ROUNDS: String(rounds), TACHOGRAPH_KILLS: String(rounds * 10) },
  },
);
process.exitCode = status ?? 1;
