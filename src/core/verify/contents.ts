import type { Content } from '../content/content.ts';
import { isContentIntact } from '../content/content.ts';
import type { ContextNode } from '../content/context.ts';
import { nodeIdOf, rootNodeId } from '../content/context.ts';
import { digestField, numberField, objectField, payloadOf } from '../import/reading.ts';
import type { RecordedEvent } from '../record/event.ts';
import type { Finding } from './verdict.ts';

/** A context that an event names by its tip. */
export interface NamedContext {
  readonly nodeId: string;
  /** How long it is, where the event says so. */
  readonly length: number | null;
}

/** The contents and contexts that an event names, each by id. */
export interface Named {
  readonly contentIds: readonly string[];
  readonly contexts: readonly NamedContext[];
}

const contentFields = [
  'inputs',
  'environment',
  'output',
  'firstUserMessage',
  'args',
  'request',
  'response',
  'result',
] as const;

/** What an event's payload names; nothing once it is erased. */
export function namedBy(event: RecordedEvent): Named {
  const payload = payloadOf(event);
  const { type } = event.header;
  if (type === 'log' || type === 'error') return { contentIds: [], contexts: [] };
  const request = objectField(payload, 'request') ?? {};
  const bodies = [objectField(payload, 'body') ?? {}, objectField(request, 'body') ?? {}];
  const contentIds = [
    ...contentFields.map((key) => digestField(payload, key)),
    ...bodies.map((body) => digestField(body, 'contentId')),
  ].filter((id) => id !== null);
  const contexts = [
    { nodeId: digestField(payload, 'context'), length: numberField(payload, 'contextLength') },
    { nodeId: digestField(payload, 'tools'), length: null },
    ...bodies.map((body) => ({ nodeId: digestField(body, 'nodeId'), length: numberField(body, 'pieces') })),
  ].filter((named): named is NamedContext => named.nodeId !== null);
  return { contentIds, contexts };
}

function edited(event: RecordedEvent, message: string): Finding {
  return { verdict: 'edited', writerId: event.header.writerId, n: event.header.n, message };
}

function missing(event: RecordedEvent, message: string): Finding {
  return { verdict: 'missing', writerId: event.header.writerId, n: event.header.n, message };
}

/** Checks one content named by an event; an absent one is a finding unless parts of the run were erased. */
export function checkContent(event: RecordedEvent, id: string, content: Content | undefined): Finding | null {
  if (content === undefined)
    return missing(event, `Content ${id.slice(0, 16)}… named by event ${event.header.n} is not in the store.`);
  if (content.id === id && isContentIntact(content)) return null;
  return edited(event, `Content ${id.slice(0, 16)}… named by event ${event.header.n} is not what was recorded.`);
}

/** Checks that nodes, root first, are the whole path from the root to the node an event names. */
export function checkNodes(
  event: RecordedEvent,
  { nodeId, length }: NamedContext,
  nodes: readonly ContextNode[],
): Finding | null {
  if (nodes.length === 0)
    return missing(event, `Context ${nodeId.slice(0, 16)}… named by event ${event.header.n} is not in the store.`);
  const isLinked = nodes.every((node) => nodeIdOf(node.parentId, node.contentId) === node.id);
  // The depth is in no hash, and readers go by it: a node at another depth hides what stands before it.
  const isPath = nodes.every(
    (node, index) =>
      node.parentId === (index === 0 ? rootNodeId : nodes[index - 1]!.id) && (node.depth as unknown) === index + 1,
  );
  const isWhole = length === null || nodes.length === length;
  if (isLinked && isPath && isWhole && nodes.at(-1)!.id === nodeId) return null;
  return edited(event, `Context ${nodeId.slice(0, 16)}… named by event ${event.header.n} is not what was recorded.`);
}
