export { createPostgresStore, type PostgresStoreOptions } from './store.ts';
export { createPostgresRole, migratePostgres, type MigrationOptions, type RoleOptions } from './schema.ts';
export type { PostgresClient, PostgresPool } from './driver/pool.ts';
export type { Waits } from './database.ts';
