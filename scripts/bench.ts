// npm run bench [-- name ...]: runs the named programs of bench/, or all of them, one after the other.
// Each prints a table and writes its figures as JSON.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const folder = join(import.meta.dirname, '..', 'bench');
const all = readdirSync(folder)
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => name.slice(0, -'.ts'.length));
const asked = process.argv.slice(2).filter((name) => !name.startsWith('-'));
const unknown = asked.filter((name) => !all.includes(name));
if (unknown.length > 0 || all.length === 0) {
  console.error(`bench: ${unknown.join(', ') || 'nothing'} to run; there is: ${all.join(', ') || 'none'}`);
  process.exit(2);
}
const programs = asked.length === 0 ? all : asked;
for (const name of programs) {
  console.log(`bench: ${name}`);
  const done = spawnSync(process.execPath, ['--expose-gc', join(folder, `${name}.ts`)], { stdio: 'inherit' });
  if (done.status !== 0) process.exitCode = 1;
}
