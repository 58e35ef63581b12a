export type { Archive, ArchiveFile, BrokenFile, Damage, ReadResult, Region } from './archive.ts';
export { createEntryBasket } from './archive.ts';
export type { News, Problem } from './importer.ts';
export type { Indexer, IndexerOptions } from './indexer.ts';
export { createIndexer } from './indexer.ts';
export type { Lock } from './lock.ts';
export { createFileLock, noLock } from './lock.ts';
