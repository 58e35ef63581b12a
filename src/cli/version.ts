import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function readVersion(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (name === 'tachograph' && version !== undefined) return version;
    } catch {
      // No package here: the one above is ours.
    }
    if (dirname(folder) === folder) return '0.0.0';
  }
}

/** The version of this package. */
export const version: string = readVersion();
