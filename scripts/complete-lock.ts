// npm run lock: brings package-lock.json up to date and makes it whole for every platform. Some registries carry only
// the packages of their own platform; npm then leaves the others out of the lock file, and `npm ci` refuses the file
// that npm itself wrote. What is left out is entered with its exact version and platform, without a checksum.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Lock, LockEntry } from './lock.ts';
import { absentOptionals } from './lock.ts';

const file = join(import.meta.dirname, '..', 'package-lock.json');

const libcByEnding: Record<string, string> = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl' };

/** `@x/binding-linux-arm-musleabihf` → linux, arm, musl. */
function platformOf(name: string): Pick<LockEntry, 'cpu' | 'libc' | 'os'> {
  const [, os, cpu, ending = ''] =
    /-(android|darwin|freebsd|linux|openharmony|win32)-([a-z0-9]+)(?:-([a-z]+))?$/.exec(name) ?? [];
  if (os === undefined || cpu === undefined) throw new Error(`${name} does not name its platform`);
  const libc = os === 'linux' ? libcByEnding[ending] : undefined;
  return { cpu: [cpu], ...(libc === undefined ? {} : { libc: [libc] }), os: [os] };
}

const done = spawnSync('npm', ['install', '--package-lock-only', '--ignore-scripts'], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
if (done.status !== 0) process.exit(1);

const lock = JSON.parse(readFileSync(file, 'utf8')) as Lock;
for (const { name, version, dev } of absentOptionals(lock)) {
  const { cpu, ...rest } = platformOf(name);
  lock.packages[`node_modules/${name}`] = { version, cpu, ...(dev ? { dev } : {}), optional: true, ...rest };
}
const byPath = Object.entries(lock.packages).toSorted(([a], [b]) => a.localeCompare(b, 'en'));
writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(byPath) }, null, 2)}\n`);
