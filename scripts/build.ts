// Builds dist: the bundles, the viewer, the declarations. Run by `npm run build`, and by start and test.
//
//   --if-stale         only the parts whose inputs changed since they were built
//   --parts=code,web   only these parts (all: code, web, types)
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Stamp } from './build/inputs.ts';
import { forget, hashInputs, isFresh, recall, remember, root } from './build/inputs.ts';
import { writeNotices } from './build/notices.ts';

/** A published package larger than this is a mistake (bytes, packed). */
const packedBytesMax = 5_000_000;

const parts: Record<string, () => Promise<Omit<Stamp, 'inputs'>>> = {
  code: async () => (await import('./build/code.ts')).buildCode(),
  web: async () => (await import('./build/web.ts')).buildWeb(),
  types: async () => ({ files: (await import('./build/declarations.ts')).buildTypes(), packages: [] }),
};

const inputsByPart: Record<string, readonly string[]> = {
  code: ['src', 'scripts/build', 'scripts/entries.ts', 'package-lock.json'],
  web: ['web', 'src/server/wire.ts', 'scripts/build', 'package-lock.json'],
  types: ['src', 'scripts/build', 'scripts/entries.ts', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'],
};

async function buildPart(part: string, ifStale: boolean): Promise<boolean> {
  const build = parts[part];
  if (build === undefined) throw new Error(`there is no part "${part}"; there is: ${Object.keys(parts).join(', ')}`);
  const inputs = hashInputs(inputsByPart[part] ?? []);
  if (ifStale && isFresh(part, inputs)) return false;
  const started = Date.now();
  forget(part);
  const { files, packages } = await build();
  remember(part, { inputs, files, packages });
  console.log(`build: ${part}, ${files.length} files in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return true;
}

/** Size of what would be published, as npm counts it. */
function checkPack(): void {
  const npm = process.env.npm_execpath;
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'];
  const done = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, encoding: 'utf8' })
    : spawnSync('npm', args, { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' });
  if (done.status !== 0) throw new Error(`npm pack --dry-run failed: ${done.stderr}`);
  const [pack] = Object.values(
    JSON.parse(done.stdout) as Record<string, { size: number; unpackedSize: number; entryCount: number }>,
  );
  if (pack === undefined) throw new Error('npm pack --dry-run listed no package');
  const sizes = `${(pack.size / 1000).toFixed(0)} kB packed, ${(pack.unpackedSize / 1000).toFixed(0)} kB unpacked`;
  console.log(`build: the package is ${sizes}, ${pack.entryCount} files`);
  if (pack.size > packedBytesMax) throw new Error(`the package is larger than ${packedBytesMax} bytes`);
}

const ifStale = process.argv.includes('--if-stale');
const asked = process.argv
  .find((each) => each.startsWith('--parts='))
  ?.slice('--parts='.length)
  .split(',');
mkdirSync(join(root, 'dist'), { recursive: true });
try {
  const built = [];
  for (const part of asked ?? Object.keys(parts)) if (await buildPart(part, ifStale)) built.push(part);
  if (built.length > 0) writeNotices([...recall('code').packages, ...recall('web').packages]);
  if (asked === undefined && built.length > 0) checkPack();
} catch (error) {
  console.error(`build: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
