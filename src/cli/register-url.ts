import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/**
 * The file URL of what a recorded Node process imports first. A URL, percent-encoded: a bare package name would kill
 * every Node child from whose folder it cannot be resolved.
 */
export function registerUrl(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  // Built, the register stands at the top of dist; from source, beside this file.
  const built = [join(here, 'register.js'), join(here, '..', 'register.js')].find((file) => existsSync(file));
  return pathToFileURL(built ?? join(here, 'register.ts')).href;
}
