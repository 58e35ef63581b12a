import { TachographError } from '../../core/error.ts';
import type { SqlRow } from '../sql/value.ts';
import { openOwner, type Owner } from './database.ts';
import { functionStatements, grantedFunctions, keeperFunctions } from './migration/functions.ts';
import { policyStatements } from './migration/policies.ts';
import { tableNames, tableStatements } from './migration/tables.ts';

/** Raised when an older library can no longer work with the database. */
export const schemaMajor = 1;
/** Raised with every migration that an older library need not know. */
export const schemaMinor = 3;

const toVersion = (major: number, minor: number): number => major * 1000 + minor;

/** What a migration needs. */
export interface MigrationOptions {
  /** Connects as the owner of the schema; straight to the server or through a pooler. */
  readonly url: string;
}

/** Asks which schema is there, and whether the role is bound by row-level security. */
export const setupQuery = `SELECT schema_version() AS version, current_user AS role, rolsuper OR rolbypassrls AS is_unbound
  FROM pg_roles WHERE rolname = current_user`;

/** Refuses a database without the schema or of another major version, and a role that sees all projects. */
export function checkSetup(row: SqlRow | undefined, place: string): void {
  checkVersion(row, place);
  if (row?.['is_unbound'] !== 1) return;
  throw new TachographError(
    'home-unusable',
    `The role ${String(row['role'])} at ${place} is a superuser or has BYPASSRLS, so that nothing keeps projects apart: make one with tachograph migrate --role, or createPostgresRole.`,
  );
}

function checkVersion(row: SqlRow | undefined, place: string): void {
  const version = row?.['version'];
  if (typeof version !== 'number')
    throw new TachographError(
      'store-broken',
      `The database at ${place} has no tachograph schema: run tachograph migrate, or migratePostgres, with the owner's connection.`,
    );
  const major = Math.floor(version / 1000);
  if (major > schemaMajor) {
    throw new TachographError(
      'store-newer',
      `The store at ${place} has schema ${major}.${version % 1000}, this library knows ${schemaMajor}.${schemaMinor}: update tachograph to open it. Recording goes on meanwhile.`,
    );
  }
  if (version < toVersion(schemaMajor, schemaMinor)) {
    throw new TachographError(
      'store-broken',
      `The store at ${place} has schema ${major}.${version % 1000}, this library needs ${schemaMajor}.${schemaMinor}: run tachograph migrate, or migratePostgres, with the owner's connection.`,
    );
  }
}

/** All statements of the migration, in order. Each is committed by itself and does nothing when it was done before. */
export function migrationStatements(): string[] {
  return [...tableStatements(), ...policyStatements(), ...functionStatements(toVersion(schemaMajor, schemaMinor))];
}

async function readVersion(owner: Owner): Promise<number | null> {
  const [there] = await owner.all(`SELECT to_regprocedure('tachograph.schema_version()') IS NOT NULL AS is_there`);
  if (there?.['is_there'] !== 1) return null;
  const [row] = await owner.all('SELECT tachograph.schema_version() AS version');
  return (row?.['version'] as number | undefined) ?? null;
}

/**
 * Brings a database to the present schema. Statements are committed one by one and do nothing when done before, so that a
 * migration that was killed is run again; two at once take turns. A newer minor version is left as it is, a newer major one
 * is refused (`store-newer`). It needs the owner of the schema; PostgreSQL 15 or newer.
 */
export async function migratePostgres(options: MigrationOptions): Promise<void> {
  const owner = await openOwner(options.url);
  try {
    const [server] = await owner.all(`SELECT current_setting('server_version_num')::int4 AS number`);
    if ((server!['number'] as number) < 150_000)
      throw new TachographError(
        'store-broken',
        `PostgreSQL at ${owner.place} is older than 15; a store needs 15 or newer.`,
      );
    const version = await readVersion(owner);
    if (version !== null && version >= toVersion(schemaMajor, schemaMinor)) {
      checkVersion({ version }, owner.place);
      return;
    }
    for (const sql of migrationStatements()) await owner.take(sql);
  } finally {
    await owner.close();
  }
}

/** A role for the application. */
export interface RoleOptions extends MigrationOptions {
  /** Its name: letters, digits and underscores. */
  readonly role: string;
  /** Left out: the role is made without a login, or keeps the password it has. */
  readonly password?: string;
  /** `false`: it is told nothing of which projects there are, and its store must be given its own. */
  readonly isForAllProjects?: boolean;
}

/**
 * Makes a role that owns nothing, cannot truncate and is bound by row-level security, or brings the rights of one that is
 * there to what this version needs. Run it with the owner's connection, after each migration.
 */
export async function createPostgresRole(options: RoleOptions): Promise<void> {
  const { role, password, isForAllProjects = true } = options;
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(role))
    throw new TachographError(
      'bad-argument',
      `The role "${role}" must have lower-case letters, digits and underscores only.`,
    );
  const owner = await openOwner(options.url);
  const login = password === undefined ? '' : ` LOGIN PASSWORD '${password.replaceAll("'", "''")}'`;
  const names = (functions: readonly string[]): string => functions.map((name) => `tachograph.${name}`).join(', ');
  try {
    const [found] = await owner.all(`SELECT 1 AS one FROM pg_roles WHERE rolname = '${role}'`);
    if (found === undefined)
      await owner.take(`CREATE ROLE ${role} NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS${login}`);
    else if (login !== '') await owner.take(`ALTER ROLE ${role}${login}`);
    for (const sql of [
      `GRANT USAGE ON SCHEMA tachograph TO ${role}`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ${tableNames.map((name) => `tachograph.${name}`).join(', ')} TO ${role}`,
      `GRANT SELECT ON tachograph.run_list TO ${role}`,
      `GRANT USAGE ON SEQUENCE tachograph.keys TO ${role}`,
      `GRANT EXECUTE ON FUNCTION ${names(grantedFunctions)} TO ${role}`,
      isForAllProjects
        ? `GRANT EXECUTE ON FUNCTION ${names(keeperFunctions)} TO ${role}`
        : `REVOKE EXECUTE ON FUNCTION ${names(keeperFunctions)} FROM ${role}`,
    ])
      await owner.take(sql);
  } finally {
    await owner.close();
  }
}

/**
 * Rewrites all tables of the store, so that what was erased or purged is in none of their files any more and the space is
 * given back. Each table is locked for as long as that takes. What the server's log, its archives and standbys still hold
 * is not touched.
 */
export async function compactPostgres(options: MigrationOptions): Promise<void> {
  const owner = await openOwner(options.url);
  try {
    const tables = await owner.all(
      `SELECT relname FROM pg_class WHERE relnamespace = 'tachograph'::regnamespace AND relkind = 'r' ORDER BY relname`,
    );
    // Statistics keep common words and names.
    for (const row of tables) await owner.all(`VACUUM (FULL, ANALYZE) tachograph.${String(row['relname'])}`);
  } finally {
    await owner.close();
  }
}
