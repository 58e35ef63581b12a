import type { ApiKey, StoredKey } from './key.ts';
import type { Project } from './project.ts';

/** A signed-in page's session that was ended before its time. */
export interface EndedSession {
  readonly id: string;
  /** After this it is refused by itself, and forgotten here. */
  readonly expiresAtMs: number;
}

/** Ended sessions that are kept of a project at once; past them the one that expires first is forgotten. */
export const endedSessionsMax = 10_000;

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
  /** Ends a session, for every server; those that have expired by `nowMs` are forgotten. */
  endSession(projectId: string, session: EndedSession, nowMs: number): Promise<void>;
  isSessionEnded(projectId: string, sessionId: string): Promise<boolean>;
}
