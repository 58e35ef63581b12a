import type { RunStart, StepStart } from '../../core/record/recording.ts';
import type { SpanShape } from '../spans/span.ts';
import type { MastraSpan } from './vendor.ts';
import { toFields, toText } from './vendor.ts';

/** What of a span its user asked to keep back. */
export interface Withheld {
  readonly inputs: boolean;
  readonly outputs: boolean;
}

const runTypes = new Set(['agent_run', 'workflow_run']);
const toolTypes = new Set(['tool_call', 'mcp_tool_call', 'provider_tool_call', 'client_tool_call']);

/** True for what is a run of its own: an agent's or a workflow's. */
export const isRunSpan = (span: MastraSpan): boolean => runTypes.has(span.type);

/** True for a call of a tool, wherever it runs. */
export const isToolSpan = (span: MastraSpan): boolean => toolTypes.has(span.type);

/** Ids and tags by which a run of Mastra is found again in its own words. */
function toLabels(span: MastraSpan): Record<string, string> {
  const metadata = toFields(span.metadata) ?? {};
  const labels: Record<string, string> = {};
  const known = { runId: metadata['runId'], resumedFrom: metadata['resumedFromSpanId'] };
  for (const [name, value] of Object.entries(known)) {
    const text = toText(value);
    if (text !== undefined) labels[`mastra.${name}`] = text;
  }
  if (span.tags !== undefined && span.tags.length > 0) labels['mastra.tags'] = span.tags.join(',');
  return labels;
}

/** The run that a span is, or that is made for a span which has none around it. */
export function spanToRunStart(span: MastraSpan, withheld: Withheld): Omit<RunStart, 'parent'> {
  const attributes = toFields(span.attributes) ?? {};
  const metadata = toFields(span.metadata) ?? {};
  const sessionId =
    toText(attributes['conversationId']) ?? toText(metadata['threadId']) ?? toText(metadata['sessionId']);
  const endUserId = toText(metadata['resourceId']);
  const callerId = toText(metadata['userId']);
  const labels = toLabels(span);
  return {
    agentId: span.entityId ?? span.name,
    capture: 'mastra',
    ...(span.type === 'workflow_run' ? { kind: 'workflow' } : {}),
    ...(span.entityName === undefined ? {} : { name: span.entityName }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(endUserId === undefined ? {} : { endUserId }),
    ...(callerId === undefined ? {} : { callerId }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(/^[0-9a-f]{32}$/.test(span.traceId) ? { traceId: span.traceId } : {}),
    spanId: span.id,
    ...(span.input === undefined || withheld.inputs ? {} : { inputs: span.input }),
  };
}

function toToolShape(span: MastraSpan, withheld: Withheld): SpanShape {
  const attributes = toFields(span.attributes) ?? {};
  const { toolCallId, success: _success, ...metadata } = attributes;
  const callId = toText(toolCallId);
  return {
    as: 'tool',
    start: {
      name: span.entityId ?? span.name,
      ...(callId === undefined ? {} : { callId }),
      ...(withheld.inputs ? { inputsWithheld: true } : span.input === undefined ? {} : { args: span.input }),
      ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
      // Put together from the answer when its result had come.
      ...(span.type === 'provider_tool_call' ? { observedAfter: true } : {}),
    },
  };
}

function toPlainStep(span: MastraSpan, withheld: Withheld): StepStart {
  const attributes = toFields(span.attributes) ?? {};
  const provider = toText(attributes['provider']);
  const model = toText(attributes['model']);
  const asked = withheld.inputs ? { inputsWithheld: true } : span.input === undefined ? {} : { request: span.input };
  if (span.type !== 'rag_embedding')
    return { kind: 'phase', name: span.name, metadata: { spanType: span.type, ...attributes }, ...asked };
  return {
    kind: 'model',
    operation: 'embed',
    ...(provider === undefined ? {} : { provider }),
    ...(model === undefined ? {} : { model }),
    ...asked,
  };
}

/** What a span is in the record. A model's generation is nothing of its own: its calls are steps. */
export function spanToShape(span: MastraSpan, withheld: Withheld): SpanShape {
  if (isRunSpan(span)) return { as: 'run', start: spanToRunStart(span, withheld) };
  if (isToolSpan(span)) return toToolShape(span, withheld);
  if (span.type === 'model_generation') return { as: 'through' };
  return { as: 'step', start: toPlainStep(span, withheld) };
}
