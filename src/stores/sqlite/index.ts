export { openSqliteStore, type SqliteStoreOptions } from './store.ts';
export { readSqliteBytes } from './size.ts';
export { backupSqlite } from './backup.ts';
