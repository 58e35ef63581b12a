import { systemClock } from '../../../core/clock.ts';
import { defaultWaits, urlToPlace } from '../database.ts';
import { toStoreError } from '../driver/failure.ts';
import { exchange, openPool } from '../driver/pool.ts';
import { schemaMajor, schemaMinor } from '../schema.ts';

/** How a database stands, as a role of the application sees it. */
export interface PostgresInspection {
  /** Host, port and database, without user and password. */
  readonly place: string;
  /** As the server calls itself. */
  readonly server: string;
  /** Major and minor version of the schema; `null` when none is there, or not for this role. */
  readonly schema: string | null;
  /** The schema that this library makes. */
  readonly knownSchema: string;
  readonly role: string;
  /** A superuser, or one with BYPASSRLS: no policy holds it. */
  readonly isUnbound: boolean;
  /** The role owns the tables, so that it could take their policies away. */
  readonly isOwner: boolean;
  /** Tables without row-level security that also holds their owner. */
  readonly openTables: readonly string[];
  /** How far the server's clock is ahead of this machine's, give or take half of `tripMs`. */
  readonly clockAheadMs: number;
  readonly tripMs: number;
}

const question = `SELECT current_setting('server_version') AS server, current_user::text AS role,
  (rolsuper OR rolbypassrls) AS is_unbound,
  extract(epoch FROM clock_timestamp())::float8 * 1000 AS now_ms,
  has_schema_privilege(to_regnamespace('tachograph'), 'USAGE') AS may_use,
  to_regnamespace('tachograph') IS NOT NULL AS is_there,
  (SELECT string_agg(c.relname::text, ' ' ORDER BY c.relname) FROM pg_class c WHERE c.relnamespace = to_regnamespace('tachograph')
    AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)) AS open_tables,
  EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = to_regnamespace('tachograph') AND c.relkind IN ('r', 'p')
    AND c.relowner = r.oid) AS is_owner
  FROM pg_roles r WHERE rolname = current_user`;

/** Looks at a database and changes nothing. `store-busy` when it cannot be reached, `home-unusable` when it refuses the role. */
export async function inspectPostgres(url: string): Promise<PostgresInspection> {
  const place = urlToPlace(url);
  try {
    const pool = await openPool({ url, max: 1, connectMs: defaultWaits.connectMs });
    pool.on('error', () => undefined);
    try {
      const client = await pool.connect();
      const ask = async (sql: string) =>
        (await exchange(client, [{ sql }], { answerMs: defaultWaits.answerMs }))[0]!.rows[0];
      try {
        // The first answer on a connection takes longer than those after it.
        await ask('SELECT 1 AS one');
        const askedAtMs = systemClock.nowMs();
        const row = (await ask(question))!;
        const tripMs = systemClock.nowMs() - askedAtMs;
        const isThere = row['is_there'] === 1 && row['may_use'] === 1;
        const version = isThere ? await ask('SELECT tachograph.schema_version() AS version').catch(() => null) : null;
        const number = version?.['version'];
        return {
          place,
          server: String(row['server']),
          schema: typeof number === 'number' ? `${Math.floor(number / 1000)}.${number % 1000}` : null,
          knownSchema: `${schemaMajor}.${schemaMinor}`,
          role: String(row['role']),
          isUnbound: row['is_unbound'] === 1,
          isOwner: row['is_owner'] === 1,
          openTables: String(row['open_tables'] ?? '')
            .split(' ')
            .filter((name) => name !== ''),
          clockAheadMs: Math.round((row['now_ms'] as number) - askedAtMs - tripMs / 2),
          tripMs,
        };
      } finally {
        client.release();
      }
    } finally {
      await pool.end();
    }
  } catch (error) {
    throw toStoreError(error, place);
  }
}
