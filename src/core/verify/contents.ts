import type { Content } from '../content/content.ts';
import { isContentIntact } from '../content/content.ts';
import type { ContextNode } from '../content/context.ts';
import { nodeIdOf } from '../content/context.ts';
import { objectField, payloadOf, textField } from '../import/reading.ts';
import type { BodyRef } from '../model/attempt.ts';
import type { RecordedEvent } from '../record/event.ts';
import type { Finding } from './verdict.ts';

/** The contents and contexts that an event names, each by id. */
export interface Named {
  readonly contentIds: readonly string[];
  readonly nodeIds: readonly string[];
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
  if (type === 'log' || type === 'error') return { contentIds: [], nodeIds: [] };
  const bodies = [
    objectField<BodyRef>(payload, 'body'),
    objectField<{ body?: BodyRef }>(payload, 'request')?.body ?? null,
  ];
  const contentIds = [
    ...contentFields.map((key) => textField(payload, key)),
    ...bodies.map((body) => body?.contentId ?? null),
  ].filter((id): id is string => id !== null && id.length === 64);
  const nodeIds = [
    textField(payload, 'context'),
    textField(payload, 'tools'),
    ...bodies.map((body) => body?.nodeId ?? null),
  ].filter((id): id is string => id !== null);
  return { contentIds, nodeIds };
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

/** Checks that nodes, root first, lead to the node an event names. */
export function checkNodes(event: RecordedEvent, id: string, nodes: readonly ContextNode[]): Finding | null {
  if (nodes.length === 0)
    return missing(event, `Context ${id.slice(0, 16)}… named by event ${event.header.n} is not in the store.`);
  const isLinked = nodes.every((node) => nodeIdOf(node.parentId, node.contentId) === node.id);
  const isPath = nodes.every((node, index) => index === 0 || node.parentId === nodes[index - 1]!.id);
  if (isLinked && isPath && nodes.at(-1)!.id === id) return null;
  return edited(event, `Context ${id.slice(0, 16)}… named by event ${event.header.n} is not what was recorded.`);
}
