export { detectForeignFormat } from './detect.ts';
export type { BrokenPart, ForeignFile, ForeignFormat } from './foreign.ts';
export type { ForeignImport, ForeignProgress, ForeignReport, KnownRun } from './import-file.ts';
export { importForeign } from './import-file.ts';
