export { openSqliteStore, type SqliteStoreOptions } from './store.ts';
export { readSqliteBytes } from './file/size.ts';
export { backupSqlite } from './file/backup.ts';
