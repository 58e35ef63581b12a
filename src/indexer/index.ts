export type { Archive, ArchiveFile, BrokenFile, Damage, ErasedEntries, ReadResult, Region } from './archive.ts';
export type { ErasureProgress, SubjectErasure } from './eraser.ts';
export type { News, Problem } from './importer.ts';
export type { Indexer, IndexerOptions } from './indexer.ts';
export { createIndexer } from './indexer.ts';
export type { Keeper, KeeperOptions } from './keeper.ts';
export { createKeeper } from './keeper.ts';
export type { Lock } from './lock.ts';
export { createFileLock, noLock } from './lock.ts';
