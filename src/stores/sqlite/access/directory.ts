import type { Directory } from '../../../core/access/directory.ts';
import { endedSessionsMax } from '../../../core/access/directory.ts';
import { toApiKey } from '../../../core/access/key.ts';
import { keyToRow, projectToRow, rowToKey, rowToProject, unmadeProject, withDefault } from '../../sql/directory.ts';
import type { Database } from '../database.ts';

/** How a store lends its database: reads as they are, writes in a transaction each. */
export interface DirectoryPlace {
  read<T>(fn: (db: Database) => T): Promise<T>;
  write<T>(fn: (db: Database) => T): Promise<T>;
}

// Two servers may write a key at once, one of them by what it read before the other revoked it.
const putKeySql = `INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (project_id, id) DO UPDATE SET
  name = excluded.name, scopes = excluded.scopes, created_at_ms = excluded.created_at_ms,
  expires_at_ms = excluded.expires_at_ms, revoked_at_ms = coalesce(keys.revoked_at_ms, excluded.revoked_at_ms), hash = excluded.hash`;

const trimSessionsSql = `DELETE FROM ended_sessions WHERE project_id = ? AND (expires_at_ms <= ? OR id IN
  (SELECT id FROM ended_sessions WHERE project_id = ? ORDER BY expires_at_ms DESC LIMIT -1 OFFSET ${endedSessionsMax}))`;

/** Projects and keys in the store's own file. */
export function createSqliteDirectory({ read, write }: DirectoryPlace): Directory {
  return {
    listProjects: () => read((db) => withDefault(db.all('SELECT * FROM project_records').map(rowToProject))),
    getProject: (projectId) =>
      read((db) => {
        const row = db.get('SELECT * FROM project_records WHERE id = ?', projectId);
        return row === undefined ? unmadeProject(projectId) : rowToProject(row);
      }),
    putProject: (project) =>
      write(
        (db) =>
          void db.run('INSERT OR REPLACE INTO project_records VALUES (?, ?, ?, ?, ?, ?, ?)', ...projectToRow(project)),
      ),
    hasKeys: () => read((db) => db.get('SELECT 1 FROM keys LIMIT 1') !== undefined),
    putKey: (key) => write((db) => void db.run(putKeySql, ...keyToRow(key))),
    findKey: (projectId, keyId) =>
      read((db) => {
        const row = db.get('SELECT * FROM keys WHERE project_id = ? AND id = ?', projectId, keyId);
        return row === undefined ? null : rowToKey(row);
      }),
    listKeys: (projectId) =>
      read((db) =>
        db
          .all('SELECT * FROM keys WHERE project_id = ? ORDER BY created_at_ms, id', projectId)
          .map((row) => toApiKey(rowToKey(row))),
      ),
    endSession: (projectId, { id, expiresAtMs }, nowMs) =>
      write((db) => {
        db.run('INSERT OR IGNORE INTO ended_sessions VALUES (?, ?, ?)', projectId, id, expiresAtMs);
        db.run(trimSessionsSql, projectId, nowMs, projectId);
      }),
    isSessionEnded: (projectId, sessionId) =>
      read(
        (db) =>
          db.get('SELECT 1 FROM ended_sessions WHERE project_id = ? AND id = ?', projectId, sessionId) !== undefined,
      ),
  };
}
