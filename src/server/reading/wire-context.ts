import type { ContextNode } from '../../core/content/context.ts';
import { toMessage, toParts } from '../../core/content/message.ts';
import type { StepView } from '../../core/model/step.ts';
import type { Surroundings } from '../surroundings.ts';
import type { WireContent, WireContext, WireMessage } from '../wire.ts';
import { readWireContents } from './wire-content.ts';

type Around = Pick<Surroundings, 'store' | 'projectId'>;

/** Steps looked back at for the context that a step continues. */
const lookBackMax = 200;

/** How a context stands to the one before it: how many messages it shares, and what followed them there. */
interface Continuation {
  readonly shared: number;
  /** Content ids of the previous context past the shared ones. */
  readonly left: readonly string[];
}

const nothingShared: Continuation = { shared: 0, left: [] };

async function readNodes(around: Around, runId: string, nodeId: string | null): Promise<readonly ContextNode[]> {
  return nodeId === null ? [] : around.store.readContextNodes(around.projectId, runId, nodeId);
}

/**
 * Finds the context that a step continues: the nearest earlier model step whose whole context is a beginning of this
 * one, so that conversations which interleave in a run are told apart; failing that, the step its prefix break names,
 * or else the nearest model step.
 */
async function findContinuation(around: Around, step: StepView, nodes: readonly ContextNode[]): Promise<Continuation> {
  const fromNumber = Math.max(1, step.number - lookBackMax);
  const limit = step.number - fromNumber;
  const before = limit === 0 ? [] : await around.store.listSteps(around.projectId, step.runId, { fromNumber, limit });
  const candidates = before.filter((other) => other.kind === 'model' && other.contextNodeId !== null).reverse();
  const depthByNode = new Map(nodes.map((node, at) => [node.id, at + 1]));
  for (const { contextNodeId } of candidates) {
    const shared = depthByNode.get(contextNodeId!);
    if (shared !== undefined) return { shared, left: [] };
  }
  const previous = candidates.find((other) => other.id === step.prefixBreak?.previousStepId) ?? candidates[0];
  if (previous === undefined) return nothingShared;
  const others = await readNodes(around, step.runId, previous.contextNodeId);
  const differsAt = others.findIndex((node, at) => node.id !== nodes[at]?.id);
  const shared = differsAt === -1 ? others.length : differsAt;
  return { shared, left: others.slice(shared).map((node) => node.contentId) };
}

/** True for each message that the previous context did not hold; a message repeated is new again. */
function findNew(nodes: readonly ContextNode[], continuation: Continuation): readonly boolean[] {
  const countById = new Map<string, number>();
  for (const id of continuation.left) countById.set(id, (countById.get(id) ?? 0) + 1);
  return nodes.map(({ contentId }, at) => {
    if (at < continuation.shared) return false;
    const count = countById.get(contentId) ?? 0;
    if (count > 0) countById.set(contentId, count - 1);
    return count === 0;
  });
}

function toWireMessage(content: WireContent, place: { index: number; isNew: boolean; mark: unknown }): WireMessage {
  // No JSON, or nested too deep to be read as a message: shown as its text.
  const { role, parts } =
    content.value === null ? { role: 'other', parts: toParts(content.raw) } : toMessage(content.value);
  return {
    index: place.index,
    contentId: content.contentId,
    role,
    parts,
    raw: content.raw,
    isNew: place.isNew,
    mark: place.mark,
  };
}

const textOr = (value: unknown): string | null => (typeof value === 'string' ? value : null);

function toWireTool(content: WireContent): WireContext['tools'][number] {
  const value = (typeof content.value === 'object' && content.value !== null ? content.value : {}) as Record<
    string,
    unknown
  >;
  const nested = value['function'];
  const tool = (typeof nested === 'object' && nested !== null ? nested : value) as Record<string, unknown>;
  return {
    contentId: content.contentId,
    name: textOr(tool['name']) ?? textOr(value['name']) ?? textOr(value['type']),
    description: textOr(tool['description']),
    raw: content.raw,
  };
}

/** What a model step saw, from message `from` on: messages, tools, and where what is new begins. */
export async function readWireContext(around: Around, step: StepView, from: number): Promise<WireContext> {
  const nodes = await readNodes(around, step.runId, step.contextNodeId);
  const toolNodes = await readNodes(around, step.runId, step.toolsNodeId);
  const continuation = await findContinuation(around, step, nodes);
  const isNew = findNew(nodes, continuation);
  const shown = nodes.slice(from);
  const contents = await readWireContents(
    around,
    step.runId,
    [...shown, ...toolNodes].map((node) => node.contentId),
  );
  const markByIndex = new Map(step.contextMarks.map(({ index, value }) => [index, value]));
  const messages = shown.flatMap((node, offset) => {
    const index = from + offset;
    const content = contents.get(node.contentId);
    return content === undefined
      ? []
      : [toWireMessage(content, { index, isNew: isNew[index]!, mark: markByIndex.get(index) ?? null })];
  });
  const tools = toolNodes.flatMap((node) => contents.get(node.contentId) ?? []).map(toWireTool);
  const length = Math.max(step.contextLength ?? 0, nodes.length);
  return {
    messages,
    tools,
    newFrom: continuation.shared,
    length,
    missing: Math.max(0, length - from) - messages.length + (toolNodes.length - tools.length),
  };
}
