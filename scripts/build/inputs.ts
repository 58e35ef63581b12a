import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The repository's root folder. */
export const root: string = dirname(dirname(import.meta.dirname));

/** What a part of dist was built from (a hash), what it wrote, and the folders of the packages that are inside. */
export interface Stamp {
  readonly inputs: string | null;
  readonly files: readonly string[];
  readonly packages: readonly string[];
}

const skipped = new Set(['node_modules', 'dist', '.cache', 'test', 'dev']);

function* filesUnder(path: string): Generator<string> {
  const full = join(root, path);
  if (!existsSync(full)) return;
  if (!statSync(full).isDirectory()) {
    yield path;
    return;
  }
  for (const name of readdirSync(full).toSorted()) {
    if (!skipped.has(name) && !/\.(test|fixture)\.tsx?$/.test(name)) yield* filesUnder(`${path}/${name}`);
  }
}

/** One hash over names and bytes of everything under the paths; tests are not part of it. */
export function hashInputs(paths: readonly string[]): string {
  const hash = createHash('sha256');
  for (const path of paths) {
    for (const file of filesUnder(path))
      hash
        .update(`${file}\0`)
        .update(readFileSync(join(root, file)))
        .update('\0');
  }
  return hash.digest('hex');
}

function stampFile(part: string): string {
  return join(root, '.cache', 'build', `${part}.json`);
}

/** How a part was built last; nothing when it was not. */
export function recall(part: string): Stamp {
  if (!existsSync(stampFile(part))) return { inputs: null, files: [], packages: [] };
  return JSON.parse(readFileSync(stampFile(part), 'utf8')) as Stamp;
}

/** True when the part was built from these inputs and what it wrote is still there. */
export function isFresh(part: string, inputs: string): boolean {
  const stamp = recall(part);
  return stamp.inputs === inputs && stamp.files.every((file) => existsSync(join(root, file)));
}

/** Forgets that a part was built: called before building, so that a build that fails is not taken for done. */
export function forget(part: string): void {
  rmSync(stampFile(part), { force: true });
}

/** Notes how a part was built. */
export function remember(part: string, stamp: Stamp): void {
  mkdirSync(dirname(stampFile(part)), { recursive: true });
  writeFileSync(stampFile(part), JSON.stringify(stamp));
}
