import type { Directory } from '../../core/access/directory.ts';
import type { Project } from '../../core/access/project.ts';
import { createProject } from '../../core/access/project.ts';
import type { Clock } from '../../core/clock.ts';
import type { RunMode, RunModeRequest } from '../../core/work/shadow/run-mode.ts';
import { toRunMode } from '../../core/work/shadow/run-mode.ts';

/** A project's mode is asked for again after so long: by then a switch to shadow holds for every run that is created. */
const knownMs = 1000;

interface Known {
  readonly project: Promise<Project>;
  readonly sinceMs: number;
}

const knownByDirectory = new WeakMap<Directory, Map<string, Known>>();

function readProject(directory: Directory, projectId: string, nowMs: number): Promise<Project> {
  const byProject = knownByDirectory.get(directory) ?? new Map<string, Known>();
  knownByDirectory.set(directory, byProject);
  const known = byProject.get(projectId);
  if (known !== undefined && nowMs - known.sinceMs < knownMs) return known.project;
  // A project that nobody made acts as one that was just made: in shadow, but for the one that is always there.
  const project = directory.getProject(projectId).then((found) => found ?? createProject({ id: projectId, nowMs: 0 }));
  byProject.set(projectId, { project, sinceMs: nowMs });
  project.catch(() => byProject.delete(projectId));
  return project;
}

/**
 * How far runs of a project may act, by its mode as it stands, at most a second old. Rejects when the directory cannot be
 * read: a run whose mode is not known is not created.
 */
export async function readRunMode(
  of: { readonly directory: Directory; readonly clock: Clock },
  projectId: string,
  isAgentShadow = false,
): Promise<(run: RunModeRequest['run']) => RunMode> {
  const project = await readProject(of.directory, projectId, of.clock.monotonicMs());
  return (run) => toRunMode({ project, isAgentShadow, run });
}
