import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TachographError } from '../../core/error.ts';

/** The viewer as one classic script and one sheet of styles, for a page that stands alone. `bad-argument` when it is not built. */
export function readViewerFiles(): { readonly script: string; readonly style: string } {
  const here = dirname(fileURLToPath(import.meta.url));
  // Beside the bundles, or in dist when run from source.
  const places = [join(here, 'web'), join(here, '..', 'web'), join(here, '..', '..', '..', 'dist', 'web')];
  const folder = places.map((place) => join(place, 'page')).find((place) => existsSync(join(place, 'viewer.js')));
  if (folder === undefined) {
    throw new TachographError(
      'bad-argument',
      'The viewer is not built, and a page needs it. In a clone of the source: npm run build',
    );
  }
  return {
    script: readFileSync(join(folder, 'viewer.js'), 'utf8'),
    style: readFileSync(join(folder, 'viewer.css'), 'utf8'),
  };
}
