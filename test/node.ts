import { join } from 'node:path';

/** The repository's root folder. */
export const root: string = join(import.meta.dirname, '..');

/** The Node that tests start their processes with: the one that runs the tests, which reads TypeScript itself. */
export const nodePath: string = process.execPath;
