import type { StoredKey } from '../../core/access/key.ts';
import { scopes } from '../../core/access/key.ts';
import type { Project } from '../../core/access/project.ts';
import { createProject, defaultProjectId, projectModes, projectStatuses } from '../../core/access/project.ts';
import type { SqlRow } from './value.ts';
import { createCellReader } from './view-shape.ts';

/** A row of `project_records` as a project. What cannot be read of it is what takes least for granted: suspended, legacy. */
export function rowToProject(row: SqlRow): Project {
  const cells = createCellReader(row);
  const id = row['id'] as string;
  return {
    id,
    name: cells.textOrNull('name') ?? id,
    status: cells.listed('status', projectStatuses, 'suspended'),
    mode: cells.listed('mode', projectModes, 'legacy'),
    canaryPercent: cells.numberOrNull('canary_percent'),
    retentionDays: cells.numberOrNull('retention_days'),
    createdAtMs: cells.number('created_at_ms'),
  };
}

/** The columns of a project in their order, for `project_records`. */
export function projectToRow(project: Project): readonly (string | number | null)[] {
  const { id, name, status, mode, canaryPercent, retentionDays, createdAtMs } = project;
  return [id, name, status, mode, canaryPercent, retentionDays, createdAtMs];
}

/** A row of `keys` as a key. A scope that is not known here is left out: it allows nothing. */
export function rowToKey(row: SqlRow): StoredKey {
  const cells = createCellReader(row);
  const granted = (cells.textOrNull('scopes') ?? '').split(' ');
  return {
    id: row['id'] as string,
    projectId: row['project_id'] as string,
    name: cells.textOrNull('name') ?? '',
    scopes: scopes.filter((scope) => granted.includes(scope)),
    createdAtMs: cells.number('created_at_ms'),
    expiresAtMs: cells.numberOrNull('expires_at_ms'),
    revokedAtMs: cells.numberOrNull('revoked_at_ms'),
    hash: cells.textOrNull('hash') ?? '',
  };
}

/** The columns of a key in their order, for `keys`. */
export function keyToRow(key: StoredKey): readonly (string | number | null)[] {
  const { id, projectId, name, createdAtMs, expiresAtMs, revokedAtMs, hash } = key;
  return [projectId, id, name, key.scopes.join(' '), createdAtMs, expiresAtMs, revokedAtMs, hash];
}

/** The project that is there without anybody making it; for every other id `null`. */
export function unmadeProject(projectId: string): Project | null {
  return projectId === defaultProjectId ? createProject({ id: projectId, nowMs: 0 }) : null;
}

/** Projects by id, with the one that is always there. */
export function withDefault(projects: readonly Project[]): readonly Project[] {
  const all = projects.some(({ id }) => id === defaultProjectId)
    ? projects
    : [unmadeProject(defaultProjectId)!, ...projects];
  return all.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
