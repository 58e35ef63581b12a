import { hash } from 'node:crypto';
import type { StepFinish, StepStart } from '../../core/record/recording.ts';
import { answerToFinishReason, outputToCalls, outputToParts, parseUsage } from './response.ts';
import type { AskedCall } from './response.ts';
import { toEnding } from './span-failure.ts';
import type { Fields, VendorSpan } from './vendor.ts';
import { toFields, toFieldsList, toText } from './vendor.ts';

/** Sound is recorded by its digest and size. */
function toFile(sound: unknown): unknown {
  const fields = toFields(sound);
  const data = toText(fields?.['data']);
  if (fields === null || data === null) return null;
  const bytes = Buffer.from(data, 'base64');
  const mediaType = `audio/${toText(fields['format']) ?? 'pcm'}`;
  return { type: 'file', mediaType, bytes: bytes.length, digest: hash('sha256', bytes) };
}

const named = (data: Fields, key: string, otherwise: string): string => toText(data[key]) ?? otherwise;

const withOptions = (data: Fields): Partial<StepStart> => {
  const options = toFields(data['model_config']);
  const told = Object.entries(options ?? {}).filter(([, value]) => value !== undefined && value !== null);
  return {
    ...(toText(data['model']) === null ? {} : { model: String(data['model']) }),
    ...(told.length === 0 ? {} : { options: Object.fromEntries(told) }),
  };
};

const startByType: Readonly<Record<string, (data: Fields) => StepStart>> = {
  agent: (data) => ({ kind: 'phase', operation: 'agent', name: named(data, 'name', 'agent') }),
  handoff: (data) => ({ kind: 'phase', operation: 'handoff', name: 'handoff', request: { from: data['from_agent'] } }),
  guardrail: (data) => ({ kind: 'phase', operation: 'guardrail', name: named(data, 'name', 'guardrail') }),
  mcp_tools: (data) => ({ kind: 'phase', operation: 'mcp_tools', name: named(data, 'server', 'mcp') }),
  custom: (data) => ({ kind: 'phase', operation: 'custom', name: named(data, 'name', 'custom') }),
  response: () => ({ kind: 'model', operation: 'generate', provider: 'openai' }),
  generation: (data) => ({ kind: 'model', operation: 'generate', ...withOptions(data) }),
  transcription: (data) => ({
    kind: 'model',
    operation: 'transcribe',
    ...withOptions(data),
    request: toFile(data['input']),
  }),
  speech: (data) => ({ kind: 'model', operation: 'speech', ...withOptions(data), request: data['input'] }),
};

/** What a span's step begins with. A kind of span that is not known here is a phase of that name. */
export function spanToStart({ spanData }: VendorSpan): StepStart {
  const toStart = startByType[spanData.type];
  return toStart === undefined
    ? { kind: 'phase', operation: spanData.type, name: spanData.type }
    : toStart(spanData as SpanFields);
}

type SpanFields = VendorSpan['spanData'] & Fields;

/** The provider's own answer that a span brings, whole; `null` when it was not told. */
function answerOf(data: Fields): Fields | null {
  return toFields(data['_response']) ?? toFieldsList(data['output'])[0] ?? null;
}

/** The items of an answer: of the responses API, of the message of a chat completion, or the SDK's own. */
function itemsOf(data: Fields): readonly unknown[] {
  const answer = answerOf(data);
  if (Array.isArray(answer?.['output'])) return answer['output'] as readonly unknown[];
  const message = toFields(toFieldsList(answer?.['choices'])[0]?.['message']);
  if (message === null) return toFieldsList(data['output']);
  const calls = toFieldsList(message['tool_calls']).map((call) => ({
    type: 'function_call',
    call_id: call['id'],
    ...toFields(call['function']),
  }));
  const text = toText(message['content']) ?? toText(message['refusal']);
  return [...(text === null ? [] : [{ type: 'message', content: [{ type: 'output_text', text }] }]), ...calls];
}

/** The tools that the answer of a model's span asks for. */
export function spanToCalls({ spanData }: VendorSpan): readonly AskedCall[] {
  return outputToCalls(itemsOf(spanData as SpanFields));
}

/** The items of the answer that a model's span brings. */
export function spanToItems({ spanData }: VendorSpan): readonly unknown[] {
  return itemsOf(spanData as SpanFields);
}

function modelFinish(data: Fields): Partial<StepFinish> {
  const answer = answerOf(data);
  const items = itemsOf(data);
  const usageRaw = answer?.['usage'] ?? data['usage'];
  const finishReason = answerToFinishReason(answer, outputToCalls(items).length > 0);
  const responseId = toText(data['response_id']) ?? toText(answer?.['id']);
  const model = toText(answer?.['model']) ?? toText(data['model']);
  return {
    // Without an answer nothing is known of its words: the SDK was told to keep them to itself, or none came.
    ...(answer === null ? {} : { response: outputToParts(items) }),
    ...(model === null ? {} : { model }),
    ...(responseId === null ? {} : { providerResponseId: responseId }),
    ...(finishReason === null ? {} : { finishReason }),
    usage: parseUsage(usageRaw),
    ...(usageRaw === undefined ? {} : { usageRaw }),
  };
}

const finishByType: Readonly<Record<string, (data: Fields) => Partial<StepFinish>>> = {
  agent: ({ tools, handoffs, output_type: outputType }) => ({ metadata: { tools, handoffs, outputType } }),
  handoff: (data) => ({ result: { from: data['from_agent'], to: data['to_agent'] } }),
  guardrail: (data) => ({ result: { triggered: data['triggered'] } }),
  mcp_tools: (data) => ({ result: data['result'] ?? [] }),
  custom: (data) => (data['data'] === undefined ? {} : { result: data['data'] }),
  response: modelFinish,
  generation: modelFinish,
  transcription: (data) => ({ response: [{ type: 'text', text: data['output'] ?? '' }], usage: null }),
  speech: (data) => ({ response: [toFile(data['output'])], usage: null }),
};

/** What a span's step ends with. */
export function spanToFinish(span: VendorSpan): StepFinish {
  const toFinish = finishByType[span.spanData.type];
  const { type: _type, ...rest } = span.spanData as SpanFields;
  return { ...(toFinish === undefined ? { metadata: rest } : toFinish(rest)), ...toEnding(span.error) };
}
