import type { SpanShape } from '../spans/span.ts';
import { toPlain } from './map/message.ts';
import { classOf } from './map/request.ts';
import { toFields, toText } from './vendor.ts';

// LangChain tells of every runnable as a chain. In the record
//
//   the outermost one, and every graph or agent inside   a run
//   a node of a graph                                    a phase
//   all else: sequences, lambdas, writes, branches       nothing; what is below hangs on what is above

/** A chain as LangChain announces it. */
export interface ChainStart {
  readonly chain: unknown;
  readonly inputs: unknown;
  readonly tags: unknown;
  readonly metadata: unknown;
  readonly name: unknown;
  /** Its inputs are a stream: LangChain tells them with its end. */
  readonly isDeferred: boolean;
}

const graphClasses = /(?:^|\b)(?:Compiled(?:State)?Graph|Pregel|RemoteGraph|AgentExecutor|ReactAgent)$/;

const tagsOf = (tags: unknown): readonly string[] =>
  Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];

/** The user's own metadata; what LangChain and LangGraph add for themselves has these beginnings. */
const theirs = /^(?:ls_|langgraph_|checkpoint|__|thread_id$|versions$|run_id$|lc_)/;

function toLabels(metadata: unknown, tags: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(toFields(metadata) ?? {}))
    if (!theirs.test(key) && ['string', 'number', 'boolean'].includes(typeof value)) labels[key] = String(value);
  const own = tags.filter((tag) => !/^(?:graph|seq|map|branch|condition):|^langsmith:/.test(tag));
  if (own.length > 0) labels['tags'] = own.join(',');
  return labels;
}

/** The conversation that a run belongs to: LangGraph's thread. */
export function sessionOf(metadata: unknown): { sessionId?: string } {
  const thread = toFields(metadata)?.['thread_id'] ?? toFields(metadata)?.['session_id'];
  return typeof thread === 'string' || typeof thread === 'number' ? { sessionId: String(thread) } : {};
}

function toRun(start: ChainStart, name: string): SpanShape {
  const labels = toLabels(start.metadata, tagsOf(start.tags));
  return {
    as: 'run',
    start: {
      agentId: name,
      name,
      capture: 'langchain',
      ...(start.isDeferred ? {} : { inputs: toPlain(start.inputs) }),
      ...sessionOf(start.metadata),
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
    },
  };
}

/** What a chain is, given whether the chain around it is known. */
export function toChainShape(start: ChainStart, hasParent: boolean): SpanShape {
  const tags = tagsOf(start.tags);
  const metadata = toFields(start.metadata) ?? {};
  const name = toText(start.name) ?? classOf(start.chain) ?? 'langchain';
  if (!hasParent || graphClasses.test(classOf(start.chain) ?? '')) return toRun(start, name);
  const isNode = tags.some((tag) => tag.startsWith('graph:step:'));
  if (!isNode || tags.includes('langsmith:hidden')) return { as: 'through' };
  const number = metadata['langgraph_step'];
  const triggers = metadata['langgraph_triggers'];
  return {
    as: 'step',
    start: { kind: 'phase', name, metadata: { langgraphStep: number, langgraphTriggers: triggers } },
  };
}

const isUserMessage = (message: unknown): boolean => toFields(message)?.['role'] === 'user';

/**
 * What a run gave back. Of a conversation only what came after the last words of the user: the rest is in the steps'
 * contexts, and would be stored again with every turn.
 */
export function toRunOutput(outputs: unknown): unknown {
  const plain = toPlain(outputs);
  const fields = toFields(plain);
  const messages = fields?.['messages'];
  if (fields === null || !Array.isArray(messages)) return plain;
  return { ...fields, messages: messages.slice(messages.findLastIndex(isUserMessage) + 1) };
}

/** What a node gave back besides messages, which its steps hold; `undefined` when there is nothing else. */
export function toNodeResult(outputs: unknown): unknown {
  const fields = toFields(toPlain(outputs));
  if (fields === null) return outputs ?? undefined;
  const { messages, ...rest } = fields;
  const result = Array.isArray(messages) ? rest : fields;
  return Object.keys(result).length === 0 ? undefined : result;
}
