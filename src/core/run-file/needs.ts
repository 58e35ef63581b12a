import type { Content } from '../content/content.ts';
import type { ContextNode } from '../content/context.ts';
import { nodeIdOf, rootNodeId } from '../content/context.ts';
import type { RecordedEvent } from '../record/event.ts';
import type { StoreReader } from '../store.ts';
import type { NamedContext } from '../verify/contents.ts';
import { namedBy } from '../verify/contents.ts';
import type { RunFileLine } from './line.ts';

/** What the file has so far. */
export interface Written {
  readonly contentIds: Set<string>;
  readonly nodeIds: Set<string>;
}

/** What a page of events names, read from the store: contents by id, each once, and nodes by tip, from one that comes before. */
export interface PageContents {
  readonly contentById: ReadonlyMap<string, Content>;
  /** `null` for a tip that no path leads to. */
  readonly nodesByTip: ReadonlyMap<string, readonly ContextNode[] | null>;
}

/** Where contents are read from. */
export interface NeedsSource {
  readonly store: StoreReader;
  readonly projectId: string;
  readonly runId: string;
}

/** Reads what pages of events need, page after page. */
export interface NeedsReader {
  readPage(page: readonly RecordedEvent[]): Promise<PageContents>;
}

/** Contexts that the next one may continue: a conversation, its tools, a body or two. */
const recentMax = 4;

interface Tip {
  readonly nodeId: string;
  readonly length: number;
}

/** True for nodes that lead from the root to the tip; others can be told to nobody. */
function isPath(nodes: readonly ContextNode[], tip: string): boolean {
  let parentId = rootNodeId;
  for (const node of nodes) {
    if (node.parentId !== parentId || nodeIdOf(parentId, node.contentId) !== node.id) return false;
    parentId = node.id;
  }
  return nodes.length > 0 && parentId === tip;
}

/** Nodes that append contents to a context. */
function appendNodes({ nodeId, length }: Tip, contents: readonly Content[]): ContextNode[] {
  const nodes: ContextNode[] = [];
  let parentId = nodeId;
  for (const { id: contentId } of contents) {
    const id = nodeIdOf(parentId, contentId);
    nodes.push({ id, parentId, contentId, depth: length + nodes.length + 1 });
    parentId = id;
  }
  return nodes;
}

/**
 * A reader of what events need. A context that continues a recent one is read from where it continues, since reading each
 * whole makes a run of n steps cost n². `isInOrder` promises that events are written in the order in which they are read;
 * without it every context is read whole.
 */
export function createNeedsReader(source: NeedsSource, written: Written, isInOrder: boolean): NeedsReader {
  const { store, projectId, runId } = source;
  let recent: Tip[] = [];

  const readOn = async (
    { nodeId, length }: NamedContext,
    contentById: Map<string, Content>,
  ): Promise<readonly ContextNode[] | null> => {
    if (!isInOrder || length === null) return null;
    for (const tip of recent.filter((each) => each.length < length)) {
      const contents = await store.readContext(projectId, runId, nodeId, { from: tip.length });
      const nodes = appendNodes(tip, contents);
      if (nodes.at(-1)?.id !== nodeId) continue;
      for (const content of contents) contentById.set(content.id, content);
      return nodes;
    }
    return null;
  };

  const readWhole = async (nodeId: string): Promise<readonly ContextNode[] | null> => {
    const nodes = await store.readContextNodes(projectId, runId, nodeId);
    return isPath(nodes, nodeId) ? nodes : null;
  };

  return {
    async readPage(page) {
      const wanted = new Set<string>();
      const contentById = new Map<string, Content>();
      const nodesByTip = new Map<string, readonly ContextNode[] | null>();
      const want = (id: string): void => {
        if (!written.contentIds.has(id) && !contentById.has(id)) wanted.add(id);
      };
      for (const event of page) {
        const { contentIds, contexts } = namedBy(event);
        contentIds.forEach(want);
        for (const named of contexts) {
          const { nodeId, length } = named;
          if (written.nodeIds.has(nodeId) || nodesByTip.has(nodeId)) continue;
          const nodes = (await readOn(named, contentById)) ?? (await readWhole(nodeId));
          nodesByTip.set(nodeId, nodes);
          for (const node of nodes ?? []) want(node.contentId);
          if (nodes !== null && nodes.at(-1)!.depth === length)
            recent = [{ nodeId, length }, ...recent].slice(0, recentMax);
        }
      }
      const contents = await store.readContents(projectId, runId, [...wanted]);
      for (const content of contents) contentById.set(content.id, content);
      return { contentById, nodesByTip };
    },
  };
}

/** The lines that an event needs before it: what it names and the file does not have yet. */
export function* needsToLines(event: RecordedEvent, page: PageContents, written: Written): Generator<RunFileLine> {
  function* contentLine(id: string): Generator<RunFileLine> {
    if (written.contentIds.has(id)) return;
    written.contentIds.add(id);
    const content = page.contentById.get(id);
    yield content === undefined ? { kind: 'absent', what: 'content', id } : { kind: 'content', content };
  }
  const { contentIds, contexts } = namedBy(event);
  for (const id of contentIds) yield* contentLine(id);
  for (const { nodeId } of contexts) {
    if (written.nodeIds.has(nodeId)) continue;
    const nodes = page.nodesByTip.get(nodeId) ?? null;
    if (nodes === null) {
      written.nodeIds.add(nodeId);
      yield { kind: 'absent', what: 'context', id: nodeId };
      continue;
    }
    const fresh = nodes.slice(nodes.findLastIndex(({ id }) => written.nodeIds.has(id)) + 1);
    for (const node of fresh) {
      yield* contentLine(node.contentId);
      written.nodeIds.add(node.id);
    }
    yield {
      kind: 'context',
      tip: nodeId,
      parentId: fresh[0]!.parentId,
      contentIds: fresh.map((node) => node.contentId),
    };
  }
}
