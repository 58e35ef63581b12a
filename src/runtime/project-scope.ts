import { AsyncLocalStorage } from 'node:async_hooks';
import { TachographError } from '../core/error.ts';

const storage = new AsyncLocalStorage<string>();

/** Runs `fn`, and all that it begins, in the scope of a project. */
export function inProject<T>(projectId: string, fn: () => T): T {
  if (projectId === '') throw new TachographError('E-TENANT-001', 'A project without a name has no work.');
  return storage.run(projectId, fn);
}

/** The project that the work around the caller belongs to: the one named, else the one in scope. `E-TENANT-001` without either. */
export function projectInScope(projectId?: string | null): string {
  const found = projectId ?? storage.getStore();
  if (found !== undefined && found !== '') return found;
  throw new TachographError(
    'E-TENANT-001',
    'This work belongs to no project: name one, or do it inside inProject(projectId, …) or a run.',
  );
}
