import type { ApiKey, StoredKey } from './key.ts';
import type { Project } from './project.ts';

/**
 * Where projects and keys rest, beside the records. Every answer is of one project, but `listProjects` and `hasKeys`, which
 * only the server itself and the command line ask. The project `default` is always there.
 */
export interface Directory {
  listProjects(): Promise<readonly Project[]>;
  getProject(projectId: string): Promise<Project | null>;
  /** Adds a project, or puts it in the place of the one with its id. */
  putProject(project: Project): Promise<void>;
  /** True once any key was ever made, revoked ones included: from then on a server asks for one. */
  hasKeys(): Promise<boolean>;
  /** Adds a key, or puts it in the place of the one with its id. One that was revoked stays so, whatever is put. */
  putKey(key: StoredKey): Promise<void>;
  findKey(projectId: string, keyId: string): Promise<StoredKey | null>;
  /** Oldest first, revoked and expired ones included. */
  listKeys(projectId: string): Promise<readonly ApiKey[]>;
}
