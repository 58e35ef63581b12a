import type { Directory } from '../../../core/access/directory.ts';
import { endedSessionsMax } from '../../../core/access/directory.ts';
import { toApiKey } from '../../../core/access/key.ts';
import { keyToRow, projectToRow, rowToKey, rowToProject, unmadeProject, withDefault } from '../../sql/directory.ts';
import type { Session, Transaction } from '../database.ts';
import { ensureProject } from '../import/lock.ts';

/** How a store lends its database: questions about one project or about all, and writes in a transaction each. */
export interface DirectoryPlace {
  /** Whether the store serves all projects. */
  readonly isForAll: boolean;
  readAll<T>(fn: (db: Session) => Promise<T>): Promise<T>;
  read<T>(projectId: string, fn: (db: Session) => Promise<T>): Promise<T>;
  write<T>(projectId: string, fn: (tx: Transaction) => Promise<T>): Promise<T>;
}

const ours = 'project_key = (SELECT project_key())';

/** Projects and keys in the store's own database. */
export function createPostgresDirectory({ isForAll, readAll, read, write }: DirectoryPlace): Directory {
  const records = isForAll
    ? 'SELECT * FROM all_records()'
    : `SELECT current_setting('tachograph.project') AS id, r.* FROM project_records r WHERE ${ours}`;
  const anyKey = isForAll
    ? 'SELECT found AS is_there FROM has_keys() AS found'
    : `SELECT EXISTS (SELECT FROM access_keys WHERE ${ours}) AS is_there`;
  return {
    listProjects: () => readAll(async (db) => withDefault((await db.all(records)).map(rowToProject))),
    getProject: (projectId) =>
      read(projectId, async (db) => {
        const row = await db.get(`SELECT $1::text AS id, r.* FROM project_records r WHERE ${ours}`, projectId);
        return row === undefined ? unmadeProject(projectId) : rowToProject(row);
      }),
    putProject: (project) =>
      write(project.id, async (tx) => {
        const [, ...values] = projectToRow(project);
        tx.put(ensureProject.sql);
        tx.put(
          `INSERT INTO project_records (project_key, name, status, mode, canary_percent, retention_days, created_at_ms)
           VALUES ((SELECT project_key()), $1, $2, $3, $4, $5, $6)
           ON CONFLICT (project_key) DO UPDATE SET name = excluded.name, status = excluded.status, mode = excluded.mode,
             canary_percent = excluded.canary_percent, retention_days = excluded.retention_days, created_at_ms = excluded.created_at_ms`,
          ...values,
        );
      }),
    hasKeys: () => readAll(async (db) => (await db.get(anyKey))?.['is_there'] === 1),
    putKey: (key) =>
      write(key.projectId, async (tx) => {
        const [, ...values] = keyToRow(key);
        tx.put(ensureProject.sql);
        tx.put(
          `INSERT INTO access_keys (project_key, id, name, scopes, created_at_ms, expires_at_ms, revoked_at_ms, hash)
           VALUES ((SELECT project_key()), $1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (project_key, id) DO UPDATE SET name = excluded.name, scopes = excluded.scopes, created_at_ms = excluded.created_at_ms,
             expires_at_ms = excluded.expires_at_ms, hash = excluded.hash,
             revoked_at_ms = coalesce(access_keys.revoked_at_ms, excluded.revoked_at_ms)`,
          ...values,
        );
      }),
    findKey: (projectId, keyId) =>
      read(projectId, async (db) => {
        const row = await db.get(
          `SELECT $2::text AS project_id, k.* FROM access_keys k WHERE ${ours} AND id = $1`,
          keyId,
          projectId,
        );
        return row === undefined ? null : rowToKey(row);
      }),
    listKeys: (projectId) =>
      read(projectId, async (db) => {
        const rows = await db.all(
          `SELECT $1::text AS project_id, k.* FROM access_keys k WHERE ${ours} ORDER BY created_at_ms, id`,
          projectId,
        );
        return rows.map((row) => toApiKey(rowToKey(row)));
      }),
    endSession: (projectId, { id, expiresAtMs }, nowMs) =>
      write(projectId, async (tx) => {
        tx.put(
          `INSERT INTO ended_sessions (project_key, id, expires_at_ms)
           SELECT key, $1, $2 FROM projects WHERE id = current_setting('tachograph.project') ON CONFLICT DO NOTHING`,
          id,
          expiresAtMs,
        );
        tx.put(
          `DELETE FROM ended_sessions WHERE ${ours} AND (expires_at_ms <= $1 OR id IN
             (SELECT id FROM ended_sessions WHERE ${ours} ORDER BY expires_at_ms DESC OFFSET ${endedSessionsMax}))`,
          nowMs,
        );
      }),
    isSessionEnded: (projectId, sessionId) =>
      read(
        projectId,
        async (db) =>
          (await db.get(`SELECT 1 AS one FROM ended_sessions WHERE ${ours} AND id = $1`, sessionId)) !== undefined,
      ),
  };
}
