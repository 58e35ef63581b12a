import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import type { OutputChunk } from 'rolldown';
import { rolldown } from 'rolldown';
import { entries } from '../entries.ts';
import type { Stamp } from './inputs.ts';
import { root } from './inputs.ts';
import { packagesOf } from './notices.ts';

/** Bundles every entry into dist and answers the files written and the packages that are inside. */
export async function buildCode(): Promise<Omit<Stamp, 'inputs'>> {
  // Written beside and moved in at the end: a server that runs from dist sees the old files or the new ones.
  const next = join(root, 'dist', '.next');
  rmSync(next, { recursive: true, force: true });
  const bundle = await rolldown({
    cwd: root,
    input: Object.fromEntries(entries.map((entry) => [entry.output, entry.source])),
    platform: 'node',
    tsconfig: false,
    external: (id) => isBuiltin(id),
  });
  const { output } = await bundle.write({
    dir: next,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    keepNames: true,
    comments: { legal: false, annotation: true, jsdoc: false },
  });
  await bundle.close();
  const chunks = output.filter((each) => each.type === 'chunk');
  checkImports(chunks);
  moveIn(next, chunks);
  return { files: chunks.map((chunk) => `dist/${chunk.fileName}`), packages: packagesOf(chunks) };
}

/** The package needs no other: what is bundled may ask for Node's own modules only. */
function checkImports(chunks: readonly OutputChunk[]): void {
  const own = new Set(chunks.map((chunk) => chunk.fileName));
  for (const chunk of chunks) {
    for (const id of [...chunk.imports, ...chunk.dynamicImports]) {
      if (!own.has(id) && !isBuiltin(id)) throw new Error(`dist/${chunk.fileName} asks for the package ${id}`);
    }
  }
  const register = chunks.find((chunk) => chunk.fileName === 'register.js');
  if (register !== undefined && register.imports.length > 0) {
    throw new Error(`dist/register.js imports ${register.imports} before it has looked at Node's version`);
  }
}

function moveIn(next: string, chunks: readonly OutputChunk[]): void {
  const dist = join(root, 'dist');
  for (const entry of entries) rmSync(join(dist, `${entry.output}.js`), { force: true });
  rmSync(join(dist, 'chunks'), { recursive: true, force: true });
  for (const chunk of chunks) {
    mkdirSync(dirname(join(dist, chunk.fileName)), { recursive: true });
    renameSync(join(next, chunk.fileName), join(dist, chunk.fileName));
  }
  rmSync(next, { recursive: true, force: true });
}
