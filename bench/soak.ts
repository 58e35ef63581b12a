import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';

// The long form of the kill tests, which the suite runs in their short form.
//
//   npm run soak [-- --kills 2000]

const { values } = parseArgs({ options: { kills: { type: 'string', default: '1000' } } });
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const { status } = spawnSync(process.execPath, [vitest, 'run', 'test/chaos', '--testTimeout=7200000'], {
  stdio: 'inherit',
  env: { ...process.env, TACHOGRAPH_KILLS: values.kills },
});
process.exitCode = status ?? 1;
