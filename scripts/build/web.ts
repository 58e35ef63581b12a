import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Rolldown } from 'vite';
import type { Stamp } from './inputs.ts';
import { root } from './inputs.ts';
import { packagesOf } from './notices.ts';

/** The viewer's first page may load this much script, gzipped (bytes). */
export const scriptBytesMax = 250_000;

/** Builds the viewer into dist/web, and into dist/web/page for pages that open from a file; answers the files written and the packages that are inside. */
export async function buildWeb(): Promise<Omit<Stamp, 'inputs'>> {
  const configFile = join(root, 'web', 'vite.config.ts');
  const { build } = await import('vite');
  const result = await build({ configFile, root: join(root, 'web'), mode: 'production', logLevel: 'warn' });
  if (!('output' in result)) throw new Error('vite built more or less than one viewer');
  const chunks = result.output.filter((each) => each.type === 'chunk');
  const first = firstPage(chunks);
  const bytes = first.reduce((sum, chunk) => sum + gzipSync(chunk.code).length, 0);
  console.log(`build: viewer's first page loads ${(bytes / 1000).toFixed(0)} kB of script, gzipped`);
  if (bytes > scriptBytesMax)
    throw new Error(`the viewer's first page loads ${bytes} bytes of script; ${scriptBytesMax} is the most`);
  await build({
    configFile: join(root, 'web', 'page.config.ts'),
    root: join(root, 'web'),
    mode: 'production',
    logLevel: 'warn',
  });
  const web = join(root, 'dist', 'web');
  const files = readdirSync(web, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(web, name)).isFile(),
  );
  return { files: files.map((name) => `dist/web/${name.replaceAll('\\', '/')}`), packages: packagesOf(chunks) };
}

/** The entry and everything it imports statically. */
function firstPage(chunks: readonly Rolldown.OutputChunk[]): Rolldown.OutputChunk[] {
  const chunkByName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  const reached = new Set(chunks.filter((chunk) => chunk.isEntry));
  for (const chunk of reached) {
    for (const name of chunk.imports) {
      const imported = chunkByName.get(name);
      if (imported !== undefined) reached.add(imported);
    }
  }
  return [...reached];
}
