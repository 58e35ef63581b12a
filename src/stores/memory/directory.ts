import type { Directory } from '../../core/access/directory.ts';
import { endedSessionsMax } from '../../core/access/directory.ts';
import type { StoredKey } from '../../core/access/key.ts';
import { toApiKey } from '../../core/access/key.ts';
import type { Project } from '../../core/access/project.ts';
import { createProject, defaultProjectId } from '../../core/access/project.ts';

/** Projects and keys in this process's memory. */
export function createMemoryDirectory(): Directory {
  const projectById = new Map<string, Project>([[defaultProjectId, createProject({ id: defaultProjectId, nowMs: 0 })]]);
  const keyById = new Map<string, StoredKey>();
  const endedByProject = new Map<string, Map<string, number>>();
  const keysOf = (projectId: string): StoredKey[] =>
    [...keyById.values()]
      .filter((key) => key.projectId === projectId)
      .sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  return {
    listProjects: async () => [...projectById.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    getProject: async (projectId) => projectById.get(projectId) ?? null,
    putProject: async (project) => void projectById.set(project.id, project),
    hasKeys: async () => keyById.size > 0,
    putKey: async (key) =>
      void keyById.set(key.id, { ...key, revokedAtMs: keyById.get(key.id)?.revokedAtMs ?? key.revokedAtMs }),
    findKey: async (projectId, keyId) => keysOf(projectId).find(({ id }) => id === keyId) ?? null,
    listKeys: async (projectId) => keysOf(projectId).map(toApiKey),
    async endSession(projectId, { id, expiresAtMs }, nowMs) {
      const ended = [...(endedByProject.get(projectId) ?? []), [id, expiresAtMs] as const]
        .filter(([, untilMs]) => untilMs > nowMs)
        .sort(([, a], [, b]) => b - a);
      endedByProject.set(projectId, new Map(ended.slice(0, endedSessionsMax)));
    },
    isSessionEnded: async (projectId, sessionId) => endedByProject.get(projectId)?.has(sessionId) === true,
  };
}
