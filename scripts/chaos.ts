import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';

// The long form of the tests that kill processes, break disks and clocks, forge journals and plant secrets. The suite
// runs each of them in its short form.
//
//   npm run chaos [-- --rounds 100] [--only kill]

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '100' }, only: { type: 'string' } },
});
const rounds = Number(values.rounds);
if (!Number.isSafeInteger(rounds) || rounds < 1) {
  console.error(`--rounds ${JSON.stringify(values.rounds)} is no count; give 1 or more.`);
  process.exit(2);
}
const suites = [
  'test/chaos/kill',
  'test/chaos/prefix',
  'test/chaos/faults',
  'test/chaos/ship',
  'test/chaos/server-away',
  'test/chaos/database-kill',
  'test/chaos/database-cut',
  'test/chaos/database-hole',
  'test/chaos/database-answer',
  'test/chaos/database-disk',
  'test/chaos/database-migration',
  'test/chaos/work-',
  'test/indexer/kill',
  'test/indexer/seal-kill',
  'test/indexer/histories',
  'test/end-to-end/disk',
  'test/hostile/journal-fuzz',
  'test/hostile/planted-secrets',
  'src/journal/kill',
  'src/journal/faults',
];
const chosen = suites.filter((suite) => values.only === undefined || suite.includes(values.only));
if (chosen.length === 0) {
  console.error(`--only ${JSON.stringify(values.only)} is none of: ${suites.join(', ')}`);
  process.exit(2);
}
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', ...chosen, '--testTimeout=7200000', '--hookTimeout=7200000'],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      TACHOGRAPH_CHAOS_ROUNDS: String(rounds),
      // A round is ten kills, a journal forged ten times, and one more history than the suite's.
      TACHOGRAPH_KILLS: String(rounds * 10),
      TACHOGRAPH_FUZZ: String(rounds * 10),
      TACHOGRAPH_HISTORIES: String(rounds),
      ...(rounds >= 100 ? { TACHOGRAPH_SECRETS: 'all' } : {}),
    },
  },
);
process.exitCode = status ?? 1;
