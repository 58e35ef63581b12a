export { createPostgresStore, type PostgresStore, type PostgresStoreOptions } from './store.ts';
export {
  compactPostgres,
  createPostgresRole,
  migratePostgres,
  type MigrationOptions,
  type RoleOptions,
} from './schema.ts';
export type { PostgresClient, PostgresPool } from './driver/pool.ts';
export type { ConnectionCounts, Waits } from './database.ts';
export { listenPostgres, type ListenOptions } from './upkeep/bell.ts';
export { inspectPostgres, type PostgresInspection } from './upkeep/inspection.ts';
