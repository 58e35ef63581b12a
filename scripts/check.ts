// One check of the code, or all of them: `types` (tsc over src and web), `lint` (oxlint), `format` (oxfmt; with
// --write it formats). Exit code 1 when one finds something.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const root = join(import.meta.dirname, '..');

function runPackage(file: string, args: readonly string[]): boolean {
  const done = spawnSync(process.execPath, [join(root, 'node_modules', file), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  return done.status === 0;
}

function checkTypes(): boolean {
  const projects = ['tsconfig.json', 'web/tsconfig.json'].filter((file) => existsSync(join(root, file)));
  return projects.map((file) => runPackage('typescript/bin/tsc', ['--noEmit', '-p', file])).every(Boolean);
}

const checks: Record<string, () => boolean> = {
  types: checkTypes,
  lint: () => runPackage('oxlint/bin/oxlint', ['--deny-warnings']),
  format: () => runPackage('oxfmt/bin/oxfmt', [process.argv.includes('--write') ? '--write' : '--check']),
};

const [asked] = process.argv.slice(2);
const names = asked === undefined ? Object.keys(checks) : [asked];
const failed = names.filter((name) => checks[name]?.() !== true);
if (failed.length > 0) process.exitCode = 1;
