import type { Content } from '../../core/content/content.ts';
import type { ContextNode } from '../../core/content/context.ts';
import { rootNodeId } from '../../core/content/context.ts';
import type { ProjectState, RunState } from './state.ts';

/** Nodes of a context in order. One whose parent never arrived begins there; a hostile cycle is walked once. */
export function readContextNodes(project: ProjectState, run: RunState, nodeId: string): ContextNode[] {
  const nodeById = project.epochByNumber.get(run.epoch)?.nodeById;
  const path: ContextNode[] = [];
  const seen = new Set<string>();
  for (let id = nodeId; id !== rootNodeId && !seen.has(id);) {
    seen.add(id);
    const node = nodeById?.get(id);
    if (node === undefined) break;
    path.push(node);
    id = node.parentId;
  }
  return path.reverse();
}

/** Contents by id, of the run's epoch; missing ones are left out. */
export function readContents(project: ProjectState, run: RunState, ids: readonly string[]): Content[] {
  const contentById = project.epochByNumber.get(run.epoch)?.contentById;
  return ids.flatMap((id) => contentById?.get(id) ?? []);
}

/** Contents of a context in order, from index `from`; missing ones are left out. */
export function readContext(project: ProjectState, run: RunState, nodeId: string, from: number): Content[] {
  const ids = readContextNodes(project, run, nodeId)
    .filter((node) => node.depth > from)
    .map((node) => node.contentId);
  return readContents(project, run, ids);
}
