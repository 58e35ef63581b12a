import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import process from 'node:process';

/** Whether programs that tests need can be installed here without asking anybody. */
export function canInstall(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

/** Runs apt-get; false, with the reason on the console, when it failed. */
export function aptGet(args: readonly string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const done = spawnSync('apt-get', args, { env, encoding: 'utf8', timeout: 300_000 });
  if (done.status !== 0)
    console.log(`test: apt-get ${args[0]} failed: ${(done.stderr || String(done.error)).trim().slice(-300)}`);
  return done.status === 0;
}
